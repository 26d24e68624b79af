// Arithmetic kernels and their resolution. Integers are checked; DECIMAL is exact and gives NULL where a result has
// more than 38 digits; floating point follows IEEE 754.
#include "expression/arithmetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "expression/decimal.h"
#include "weir/io/text_time.h"
#include "weir/simd/arithmetic.h"

namespace weir {

namespace {

using simd::ArithmeticOp;

Outcome overflow(KernelCall& call) {
  return call.fail(ErrorCode::kOverflow, "the result of " + std::string(call.expression->function->name) +
                                             " does not fit " + with_nullable(call.expression->type, true).to_string());
}

Outcome division_by_zero(KernelCall& call) {
  return call.fail(ErrorCode::kDivisionByZero, "division by zero");
}

template <typename T, ArithmeticOp kOp>
void arithmetic_kernel(KernelCall& call) {
  const Operand& left = call.arguments[0];
  const Operand& right = call.arguments[1];
  const auto* a = static_cast<const T*>(left.data);
  const auto* b = static_cast<const T*>(right.data);
  T* out = call.result->values<T>();
  const simd::Rows rows{call.range.count, call.range.rows, call.result->validity};
  std::uint32_t bad = simd::kNoRow;
  if (right.is_constant() && !left.is_constant())
    bad = simd::arithmetic<T>(kOp, a, *b, rows, out);
  else if (left.is_constant() && !right.is_constant())
    bad = simd::arithmetic<T>(kOp, *a, b, rows, out);
  else
    bad = simd::arithmetic<T>(kOp, a, b, rows, out);
  if (bad == simd::kNoRow) return;
  overflow(call);
  call.failed_row = bad;
}

template <typename T>
void negate_kernel(KernelCall& call) {
  const simd::Rows rows{call.range.count, call.range.rows, call.result->validity};
  const std::uint32_t bad =
      simd::negate<T>(static_cast<const T*>(call.arguments[0].data), rows, call.result->values<T>());
  if (bad == simd::kNoRow) return;
  overflow(call);
  call.failed_row = bad;
}

template <typename T>
void divide_kernel(KernelCall& call) {
  map_rows<T, T, T>(call, [&call](T& out, const T& a, const T& b) {
    if (b == 0) return division_by_zero(call);
    if (b == T{-1} && a == std::numeric_limits<T>::min()) return overflow(call);
    out = static_cast<T>(a / b);
    return Outcome::kValue;
  });
}

template <typename T>
void remainder_kernel(KernelCall& call) {
  map_rows<T, T, T>(call, [&call](T& out, const T& a, const T& b) {
    if (b == 0) return division_by_zero(call);
    out = b == T{-1} ? T{0} : static_cast<T>(a % b);  // the least integer % -1 traps
    return Outcome::kValue;
  });
}

template <typename T>
void float_remainder_kernel(KernelCall& call) {
  map_rows<T, T, T>(call, [](T& out, const T& a, const T& b) { out = std::fmod(a, b); });
}

enum class DecimalOp : std::uint8_t { kAdd, kSubtract, kMultiply, kDivide, kRemainder };

// A type of fewer than 38 digits holds every sum and product by its rule: neither checks nor rounding.
template <DecimalOp kOp>
void exact_decimal_kernel(KernelCall& call, int scale) {
  const Int128 left_unit = decimal::power_of_ten(std::max(scale - call.argument_type(0).scale, 0));
  const Int128 right_unit = decimal::power_of_ten(std::max(scale - call.argument_type(1).scale, 0));
  decimal::map_two(call, [&](Int128 a, Int128 b, Int128& out) {
    if constexpr (kOp == DecimalOp::kAdd) out = a * left_unit + b * right_unit;
    if constexpr (kOp == DecimalOp::kSubtract) out = a * left_unit - b * right_unit;
    if constexpr (kOp == DecimalOp::kMultiply) out = a * b;
    return Outcome::kValue;
  });
}

template <DecimalOp kOp>
void decimal_kernel(KernelCall& call) {
  const Type& type = call.expression->type;
  const int p = type.precision, s = type.scale;
  const int s1 = call.argument_type(0).scale, s2 = call.argument_type(1).scale;
  if constexpr (kOp == DecimalOp::kAdd || kOp == DecimalOp::kSubtract || kOp == DecimalOp::kMultiply) {
    if (p < kDecimalPrecisionMax) return exact_decimal_kernel<kOp>(call, s);
  }
  decimal::map_two(call, [&, p, s, s1, s2](Int128 a, Int128 b, Int128& out) {
    bool fits = false;
    if constexpr (kOp == DecimalOp::kAdd) fits = decimal::add(a, s1, b, s2, p, s, out);
    if constexpr (kOp == DecimalOp::kSubtract) fits = decimal::add(a, s1, -b, s2, p, s, out);
    if constexpr (kOp == DecimalOp::kMultiply) fits = decimal::multiply(a, s1, b, s2, p, s, out);
    if constexpr (kOp == DecimalOp::kDivide || kOp == DecimalOp::kRemainder) {
      if (b == 0) return division_by_zero(call);
      fits = kOp == DecimalOp::kDivide ? decimal::divide(a, s1, b, s2, p, s, out)
                                       : decimal::remainder(a, s1, b, s2, p, s, out);
    }
    return fits ? Outcome::kValue : Outcome::kNull;
  });
}

void decimal_negate_kernel(KernelCall& call) {
  const bool wide = decimal::is_wide(call.expression->type);
  const Operand operand = call.arguments[0];
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    decimal::store(*call.result, wide, row, -decimal::load(operand, wide, row));
    return true;
  });
}

