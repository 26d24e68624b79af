// Tables of keys that several slices share, and slices whose rows hold numbers of such a table. See group_table.h.
#include <algorithm>
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
// A slice that takes rows after another one writes its own rows into the directory again, if they are no more than this
// and a few for each row that comes.
constexpr std::uint32_t kWrittenAgainMax = 64;
// A plane pays where it takes little more than a list of its rows would, and where all of a window's stay in the second
// cache, a few cycles for each 64 bytes of it being less than a walk from row to row.
constexpr std::size_t kPlaneBytesARow = 64;
constexpr std::size_t kPlaneBytesARowCached = 512, kPlanesCached = std::size_t{1} << 20;
constexpr std::uint32_t kPlaneRowsMin = 8;   // of a slice: fewer are sooner taken one by one
constexpr std::uint32_t kPlaneRowsStep = 8;  // a vector of the widest target never ends in the middle

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

Result<void> GroupTable::start_numbered() {
  mode_ = Mode::kNumbered;
  key_bytes_ = sizeof(std::uint64_t);
  stride_ = key_bytes_ + setup_.aggregates->state_bytes();
  count_ = 0;
  row_capacity_ = 0;
  return grow_rows(std::max(1u, std::min(expected_, setup_.groups_max)));
}

/// A row for a number that the slice does not have yet. Returns its state, which is not made yet.
Result<std::byte*> GroupTable::append_number(std::uint32_t number_new) {
  if (count_ >= setup_.groups_max) return groups_error();
  if (count_ == row_capacity_) WEIR_TRY(grow_rows(std::size_t{row_capacity_} * 2));
  std::byte* row = rows_ + count_++ * stride_;
  word(row) = number_new;
  ++word(setup_.numbers->rows_ + number_new * setup_.numbers->stride_ + setup_.numbers->key_bytes_);
  return row + key_bytes_;
}

Result<void> GroupTable::find_numbered(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups,
                                       ProbeScratch& scratch) {
  WEIR_TRY(setup_.numbers->find_or_insert(keys, rows, groups, scratch));
  WEIR_TRY(find_numbers(groups, rows, groups));
  return {};
}

Result<const std::uint32_t*> GroupTable::find_numbers(const std::uint32_t* numbers, const simd::Rows& rows,
                                                      std::uint32_t* groups) {
  if (mode_ == Mode::kEmpty) {
    if (plane_pays(rows.count))
      start_plane();
    else
      WEIR_TRY(start_numbered());
  }
  if (plane()) {
    WEIR_TRY(cover_numbers());
    return numbers;
  }
  NumberDirectory& directory = *setup_.directory;
  if (slots_ == nullptr && stamp_ != directory.stamp() && count_ > kWrittenAgainMax + 8 * rows.count)
    WEIR_TRY(index_numbers());
  if (slots_ != nullptr) {
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      WEIR_ASSIGN(groups[row], find_number(numbers[row]));
    }
    return groups;
  }
  if (!directory.cover(setup_.numbers->count_)) return state_error();
  NumberDirectory::Place* places = directory.places();
  if (stamp_ != directory.stamp()) {
    stamp_ = directory.take_stamp();
    for (std::uint32_t group = 0; group < count_; ++group) places[number(group)] = {stamp_, group};
  }
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    const std::uint32_t row = rows[i];
    NumberDirectory::Place& place = places[numbers[row]];
    if (place.stamp != stamp_) {
      place = {stamp_, count_};
      WEIR_ASSIGN(std::byte * state, append_number(numbers[row]));
      initialize_one(state);
    }
    groups[row] = place.row;
  }
  return groups;
}

bool GroupTable::plane_pays(std::uint32_t rows) const noexcept {
  if (setup_.plane_slices == 0 || rows < kPlaneRowsMin || setup_.numbers->count_ > setup_.groups_max / 4) return false;
  const std::size_t bytes = setup_.numbers->count_ * setup_.aggregates->state_bytes();
  return bytes <= kPlaneBytesARow * rows ||
         (bytes <= kPlaneBytesARowCached * rows && bytes * setup_.plane_slices <= kPlanesCached);
}

void GroupTable::start_plane() noexcept {
  mode_ = Mode::kPlane;
  key_bytes_ = 0;
  stride_ = setup_.aggregates->state_bytes();
  ++setup_.numbers->planes_;
  setup_.numbers->keeps_unused_ = true;
}

/// Makes states for the numbers that there are now.
Result<void> GroupTable::cover_numbers() {
  const std::uint32_t numbers = (setup_.numbers->count_ + kPlaneRowsStep - 1) / kPlaneRowsStep * kPlaneRowsStep;
  if (numbers <= count_) return {};
  if (numbers > row_capacity_) WEIR_TRY(grow_rows(numbers));
  initialize(rows_ + count_ * stride_, stride_, numbers - count_);
  count_ = numbers;
  return {};
}

void GroupTable::initialize_one(std::byte* state) noexcept {
  const std::size_t bytes = setup_.aggregates->state_bytes();
  if (!setup_.aggregates->initial_is_zero()) {
    std::memcpy(state, setup_.aggregates->initial(), bytes);
    return;
  }
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) word(state + at) = 0;
}

/// Gives a slice slots, for numbers that come to it in small pieces.
Result<void> GroupTable::index_numbers() {
  slot_mask_ = std::bit_ceil(std::uint64_t{count_} * kSlotsPerGroup) / 2 - 1;  // grow_slots doubles it
  return grow_slots();
}

