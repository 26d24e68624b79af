// Mathematical functions. What has no integer or DECIMAL overload works on DOUBLE as IEEE 754 and libm have it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "expression/decimal.h"
#include "expression/functions.h"

namespace weir {

namespace {

Outcome overflow(KernelCall& call) {
  return call.fail(ErrorCode::kOverflow, "the result of " + std::string(call.expression->function->name) +
                                             " does not fit " + with_nullable(call.expression->type, true).to_string());
}

template <double (*kFunction)(double)>
void unary_kernel(KernelCall& call) {
  map_rows<double, double>(call, [](double& out, const double& in) { out = kFunction(in); });
}

template <double (*kFunction)(double, double)>
void binary_kernel(KernelCall& call) {
  map_rows<double, double, double>(call, [](double& out, const double& a, const double& b) { out = kFunction(a, b); });
}

// libm's names are overloaded; these are not.
double square_root(double x) {
  return std::sqrt(x);
}
double exponential(double x) {
  return std::exp(x);
}
double natural_logarithm(double x) {
  return std::log(x);
}
double logarithm_10(double x) {
  return std::log10(x);
}
double logarithm_2(double x) {
  return std::log2(x);
}
double logarithm_of_base(double base, double x) {
  return std::log(x) / std::log(base);
}
double power(double x, double y) {
  return std::pow(x, y);
}
double sine(double x) {
  return std::sin(x);
}
double cosine(double x) {
  return std::cos(x);
}
double tangent(double x) {
  return std::tan(x);
}
double cotangent(double x) {
  return 1.0 / std::tan(x);
}
double arc_sine(double x) {
  return std::asin(x);
}
double arc_cosine(double x) {
  return std::acos(x);
}
double arc_tangent(double x) {
  return std::atan(x);
}
double arc_tangent_2(double y, double x) {
  return std::atan2(y, x);
}
double hyperbolic_sine(double x) {
  return std::sinh(x);
}
double hyperbolic_cosine(double x) {
  return std::cosh(x);
}
double hyperbolic_tangent(double x) {
  return std::tanh(x);
}
double degrees(double x) {
  return x * 180.0 / std::numbers::pi;
}
double radians(double x) {
  return x / 180.0 * std::numbers::pi;
}
double floor_of(double x) {
  return std::floor(x);
}
double ceiling_of(double x) {
  return std::ceil(x);
}
double absolute(double x) {
  return std::fabs(x);
}
double sign_of(double x) {
  return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
}

template <double kValue>
void constant_kernel(KernelCall& call) {
  map_rows<double>(call, [](double& out) { out = kValue; });
}

template <typename T>
void absolute_kernel(KernelCall& call) {
  map_rows<T, T>(call, [&call](T& out, const T& in) {
    if (in == std::numeric_limits<T>::min()) return overflow(call);
    out = static_cast<T>(in < 0 ? -in : in);
    return Outcome::kValue;
  });
}

template <typename T>
void sign_kernel(KernelCall& call) {
  map_rows<T, T>(call, [](T& out, const T& in) { out = static_cast<T>(in > 0 ? 1 : in < 0 ? -1 : 0); });
}

template <typename T>
void identity_kernel(KernelCall& call) {
  map_rows<T, T>(call, [](T& out, const T& in) { out = in; });
}

// Rows of one DECIMAL argument: body(value) gives the value at the result's scale.
template <typename Body>
void map_decimal(KernelCall& call, Body body) {
  const Type& type = call.expression->type;
  const Type& from = call.argument_type(0);
  const bool from_wide = decimal::is_wide(from), wide = decimal::is_wide(type);
  const Operand operand = call.arguments[0];
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    const Int128 value = body(row, decimal::load(operand, from_wide, row));
    if (decimal::fits(value, type.precision))
      decimal::store(*call.result, wide, row, value);
    else
      call.result->set_valid(row, false);
    return true;
  });
}

void decimal_absolute_kernel(KernelCall& call) {
  map_decimal(call, [](std::uint32_t, Int128 value) { return value < 0 ? -value : value; });
}

void decimal_sign_kernel(KernelCall& call) {
  const Int128 one = decimal::power_of_ten(call.expression->type.scale);
  map_decimal(call, [one](std::uint32_t, Int128 value) { return value > 0 ? one : value < 0 ? -one : Int128{0}; });
}

