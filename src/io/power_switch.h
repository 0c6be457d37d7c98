// SPDX-License-Identifier: Apache-2.0
// power_switch.h: lets files and objects fail together, from one operation on.
//
// A crash simulation has its log on a MemoryFileSystem and its tables in a MemoryStore.
// Both take their fault hooks from one switch, which counts every operation of either;
// from the chosen one on, all of them fail. Then the simulation drops what held the
// file system and the store, removes the hooks, calls MemoryFileSystem::CutPower, and
// opens again. (Objects of a MemoryStore are durable or absent: it needs no cut.)
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "io/memory_file_system.h"
#include "io/memory_store.h"

namespace firn::io {

// Thread-safe. The hooks may outlive the switch.
class PowerSwitch {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // Operations number `good_operations` and later, counted from 0, fail with Unavailable.
  // With `last_happens` the first of them, if it changes a store, happens nevertheless:
  // the caller is told of a failure that was none, as when an answer is lost on the way.
  explicit PowerSwitch(std::uint64_t good_operations = kNever, bool last_happens = false);

  MemoryFileSystem::FaultHook FileHook() const;
  MemoryStore::FaultHook StoreHook() const;

  // Fail from the next operation on.
  void TurnOff();
  bool is_off() const;
  // Operations asked for so far, good or not. A first run without faults gives the range
  // to choose from.
  std::uint64_t operation_count() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace firn::io
