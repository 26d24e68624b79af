// Lays the keys of a batch out in words. See key_layout.h.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "weir/simd/boolean.h"
#include "weir/simd/hash.h"
#include "weir/simd/reduce.h"
#include "window/key_layout.h"

namespace weir {
namespace {

bool is_integer_key(const Type& type) {
  switch (type.physical()) {
    case Physical::kInt8:
    case Physical::kInt16:
    case Physical::kInt32:
    case Physical::kInt64:
      return true;
    default:
      return false;
  }
}

// -0 and +0 are one key, and so are all NaNs.
double canonical(double value) {
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0.0 : value;
}

template <class T, class ToWord>
void put_words(const Vector& vector, const simd::Rows& rows, std::uint32_t words, std::uint64_t* to, ToWord to_word) {
  const T* values = vector.values<T>();
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    to[std::size_t{row} * words] = to_word(values[row]);
  }
}

template <class T>
void put_integers(const Vector& vector, const simd::Rows& rows, std::uint32_t words, std::uint64_t* to) {
  put_words<T>(vector, rows, words, to,
               [](T value) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(value)); });
}

template <class T>
void put_floats(const Vector& vector, const simd::Rows& rows, std::uint32_t words, std::uint64_t* to) {
  put_words<T>(vector, rows, words, to, [](T value) {
    const double number = canonical(static_cast<double>(value));
    std::uint64_t word;
    std::memcpy(&word, &number, sizeof word);
    return word;
  });
}

}  // namespace

KeyLayout KeyLayout::make(std::span<const Type> types) {
  KeyLayout layout;
  bool nullable = false;
  for (const Type& type : types) {
    layout.columns.push_back({type, layout.words});
    const Physical physical = type.physical();
    layout.words += physical == Physical::kInt128 || physical == Physical::kString ? 2 : 1;
    layout.strings |= physical == Physical::kString;
    nullable |= type.nullable;
  }
  if (types.empty()) return layout;
  layout.form = types.size() == 1 && is_integer_key(types[0]) ? KeyForm::kInteger : KeyForm::kWords;
  if (layout.form == KeyForm::kWords && nullable) {
    layout.null_word = static_cast<int>(layout.words);
    layout.words += static_cast<std::uint32_t>((types.size() + 63) / 64);
  }
  return layout;
}

BatchKeys::BatchKeys(const KeyLayout& layout, std::uint32_t capacity) : layout_(layout), capacity_(capacity) {
  vectors_.resize(layout.columns.size());
  const std::size_t words = std::size_t{layout.words} * capacity;
  if (words != 0) {
    own_words_ = std::make_unique<std::uint64_t[]>(words);
    hashes_ = std::make_unique<std::uint64_t[]>(capacity);
    memory_bytes_ = 8 * (words + capacity);
  }
}

void BatchKeys::begin(const Batch& batch, std::span<const std::uint32_t> columns, const simd::Rows& rows) {
  WEIR_DCHECK(rows.end() <= capacity_);
  for (std::size_t i = 0; i < vectors_.size(); ++i) vectors_[i] = &batch.column(columns[i]);
  rows_ = rows;
  words_ = nullptr;
  hashed_ = false;
  long_strings_ = false;
  validity_ = nullptr;
  if (layout_.form == KeyForm::kInteger && vectors_[0]->validity != nullptr &&
      !simd::bitmap_all(vectors_[0]->validity, rows.end()))
    validity_ = vectors_[0]->validity;
}

const std::uint64_t* BatchKeys::words() {
  if (words_ == nullptr) make_words();
  return words_;
}

bool BatchKeys::range(const simd::Rows& rows, std::int64_t& least, std::int64_t& greatest) {
  const Vector& vector = *vectors_[0];
  if (vector.physical == Physical::kInt32) {
    std::int32_t low, high;
    if (!simd::min_max(vector.values<std::int32_t>(), rows, &low, &high)) return false;
    least = low;
    greatest = high;
    return true;
  }
  return simd::min_max(reinterpret_cast<const std::int64_t*>(words()), rows, &least, &greatest);
}

