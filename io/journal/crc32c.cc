// CRC32C by eight tables, and by the crc32 instruction in three streams at once (it takes three cycles and starts one
// each cycle). Three registers become one by moving each over the zeros that stand for the bytes behind it, which is a
// linear map and so four tables of 256 words.
#include "journal/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace weir::detail {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

using ByteTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr ByteTables make_tables() {
  ByteTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = value;
  }
  for (std::size_t table = 1; table < 8; ++table) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t value = tables[table - 1][byte];
      tables[table][byte] = (value >> 8) ^ tables[0][value & 255];
    }
  }
  return tables;
}
constexpr ByteTables kTables = make_tables();

std::uint32_t advance_portable(std::uint32_t state, const unsigned char* at, std::size_t size) noexcept {
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    word ^= state;
    state = 0;
    for (unsigned i = 0; i < 8; ++i) state ^= kTables[7 - i][(word >> (8 * i)) & 255];
  }
  for (; size != 0; ++at, --size) state = (state >> 8) ^ kTables[0][(state ^ *at) & 255];
  return state;
}

#if defined(__x86_64__)

constexpr std::size_t kStream = 1024;  // bytes of one of the three

/// What kStream zero bytes make of a register.
class ZeroMap {
 public:
  ZeroMap() noexcept {
    std::uint32_t basis[32];
    const unsigned char zeros[kStream] = {};
    for (unsigned bit = 0; bit < 32; ++bit) basis[bit] = advance_portable(std::uint32_t{1} << bit, zeros, kStream);
    for (unsigned byte = 0; byte < 4; ++byte) {
      for (std::uint32_t value = 0; value < 256; ++value) {
        std::uint32_t sum = 0;
        for (unsigned bit = 0; bit < 8; ++bit) sum ^= ((value >> bit) & 1) != 0 ? basis[8 * byte + bit] : 0;
        tables_[byte][value] = sum;
      }
    }
  }
  std::uint32_t operator()(std::uint32_t state) const noexcept {
    return tables_[0][state & 255] ^ tables_[1][(state >> 8) & 255] ^ tables_[2][(state >> 16) & 255] ^
           tables_[3][state >> 24];
  }

 private:
  std::uint32_t tables_[4][256];
};

std::uint64_t load_word(const unsigned char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t advance_hardware(std::uint32_t state, const unsigned char* at,
                                                                 std::size_t size) noexcept {
  static const ZeroMap over_stream;
  for (; size >= 3 * kStream; at += 3 * kStream, size -= 3 * kStream) {
    std::uint64_t a = state, b = 0, c = 0;
    for (std::size_t i = 0; i < kStream; i += 8) {
      a = _mm_crc32_u64(a, load_word(at + i));
      b = _mm_crc32_u64(b, load_word(at + kStream + i));
      c = _mm_crc32_u64(c, load_word(at + 2 * kStream + i));
    }
    state = over_stream(over_stream(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b)) ^
            static_cast<std::uint32_t>(c);
  }
  std::uint64_t wide = state;
  for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, load_word(at));
  state = static_cast<std::uint32_t>(wide);
  for (; size != 0; ++at, --size) state = _mm_crc32_u8(state, *at);
  return state;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(const void* bytes, std::size_t size, std::uint32_t before) noexcept {
  return ~advance_portable(~before, static_cast<const unsigned char*>(bytes), size);
}

std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t before) noexcept {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  if (hardware) return ~advance_hardware(~before, static_cast<const unsigned char*>(bytes), size);
#endif
  return crc32c_portable(bytes, size, before);
}

}  // namespace weir::detail
