// Casts among numbers and BOOLEAN, and the choice of a cast's kernel.
#include "expression/cast.h"

#include <cmath>
#include <limits>

#include "expression/decimal.h"
#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"

namespace weir {

namespace {

std::string number_text(double value) {
  char buffer[kDoubleTextMax];
  return std::string(buffer, format_double(value, buffer));
}

template <typename From, typename To>
void number_kernel(KernelCall& call) {
  map_rows<To, From>(call, [&](To& out, const From& in) {
    if constexpr (std::is_floating_point_v<To>) {
      out = static_cast<To>(in);
    } else if constexpr (std::is_floating_point_v<From>) {
      // The bounds are powers of two, so exact; NaN fails both.
      constexpr auto kBound = -static_cast<double>(std::numeric_limits<To>::min());
      const double cut = std::trunc(static_cast<double>(in));
      if (!(cut >= -kBound && cut < kBound)) return fail_cast(call, number_text(static_cast<double>(in)));
      out = static_cast<To>(cut);
    } else {
      if constexpr (sizeof(To) < sizeof(From)) {
        if (in < std::numeric_limits<To>::min() || in > std::numeric_limits<To>::max())
          return fail_cast(call, std::to_string(in));
      }
      out = static_cast<To>(in);
    }
    return Outcome::kValue;
  });
}

template <typename From>
void to_boolean_kernel(KernelCall& call) {
  map_rows<std::int8_t, From>(call, [](std::int8_t& out, const From& in) { out = in != From{0} ? 1 : 0; });
}

template <typename From>
void to_decimal_kernel(KernelCall& call) {
  const Type& type = call.expression->type;
  const bool wide = decimal::is_wide(type);
  const Operand operand = call.arguments[0];
  if constexpr (!std::is_floating_point_v<From>) {
    if (type.precision - type.scale > std::numeric_limits<From>::digits10) {  // every value fits
      const Int128 unit = decimal::power_of_ten(type.scale);
      for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
        decimal::store(*call.result, wide, row, operand.at<From>(row) * unit);
        return true;
      });
      return;
    }
  }
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    Int128 value = 0;
    bool fits = false;
    if constexpr (std::is_floating_point_v<From>)
      fits = decimal::from_double(static_cast<double>(operand.at<From>(row)), type.precision, type.scale, value);
    else
      fits = decimal::rescale(operand.at<From>(row), 0, type.scale, type.precision, value);
    if (fits)
      decimal::store(*call.result, wide, row, value);
    else
      call.result->set_valid(row, false);
    return true;
  });
}

void decimal_to_decimal_kernel(KernelCall& call) {
  const Type& from = call.argument_type(0);
  const Type& type = call.expression->type;
  const bool from_wide = decimal::is_wide(from), wide = decimal::is_wide(type);
  const Operand operand = call.arguments[0];
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    Int128 value = 0;
    if (decimal::rescale(decimal::load(operand, from_wide, row), from.scale, type.scale, type.precision, value))
      decimal::store(*call.result, wide, row, value);
    else
      call.result->set_valid(row, false);
    return true;
  });
}

template <typename To>
void from_decimal_kernel(KernelCall& call) {
  const Type& from = call.argument_type(0);
  const bool wide = decimal::is_wide(from);
  const Operand operand = call.arguments[0];
  To* out = call.result->values<To>();
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    const Int128 value = decimal::load(operand, wide, row);
    if constexpr (std::is_floating_point_v<To>) {
      out[row] = static_cast<To>(decimal::to_double(value, from.scale));
      return true;
    } else {
      const Int128 whole = value / decimal::power_of_ten(from.scale);
      if (whole >= std::numeric_limits<To>::min() && whole <= std::numeric_limits<To>::max()) {
        out[row] = static_cast<To>(whole);
        return true;
      }
      char buffer[kDecimalTextMax];
      const char* end = format_decimal(value, from.scale, buffer);
      if (fail_cast(call, {buffer, static_cast<std::size_t>(end - buffer)}) == Outcome::kNull) {
        call.result->set_valid(row, false);
        return true;
      }
      call.failed_row = row;
      return false;
    }
  });
}