template <bool kUp>
void decimal_floor_kernel(KernelCall& call) {
  const Int128 unit = decimal::power_of_ten(call.argument_type(0).scale);
  map_decimal(call, [unit](std::uint32_t, Int128 value) {
    const Int128 whole = value / unit;
    const Int128 rest = value % unit;
    if (kUp) return rest > 0 ? whole + 1 : whole;
    return rest < 0 ? whole - 1 : whole;
  });
}

template <bool kTruncate>
void decimal_round_kernel(KernelCall& call) {
  const int from_scale = call.argument_type(0).scale;
  const int to_scale = call.expression->type.scale;
  const bool has_digits = call.arguments.size() > 1;
  map_decimal(call, [&call, from_scale, to_scale, has_digits](std::uint32_t row, Int128 value) {
    const int digits = has_digits ? call.arguments[1].at<std::int32_t>(row) : 0;
    const Int128 rounded = decimal::round_digits(value, from_scale, digits, kTruncate);
    // Places behind the digits are zero now, so that this is exact.
    return rounded / decimal::power_of_ten(from_scale - to_scale);
  });
}

Type round_result(const Arguments& arguments) {
  const Type& type = arguments[0]->type;
  if (arguments.size() == 1) return decimal::round_type(type, 0);
  const Expression& digits = *arguments[1];
  if (!is_literal(digits) || digits.literal.is_null()) return type;
  return decimal::round_type(type, static_cast<int>(std::get<std::int64_t>(digits.literal.data)));
}

Type whole_result(const Arguments& arguments) {
  return Type::decimal(arguments[0]->type.precision, 0);
}

// Rounds the shortest decimal text of the number, as Flink does, so that 2.675 gives 2.68.
double round_double(double value, int digits, bool truncate) {
  constexpr int kDigitsBound = 350;
  if (!std::isfinite(value) || digits > kDigitsBound) return value;
  if (digits < -kDigitsBound) return 0.0;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), std::fabs(value), std::chars_format::scientific);
  const char* exponent_at = text;
  while (exponent_at != end.ptr && *exponent_at != 'e') ++exponent_at;
  int exponent = 0;
  std::from_chars(exponent_at + (exponent_at[1] == '+' ? 2 : 1), end.ptr, exponent);
  std::int64_t mantissa = 0;  // at most 17 digits
  int places = 0;
  for (const char* c = text; c != exponent_at; ++c) {
    if (*c == '.') continue;
    mantissa = mantissa * 10 + (*c - '0');
    ++places;
  }
  // value = mantissa * 10^(exponent - places + 1)
  const int cut = -(exponent - places + 1) - digits;
  if (cut <= 0) return value;
  if (cut > 18) return std::copysign(0.0, value);
  const auto unit = static_cast<std::int64_t>(decimal::power_of_ten(cut));
  std::int64_t kept = mantissa / unit;
  if (!truncate && mantissa % unit >= unit - mantissa % unit) ++kept;
  char out[48];
  char* at = std::to_chars(out, out + 24, kept).ptr;
  *at++ = 'e';
  at = std::to_chars(at, at + 8, -digits).ptr;
  double result = 0;
  std::from_chars(out, at, result);
  return std::copysign(result, value);
}

template <bool kTruncate>
void double_round_kernel(KernelCall& call) {
  if (call.arguments.size() == 1) {
    map_rows<double, double>(call, [](double& out, const double& in) { out = round_double(in, 0, kTruncate); });
  } else {
    map_rows<double, double, std::int32_t>(call, [](double& out, const double& in, const std::int32_t& digits) {
      out = round_double(in, digits, kTruncate);
    });
  }
}

template <typename T, bool kTruncate>
void integer_round_kernel(KernelCall& call) {
  map_rows<T, T, std::int32_t>(call, [&call](T& out, const T& in, const std::int32_t& digits) {
    const Int128 rounded = digits >= 0 ? Int128{in} : decimal::round_digits(in, 0, std::max(digits, -38), kTruncate);
    if (rounded < std::numeric_limits<T>::min() || rounded > std::numeric_limits<T>::max()) return overflow(call);
    out = static_cast<T>(rounded);
    return Outcome::kValue;
  });
}