template <int kSign>
void add_months_kernel(KernelCall& call) {
  const bool is_date = call.expression->type.id == TypeId::kDate;
  const auto step = [&call](std::int64_t& out, std::int64_t nanos, std::int32_t months) {
    return add_months(nanos, kSign * std::int64_t{months}, out) ? Outcome::kValue : overflow(call);
  };
  if (is_date) {
    map_rows<std::int32_t, std::int32_t, std::int32_t>(
        call, [&](std::int32_t& out, const std::int32_t& days, const std::int32_t& months) {
          const CivilDate date = civil_from_days(days);
          const std::int64_t month = date.year * 12 + date.month - 1 + kSign * std::int64_t{months};
          const std::int64_t year = month >= 0 ? month / 12 : -((-month + 11) / 12);
          const auto month_of_year = static_cast<unsigned>(month - year * 12 + 1);
          out = static_cast<std::int32_t>(
              days_from_civil(year, month_of_year, std::min(date.day, days_in_month(year, month_of_year))));
          return Outcome::kValue;
        });
  } else {
    map_rows<std::int64_t, std::int64_t, std::int32_t>(call, step);
  }
}

// DATE ± whole days of an interval in nanoseconds.
template <int kSign>
void add_days_kernel(KernelCall& call) {
  map_rows<std::int32_t, std::int32_t, std::int64_t>(
      call, [&call](std::int32_t& out, const std::int32_t& days, const std::int64_t& nanos) {
        const std::int64_t sum = days + kSign * (nanos / kNanosPerDay);
        if (sum < std::numeric_limits<std::int32_t>::min() || sum > std::numeric_limits<std::int32_t>::max())
          return overflow(call);
        out = static_cast<std::int32_t>(sum);
        return Outcome::kValue;
      });
}

template <int kSign>
void add_time_kernel(KernelCall& call) {
  map_rows<std::int64_t, std::int64_t, std::int64_t>(
      call, [](std::int64_t& out, const std::int64_t& time, const std::int64_t& interval) {
        const std::int64_t sum = (time + kSign * (interval % kNanosPerDay)) % kNanosPerDay;
        out = sum < 0 ? sum + kNanosPerDay : sum;
      });
}

void date_difference_kernel(KernelCall& call) {
  map_rows<std::int64_t, std::int32_t, std::int32_t>(
      call, [&call](std::int64_t& out, const std::int32_t& a, const std::int32_t& b) {
        return __builtin_mul_overflow(std::int64_t{a} - b, kNanosPerDay, &out) ? overflow(call) : Outcome::kValue;
      });
}

template <typename T, ArithmeticOp kOp>
constexpr ScalarFunction simple(std::string_view name) {
  return {name, "aa", '0', &arithmetic_kernel<T, kOp>};
}