void decimal_to_boolean_kernel(KernelCall& call) {
  const bool wide = decimal::is_wide(call.argument_type(0));
  const Operand operand = call.arguments[0];
  auto* out = call.result->values<std::int8_t>();
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    out[row] = decimal::load(operand, wide, row) != 0 ? 1 : 0;
    return true;
  });
}

template <typename From>
Kernel number_from(const Type& to) {
  switch (to.id) {
    case TypeId::kBoolean:
      return &to_boolean_kernel<From>;
    case TypeId::kTinyInt:
      return &number_kernel<From, std::int8_t>;
    case TypeId::kSmallInt:
      return &number_kernel<From, std::int16_t>;
    case TypeId::kInt:
      return &number_kernel<From, std::int32_t>;
    case TypeId::kBigInt:
      return &number_kernel<From, std::int64_t>;
    case TypeId::kFloat:
      return &number_kernel<From, float>;
    case TypeId::kDouble:
      return &number_kernel<From, double>;
    case TypeId::kDecimal:
      return &to_decimal_kernel<From>;
    default:
      return nullptr;
  }
}

Kernel decimal_to(const Type& to) {
  switch (to.id) {
    case TypeId::kBoolean:
      return &decimal_to_boolean_kernel;
    case TypeId::kTinyInt:
      return &from_decimal_kernel<std::int8_t>;
    case TypeId::kSmallInt:
      return &from_decimal_kernel<std::int16_t>;
    case TypeId::kInt:
      return &from_decimal_kernel<std::int32_t>;
    case TypeId::kBigInt:
      return &from_decimal_kernel<std::int64_t>;
    case TypeId::kFloat:
      return &from_decimal_kernel<float>;
    case TypeId::kDouble:
      return &from_decimal_kernel<double>;
    case TypeId::kDecimal:
      return &decimal_to_decimal_kernel;
    default:
      return nullptr;
  }
}

void all_null_kernel(KernelCall& call) {
  // Every row of an argument of type NULL is NULL; the value beneath is never read.
  (void)call;
}

}  // namespace

Outcome fail_cast(KernelCall& call, std::string_view text) {
  constexpr std::size_t kShownMax = 64;
  if (call.expression->try_cast) return Outcome::kNull;
  const std::string shown(text.substr(0, kShownMax));
  return call.fail(ErrorCode::kInvalidCast, "cannot cast '" + shown + (text.size() > kShownMax ? "…" : "") + "' to " +
                                                with_nullable(call.expression->type, true).to_string());
}

Kernel cast_number(const Type& from, const Type& to) {
  switch (from.id) {
    case TypeId::kBoolean:
    case TypeId::kTinyInt:
      return number_from<std::int8_t>(to);
    case TypeId::kSmallInt:
      return number_from<std::int16_t>(to);
    case TypeId::kInt:
      return number_from<std::int32_t>(to);
    case TypeId::kBigInt:
      return number_from<std::int64_t>(to);
    case TypeId::kFloat:
      return number_from<float>(to);
    case TypeId::kDouble:
      return number_from<double>(to);
    case TypeId::kDecimal:
      return decimal_to(to);
    default:
      return nullptr;
  }
}

Kernel cast_kernel(const Type& from, const Type& to, bool* zoned) {
  *zoned = false;
  if (to.physical() == Physical::kNested || from.physical() == Physical::kNested || to.id == TypeId::kNull)
    return nullptr;
  if (from.id == TypeId::kNull) return &all_null_kernel;
  if (to.id == TypeId::kString) return cast_to_string(from, zoned);
  if (from.id == TypeId::kString || (from.id == TypeId::kBytes && to.id == TypeId::kBytes))
    return cast_from_string(to, zoned);
  if (Kernel kernel = cast_number(from, to)) return kernel;
  return cast_time(from, to, zoned);
}

}  // namespace weir
