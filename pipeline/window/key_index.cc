// Keys that come and go. See key_index.h.
#include "window/key_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "weir/simd/hash.h"

namespace weir {
namespace {

// A row in the free list: the last word of its payload is this and the next free number.
constexpr std::uint64_t kFreeMark = 0xFFFFFFFF'00000000u;
constexpr std::uint64_t kFreeMask = 0xFFFFFFFF'00000000u;
constexpr std::size_t kStringsSlack = std::size_t{1} << 20;

bool null_in_words(const KeyLayout& layout, std::size_t column, const std::uint64_t* key) noexcept {
  if (layout.null_word < 0) return false;
  return (key[static_cast<std::size_t>(layout.null_word) + column / 64] >> (column % 64) & 1) != 0;
}

}  // namespace

bool equal_key_words(const KeyLayout& layout, const std::uint64_t* left, const std::uint64_t* right) noexcept {
  if (!layout.strings) return std::memcmp(left, right, layout.words * sizeof(std::uint64_t)) == 0;
  std::size_t column = 0;
  for (std::uint32_t word = 0; word < layout.words; ++word) {
    while (column + 1 < layout.columns.size() && layout.columns[column + 1].word <= word) ++column;
    if (left[word] == right[word]) continue;
    // Only the address of a long string may differ.
    const KeyColumn& at = layout.columns[column];
    if (at.word + 1 != word || at.type.physical() != Physical::kString) return false;
    StringRef a, b;
    std::memcpy(static_cast<void*>(&a), left + at.word, sizeof a);
    std::memcpy(static_cast<void*>(&b), right + at.word, sizeof b);
    if (!(a == b)) return false;
  }
  return true;
}

void write_key_column(const KeyLayout& layout, std::size_t column, const std::uint64_t* key, bool null, Vector& to,
                      std::uint32_t row) noexcept {
  const std::uint64_t* from = key + layout.columns[column].word;
  const auto value = static_cast<std::int64_t>(*from);
  if (to.validity != nullptr) to.set_valid(row, !null);
  switch (to.physical) {
    case Physical::kInt8:
      to.values<std::int8_t>()[row] = static_cast<std::int8_t>(value);
      break;
    case Physical::kInt16:
      to.values<std::int16_t>()[row] = static_cast<std::int16_t>(value);
      break;
    case Physical::kInt32:
      to.values<std::int32_t>()[row] = static_cast<std::int32_t>(value);
      break;
    case Physical::kInt64:
      to.values<std::int64_t>()[row] = value;
      break;
    case Physical::kFloat:
      to.values<float>()[row] = static_cast<float>(std::bit_cast<double>(value));
      break;
    case Physical::kDouble:
      to.values<double>()[row] = std::bit_cast<double>(value);
      break;
    default:
      std::memcpy(static_cast<std::byte*>(to.data) + std::size_t{row} * 16, from, 16);
      break;
  }
}

KeyIndex::KeyIndex(const Setup& setup) noexcept : setup_(setup) {
  WEIR_CHECK(setup.payload_bytes % 8 == 0 && setup.payload_bytes != 0);
  stride_ = setup.payload_bytes + std::size_t{setup.keys->words} * sizeof(std::uint64_t);
}

bool KeyIndex::present(std::uint32_t number) const noexcept {
  return number < used_ && (mark(number) & kFreeMask) != kFreeMark;
}

std::uint64_t KeyIndex::hash_of(std::uint32_t number) const noexcept {
  return hash_key_words(*setup_.keys, key_at(number));
}

Error KeyIndex::full() const {
  return Error(ErrorCode::kLimitExceeded, "the keys of windows do not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, or use more shards");
}

Result<void> KeyIndex::grow_rows() {
  const std::size_t bytes = std::max(std::size_t{capacity_} * 2 * stride_, StateArena::kPage);
  void* block = setup_.arena->take(bytes);
  if (block == nullptr) return full();
  if (rows_ != nullptr) {
    std::memcpy(block, rows_, used_ * stride_);
    setup_.arena->give_back(rows_, row_block_);
  }
  rows_ = static_cast<std::byte*>(block);
  row_block_ = StateArena::block_bytes(bytes);
  capacity_ = static_cast<std::uint32_t>(std::min<std::size_t>(row_block_ / stride_, kNone - 1));
  WEIR_CHECK(capacity_ > used_);
  return {};
}

Result<void> KeyIndex::grow_slots() {
  const std::size_t slots = slots_ == nullptr ? StateArena::kPage / sizeof(std::uint32_t) : (slot_mask_ + 1) * 2;
  void* block = setup_.arena->take(slots * sizeof(std::uint32_t));
  if (block == nullptr) return full();
  if (slots_ != nullptr) setup_.arena->give_back(slots_, slot_block_);
  slots_ = static_cast<std::uint32_t*>(block);
  slot_block_ = StateArena::block_bytes(slots * sizeof(std::uint32_t));
  slot_mask_ = slots - 1;
  std::memset(slots_, 0xFF, slots * sizeof(std::uint32_t));
  for (std::uint32_t number = 0; number < used_; ++number) {
    if (!present(number) || number == null_number_) continue;
    std::uint64_t slot = hash_of(number) & slot_mask_;
    while (slots_[slot] != kNone) slot = (slot + 1) & slot_mask_;
    slots_[slot] = number;
  }
  return {};
}

template <class Body>
void KeyIndex::each_string(std::uint64_t* key, Body&& body) const {
  if (!setup_.keys->strings) return;
  for (std::size_t i = 0; i < setup_.keys->columns.size(); ++i) {
    const KeyColumn& column = setup_.keys->columns[i];
    if (column.type.physical() != Physical::kString || null_in_words(*setup_.keys, i, key)) continue;
    StringRef text;
    std::memcpy(static_cast<void*>(&text), key + column.word, sizeof text);
    body(text);
    std::memcpy(key + column.word, static_cast<const void*>(&text), sizeof text);
  }
}

Result<void> KeyIndex::store_strings(std::uint64_t* key, StringStore& store) {
  bool stored = true;
  each_string(key, [&](StringRef& text) { stored = store.store(text, *setup_.arena, text) && stored; });
  if (!stored) return full();
  return {};
}

Result<std::uint32_t> KeyIndex::insert(const std::uint64_t* key) {
  if (count_ >= setup_.keys_max)
    return Error(ErrorCode::kLimitExceeded,
                 "more than groups_max = " + std::to_string(setup_.keys_max) + " keys have open windows on one shard")
        .with_hint("raise groups_max, or use more shards");
  std::uint32_t number = free_;
  if (number == kNone) {
    if (used_ == capacity_) WEIR_TRY(grow_rows());
    number = used_;
  }
  const std::uint32_t words = setup_.keys->words;
  const std::uint64_t next = number != used_ ? mark(number) : kFreeMark | kNone;
  std::memset(rows_ + number * stride_, 0, setup_.payload_bytes);
  if (words != 0) std::memcpy(key_at(number), key, words * sizeof(std::uint64_t));
  if (auto stored = store_strings(key_at(number), strings_); !stored) {
    mark(number) = next;
    return std::move(stored).error();
  }
  if (number == used_)
    ++used_;
  else
    free_ = static_cast<std::uint32_t>(next);
  ++count_;
  return number;
}

Result<std::uint32_t> KeyIndex::null_number() {
  if (null_number_ != kNone) return null_number_;
  constexpr std::uint64_t kNoKey = 0;
  WEIR_ASSIGN(null_number_, insert(&kNoKey));
  return null_number_;
}

Result<void> KeyIndex::find_or_insert(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* numbers) {
  const KeyLayout& layout = *setup_.keys;
  if (layout.form == KeyForm::kNone) {  // the one key there is goes as the NULL of an integer key
    WEIR_ASSIGN(const std::uint32_t only, null_number());
    for (std::uint32_t i = 0; i < rows.count; ++i) numbers[rows[i]] = only;
    return {};
  }
  const std::uint64_t* words = keys.words();
  const std::uint64_t* hashes = keys.hashes();
  const std::uint64_t* validity = keys.validity();
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    if (validity != nullptr && (validity[row / 64] >> (row % 64) & 1) == 0) {
      WEIR_ASSIGN(numbers[row], null_number());
      continue;
    }
    if (slots_ == nullptr || (std::uint64_t{count_} + 1) * 4 > (slot_mask_ + 1) * 3) WEIR_TRY(grow_slots());
    const std::uint64_t* key = words + std::size_t{row} * layout.words;
    std::uint64_t slot = hashes[row] & slot_mask_;
    while (slots_[slot] != kNone && !equal_key_words(layout, key_at(slots_[slot]), key)) slot = (slot + 1) & slot_mask_;
    if (slots_[slot] == kNone) {
      WEIR_ASSIGN(const std::uint32_t made, insert(key));
      slots_[slot] = made;
    }
    numbers[row] = slots_[slot];
  }
  return {};
}

