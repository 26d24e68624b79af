// Arrays of rows of words. See word_rows.h.
//
// A vector covers some words of some rows; which word a lane holds begins again after as many vectors as a row has
// words. So a turn of the loops takes that many vectors, and what each lane needs is known beforehand.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "word_rows.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef WEIR_SIMD_WORD_ROWS_TABLE_
#define WEIR_SIMD_WORD_ROWS_TABLE_
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "dispatch.h"
#include "weir/simd/word_rows.h"

namespace weir::simd {
struct WordRowsTable {
  /// [words - 1]
  bool (*add[4])(const WordRows&, const std::uint64_t*, const std::uint64_t*, std::uint32_t, std::uint64_t*);
  bool (*flip[4])(const WordRows&, std::uint64_t*, std::uint64_t*, std::uint32_t);
  std::uint32_t (*counted[4])(const std::uint64_t*, std::uint32_t, std::uint64_t*);
  void (*subtract)(std::uint64_t*, const std::uint64_t*, std::size_t);
  /// [words - 2]
  void (*average_double[3])(const std::uint64_t*, std::size_t, std::uint32_t, double*);
  void (*average_float[3])(const std::uint64_t*, std::size_t, std::uint32_t, float*);
  std::uint32_t (*compress4)(const PickedValues&, std::byte*, std::uint32_t);
  std::uint32_t (*compress8)(const PickedValues&, std::byte*, std::uint32_t);
  std::uint32_t (*compress16)(const PickedValues&, std::byte*, std::uint32_t);
};

/// The kernels of the namespace in which it stands.
#define WEIR_SIMD_WORD_ROWS_TABLE                                                                               \
  {                                                                                                             \
    {&add_kernel<1>, &add_kernel<2>, &add_kernel<3>, &add_kernel<4>},                                           \
        {&flip_kernel<1>, &flip_kernel<2>, &flip_kernel<3>, &flip_kernel<4>},                                   \
        {&counted_kernel<1>, &counted_kernel<2>, &counted_kernel<3>, &counted_kernel<4>}, &subtract_kernel,     \
        {&average_kernel<2, double>, &average_kernel<3, double>, &average_kernel<4, double>},                   \
        {&average_kernel<2, float>, &average_kernel<3, float>, &average_kernel<4, float>}, &compress_kernel<4>, \
        &compress_kernel<8>, &compress_kernel<16>                                                               \
  }

/// One word with another; false where it overflowed.
inline bool combine_words(WordOp op, std::uint64_t a, std::uint64_t b, std::uint64_t& to) noexcept {
  const auto left = static_cast<std::int64_t>(a), right = static_cast<std::int64_t>(b);
  switch (op) {
    case WordOp::kDouble:
      to = std::bit_cast<std::uint64_t>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
      return true;
    case WordOp::kMin:
      to = right < left ? b : a;
      return true;
    case WordOp::kMax:
      to = left < right ? b : a;
      return true;
    default:
      to = a + b;
      return op == WordOp::kCount || ((a ^ to) & (b ^ to)) >> 63 == 0;  // the sign is neither's
  }
}

template <class T>
inline T average_one_row(const std::uint64_t* row, std::size_t sum) noexcept {
  return static_cast<T>(std::bit_cast<double>(row[sum]) / static_cast<double>(static_cast<std::int64_t>(row[0])));
}

inline bool add_one_row(const WordRows& form, const std::uint64_t* a, const std::uint64_t* b,
                        std::uint64_t* to) noexcept {
  bool fits = true;
  for (std::size_t w = 0; w < form.words(); ++w) fits &= combine_words(form.op(w), a[w], b[w], to[w]);
  return fits;
}

inline bool flip_one_row(const WordRows& form, std::uint64_t* kept, std::uint64_t* sum) noexcept {
  bool fits = true;
  for (std::size_t w = 0; w < form.words(); ++w) {
    const std::uint64_t old = sum[w];
    fits &= combine_words(form.op(w), old, kept[w], sum[w]);
    kept[w] = old;
  }
  return fits;
}

/// The values of one word of bits, one by one.
template <std::size_t kBytes>
inline std::uint32_t compress_word(const std::byte* values, std::uint64_t bits, std::byte* out) noexcept {
  std::uint32_t count = 0;
  for (; bits != 0; bits &= bits - 1)
    std::memcpy(out + count++ * kBytes, values + static_cast<unsigned>(std::countr_zero(bits)) * kBytes, kBytes);
  return count;
}
}  // namespace weir::simd
#endif

