// SPDX-License-Identifier: Apache-2.0
// kahan.h: sums that keep the bits plain addition loses.
#pragma once

#include <cmath>
#include <limits>

namespace firn::promql {

// Neumaier's variant of Kahan's compensated sum: the total is sum + compensation. Where
// the sum overflows the compensation is void, since it would only make a NaN of an
// infinity.
//
// The room is compiled without fused multiply-add: fusing across these additions would
// change results.
struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double term) {
    const double total = sum + term;
    if (std::isinf(total)) [[unlikely]] {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(term)) {
      compensation += (sum - total) + term;
    } else {
      compensation += (term - total) + sum;
    }
    sum = total;
  }
  double total() const { return sum + compensation; }
};

// A mean over values added one by one: the compensated sum by the count, as long as the
// sum does not overflow; from there on the mean itself is carried along.
class KahanMean {
 public:
  void Add(double value) {
    ++count_;
    if (count_ == 1) {
      state_ = {value, 0};
      return;
    }
    if (!incremental_) {
      KahanSum next = state_;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        state_ = next;
        return;
      }
      incremental_ = true;
      state_.sum /= count_ - 1;
      state_.compensation /= count_ - 1;
    }
    const double q = (count_ - 1) / count_;
    KahanSum next{q * state_.sum, q * state_.compensation};
    next.Add(value / count_);
    state_ = next;
  }
  double count() const { return count_; }
  // REQUIRES: count() > 0.
  double mean() const {
    if (incremental_) return state_.total();
    return state_.sum / count_ + state_.compensation / count_;
  }

 private:
  KahanSum state_;
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace firn::promql
