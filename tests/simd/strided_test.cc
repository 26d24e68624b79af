// Strided gathers against a loop over single fields: every pair of types, every stride, alignment and count.
#include "weir/simd/strided.h"

#include <cstring>
#include <limits>

#include "kernel_case.h"

namespace weir::simd::testing {
namespace {

class StridedGather : public OnEveryTarget {};
WEIR_ON_EVERY_TARGET(StridedGather);

/// Structs with a field at `offset`, in memory that ends with the last struct, at an odd address.
template <class From>
struct Structs {
  std::vector<std::byte> memory;
  std::size_t start, stride, offset;
  std::vector<From> values;

  Structs(std::uint32_t count, std::size_t row_bytes, std::size_t at, Random& random)
      : start(random() % 9), stride(row_bytes), offset(at) {
    memory.resize(start + count * stride);
    for (std::byte& byte : memory) byte = static_cast<std::byte>(random());
    memory.shrink_to_fit();
    for (std::uint32_t row = 0; row < count; ++row) {
      values.push_back(Values<From>::one(random, true));
      std::memcpy(memory.data() + start + row * stride + offset, &values.back(), sizeof(From));
    }
  }
  Strided field() const { return {memory.data() + start + offset, stride}; }
};

template <class F>
void for_each_layout(std::size_t size, F&& check) {
  for (const std::size_t stride :
       {size, size + 1, std::size_t{32}, std::size_t{64}, std::size_t{128}, std::size_t{200}})
    for (const std::size_t offset : {std::size_t{0}, (stride - size) / 2, stride - size})
      for (const std::uint32_t count : {0u, 1u, 2u, 3u, 7u, 8u, 15u, 16u, 17u, 63u, 64u, 65u, 257u}) {
        SCOPED_TRACE("stride " + std::to_string(stride) + " offset " + std::to_string(offset) + " count " +
                     std::to_string(count));
        check(stride, offset, count);
        if (::testing::Test::HasFatalFailure()) return;
      }
}

template <class From, class To>
void check_pair() {
  Random random(31);
  for_each_layout(sizeof(From), [&](std::size_t stride, std::size_t offset, std::uint32_t count) {
    const Structs<From> structs(count, stride, offset, random);
    std::vector<To> out(count);
    Strided field = structs.field();
    field.ahead = count % 2 == 0 ? 0 : 256;
    gather_strided<From>(field, count, out.data());
    for (std::uint32_t row = 0; row < count; ++row)
      ASSERT_TRUE(same_bits(out[row], static_cast<To>(structs.values[row]))) << "row " << row;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < count; ++row)
      if (random() % 3 == 0) rows.push_back(row);
    std::vector<To> some(count, To{42});
    gather_strided_rows<From>(field, rows.data(), static_cast<std::uint32_t>(rows.size()), some.data());
    std::size_t next = 0;
    for (std::uint32_t row = 0; row < count; ++row) {
      const bool selected = next < rows.size() && rows[next] == row;
      ASSERT_TRUE(same_bits(some[row], selected ? static_cast<To>(structs.values[row]) : To{42})) << "row " << row;
      next += selected ? 1 : 0;
    }
  });
}

TEST_P(StridedGather, EveryPairOfTypesKeepsTheValue) {
  check_pair<std::int8_t, std::int8_t>();
  check_pair<std::int8_t, std::int16_t>();
  check_pair<std::int8_t, std::int32_t>();
  check_pair<std::int8_t, std::int64_t>();
  check_pair<std::int8_t, Int128>();
  check_pair<std::uint8_t, std::int16_t>();
  check_pair<std::uint8_t, std::int32_t>();
  check_pair<std::uint8_t, std::int64_t>();
  check_pair<std::uint8_t, Int128>();
  check_pair<std::int16_t, std::int16_t>();
  check_pair<std::int16_t, std::int32_t>();
  check_pair<std::int16_t, std::int64_t>();
  check_pair<std::int16_t, Int128>();
  check_pair<std::uint16_t, std::int32_t>();
  check_pair<std::uint16_t, std::int64_t>();
  check_pair<std::uint16_t, Int128>();
  check_pair<std::int32_t, std::int32_t>();
  check_pair<std::int32_t, std::int64_t>();
  check_pair<std::int32_t, Int128>();
  check_pair<std::uint32_t, std::int64_t>();
  check_pair<std::uint32_t, Int128>();
  check_pair<std::int64_t, std::int64_t>();
  check_pair<std::int64_t, Int128>();
  check_pair<std::uint64_t, Int128>();
  check_pair<float, float>();
  check_pair<double, double>();
}

TEST_P(StridedGather, WideIntegersFloatsAndBooleansKeepTheValue) {
  Random random(32);
  for_each_layout(16, [&](std::size_t stride, std::size_t offset, std::uint32_t count) {
    const Structs<std::uint64_t> low(count, stride, offset, random);
    const auto* at = static_cast<const std::byte*>(low.field().first);
    std::vector<Int128> out(count);
    gather_strided<Int128>(low.field(), count, out.data());
    for (std::uint32_t row = 0; row < count; ++row) ASSERT_EQ(std::memcmp(at + row * stride, &out[row], 16), 0);
    const Structs<float> floats(count, stride, offset, random);
    std::vector<double> doubles(count);
    gather_strided<float>(floats.field(), count, doubles.data());
    for (std::uint32_t row = 0; row < count; ++row) {
      const float value = floats.values[row];
      ASSERT_TRUE(value != value ? doubles[row] != doubles[row] : doubles[row] == static_cast<double>(value));
    }
    const Structs<std::uint8_t> bytes(count, stride, offset, random);
    std::vector<std::int8_t> booleans(count);
    gather_strided<bool>(bytes.field(), count, booleans.data());
    for (std::uint32_t row = 0; row < count; ++row) ASSERT_EQ(booleans[row], bytes.values[row] != 0 ? 1 : 0);
  });
}

template <class From>
void check_times(std::int64_t unit, std::int64_t shift) {
  Random random(33);
  for_each_layout(sizeof(From), [&](std::size_t stride, std::size_t offset, std::uint32_t count) {
    if (count == 0) return;
    const Structs<From> structs(count, stride, offset, random);
    Int128 lowest = std::numeric_limits<std::int64_t>::max(), highest = std::numeric_limits<std::int64_t>::min();
    bool fits = true;
    for (const From value : structs.values) {
      const Int128 time = static_cast<Int128>(value) * unit + shift;
      fits =
          fits && time >= std::numeric_limits<std::int64_t>::min() && time <= std::numeric_limits<std::int64_t>::max();
      lowest = time < lowest ? time : lowest;
      highest = time > highest ? time : highest;
    }
    std::vector<std::int64_t> out(count);
    std::int64_t least = 0, greatest = 0;
    ASSERT_EQ(gather_strided_times<From>(structs.field(), count, unit, shift, out.data(), &least, &greatest), fits);
    if (!fits) return;
    ASSERT_TRUE(least == lowest && greatest == highest);
    for (std::uint32_t row = 0; row < count; ++row)
      ASSERT_EQ(out[row], static_cast<std::int64_t>(structs.values[row]) * unit + shift);
  });
}

TEST_P(StridedGather, TimesAreScaledAndShiftedOrRefusedWhereOneDoesNotFit) {
  for (const std::int64_t unit : {std::int64_t{1}, std::int64_t{1'000}, std::int64_t{1'000'000'000}})
    for (const std::int64_t shift : {std::int64_t{0}, std::int64_t{-5'000'000'000}, std::int64_t{1} << 62}) {
      check_times<std::int8_t>(unit, shift);
      check_times<std::uint8_t>(unit, shift);
      check_times<std::int16_t>(unit, shift);
      check_times<std::uint16_t>(unit, shift);
      check_times<std::int32_t>(unit, shift);
      check_times<std::uint32_t>(unit, shift);
      check_times<std::int64_t>(unit, shift);  // its extremes do not fit any unit above 1
    }
}

}  // namespace
}  // namespace weir::simd::testing