constexpr ScalarFunction kAbs[] = {{"ABS", "i", 'i', &absolute_kernel<std::int32_t>},
                                   {"ABS", "l", 'l', &absolute_kernel<std::int64_t>},
                                   {"ABS", "m", '0', &decimal_absolute_kernel, kMayBeNull},
                                   {"ABS", "d", 'd', &unary_kernel<&absolute>}};
constexpr ScalarFunction kSign[] = {{"SIGN", "i", 'i', &sign_kernel<std::int32_t>},
                                    {"SIGN", "l", 'l', &sign_kernel<std::int64_t>},
                                    {"SIGN", "m", '0', &decimal_sign_kernel, kMayBeNull},
                                    {"SIGN", "d", 'd', &unary_kernel<&sign_of>}};
template <bool kTruncate>
constexpr std::array<ScalarFunction, 8> round_overloads(std::string_view name) {
  return {{{name, "i", 'i', &identity_kernel<std::int32_t>},
           {name, "l", 'l', &identity_kernel<std::int64_t>},
           {name, "m", '0', &decimal_round_kernel<kTruncate>, kMayBeNull, &round_result},
           {name, "d", 'd', &double_round_kernel<kTruncate>},
           {name, "ii", 'i', &integer_round_kernel<std::int32_t, kTruncate>},
           {name, "li", 'l', &integer_round_kernel<std::int64_t, kTruncate>},
           {name, "mi", '0', &decimal_round_kernel<kTruncate>, kMayBeNull, &round_result},
           {name, "di", 'd', &double_round_kernel<kTruncate>}}};
}
constexpr auto kRound = round_overloads<false>("ROUND");
constexpr auto kTruncate = round_overloads<true>("TRUNCATE");

constexpr ScalarFunction kSqrt[] = {{"SQRT", "d", 'd', &unary_kernel<&square_root>}};
constexpr ScalarFunction kExp[] = {{"EXP", "d", 'd', &unary_kernel<&exponential>}};
constexpr ScalarFunction kLn[] = {{"LN", "d", 'd', &unary_kernel<&natural_logarithm>}};
constexpr ScalarFunction kLog[] = {{"LOG", "d", 'd', &unary_kernel<&natural_logarithm>},
                                   {"LOG", "dd", 'd', &binary_kernel<&logarithm_of_base>}};
constexpr ScalarFunction kLog10[] = {{"LOG10", "d", 'd', &unary_kernel<&logarithm_10>}};
constexpr ScalarFunction kLog2[] = {{"LOG2", "d", 'd', &unary_kernel<&logarithm_2>}};
constexpr ScalarFunction kPower[] = {{"POWER", "dd", 'd', &binary_kernel<&power>}};
constexpr ScalarFunction kSin[] = {{"SIN", "d", 'd', &unary_kernel<&sine>}};
constexpr ScalarFunction kCos[] = {{"COS", "d", 'd', &unary_kernel<&cosine>}};
constexpr ScalarFunction kTan[] = {{"TAN", "d", 'd', &unary_kernel<&tangent>}};
constexpr ScalarFunction kCot[] = {{"COT", "d", 'd', &unary_kernel<&cotangent>}};
constexpr ScalarFunction kAsin[] = {{"ASIN", "d", 'd', &unary_kernel<&arc_sine>}};
constexpr ScalarFunction kAcos[] = {{"ACOS", "d", 'd', &unary_kernel<&arc_cosine>}};
constexpr ScalarFunction kAtan[] = {{"ATAN", "d", 'd', &unary_kernel<&arc_tangent>}};
constexpr ScalarFunction kAtan2[] = {{"ATAN2", "dd", 'd', &binary_kernel<&arc_tangent_2>}};
constexpr ScalarFunction kSinh[] = {{"SINH", "d", 'd', &unary_kernel<&hyperbolic_sine>}};
constexpr ScalarFunction kCosh[] = {{"COSH", "d", 'd', &unary_kernel<&hyperbolic_cosine>}};
constexpr ScalarFunction kTanh[] = {{"TANH", "d", 'd', &unary_kernel<&hyperbolic_tangent>}};
constexpr ScalarFunction kDegrees[] = {{"DEGREES", "d", 'd', &unary_kernel<&degrees>}};
constexpr ScalarFunction kRadians[] = {{"RADIANS", "d", 'd', &unary_kernel<&radians>}};
constexpr ScalarFunction kPi[] = {{"PI", "", 'd', &constant_kernel<std::numbers::pi>}};
constexpr ScalarFunction kE[] = {{"E", "", 'd', &constant_kernel<std::numbers::e>}};