#include "hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weir::simd::HWY_NAMESPACE {

using Words = hn::ScalableTag<std::uint64_t>;
constexpr std::uint32_t kLanes = HWY_LANES(std::uint64_t);

/// Which lanes of the vectors of a turn are of a kind.
template <std::size_t kWords>
struct LaneKinds {
  hn::Vec<Words> integers[kWords], doubles[kWords], minima[kWords], maxima[kWords];
  bool any_integer, any_double, any_extreme;

  HWY_INLINE explicit LaneKinds(const WordRows& form)
      : any_integer(form.has(WordOp::kInteger)),
        any_double(form.has(WordOp::kDouble)),
        any_extreme(form.has(WordOp::kMin) || form.has(WordOp::kMax)) {
    const Words d;
    for (std::size_t v = 0; v < kWords; ++v) {
      integers[v] = hn::LoadU(d, form.lanes(WordOp::kInteger) + v * kLanes);
      doubles[v] = hn::LoadU(d, form.lanes(WordOp::kDouble) + v * kLanes);
      minima[v] = hn::LoadU(d, form.lanes(WordOp::kMin) + v * kLanes);
      maxima[v] = hn::LoadU(d, form.lanes(WordOp::kMax) + v * kLanes);
    }
  }
};

/// The combination of a vector of each side; the sign of `overflow` where a kInteger did not fit.
template <bool kIntegers, bool kDoubles, bool kExtremes, std::size_t kWords>
HWY_INLINE hn::Vec<Words> combine(const LaneKinds<kWords>& kinds, std::size_t v, hn::Vec<Words> a, hn::Vec<Words> b,
                                  hn::Vec<Words>& overflow) {
  const Words d;
  auto sum = hn::Add(a, b);
  if constexpr (kIntegers)
    overflow = hn::Or(overflow, hn::And(kinds.integers[v], hn::And(hn::Xor(a, sum), hn::Xor(b, sum))));
  if constexpr (kDoubles) {
    const hn::RebindToFloat<Words> of_double;
    const auto real = hn::BitCast(d, hn::Add(hn::BitCast(of_double, a), hn::BitCast(of_double, b)));
    sum = hn::IfVecThenElse(kinds.doubles[v], real, sum);
  }
  if constexpr (kExtremes) {
    const hn::RebindToSigned<Words> of_signed;
    const auto less =
        hn::BitCast(d, hn::VecFromMask(of_signed, hn::Lt(hn::BitCast(of_signed, a), hn::BitCast(of_signed, b))));
    sum = hn::IfVecThenElse(kinds.minima[v], hn::IfVecThenElse(less, a, b), sum);
    sum = hn::IfVecThenElse(kinds.maxima[v], hn::IfVecThenElse(less, b, a), sum);
  }
  return sum;
}

/// Calls body with what the rows have as constants.
template <std::size_t kWords, class Body>
HWY_INLINE bool with_kinds(const LaneKinds<kWords>& kinds, Body&& body) {
  using Yes = std::true_type;
  using No = std::false_type;
  if (kinds.any_extreme) return body(Yes(), Yes(), Yes());
  if (kinds.any_double) return kinds.any_integer ? body(Yes(), Yes(), No()) : body(No(), Yes(), No());
  return kinds.any_integer ? body(Yes(), No(), No()) : body(No(), No(), No());
}

template <bool kIntegers>
HWY_INLINE bool none_overflowed(hn::Vec<Words> overflow) {
  if constexpr (!kIntegers) return true;
  const hn::RebindToSigned<Words> d;
  return hn::AllFalse(d, hn::Lt(hn::BitCast(d, overflow), hn::Zero(d)));
}

template <std::size_t kWords, bool kIntegers, bool kDoubles, bool kExtremes>
bool add_rows(const WordRows& form, const LaneKinds<kWords>& kinds, const std::uint64_t* a, const std::uint64_t* b,
              std::uint32_t rows, std::uint64_t* to) {
  const Words d;
  auto overflow = hn::Zero(d);
  std::uint32_t row = 0;
  for (; row + kLanes <= rows; row += kLanes) {
    for (std::size_t v = 0; v < kWords; ++v) {
      const std::size_t at = row * kWords + v * kLanes;
      hn::StoreU(
          combine<kIntegers, kDoubles, kExtremes>(kinds, v, hn::LoadU(d, a + at), hn::LoadU(d, b + at), overflow), d,
          to + at);
    }
  }
  bool fits = none_overflowed<kIntegers>(overflow);
  for (; row < rows; ++row) fits &= add_one_row(form, a + row * kWords, b + row * kWords, to + row * kWords);
  return fits;
}

