// Part of slice.cc, compiled once for every target and once for the plain loops.

/// Every time of a valid row is base + x with 0 <= x < 2^51, and base is the start of a slice. x / size is estimated
/// in double precision, at most one off, and then put right, so no target differs from another. The conversions go
/// through the bits of 2^52 + x, since only AVX-512 converts 64-bit integers.
inline void slice_starts_kernel(const std::int64_t* times, std::uint32_t count, std::int64_t base, std::int64_t size,
                                std::int64_t* starts) {
  constexpr double kTwo52 = 4503599627370496.0;
  constexpr std::uint64_t kTwo52Bits = 0x4330000000000000ull;
  const double inverse = 1.0 / static_cast<double>(size);
  const std::uint64_t step = static_cast<std::uint64_t>(size);
  for (std::uint32_t row = 0; row < count; ++row) {
    const std::uint64_t x = static_cast<std::uint64_t>(times[row]) - static_cast<std::uint64_t>(base);
    const double quotient = (std::bit_cast<double>(x | kTwo52Bits) - kTwo52) * inverse;
    const std::uint64_t whole = std::bit_cast<std::uint64_t>(quotient + kTwo52) - kTwo52Bits;
    std::int64_t remainder = static_cast<std::int64_t>(x - whole * step);
    remainder += remainder < 0 ? size : 0;
    remainder -= remainder >= size ? size : 0;
    starts[row] =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(times[row]) - static_cast<std::uint64_t>(remainder));
  }
}

inline void fill_kernel(std::int64_t value, std::uint32_t count, std::int64_t* out) {
  for (std::uint32_t row = 0; row < count; ++row) out[row] = value;
}

inline void shards_kernel(const std::uint64_t* hashes, std::uint32_t rows, std::uint32_t count, std::uint32_t* shards) {
  for (std::uint32_t row = 0; row < rows; ++row) shards[row] = shard_of(hashes[row], count);
}

inline std::uint32_t stretches_kernel(const std::int64_t* times, std::uint32_t count, std::int64_t size,
                                      std::int64_t offset, SliceStretch* out) {
  std::uint32_t stretches = 0;
  std::int64_t start = slice_start(times[0], size, offset);
  for (std::uint32_t row = 0; row < count;) {
    if (row != 0) start = next_slice_start(times[row], start, size, offset);
    const std::uint32_t end = slice_end(times, row, count, start, size);
    out[stretches++] = {start, row, end - row};
    row = end;
  }
  return stretches;
}

const SliceTable* slice_table() {
  static constexpr SliceTable kTable = {&slice_starts_kernel, &fill_kernel, &stretches_kernel, &shards_kernel};
  return &kTable;
}