// By operation and physical type kInt8 … kInt64, kFloat, kDouble, DECIMAL.
template <ArithmeticOp kOp, DecimalOp kDecimalOp>
constexpr std::array<ScalarFunction, 7> ring_overloads(std::string_view name) {
  return {simple<std::int8_t, kOp>(name),
          simple<std::int16_t, kOp>(name),
          simple<std::int32_t, kOp>(name),
          simple<std::int64_t, kOp>(name),
          simple<float, kOp>(name),
          simple<double, kOp>(name),
          ScalarFunction{name, "aa", '0', &decimal_kernel<kDecimalOp>, kMayBeNull}};
}

constexpr std::array<std::array<ScalarFunction, 7>, 5> kArithmetic = {{
    ring_overloads<ArithmeticOp::kAdd, DecimalOp::kAdd>("+"),
    ring_overloads<ArithmeticOp::kSubtract, DecimalOp::kSubtract>("-"),
    ring_overloads<ArithmeticOp::kMultiply, DecimalOp::kMultiply>("*"),
    {{{"/", "aa", '0', &divide_kernel<std::int8_t>},
      {"/", "aa", '0', &divide_kernel<std::int16_t>},
      {"/", "aa", '0', &divide_kernel<std::int32_t>},
      {"/", "aa", '0', &divide_kernel<std::int64_t>},
      simple<float, ArithmeticOp::kDivide>("/"),
      simple<double, ArithmeticOp::kDivide>("/"),
      {"/", "aa", '0', &decimal_kernel<DecimalOp::kDivide>, kMayBeNull}}},
    {{{"%", "aa", '0', &remainder_kernel<std::int8_t>},
      {"%", "aa", '0', &remainder_kernel<std::int16_t>},
      {"%", "aa", '0', &remainder_kernel<std::int32_t>},
      {"%", "aa", '0', &remainder_kernel<std::int64_t>},
      {"%", "aa", '0', &float_remainder_kernel<float>},
      {"%", "aa", '0', &float_remainder_kernel<double>},
      {"%", "aa", '0', &decimal_kernel<DecimalOp::kRemainder>, kMayBeNull}}},
}};

constexpr std::array<ScalarFunction, 7> kNegate = {{{"-", "a", '0', &negate_kernel<std::int8_t>},
                                                    {"-", "a", '0', &negate_kernel<std::int16_t>},
                                                    {"-", "a", '0', &negate_kernel<std::int32_t>},
                                                    {"-", "a", '0', &negate_kernel<std::int64_t>},
                                                    {"-", "a", '0', &negate_kernel<float>},
                                                    {"-", "a", '0', &negate_kernel<double>},
                                                    {"-", "a", '0', &decimal_negate_kernel}}};

// 0: +, 1: -.
constexpr ScalarFunction kAddMonths[] = {{"+", "aa", '0', &add_months_kernel<1>},
                                         {"-", "aa", '0', &add_months_kernel<-1>}};
constexpr ScalarFunction kAddDays[] = {{"+", "aa", '0', &add_days_kernel<1>}, {"-", "aa", '0', &add_days_kernel<-1>}};
constexpr ScalarFunction kAddTime[] = {{"+", "aa", '0', &add_time_kernel<1>}, {"-", "aa", '0', &add_time_kernel<-1>}};
constexpr ScalarFunction kDateDifference = {"-", "aa", 'I', &date_difference_kernel};

std::size_t overload_of(const Type& type) {
  switch (type.id) {
    case TypeId::kTinyInt:
      return 0;
    case TypeId::kSmallInt:
      return 1;
    case TypeId::kInt:
    case TypeId::kIntervalMonth:
      return 2;
    case TypeId::kFloat:
      return 4;
    case TypeId::kDouble:
      return 5;
    case TypeId::kDecimal:
      return 6;
    default:
      return 3;
  }
}

const ScalarFunction& arithmetic_function(DecimalOp op, const Type& type) {
  return kArithmetic[static_cast<std::size_t>(op)][overload_of(type)];
}

Type decimal_result(DecimalOp op, const Type& left, const Type& right) {
  switch (op) {
    case DecimalOp::kAdd:
    case DecimalOp::kSubtract:
      return decimal::add_type(left, right);
    case DecimalOp::kMultiply:
      return decimal::multiply_type(left, right);
    case DecimalOp::kDivide:
      return decimal::divide_type(left, right);
    case DecimalOp::kRemainder:
      return decimal::remainder_type(left, right);
  }
  return left;
}

