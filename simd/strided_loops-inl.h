// Part of strided.cc, compiled once for every target and once for the plain loops.

inline void range_kernel(const std::int64_t* values, std::uint32_t count, std::int64_t* least, std::int64_t* greatest) {
  std::int64_t low = values[0], high = values[0];
  for (std::uint32_t row = 1; row < count; ++row) {
    low = values[row] < low ? values[row] : low;
    high = values[row] > high ? values[row] : high;
  }
  *least = low;
  *greatest = high;
}

/// Every result is known to fit.
inline void scale_kernel(std::int64_t* values, std::uint32_t count, std::int64_t unit, std::int64_t shift) {
  for (std::uint32_t row = 0; row < count; ++row) {
    values[row] = static_cast<std::int64_t>(static_cast<std::uint64_t>(values[row]) * static_cast<std::uint64_t>(unit) +
                                            static_cast<std::uint64_t>(shift));
  }
}

const StridedTable* strided_table() {
  static constexpr StridedTable kTable = {&range_kernel, &scale_kernel};
  return &kTable;
}