template <std::size_t kWords>
bool add_kernel(const WordRows& form, const std::uint64_t* a, const std::uint64_t* b, std::uint32_t rows,
                std::uint64_t* to) {
  const LaneKinds<kWords> kinds(form);
  return with_kinds(kinds, [&](auto integers, auto doubles, auto extremes) HWY_ATTR {
    return add_rows<kWords, integers, doubles, extremes>(form, kinds, a, b, rows, to);
  });
}

template <std::size_t kWords, bool kIntegers, bool kDoubles, bool kExtremes>
bool flip_rows(const WordRows& form, const LaneKinds<kWords>& kinds, std::uint64_t* kept, std::uint64_t* sum,
               std::uint32_t rows) {
  const Words d;
  auto overflow = hn::Zero(d);
  std::uint32_t row = 0;
  for (; row + kLanes <= rows; row += kLanes) {
    for (std::size_t v = 0; v < kWords; ++v) {
      const std::size_t at = row * kWords + v * kLanes;
      const auto old = hn::LoadU(d, sum + at), value = hn::LoadU(d, kept + at);
      hn::StoreU(combine<kIntegers, kDoubles, kExtremes>(kinds, v, old, value, overflow), d, sum + at);
      hn::StoreU(old, d, kept + at);
    }
  }
  bool fits = none_overflowed<kIntegers>(overflow);
  for (; row < rows; ++row) fits &= flip_one_row(form, kept + row * kWords, sum + row * kWords);
  return fits;
}

template <std::size_t kWords>
bool flip_kernel(const WordRows& form, std::uint64_t* kept, std::uint64_t* sum, std::uint32_t rows) {
  const LaneKinds<kWords> kinds(form);
  return with_kinds(kinds, [&](auto integers, auto doubles, auto extremes) HWY_ATTR {
    return flip_rows<kWords, integers, doubles, extremes>(form, kinds, kept, sum, rows);
  });
}

/// Word w of some rows, in word[w].
template <std::size_t kWords>
struct Columns {
  hn::Vec<Words> word[kWords];

  HWY_INLINE explicit Columns(const std::uint64_t* rows) {
    const Words d;
    if constexpr (kWords == 1)
      word[0] = hn::LoadU(d, rows);
    else if constexpr (kWords == 2)
      hn::LoadInterleaved2(d, rows, word[0], word[1]);
    else if constexpr (kWords == 3)
      hn::LoadInterleaved3(d, rows, word[0], word[1], word[2]);
    else
      hn::LoadInterleaved4(d, rows, word[0], word[1], word[2], word[3]);
  }
};

template <std::size_t kWords>
std::uint32_t counted_kernel(const std::uint64_t* rows, std::uint32_t count, std::uint64_t* bits) {
  const Words d;
  std::uint32_t counted = 0;
  for (std::uint32_t begin = 0; begin < count; begin += 64) {
    const std::uint32_t size = std::min(64u, count - begin);
    std::uint64_t word = 0;
    std::uint32_t at = 0;
    for (; at + kLanes <= size; at += kLanes)
      word |= mask_bits(d, hn::Ne(Columns<kWords>(rows + std::size_t{begin + at} * kWords).word[0], hn::Zero(d))) << at;
    for (; at < size; ++at) word |= std::uint64_t{rows[std::size_t{begin + at} * kWords] != 0} << at;
    bits[begin / 64] = word;
    counted += static_cast<std::uint32_t>(std::popcount(word));
  }
  return counted;
}

inline void subtract_kernel(std::uint64_t* from, const std::uint64_t* what, std::size_t words) {
  const Words d;
  std::size_t word = 0;
  for (; word + kLanes <= words; word += kLanes)
    hn::StoreU(hn::Sub(hn::LoadU(d, from + word), hn::LoadU(d, what + word)), d, from + word);
  for (; word < words; ++word) from[word] -= what[word];
}

