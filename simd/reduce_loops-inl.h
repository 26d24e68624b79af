// Part of reduce.cc, compiled once for every target, where the compiler turns the loops into vector code, and once for
// the plain loops.

/// The halves of the values are summed apart, unsigned: 2^32 rows cannot overflow either sum.
inline Int128 sum64_kernel(const std::int64_t* values, std::uint32_t count) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  std::uint64_t low = 0, high = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    const std::uint64_t biased = static_cast<std::uint64_t>(values[row]) ^ kSign;
    low += biased & 0xFFFFFFFFu;
    high += biased >> 32;
  }
  return static_cast<Int128>(high) * (Int128{1} << 32) + static_cast<Int128>(low) -
         static_cast<Int128>(count) * (Int128{1} << 63);
}

template <class T>
std::int64_t sum_narrow_kernel(const T* values, std::uint32_t count) {
  std::int64_t sum = 0;
  for (std::uint32_t row = 0; row < count; ++row) sum += values[row];
  return sum;
}

#undef WEIR_SIMD_REDUCE_TABLE
#define WEIR_SIMD_REDUCE_TABLE                                                                   \
  {                                                                                              \
    {ReduceEntry<std::int8_t>{&min_max_kernel<std::int8_t>},                                     \
     ReduceEntry<std::int16_t>{&min_max_kernel<std::int16_t>},                                   \
     ReduceEntry<std::int32_t>{&min_max_kernel<std::int32_t>},                                   \
     ReduceEntry<std::int64_t>{&min_max_kernel<std::int64_t>},                                   \
     ReduceEntry<float>{&min_max_kernel<float>},                                                 \
     ReduceEntry<double>{&min_max_kernel<double>}},                                              \
        &sum64_kernel, &sum_narrow_kernel<std::int32_t>, &sum_narrow_kernel<std::int16_t>,       \
        &sum_narrow_kernel<std::int8_t>, &ranges_kernel, &add_kernel<double>, &add_kernel<float> \
  }
