// Kernels of sketches: buckets of a logarithmic histogram, and registers of a HyperLogLog.
//
// The bucket of a double is a whole number made of its bits alone, without floating point, so that it is the same on
// every target: log2 |x| is the exponent plus a cubic polynomial of the mantissa, in fixed point, times buckets per
// octave. Source: Masson, Rim, Lee, "DDSketch", VLDB 2019; the cubic interpolation is that of its authors' libraries.
#pragma once

#include <bit>
#include <cstdint>

namespace weir::simd {

/// Buckets per octave in fixed point: 19 bits behind the point. At most 2^12 buckets an octave.
using LogBuckets = std::uint32_t;
inline constexpr int kLogBucketsPoint = 19;

/// The bucket of the double with these bits, sign bit included: buckets rise with the bits.
constexpr std::uint64_t log_bucket_of_bits(std::uint64_t bits, LogBuckets buckets) noexcept {
  constexpr std::uint64_t kA = 736'280'108;    // 6/35 in 2^-32
  constexpr std::uint64_t kB = 2'576'980'378;  // 3/5 in 2^-32
  constexpr std::uint64_t kC = 3'067'833'783;  // 10/7 in 2^-31
  const std::uint64_t mantissa = (bits >> 20) & 0xFFFFFFFFu;
  const std::uint64_t square = kB - (kA * mantissa >> 32);
  const std::uint64_t slope = kC - (square * mantissa >> 33);
  const std::uint64_t fraction = slope * mantissa >> 31;  // of log2, in 2^-32
  const std::uint64_t log = (bits >> 52 << 20) + (fraction >> 12);
  return log * buckets >> (20 + kLogBucketsPoint);
}
/// The bucket of |value|.
constexpr std::uint64_t log_bucket(double value, LogBuckets buckets) noexcept {
  return log_bucket_of_bits(std::bit_cast<std::uint64_t>(value) & ~(std::uint64_t{1} << 63), buckets);
}

/// The least and the greatest of some buckets.
struct LogBucketRange {
  std::uint64_t min = ~std::uint64_t{0};
  std::uint64_t max = 0;
};

/// to[i] = the bucket of values[i], which for negative values (sign bit set) lies above that of NaN: a range within the
/// buckets of normal numbers says that all values are normal, finite and positive.
LogBucketRange log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t* to);

/// What split_log_buckets found.
struct SplitLogBuckets {
  std::uint32_t positive = 0, negative = 0, others = 0;  ///< How many.
  LogBucketRange positive_range, negative_range;
};
/// Parts the buckets of |values[i]| by sign, each in order; values whose bucket is not above `least` and below `most`
/// are among neither: their positions go to `others`. The three hold count + 8 words: what is written may be more than
/// what is said.
SplitLogBuckets split_log_buckets(const double* values, std::uint32_t count, LogBuckets buckets, std::uint64_t least,
                                  std::uint64_t most, std::uint64_t* positive, std::uint64_t* negative,
                                  std::uint64_t* others);

/// One register of a HyperLogLog a hash: register = its high `precision` bits, value = zeros that lead the rest,
/// plus 1. Registers keep their maximum. Requires: 1 <= precision <= 26, 2^precision registers.
void raise_registers(const std::uint64_t* hashes, std::uint32_t count, unsigned precision, std::uint8_t* registers);
/// A HyperLogLog's token of a hash: its high 26 bits, then 1 + the zeros that lead the other 38, in 6 bits. Never 0.
inline constexpr unsigned kTokenPrefixBits = 26, kTokenRunBits = 6;
constexpr std::uint32_t token_of_hash(std::uint64_t hash) noexcept {
  constexpr std::uint64_t kGuard = std::uint64_t{1} << (kTokenPrefixBits - 1);
  const auto run = static_cast<std::uint32_t>(std::countl_zero(hash << kTokenPrefixBits | kGuard) + 1);
  return static_cast<std::uint32_t>(hash >> (64 - kTokenPrefixBits)) << kTokenRunBits | run;
}
/// How many of the first hashes surely have their token in a table of `places` (a power of two, 16 at least) tokens:
/// within 8 places of where its prefix says (at the table's end: within its last 8). Cost: a load a hash.
std::uint32_t count_known_tokens(const std::uint64_t* hashes, std::uint32_t count, const std::uint32_t* tokens,
                                 std::uint32_t places);
/// to[i] = max(to[i], from[i]).
void max_registers(const std::uint8_t* from, std::uint32_t count, std::uint8_t* to);

}  // namespace weir::simd
