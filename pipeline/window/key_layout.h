// KeyLayout, BatchKeys: how keys of any types are laid out in words, and the keys of a batch in that form.
//
// A word for each column of up to 8 bytes, two for DECIMAL over 18 digits and for strings, one for the bits of NULLs
// where a column may be NULL; longer strings are compared by their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "weir/core/batch.h"
#include "weir/simd/rows.h"

namespace weir {

struct KeyColumn {
  Type type;
  std::uint32_t word = 0;  ///< First word of the column in a key.
};

enum class KeyForm : std::uint8_t { kNone, kInteger, kWords };

/// How keys of these types stand in a row. Immutable.
struct KeyLayout {
  std::vector<KeyColumn> columns;
  KeyForm form = KeyForm::kNone;
  std::uint32_t words = 0;  ///< Of a key in a hashed row.
  int null_word = -1;       ///< Bit c of this word: column c is NULL.
  bool strings = false;

  static KeyLayout make(std::span<const Type> types);
};

/// Hash of a key in words; a long string is hashed by its bytes.
std::uint64_t hash_key_words(const KeyLayout& layout, const std::uint64_t* key) noexcept;

/// The keys of one batch, made once and used for each slice that it touches. Thread: the owning shard.
class BatchKeys {
 public:
  BatchKeys(const KeyLayout& layout, std::uint32_t capacity);

  /// columns[i] is the batch's column of key i.
  void begin(const Batch& batch, std::span<const std::uint32_t> columns, const simd::Rows& rows);

  const KeyLayout& layout() const noexcept { return layout_; }
  const Vector& vector(std::size_t column) const noexcept { return *vectors_[column]; }
  /// Validity of the only key column (kInteger), null where no row is NULL.
  const std::uint64_t* validity() const noexcept { return validity_; }
  /// layout().words words a row; made at the first call.
  const std::uint64_t* words();
  const std::uint64_t* hashes();
  /// Least and greatest of the only key (kInteger) in valid rows; false where there are none.
  bool range(const simd::Rows& rows, std::int64_t& least, std::int64_t& greatest);
  bool long_strings() const noexcept { return long_strings_; }
  std::size_t memory_bytes() const noexcept { return memory_bytes_; }

 private:
  void make_words();
  void put_column(std::size_t column);

  const KeyLayout& layout_;
  std::uint32_t capacity_;
  std::vector<const Vector*> vectors_;
  simd::Rows rows_;
  const std::uint64_t* validity_ = nullptr;
  const std::uint64_t* words_ = nullptr;
  bool hashed_ = false;
  bool long_strings_ = false;
  std::unique_ptr<std::uint64_t[]> own_words_;
  std::unique_ptr<std::uint64_t[]> hashes_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace weir