void KeyIndex::erase(std::uint32_t number) noexcept {
  WEIR_DCHECK(present(number));
  if (number == null_number_) {
    null_number_ = kNone;
  } else {
    std::uint64_t hole = hash_of(number) & slot_mask_;
    while (slots_[hole] != number) hole = (hole + 1) & slot_mask_;
    // What stands behind the hole moves into it unless its own place lies behind the hole.
    for (std::uint64_t slot = (hole + 1) & slot_mask_; slots_[slot] != kNone; slot = (slot + 1) & slot_mask_) {
      const std::uint64_t home = hash_of(slots_[slot]) & slot_mask_;
      if (((slot - home) & slot_mask_) < ((slot - hole) & slot_mask_)) continue;
      slots_[hole] = slots_[slot];
      hole = slot;
    }
    slots_[hole] = kNone;
  }
  mark(number) = kFreeMark | free_;
  free_ = number;
  --count_;
}

void KeyIndex::read_key(std::size_t column, std::uint32_t number, Vector& to, std::uint32_t row) const noexcept {
  const std::uint64_t* key = key_at(number);
  write_key_column(*setup_.keys, column, key, number == null_number_ || null_in_words(*setup_.keys, column, key), to,
                   row);
}

Result<void> KeyIndex::reclaim() {
  if (count_ == 0) {
    if (rows_ != nullptr) setup_.arena->give_back(rows_, row_block_);
    if (slots_ != nullptr) setup_.arena->give_back(slots_, slot_block_);
    strings_.free(*setup_.arena);
    *this = KeyIndex(setup_);
    return {};
  }
  if (strings_.bytes() < 2 * strings_live_ + kStringsSlack) return {};
  StringStore fresh;
  for (std::uint32_t number = 0; number < used_; ++number) {
    if (!present(number)) continue;
    if (auto stored = store_strings(key_at(number), fresh); !stored) return stored;
  }
  strings_.free(*setup_.arena);
  strings_ = fresh;
  strings_live_ = strings_.bytes();
  return {};
}

}  // namespace weir