template <std::size_t kWords, class T>
void average_kernel(const std::uint64_t* rows, std::size_t sum, std::uint32_t count, T* out) {
  const hn::RebindToFloat<Words> of_double;
  const hn::RebindToSigned<Words> of_signed;
  std::uint32_t row = 0;
  for (; row + kLanes <= count; row += kLanes) {
    const Columns<kWords> columns(rows + std::size_t{row} * kWords);
    auto total = columns.word[1];
    if (kWords > 2 && sum == 2) total = columns.word[2 % kWords];
    if (kWords > 3 && sum == 3) total = columns.word[3 % kWords];
    const auto rows_of = hn::ConvertTo(of_double, hn::BitCast(of_signed, columns.word[0]));
    const auto average = hn::Div(hn::BitCast(of_double, total), rows_of);
    if constexpr (sizeof(T) == sizeof(double)) {
      hn::StoreU(average, of_double, out + row);
    } else {
      const hn::Rebind<float, Words> of_float;
      hn::StoreU(hn::DemoteTo(of_float, average), of_float, out + row);
    }
  }
  for (; row < count; ++row) out[row] = average_one_row<T>(rows + std::size_t{row} * kWords, sum);
}

/// Some bits, each as often as a value has lanes of 32 bits.
template <std::size_t kBytes>
HWY_INLINE std::uint64_t bits_of_lanes(std::uint64_t bits) {
  if constexpr (kBytes == 4) return bits;
  const std::uint64_t twice = kTwiceBits.of[bits];
  return kBytes == 8 ? twice : kTwiceBits.of[twice];
}

/// Values of 4, 8 or 16 bytes.
template <std::size_t kBytes>
std::uint32_t compress_kernel(const PickedValues& from, std::byte* out, std::uint32_t room) {
  const hn::ScalableTag<std::uint32_t> d;
  constexpr std::uint32_t kStep = HWY_LANES(std::uint32_t) * 4 / kBytes;
  const std::byte* values = static_cast<const std::byte*>(from.values);
  std::uint32_t count = 0;
  for (std::uint32_t w = 0; w < from.words; ++w, values += 64 * kBytes) {
    const std::uint64_t bits = from.bits[w];
    if (bits == 0) continue;
    if (bits == ~std::uint64_t{0}) {
      std::memcpy(out + count * kBytes, values, 64 * kBytes);
      count += 64;
    } else if (room - count < 64 || from.readable < 64 * (w + 1) ||
               static_cast<std::uint32_t>(std::popcount(bits)) < 2 * 64 / kStep) {
      count += compress_word<kBytes>(values, bits, out + count * kBytes);
    } else {
      for (std::uint32_t at = 0; at < 64; at += kStep) {
        const std::uint64_t part = bits >> at & ((std::uint64_t{1} << kStep) - 1);
        const auto lanes = hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(values + at * kBytes));
        hn::StoreU(compress_lanes(d, lanes, bits_of_lanes<kBytes>(part)), d,
                   reinterpret_cast<std::uint32_t*>(out + count * kBytes));
        count += static_cast<std::uint32_t>(std::popcount(part));
      }
    }
  }
  return count;
}

const WordRowsTable* word_rows_table() {
  static constexpr WordRowsTable kTable = WEIR_SIMD_WORD_ROWS_TABLE;
  return &kTable;
}

}  // namespace weir::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weir::simd {
namespace plain {
namespace {

template <std::size_t kWords>
bool add_kernel(const WordRows& form, const std::uint64_t* a, const std::uint64_t* b, std::uint32_t rows,
                std::uint64_t* to) {
  bool fits = true;
  for (std::size_t at = 0; at < rows * kWords; at += kWords) fits &= add_one_row(form, a + at, b + at, to + at);
  return fits;
}

template <std::size_t kWords>
bool flip_kernel(const WordRows& form, std::uint64_t* kept, std::uint64_t* sum, std::uint32_t rows) {
  bool fits = true;
  for (std::size_t at = 0; at < rows * kWords; at += kWords) fits &= flip_one_row(form, kept + at, sum + at);
  return fits;
}

template <std::size_t kWords>
std::uint32_t counted_kernel(const std::uint64_t* rows, std::uint32_t count, std::uint64_t* bits) {
  std::uint32_t counted = 0;
  for (std::uint32_t row = 0; row < count; ++row) {
    if (row % 64 == 0) bits[row / 64] = 0;
    const bool there = rows[row * kWords] != 0;
    bits[row / 64] |= std::uint64_t{there} << (row % 64);
    counted += there ? 1 : 0;
  }
  return counted;
}

void subtract_kernel(std::uint64_t* from, const std::uint64_t* what, std::size_t words) {
  for (std::size_t word = 0; word < words; ++word) from[word] -= what[word];
}

template <std::size_t kWords, class T>
void average_kernel(const std::uint64_t* rows, std::size_t sum, std::uint32_t count, T* out) {
  for (std::uint32_t row = 0; row < count; ++row) out[row] = average_one_row<T>(rows + row * kWords, sum);
}

template <std::size_t kBytes>
std::uint32_t compress_kernel(const PickedValues& from, std::byte* out, std::uint32_t) {
  const std::byte* values = static_cast<const std::byte*>(from.values);
  std::uint32_t count = 0;
  for (std::uint32_t w = 0; w < from.words; ++w)
    count += compress_word<kBytes>(values + w * 64 * kBytes, from.bits[w], out + count * kBytes);
  return count;
}

const WordRowsTable* word_rows_table() {
  static constexpr WordRowsTable kTable = WEIR_SIMD_WORD_ROWS_TABLE;
  return &kTable;
}

}  // namespace
}  // namespace plain