const std::uint64_t* BatchKeys::hashes() {
  if (hashed_) return hashes_.get();
  hashed_ = true;
  const std::uint64_t* key = words();
  const std::uint32_t words = layout_.words;
  for (std::uint32_t i = 0; i < rows_.count; ++i) {
    const std::uint32_t row = rows_[i];
    std::uint64_t hash = simd::hash_u64(key[std::size_t{row} * words]);
    for (std::uint32_t w = 1; w < words; ++w) hash = simd::combine_hash(hash, key[std::size_t{row} * words + w]);
    hashes_[row] = hash;
  }
  if (!long_strings_) return hashes_.get();
  // A long string's second word is an address: its bytes are hashed in its place.
  for (std::uint32_t i = 0; i < rows_.count; ++i) {
    const std::uint32_t row = rows_[i];
    hashes_[row] = hash_key_words(layout_, key + std::size_t{row} * words);
  }
  return hashes_.get();
}

void BatchKeys::make_words() {
  if (layout_.form == KeyForm::kInteger && vectors_[0]->physical == Physical::kInt64) {
    words_ = vectors_[0]->values<std::uint64_t>();
    return;
  }
  words_ = own_words_.get();
  if (layout_.null_word >= 0) {
    const std::size_t null_words = layout_.words - static_cast<std::uint32_t>(layout_.null_word);
    for (std::uint32_t i = 0; i < rows_.count; ++i)
      std::memset(own_words_.get() + std::size_t{rows_[i]} * layout_.words + layout_.null_word, 0, null_words * 8);
  }
  for (std::size_t column = 0; column < vectors_.size(); ++column) put_column(column);
}

void BatchKeys::put_column(std::size_t column) {
  const Vector& vector = *vectors_[column];
  const std::uint32_t words = layout_.words;
  std::uint64_t* to = own_words_.get() + layout_.columns[column].word;
  const bool two_words = vector.physical == Physical::kInt128 || vector.physical == Physical::kString;
  switch (vector.physical) {
    case Physical::kInt8:
      put_integers<std::int8_t>(vector, rows_, words, to);
      break;
    case Physical::kInt16:
      put_integers<std::int16_t>(vector, rows_, words, to);
      break;
    case Physical::kInt32:
      put_integers<std::int32_t>(vector, rows_, words, to);
      break;
    case Physical::kFloat:
      put_floats<float>(vector, rows_, words, to);
      break;
    case Physical::kDouble:
      put_floats<double>(vector, rows_, words, to);
      break;
    case Physical::kInt128:
    case Physical::kString: {
      const auto* values = static_cast<const std::byte*>(vector.data);
      for (std::uint32_t i = 0; i < rows_.count; ++i) {
        const std::uint32_t row = rows_[i];
        std::memcpy(to + std::size_t{row} * words, values + std::size_t{row} * 16, 16);
        if (vector.physical == Physical::kString && vector.is_valid(row))
          long_strings_ |= !vector.values<StringRef>()[row].is_inline();
      }
      break;
    }
    default:
      put_integers<std::int64_t>(vector, rows_, words, to);
      break;
  }
  if (layout_.form == KeyForm::kInteger || layout_.null_word < 0 || vector.validity == nullptr) return;
  const std::size_t null_at = static_cast<std::size_t>(layout_.null_word) + column / 64;
  for (std::uint32_t i = 0; i < rows_.count; ++i) {
    const std::uint32_t row = rows_[i];
    if (vector.is_valid(row)) continue;
    to[std::size_t{row} * words] = 0;
    if (two_words) to[std::size_t{row} * words + 1] = 0;
    own_words_[std::size_t{row} * words + null_at] |= std::uint64_t{1} << (column % 64);
  }
}

std::uint64_t hash_key_words(const KeyLayout& layout, const std::uint64_t* key) noexcept {
  std::uint64_t hash = 0;
  std::uint32_t string_word = 0;  // the second word of a long string, 0 where there is none
  std::size_t column = 0;
  for (std::uint32_t w = 0; w < layout.words; ++w) {
    std::uint64_t word = key[w];
    if (layout.strings) {
      while (column < layout.columns.size() && layout.columns[column].word < w) ++column;
      const bool first = column < layout.columns.size() && layout.columns[column].word == w;
      if (first && layout.columns[column].type.physical() == Physical::kString) {
        StringRef text;
        std::memcpy(static_cast<void*>(&text), key + w, sizeof text);
        string_word = text.is_inline() ? 0 : w + 1;
      } else if (string_word != 0 && string_word == w) {
        StringRef text;
        std::memcpy(static_cast<void*>(&text), key + w - 1, sizeof text);
        word = simd::hash_bytes(text.data, text.size);
      }
    }
    hash = w == 0 ? simd::hash_u64(word) : simd::combine_hash(hash, word);
  }
  return hash;
}

}  // namespace weir
