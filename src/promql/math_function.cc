// SPDX-License-Identifier: Apache-2.0
#include "promql/math_function.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace firn::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// NaN if either is, as Go's math.Min and math.Max have it.
double Smaller(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
double Larger(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return a > b || (a == b && std::signbit(b)) ? a : b;
}

template <typename Function>
void ForEachValue(Matrix& matrix, Function function) {
  for (Row& row : matrix.rows) {
    for (double& value : row.values) {
      if (!IsAbsent(value)) value = function(value);
    }
  }
}

// Calls `function(value, step)`.
template <typename Function>
void ForEachStep(Matrix& matrix, Function function) {
  for (Row& row : matrix.rows) {
    for (std::size_t s = 0; s < row.values.size(); ++s) {
      if (!IsAbsent(row.values[s])) row.values[s] = function(row.values[s], s);
    }
  }
}

void Clamp(FunctionId id, const std::vector<Column>& scalars, Matrix& matrix) {
  ForEachStep(matrix, [&](double value, std::size_t s) {
    const double lower = id == FunctionId::kClampMax ? -kInf : scalars[0].values[s];
    const double upper = id == FunctionId::kClampMin ? kInf
                         : id == FunctionId::kClamp  ? scalars[1].values[s]
                                                     : scalars[0].values[s];
    return upper < lower ? Absent() : Larger(lower, Smaller(upper, value));
  });
}

void Round(const std::vector<Column>& scalars, Matrix& matrix) {
  ForEachStep(matrix, [&](double value, std::size_t s) {
    // Multiplying by the inverse rounds less than dividing does.
    const double inverse = scalars.empty() ? 1.0 : 1.0 / scalars[0].values[s];
    return std::floor(value * inverse + 0.5) / inverse;
  });
}

}  // namespace

void ApplyMath(FunctionId id, const std::vector<Column>& scalars, Matrix& matrix) {
  using enum FunctionId;
  const auto apply = [&matrix](double (*function)(double)) {
    ForEachValue(matrix, function);
  };
  switch (id) {
    case kAbs:
      return apply(std::fabs);
    case kAcos:
      return apply(std::acos);
    case kAcosh:
      return apply(std::acosh);
    case kAsin:
      return apply(std::asin);
    case kAsinh:
      return apply(std::asinh);
    case kAtan:
      return apply(std::atan);
    case kAtanh:
      return apply(std::atanh);
    case kCeil:
      return apply(std::ceil);
    case kCos:
      return apply(std::cos);
    case kCosh:
      return apply(std::cosh);
    case kExp:
      return apply(std::exp);
    case kFloor:
      return apply(std::floor);
    case kLn:
      return apply(std::log);
    case kLog10:
      return apply(std::log10);
    case kLog2:
      return apply(std::log2);
    case kSin:
      return apply(std::sin);
    case kSinh:
      return apply(std::sinh);
    case kSqrt:
      return apply(std::sqrt);
    case kTan:
      return apply(std::tan);
    case kTanh:
      return apply(std::tanh);
    case kDeg:
      return apply([](double v) { return v * 180 / std::numbers::pi; });
    case kRad:
      return apply([](double v) { return v * std::numbers::pi / 180; });
    case kSgn:
      return apply([](double v) { return v < 0 ? -1.0 : v > 0 ? 1.0 : v; });
    case kRound:
      return Round(scalars, matrix);
    case kClamp:
    case kClampMax:
    case kClampMin:
      return Clamp(id, scalars, matrix);
    default:
      return;
  }
}

void ApplyScalarMath(FunctionId id, const std::vector<Column>& scalars, Column& result) {
  for (std::size_t s = 0; s < result.values.size(); ++s) {
    if (id == FunctionId::kPi) {
      result.values[s] = std::numbers::pi;
    } else {
      const double a = scalars[0].values[s];
      const double b = scalars[1].values[s];
      result.values[s] = id == FunctionId::kMinOf ? Smaller(a, b) : Larger(a, b);
    }
  }
}

}  // namespace firn::promql