Result<std::uint32_t> GroupTable::find_number(std::uint32_t number_wanted) {
  std::uint64_t slot = number_wanted & slot_mask_;
  for (; slots_[slot] != simd::kEmptySlot; slot = (slot + 1) & slot_mask_)
    if (number(slots_[slot]) == number_wanted) return slots_[slot];
  if ((std::uint64_t{count_} + 1) * kSlotsPerGroup > slot_mask_ + 1) WEIR_TRY(grow_slots());
  const std::uint32_t group = count_;
  WEIR_ASSIGN(std::byte * state, append_number(number_wanted));
  initialize_one(state);
  place(group, number_wanted);
  return group;
}

Result<std::uint32_t> GroupTable::find_key(bool null, std::uint64_t key) {
  if (null) {
    if (null_group_ == simd::kNoRow) {
      WEIR_ASSIGN(null_group_, insert(&key));
    }
    return null_group_;
  }
  if (direct_ != nullptr && !direct_->refused() && (!direct() || direct_->place(&key) == DirectIndex::kOutside))
    WEIR_TRY(lay_out_direct(1, [&](DirectIndex::Ranges& ranges) { direct_->widen(ranges, &key); }));
  if (direct()) {
    std::uint32_t& slot = direct_->slot(direct_->place(&key));
    if (slot == simd::kEmptySlot) {
      WEIR_ASSIGN(slot, insert(&key));
    }
    return slot;
  }
  const std::uint64_t hash = simd::hash_u64(key);
  for (std::uint64_t slot = hash & slot_mask_; slots_[slot] != simd::kEmptySlot; slot = (slot + 1) & slot_mask_)
    if (*key_at(slots_[slot]) == key) return slots_[slot];
  WEIR_ASSIGN(const std::uint32_t group, insert(&key));
  place(group, hash);
  return group;
}

/// Where a dense table puts the state of a key when it leaves off being one. Each key comes once.
Result<std::byte*> GroupTable::state_of_key(bool null, std::uint64_t key) {
  if (mode_ != Mode::kNumbered) {
    WEIR_ASSIGN(const std::uint32_t group, find_key(null, key));
    return state(group);
  }
  GroupTable& numbers = *setup_.numbers;
  if (numbers.mode_ == Mode::kEmpty) WEIR_TRY(numbers.start_hashed());
  WEIR_ASSIGN(const std::uint32_t number_found, numbers.find_key(null, key));
  return append_number(number_found);
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

/// New places for the keys that are there and those that `widen` adds. False: keys are found by hash from now on.
template <class Widen>
Result<bool> GroupTable::lay_out_direct(std::uint64_t more, Widen&& widen) {
  DirectIndex::Ranges ranges;
  const auto each_key = [&](auto&& body) {
    for (std::uint32_t group = 0; group < count_; ++group)
      if (group != null_group_ && !is_free(group)) body(group);
  };
  each_key([&](std::uint32_t group) { direct_->widen(ranges, key_at(group)); });
  widen(ranges);
  if (!direct_->lay_out(ranges, key_count() + more)) {
    slot_mask_ = std::bit_ceil(std::max<std::uint64_t>(64, count_ + 1) * kSlotsPerGroup) / 2 - 1;
    WEIR_TRY(grow_slots());
    return false;
  }
  each_key([&](std::uint32_t group) { direct_->slot(direct_->place(key_at(group))) = group; });
  return true;
}

/// find_or_insert without a hash where keys lie close together. False: go by hash.
Result<bool> GroupTable::find_direct(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups) {
  if (direct_ == nullptr || direct_->refused()) return false;
  if (rows.count == 0) return true;
  if (!direct_->in_use() || !direct_->find(keys, rows, groups)) {
    WEIR_ASSIGN(const bool laid_out,
                lay_out_direct(rows.count, [&](DirectIndex::Ranges& ranges) { direct_->widen(ranges, keys, rows); }));
    if (!laid_out) return false;
    const bool found = direct_->find(keys, rows, groups);
    WEIR_CHECK(found);
  }
  constexpr std::uint32_t kBlock = DirectIndex::kReadMax;  // most have no new key
  const std::uint64_t* words = nullptr;
  for (std::uint32_t i = 0; i < rows.count; ++i) {
    if (rows.selection == nullptr && i % kBlock == 0) {
      while (rows.count - i >= kBlock && direct_->read(groups + i, kBlock)) i += kBlock;
      if (i == rows.count) break;
    }
    const std::uint32_t row = rows[i];
    std::uint32_t& slot = direct_->slot(groups[row]);
    if (slot == simd::kEmptySlot) {
      if (words == nullptr) words = keys.words();
      WEIR_ASSIGN(slot, insert(words + std::size_t{row} * setup_.keys->words));
    }
    groups[row] = slot;
  }
  return true;
}

bool GroupTable::release(std::uint32_t group) noexcept {
  std::uint64_t& count = word(rows_ + group * stride_ + key_bytes_);
  if (--count != 0 || planes_ != 0) return false;
  forget(group);
  return true;
}

void GroupTable::forget_unused(std::uint32_t first, std::uint32_t count, const std::uint64_t* used) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    if ((used[i / 64] >> (i % 64) & 1) != 0 || word(rows_ + (first + i) * stride_ + key_bytes_) != 0) continue;
    forget(first + i);
  }
}

void GroupTable::forget(std::uint32_t group) noexcept {
  std::byte* row = rows_ + group * stride_;
  if (group == null_group_) {
    null_group_ = simd::kNoRow;
  } else if (direct()) {
    direct_->slot(direct_->place(key_at(group))) = simd::kEmptySlot;
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