// NULL takes the other side's type.
void type_nulls(Arguments& arguments) {
  for (std::size_t i = 0; i < 2; ++i)
    if (arguments[i]->type.id == TypeId::kNull && arguments[1 - i]->type.id != TypeId::kNull)
      arguments[i] = make_null(arguments[1 - i]->type);
}

Result<ExpressionPtr> resolve_numeric(const FunctionEntry& entry, DecimalOp op, Arguments arguments, SourceSpan span) {
  if (arguments[0]->type.id == TypeId::kNull) return make_null(Type::integer());
  if (!arguments[0]->type.is_numeric() || !arguments[1]->type.is_numeric()) return type_error(entry, arguments);
  const Type common = *common_type(arguments[0]->type, arguments[1]->type);
  if (common.id == TypeId::kDecimal) {
    for (ExpressionPtr& argument : arguments) {
      const Type type = decimal_of(argument->type);
      WEIR_ASSIGN(argument, coerce(std::move(argument), type));
    }
    Type type = decimal_result(op, arguments[0]->type, arguments[1]->type);
    return make_function_call(arithmetic_function(op, type), std::move(arguments), std::move(type), span);
  }
  for (ExpressionPtr& argument : arguments) {
    WEIR_ASSIGN(argument, coerce(std::move(argument), common));
  }
  return make_function_call(arithmetic_function(op, common), std::move(arguments), common, span);
}

bool is_interval(const Type& type) noexcept {
  return type.id == TypeId::kIntervalDay || type.id == TypeId::kIntervalMonth;
}

// Digits behind the point of a second that a literal interval needs.
std::uint8_t interval_precision(const Expression& interval) {
  if (!is_literal(interval) || interval.literal.is_null() || interval.type.id != TypeId::kIntervalDay) return 0;
  std::int64_t nanos = std::get<std::int64_t>(interval.literal.data) % kNanosPerSecond;
  std::uint8_t digits = nanos == 0 ? 0 : 9;
  while (digits > 0 && nanos % 10 == 0) {
    nanos /= 10;
    --digits;
  }
  return digits;
}

// time ± interval.
Result<ExpressionPtr> resolve_time_interval(const FunctionEntry& entry, bool subtract, Arguments arguments,
                                            SourceSpan span) {
  const std::size_t sign = subtract ? 1 : 0;
  const DecimalOp op = subtract ? DecimalOp::kSubtract : DecimalOp::kAdd;
  Type type = arguments[0]->type;
  const Type interval = arguments[1]->type;
  if (is_interval(type)) {
    if (type.id != interval.id) return type_error(entry, arguments);
    return make_function_call(arithmetic_function(op, type), std::move(arguments), type, span);
  }
  if (type.id == TypeId::kTime) {
    if (interval.id != TypeId::kIntervalDay) return type_error(entry, arguments);
    type.precision = std::max(type.precision, interval_precision(*arguments[1]));
    return make_function_call(kAddTime[sign], std::move(arguments), type, span);
  }
  if (interval.id == TypeId::kIntervalMonth) {
    if (type.id != TypeId::kDate && !type.is_timestamp()) return type_error(entry, arguments);
    return make_function_call(kAddMonths[sign], std::move(arguments), type, span);
  }
  if (type.id == TypeId::kDate) {
    const bool whole_days = is_literal(*arguments[1]) && !arguments[1]->literal.is_null() &&
                            std::get<std::int64_t>(arguments[1]->literal.data) % kNanosPerDay == 0;
    if (whole_days) return make_function_call(kAddDays[sign], std::move(arguments), type, span);
    type = Type::timestamp(std::max<std::uint8_t>(3, interval_precision(*arguments[1])));
    WEIR_ASSIGN(arguments[0], coerce(std::move(arguments[0]), type));
  }
  if (!type.is_timestamp()) return type_error(entry, arguments);
  type.precision = std::max(type.precision, interval_precision(*arguments[1]));
  return make_function_call(arithmetic_function(op, Type::bigint()), std::move(arguments), type, span);
}

}  // namespace

