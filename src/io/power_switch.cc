// SPDX-License-Identifier: Apache-2.0
#include "io/power_switch.h"

namespace firn::io {

struct PowerSwitch::State {
  std::atomic<std::uint64_t> operation_count{0};
  std::atomic<std::uint64_t> good_operations{kNever};
  bool last_happens = false;

  // Count one operation. Sets `first` on the one that meets the power going.
  Status Count(bool& first) {
    const std::uint64_t index = operation_count.fetch_add(1);
    const std::uint64_t good = good_operations.load();
    first = index == good;
    return index < good ? Status() : Status::Unavailable("the power is off");
  }
};

PowerSwitch::PowerSwitch(std::uint64_t good_operations, bool last_happens)
    : state_(std::make_shared<State>()) {
  state_->good_operations = good_operations;
  state_->last_happens = last_happens;
}

MemoryFileSystem::FaultHook PowerSwitch::FileHook() const {
  return [state = state_](const FileOperation&) {
    bool first = false;
    return state->Count(first);
  };
}

MemoryStore::FaultHook PowerSwitch::StoreHook() const {
  return [state = state_](const StoreOperation&) {
    bool first = false;
    MemoryStore::Fault fault;
    fault.status = state->Count(first);
    fault.happens_anyway = first && state->last_happens;
    return fault;
  };
}

void PowerSwitch::TurnOff() { state_->good_operations = 0; }

bool PowerSwitch::is_off() const {
  return state_->operation_count.load() >= state_->good_operations.load();
}

std::uint64_t PowerSwitch::operation_count() const {
  return state_->operation_count.load();
}

}  // namespace firn::io
