// Tables of keys that several slices share, and slices whose rows hold numbers of such a table. See group_table.h.
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "weir/simd/group.h"
#include "weir/simd/hash.h"
#include "window/group_table.h"

namespace weir {
namespace {

constexpr std::uint64_t kFree = ~std::uint64_t{0};  // in place of a count of rows
// Texts of keys that are gone may take three times the room of those that are there, and this much.
constexpr std::size_t kTextSlack = std::size_t{64} << 10;

std::uint64_t& word(std::byte* at) noexcept {
  return *reinterpret_cast<std::uint64_t*>(at);
}

/// Calls body(place) for each long string of a key that stands in words.
template <class Body>
void each_text(const KeyLayout& layout, std::byte* row, Body&& body) {
  for (const KeyColumn& column : layout.columns) {
    if (column.type.physical() != Physical::kString) continue;
    auto& text = *reinterpret_cast<StringRef*>(row + column.word * sizeof(std::uint64_t));
    if (!text.is_inline()) body(text);
  }
}

}  // namespace

std::uint64_t GroupTable::hash_of(std::uint32_t group) const noexcept {
  const std::uint64_t* key = key_at(group);
  if (mode_ == Mode::kNumbered) return *key;  // numbers are small and few: they are their own best hash
  return setup_.keys->form == KeyForm::kInteger ? simd::hash_u64(*key) : hash_key_words(*setup_.keys, key);
}

bool GroupTable::is_free(std::uint32_t group) const noexcept {
  return setup_.of_keys && word(rows_ + group * stride_ + key_bytes_) == kFree;
}

// ---- Numbered slices --------------------------------------------------------------------------------------------

Result<void> GroupTable::find_numbered(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups,
                                       ProbeScratch& scratch) {
  WEIR_TRY(setup_.numbers->find_or_insert(keys, rows, groups, scratch));
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    std::uint32_t& group = groups[rows[i]];
    const std::uint32_t found = slots_[group & slot_mask_];
    if (found != simd::kEmptySlot && number(found) == group) {
      group = found;
    } else {
      WEIR_ASSIGN(group, find_number(group));
    }
  }
  return {};
}

Result<std::uint32_t> GroupTable::find_number(std::uint32_t number_wanted) {
  std::uint64_t slot = number_wanted & slot_mask_;
  for (; slots_[slot] != simd::kEmptySlot; slot = (slot + 1) & slot_mask_)
    if (number(slots_[slot]) == number_wanted) return slots_[slot];
  const std::uint64_t key = number_wanted;
  WEIR_ASSIGN(const std::uint32_t group, insert(&key));
  place(group, key);
  ++word(setup_.numbers->rows_ + number_wanted * setup_.numbers->stride_ + setup_.numbers->key_bytes_);
  return group;
}

Result<std::uint32_t> GroupTable::find_key(bool null, std::uint64_t key) {
  if (mode_ == Mode::kNumbered) {
    GroupTable& numbers = *setup_.numbers;
    if (numbers.mode_ == Mode::kEmpty) WEIR_TRY(numbers.start_hashed());
    WEIR_ASSIGN(const std::uint32_t number_found, numbers.find_key(null, key));
    return find_number(number_found);
  }
  if (null) {
    if (null_group_ == simd::kNoRow) {
      WEIR_ASSIGN(null_group_, insert(&key));
    }
    return null_group_;
  }
  const std::uint64_t hash = simd::hash_u64(key);
  for (std::uint64_t slot = hash & slot_mask_; slots_[slot] != simd::kEmptySlot; slot = (slot + 1) & slot_mask_)
    if (*key_at(slots_[slot]) == key) return slots_[slot];
  WEIR_ASSIGN(const std::uint32_t group, insert(&key));
  place(group, hash);
  return group;
}

Result<void> GroupTable::number_groups() {
  return mode_ == Mode::kDense ? rehash_dense() : Result<void>();
}

void GroupTable::seal() noexcept {
  if (mode_ != Mode::kNumbered || slots_ == nullptr) return;
  setup_.arena->give_back(slots_, slot_block_);
  slots_ = nullptr;
  slot_block_ = 0;
}

// ---- Tables of keys ---------------------------------------------------------------------------------------------

bool GroupTable::release(std::uint32_t group) noexcept {
  std::uint64_t& count = word(rows_ + group * stride_ + key_bytes_);
  if (--count != 0) return false;
  forget(group);
  return true;
}

void GroupTable::forget(std::uint32_t group) noexcept {
  std::byte* row = rows_ + group * stride_;
  if (group == null_group_) {
    null_group_ = simd::kNoRow;
  } else {
    std::uint64_t hole = hash_of(group) & slot_mask_;
    while (slots_[hole] != group) hole = (hole + 1) & slot_mask_;
    // What stands behind the hole moves into it unless its home is behind the hole too.
    for (std::uint64_t at = (hole + 1) & slot_mask_; slots_[at] != simd::kEmptySlot; at = (at + 1) & slot_mask_) {
      const std::uint64_t home = hash_of(slots_[at]) & slot_mask_;
      if (((at - home) & slot_mask_) < ((at - hole) & slot_mask_)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = simd::kEmptySlot;
  }
  if (setup_.keys->strings) each_text(*setup_.keys, row, [&](const StringRef& text) { text_bytes_ -= text.size; });
  word(row) = free_head_;
  word(row + key_bytes_) = kFree;
  free_head_ = group;
  ++free_count_;
}

Result<void> GroupTable::keep_texts(std::byte* row) {
  if (mode_ == Mode::kNumbered) return {};
  bool stored = true;
  each_text(*setup_.keys, row, [&](StringRef& text) {
    StringRef kept;
    stored = strings_.store(text, *setup_.arena, kept) && stored;
    text_bytes_ += text.size;
    text = kept;
  });
  if (stored && setup_.of_keys && strings_.bytes() > 4 * text_bytes_ + kTextSlack) return move_texts();
  if (stored) return {};
  return Error(ErrorCode::kLimitExceeded, "string keys do not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard");
}

Result<void> GroupTable::move_texts() {
  StringStore old = std::exchange(strings_, StringStore());
  bool stored = true;
  for (std::uint32_t group = 0; group < count_; ++group) {
    if (is_free(group)) continue;
    each_text(*setup_.keys, rows_ + group * stride_, [&](StringRef& text) {
      StringRef kept;
      stored = strings_.store(text, *setup_.arena, kept) && stored;
      text = kept;
    });
  }
  old.free(*setup_.arena);
  if (stored) return {};
  return Error(ErrorCode::kLimitExceeded, "string keys do not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard");
}

}  // namespace weir