constexpr FunctionEntry kEntries[] = {
    {"ABS", "ABS(numeric)", "Absolute value.", kAbs},
    {"SIGN", "SIGN(numeric)", "-1, 0 or 1 in the type of the argument.", kSign},
    {"ROUND", "ROUND(numeric [, INT digits])", "Rounded half away from zero; negative digits count before the point.",
     kRound},
    {"TRUNCATE", "TRUNCATE(numeric [, INT digits])", "Cut towards zero.", kTruncate},
    {"SQRT", "SQRT(DOUBLE)", "Square root.", kSqrt},
    {"EXP", "EXP(DOUBLE)", "e to the power of the argument.", kExp},
    {"LN", "LN(DOUBLE)", "Natural logarithm.", kLn},
    {"LOG", "LOG([DOUBLE base,] DOUBLE)", "Logarithm to a base, or the natural one.", kLog},
    {"LOG10", "LOG10(DOUBLE)", "Logarithm to base 10.", kLog10},
    {"LOG2", "LOG2(DOUBLE)", "Logarithm to base 2.", kLog2},
    {"POWER", "POWER(DOUBLE, DOUBLE)", "The first argument to the power of the second.", kPower},
    {"SIN", "SIN(DOUBLE)", "Sine of radians.", kSin},
    {"COS", "COS(DOUBLE)", "Cosine of radians.", kCos},
    {"TAN", "TAN(DOUBLE)", "Tangent of radians.", kTan},
    {"COT", "COT(DOUBLE)", "Cotangent of radians.", kCot},
    {"ASIN", "ASIN(DOUBLE)", "Arc sine.", kAsin},
    {"ACOS", "ACOS(DOUBLE)", "Arc cosine.", kAcos},
    {"ATAN", "ATAN(DOUBLE)", "Arc tangent.", kAtan},
    {"ATAN2", "ATAN2(DOUBLE y, DOUBLE x)", "Angle of the point (x, y).", kAtan2},
    {"SINH", "SINH(DOUBLE)", "Hyperbolic sine.", kSinh},
    {"COSH", "COSH(DOUBLE)", "Hyperbolic cosine.", kCosh},
    {"TANH", "TANH(DOUBLE)", "Hyperbolic tangent.", kTanh},
    {"DEGREES", "DEGREES(DOUBLE)", "Radians to degrees.", kDegrees},
    {"RADIANS", "RADIANS(DOUBLE)", "Degrees to radians.", kRadians},
    {"PI", "PI()", "The number pi.", kPi},
    {"E", "E()", "The number e.", kE},
};

// FLOOR and CEIL of numbers; those of times stand in time_functions.cc and share the entries there.
constexpr ScalarFunction kFloorNumber[] = {{"FLOOR", "i", 'i', &identity_kernel<std::int32_t>},
                                           {"FLOOR", "l", 'l', &identity_kernel<std::int64_t>},
                                           {"FLOOR", "m", '0', &decimal_floor_kernel<false>, kMayBeNull, &whole_result},
                                           {"FLOOR", "d", 'd', &unary_kernel<&floor_of>}};
constexpr ScalarFunction kCeilNumber[] = {{"CEIL", "i", 'i', &identity_kernel<std::int32_t>},
                                          {"CEIL", "l", 'l', &identity_kernel<std::int64_t>},
                                          {"CEIL", "m", '0', &decimal_floor_kernel<true>, kMayBeNull, &whole_result},
                                          {"CEIL", "d", 'd', &unary_kernel<&ceiling_of>}};

}  // namespace

std::span<const FunctionEntry> math_entries() {
  return kEntries;
}

std::span<const ScalarFunction> floor_of_numbers() {
  return kFloorNumber;
}

std::span<const ScalarFunction> ceiling_of_numbers() {
  return kCeilNumber;
}

}  // namespace weir