HWY_EXPORT(word_rows_table);

namespace {

const std::uint64_t* words_at(const std::byte* at) noexcept {
  return reinterpret_cast<const std::uint64_t*>(at);
}
std::uint64_t* words_at(std::byte* at) noexcept {
  return reinterpret_cast<std::uint64_t*>(at);
}

}  // namespace

WordRows::WordRows(std::span<const WordOp> ops) noexcept : words_(ops.size()) {
  std::copy(ops.begin(), ops.end(), ops_.begin());
  for (std::size_t lane = 0; lane < words_ * kLanesMax; ++lane)
    lanes_[static_cast<std::size_t>(ops_[lane % words_])].ones[lane] = ~std::uint64_t{0};
  for (const WordOp op : ops) kinds_ |= 1u << static_cast<unsigned>(op);
}

bool add_word_rows(const WordRows& form, const std::byte* a, const std::byte* b, std::uint32_t rows, std::byte* to) {
  return WEIR_SIMD_TABLE(word_rows_table).add[form.words() - 1](form, words_at(a), words_at(b), rows, words_at(to));
}

bool flip_word_rows(const WordRows& form, std::byte* kept, std::byte* sum, std::uint32_t rows) {
  return WEIR_SIMD_TABLE(word_rows_table).flip[form.words() - 1](form, words_at(kept), words_at(sum), rows);
}

void subtract_word_rows(const WordRows& form, std::byte* from, const std::byte* what, std::uint32_t rows) {
  WEIR_SIMD_TABLE(word_rows_table).subtract(words_at(from), words_at(what), rows * form.words());
}

template <>
void average_rows<double>(const std::byte* rows, std::size_t words, std::size_t sum, std::uint32_t count, double* out) {
  WEIR_SIMD_TABLE(word_rows_table).average_double[words - 2](words_at(rows), sum, count, out);
}
template <>
void average_rows<float>(const std::byte* rows, std::size_t words, std::size_t sum, std::uint32_t count, float* out) {
  WEIR_SIMD_TABLE(word_rows_table).average_float[words - 2](words_at(rows), sum, count, out);
}

std::uint32_t counted_rows(const std::byte* rows, std::size_t words, std::uint32_t count, std::uint64_t* bits) {
  return WEIR_SIMD_TABLE(word_rows_table).counted[words - 1](words_at(rows), count, bits);
}

std::uint32_t compress_values(const PickedValues& from, void* to, std::uint32_t room) {
  const WordRowsTable& table = WEIR_SIMD_TABLE(word_rows_table);
  std::byte* out = static_cast<std::byte*>(to);
  switch (from.bytes) {
    case 1:
      return plain::compress_kernel<1>(from, out, room);
    case 2:
      return plain::compress_kernel<2>(from, out, room);
    case 4:
      return table.compress4(from, out, room);
    case 8:
      return table.compress8(from, out, room);
    case 16:
      return table.compress16(from, out, room);
    case 24:
      return plain::compress_kernel<24>(from, out, room);
    default:
      return plain::compress_kernel<32>(from, out, room);
  }
}

}  // namespace weir::simd
#endif
