// The limit of reading columns: a sum over more bytes than any cache holds.
#include "limits/limits.h"

namespace weir::bench {

std::uint64_t read_words(const std::uint64_t* words, std::size_t count) noexcept {
  std::uint64_t lanes[32] = {};
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    for (std::size_t lane = 0; lane < 32; ++lane) lanes[lane] += words[i + lane];
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t lane : lanes) sum += lane;
  for (; i < count; ++i) sum += words[i];
  return sum;
}

}  // namespace weir::bench
