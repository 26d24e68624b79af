// Gathers. Plain loops: a load a cycle is what the hardware's gather instructions give too, on the processors measured.
#include "weir/simd/gather.h"

#include <cstddef>
#include <cstring>

namespace weir::simd {
namespace {

struct Word16 {
  std::uint64_t low, high;
};

template <class T>
void gather(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  const char* from = static_cast<const char*>(values);
  char* to = static_cast<char*>(out);
  const auto load = [from](std::uint32_t row) {
    T value;
    std::memcpy(&value, from + std::size_t{row} * sizeof(T), sizeof(T));
    return value;
  };
  const auto store = [to](std::uint32_t i, const T& value) {
    std::memcpy(to + std::size_t{i} * sizeof(T), &value, sizeof(T));
  };
  std::uint32_t i = 0;
  for (; i + 4 <= count; i += 4) {  // four a turn: else the loop itself is the limit
    const T first = load(rows[i]), second = load(rows[i + 1]), third = load(rows[i + 2]), fourth = load(rows[i + 3]);
    store(i, first);
    store(i + 1, second);
    store(i + 2, third);
    store(i + 3, fourth);
  }
  for (; i < count; ++i) store(i, load(rows[i]));
}

}  // namespace

void gather1(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  gather<std::uint8_t>(values, rows, count, out);
}
void gather2(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  gather<std::uint16_t>(values, rows, count, out);
}
void gather4(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  gather<std::uint32_t>(values, rows, count, out);
}
void gather8(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  gather<std::uint64_t>(values, rows, count, out);
}
void gather16(const void* values, const std::uint32_t* rows, std::uint32_t count, void* out) {
  gather<Word16>(values, rows, count, out);
}

bool gather_bits(const std::uint64_t* words, const std::uint32_t* rows, std::uint32_t count, std::uint64_t* out,
                 std::uint32_t begin) {
  std::uint64_t missing = 0;
  std::uint32_t i = 0;
  while (i < count) {
    const std::uint32_t shift = (begin + i) % 64;
    const std::uint32_t take = count - i < 64 - shift ? count - i : 64 - shift;
    const std::uint64_t mask = (take == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << take) - 1) << shift;
    std::uint64_t bits = mask;
    if (words != nullptr) {
      bits = 0;
      for (std::uint32_t j = 0; j < take; ++j) {
        const std::uint32_t row = rows[i + j];
        bits |= (words[row / 64] >> (row % 64) & 1) << (shift + j);
      }
    }
    std::uint64_t& word = out[(begin + i) / 64];
    word = (word & ~mask) | bits;
    missing |= mask & ~bits;
    i += take;
  }
  return missing == 0;
}

}  // namespace weir::simd