bool add_months(std::int64_t nanos, std::int64_t months, std::int64_t& out) noexcept {
  std::int64_t days = nanos / kNanosPerDay;
  std::int64_t of_day = nanos % kNanosPerDay;
  if (of_day < 0) {
    of_day += kNanosPerDay;
    --days;
  }
  const CivilDate date = civil_from_days(days);
  const std::int64_t month = date.year * 12 + date.month - 1 + months;
  const std::int64_t year = month >= 0 ? month / 12 : -((-month + 11) / 12);
  if (year < -10'000 || year > 10'000) return false;  // far outside what nanoseconds reach
  const auto month_of_year = static_cast<unsigned>(month - year * 12 + 1);
  const std::int64_t result =
      days_from_civil(year, month_of_year, std::min(date.day, days_in_month(year, month_of_year)));
  const Int128 total = Int128{result} * kNanosPerDay + of_day;  // the first day of the range starts before the range
  if (total < std::numeric_limits<std::int64_t>::min() || total > std::numeric_limits<std::int64_t>::max())
    return false;
  out = static_cast<std::int64_t>(total);
  return true;
}

Result<ExpressionPtr> resolve_add(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() == 1 && (arguments[0]->type.is_numeric() || arguments[0]->type.id == TypeId::kNull))
    return std::move(arguments[0]);
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  if (is_interval(arguments[0]->type) && !is_interval(arguments[1]->type)) std::swap(arguments[0], arguments[1]);
  if (is_interval(arguments[1]->type)) {
    if (arguments[0]->type.id == TypeId::kNull) return make_null(arguments[1]->type);
    return resolve_time_interval(entry, false, std::move(arguments), span);
  }
  type_nulls(arguments);
  return resolve_numeric(entry, DecimalOp::kAdd, std::move(arguments), span);
}

Result<ExpressionPtr> resolve_subtract(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() == 1) {
    Type type = arguments[0]->type;
    if (type.id == TypeId::kNull) return make_null(Type::integer());
    if (!type.is_numeric() && !is_interval(type)) return type_error(entry, arguments);
    const ScalarFunction& function = kNegate[overload_of(type)];
    return make_function_call(function, std::move(arguments), std::move(type), span);
  }
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  if (is_interval(arguments[1]->type) && arguments[0]->type.id != TypeId::kNull)
    return resolve_time_interval(entry, true, std::move(arguments), span);
  type_nulls(arguments);
  const Type& left = arguments[0]->type;
  const Type& right = arguments[1]->type;
  if (left.id == TypeId::kDate && right.id == TypeId::kDate)
    return make_function_call(kDateDifference, std::move(arguments), Type::of(TypeId::kIntervalDay), span);
  if ((left.is_timestamp() || left.id == TypeId::kDate) && (right.is_timestamp() || right.id == TypeId::kDate)) {
    const Type common = *common_type(left, right);
    for (ExpressionPtr& argument : arguments) {
      WEIR_ASSIGN(argument, coerce(std::move(argument), common));
    }
    return make_function_call(arithmetic_function(DecimalOp::kSubtract, Type::bigint()), std::move(arguments),
                              Type::of(TypeId::kIntervalDay), span);
  }
  return resolve_numeric(entry, DecimalOp::kSubtract, std::move(arguments), span);
}

Result<ExpressionPtr> resolve_multiply(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  if (is_interval(arguments[1]->type)) std::swap(arguments[0], arguments[1]);
  if (is_interval(arguments[0]->type) && arguments[1]->type.is_integer()) {
    const Type type = arguments[0]->type;
    const Type factor = Type::of(type.id == TypeId::kIntervalDay ? TypeId::kBigInt : TypeId::kInt);
    if (arguments[1]->type.id > factor.id) return type_error(entry, arguments);
    WEIR_ASSIGN(arguments[1], coerce(std::move(arguments[1]), factor));
    return make_function_call(arithmetic_function(DecimalOp::kMultiply, type), std::move(arguments), type, span);
  }
  type_nulls(arguments);
  return resolve_numeric(entry, DecimalOp::kMultiply, std::move(arguments), span);
}

Result<ExpressionPtr> resolve_divide(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  type_nulls(arguments);
  return resolve_numeric(entry, DecimalOp::kDivide, std::move(arguments), span);
}

Result<ExpressionPtr> resolve_remainder(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  if (arguments.size() != 2) return argument_count_error(entry, arguments);
  type_nulls(arguments);
  return resolve_numeric(entry, DecimalOp::kRemainder, std::move(arguments), span);
}

}  // namespace weir
