// Part of ordered.cc, compiled once for every target, where the compiler makes vector code of it, and once for the
// plain loops.

inline std::int64_t ordered_integer(double value) noexcept {
  constexpr std::int64_t kNan = 0x7FF8000000000000;
  const auto bits = std::bit_cast<std::int64_t>(value);
  const std::int64_t ordered = bits ^ static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 63) >> 1);
  return value != value ? kNan : ordered;
}
inline std::int32_t ordered_integer(float value) noexcept {
  constexpr std::int32_t kNan = 0x7FC00000;
  const auto bits = std::bit_cast<std::int32_t>(value);
  const std::int32_t ordered = bits ^ static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 31) >> 1);
  return value != value ? kNan : ordered;
}

inline void ordered_doubles_kernel(const double* values, std::uint32_t count, std::int64_t* out) {
  for (std::uint32_t row = 0; row < count; ++row) out[row] = ordered_integer(values[row]);
}
inline void ordered_floats_kernel(const float* values, std::uint32_t count, std::int32_t* out) {
  for (std::uint32_t row = 0; row < count; ++row) out[row] = ordered_integer(values[row]);
}

const OrderedTable* ordered_table() {
  static constexpr OrderedTable kTable = {&ordered_doubles_kernel, &ordered_floats_kernel};
  return &kTable;
}
