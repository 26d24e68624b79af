// Finds and makes groups. See group_table.h.
#include "window/group_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

#include "weir/simd/group.h"
#include "weir/simd/hash.h"
#include "weir/simd/reduce.h"

namespace weir {
namespace {

// A dense table above Setup::dense_range_free must have seen an eighth of its range in rows.
constexpr std::uint32_t kHashedRowsMin = 64;
// A slice that starts with fewer rows in a batch is numbered at once: a range of its own would not pay.
constexpr std::uint32_t kDenseRowsMin = 64;
constexpr std::uint32_t kProbeWordsMax = 4;
constexpr std::uint32_t kPrefetchAhead = 8;

}  // namespace

Error GroupTable::groups_error() const {
  return Error(ErrorCode::kLimitExceeded, std::string(setup_.of_keys ? "the open windows have" : "a slice has") +
                                              " more than groups_max = " + std::to_string(setup_.groups_max) +
                                              " different keys on one shard")
      .with_hint("raise groups_max, use more shards or shorter windows");
}

Error GroupTable::state_error() const {
  return Error(ErrorCode::kLimitExceeded, "aggregate state does not fit state_bytes_max = " +
                                              std::to_string(setup_.arena->bytes_max()) + " bytes of one shard")
      .with_hint("raise state_bytes_max, use more shards or shorter windows");
}

Result<std::byte*> GroupTable::take(std::size_t bytes) {
  void* block = setup_.arena->take(bytes);
  if (block == nullptr) return state_error();
  return static_cast<std::byte*>(block);
}

void GroupTable::initialize(std::byte* states, std::size_t stride, std::size_t count) noexcept {
  const std::size_t bytes = setup_.aggregates->state_bytes();
  if (setup_.aggregates->initial_is_zero() && stride == bytes) {
    std::memset(states, 0, bytes * count);
    return;
  }
  if (stride != bytes) {
    for (std::size_t i = 0; i < count; ++i) std::memcpy(states + i * stride, setup_.aggregates->initial(), bytes);
    return;
  }
  std::memcpy(states, setup_.aggregates->initial(), bytes);
  for (std::size_t done = 1; done < count; done *= 2)
    std::memcpy(states + done * bytes, states, std::min(done, count - done) * bytes);
}

Result<void> GroupTable::start(const BatchKeys& keys) {
  const KeyForm form = keys.layout().form;
  if (form == KeyForm::kWords || setup_.of_keys) return start_hashed();
  if (form == KeyForm::kInteger) return {};
  stride_ = setup_.aggregates->state_bytes();
  key_bytes_ = 0;
  WEIR_ASSIGN(rows_, take(stride_));
  row_block_ = StateArena::block_bytes(stride_);
  initialize(rows_, stride_, 1);
  mode_ = Mode::kGlobal;
  return {};
}

Result<void> GroupTable::find_or_insert(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups,
                                        ProbeScratch& scratch) {
  if (mode_ == Mode::kEmpty) WEIR_TRY(start(keys));
  if (mode_ == Mode::kGlobal || rows.count == 0) return {};
  if (mode_ == Mode::kEmpty || mode_ == Mode::kDense) {
    bool done = false;
    WEIR_TRY(find_dense(keys, rows, groups, done));
    if (done) return {};
  }
  if (mode_ == Mode::kNumbered || plane()) return find_numbered(keys, rows, groups, scratch);
  if (keys.layout().form == KeyForm::kWords) return find_words(keys, rows, groups, scratch);
  return find_integer(keys, rows, groups, scratch);
}

// ---- Dense ------------------------------------------------------------------------------------------------------

bool GroupTable::add_dense(const BatchKeys& keys, const simd::Rows& rows, const Vector* sum, std::size_t sum_offset) {
  if (mode_ != Mode::kDense || keys.validity() != nullptr) return false;
  const Vector& key = keys.vector(0);
  const simd::DenseGroups groups{{rows_, stride_}, range_};
  const auto add = [&](const auto* values, auto base) {
    if (sum == nullptr) return simd::accumulate_count_dense(values, base, rows, groups, 0);
    if (sum->physical == Physical::kFloat)
      return simd::accumulate_count_sum_dense(values, base, sum->values<float>(), rows, groups, 0, sum_offset);
    return simd::accumulate_count_sum_dense(values, base, sum->values<double>(), rows, groups, 0, sum_offset);
  };
  bool added = false;
  if (key.physical == Physical::kInt32)
    added = add(key.values<std::int32_t>(), static_cast<std::int32_t>(base_));
  else if (key.physical == Physical::kInt64)
    added = add(key.values<std::int64_t>(), base_);
  if (added) rows_seen_ += rows.count;
  return added;
}

std::uint32_t GroupTable::add_dense_head(const BatchKeys& keys, std::uint32_t count, const Vector& sum,
                                         std::size_t sum_offset) {
  if (mode_ != Mode::kDense || keys.validity() != nullptr) return 0;
  const Vector& key = keys.vector(0);
  const simd::DenseGroups groups{{rows_, stride_}, range_};
  const auto add = [&](const auto* values, auto base) {
    if (sum.physical == Physical::kFloat)
      return simd::accumulate_count_sum_dense_head(values, base, sum.values<float>(), count, groups, 0, sum_offset);
    return simd::accumulate_count_sum_dense_head(values, base, sum.values<double>(), count, groups, 0, sum_offset);
  };
  std::uint32_t added = 0;
  if (key.physical == Physical::kInt32)
    added = add(key.values<std::int32_t>(), static_cast<std::int32_t>(base_));
  else if (key.physical == Physical::kInt64)
    added = add(key.values<std::int64_t>(), base_);
  rows_seen_ += added;
  return added;
}

Result<void> GroupTable::find_dense(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, bool& done) {
  simd::Rows valid = rows;
  valid.validity = keys.validity();
  const auto look_up = [&] {
    const Vector& vector = keys.vector(0);
    if (vector.physical == Physical::kInt32)
      return simd::dense_groups(vector.values<std::int32_t>(), static_cast<std::int32_t>(base_), range_, valid, groups);
    return simd::dense_groups(reinterpret_cast<const std::int64_t*>(keys.words()), base_, range_, valid, groups);
  };
  done = mode_ == Mode::kDense && look_up();
  if (mode_ == Mode::kEmpty && setup_.numbers != nullptr && rows.count < kDenseRowsMin) return start_hashed();
  if (!done) {
    std::int64_t least = base_, greatest = base_;
    (void)keys.range(valid, least, greatest);
    WEIR_TRY(cover(least, greatest, rows.count, done));
    if (done) {
      const bool found = look_up();
      WEIR_CHECK(found);
    } else if (mode_ == Mode::kDense) {
      WEIR_TRY(rehash_dense());
    } else {
      WEIR_TRY(start_hashed());
    }
  }
  rows_seen_ += rows.count;
  return {};
}

Result<void> GroupTable::cover(std::int64_t least, std::int64_t greatest, std::uint32_t rows, bool& done) {
  const bool dense = mode_ == Mode::kDense;
  if (!dense && expected_range_.count != 0) {
    const std::int64_t last = expected_range_.base + (static_cast<std::int64_t>(expected_range_.count) - 1);
    const std::int64_t low = std::min(least, expected_range_.base), high = std::max(greatest, last);
    if (static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) < 2 * std::uint64_t{expected_range_.count}) {
      least = low;
      greatest = high;
    }
  }
  const std::int64_t low = dense ? std::min(least, base_) : least;
  const std::int64_t high = dense ? std::max(greatest, base_ + (static_cast<std::int64_t>(range_) - 1)) : greatest;
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);  // groups less one
  const std::size_t stride = setup_.aggregates->state_bytes();
  const std::uint64_t lines = std::max<std::uint64_t>(1, stride / 64);  // wide states pay for a smaller range
  const std::uint64_t pays = std::clamp<std::uint64_t>(8 * (rows_seen_ + rows) / lines, setup_.dense_range_free / lines,
                                                       dense_range_max_ / lines);
  done = span < pays && span + 2 <= setup_.groups_max;
  if (!done) return {};
  const std::size_t block = StateArena::block_bytes((span + 2) * stride);
  const std::uint64_t room = std::min<std::uint64_t>(block / stride, setup_.groups_max);
  auto range = static_cast<std::uint32_t>(std::min<std::uint64_t>(room - 1, dense_range_max_));
  // A slice is made ready and walked through as a whole: no further than to its keys.
  range =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(range, std::max<std::uint64_t>(8, std::bit_ceil(span + 1))));
  // What is left over goes to the side that the keys grow to.
  std::int64_t base = low;
  const std::int64_t slack = static_cast<std::int64_t>(range) - static_cast<std::int64_t>(span) - 1;
  const std::int64_t floor = setup_.keys->columns[0].type.physical() == Physical::kInt64
                                 ? std::numeric_limits<std::int64_t>::min()
                                 : std::numeric_limits<std::int32_t>::min();
  const bool below =
      static_cast<std::uint64_t>(low) - static_cast<std::uint64_t>(floor) >= static_cast<std::uint64_t>(slack);
  if (dense && least < base_ && below) base = low - slack;
  // The last group's key must be a number too.
  base = std::min(base, std::numeric_limits<std::int64_t>::max() - (static_cast<std::int64_t>(range) - 1));
  WEIR_ASSIGN(std::byte * rows_new, take(block));
  initialize(rows_new, stride, std::size_t{range} + 1);
  if (dense) {
    const auto shift = static_cast<std::size_t>(base_ - base);
    std::memcpy(rows_new + shift * stride, rows_, range_ * stride);
    std::memcpy(rows_new + range * stride, rows_ + range_ * stride, stride);
    setup_.arena->give_back(rows_, row_block_);
  }
  rows_ = rows_new;
  row_block_ = block;
  stride_ = stride;
  key_bytes_ = 0;
  base_ = base;
  range_ = range;
  mode_ = Mode::kDense;
  return {};
}

Result<void> GroupTable::rehash_dense() {
  std::byte* old_rows = rows_;
  const std::size_t old_block = row_block_, old_stride = stride_;
  if (setup_.numbers == nullptr) expected_ = std::max(expected_, group_count());
  rows_ = nullptr;
  row_block_ = 0;
  const auto give_back = [&] { setup_.arena->give_back(old_rows, old_block); };
  if (auto started = start_hashed(); !started) {
    give_back();
    return started;
  }
  for (std::uint32_t old = 0; old <= range_; ++old) {
    const std::byte* from = old_rows + old * old_stride;
    std::uint64_t rows_counted;
    std::memcpy(&rows_counted, from, sizeof rows_counted);
    if (rows_counted == 0) continue;
    const bool null = old == range_;
    const auto key = null ? 0 : static_cast<std::uint64_t>(base_ + static_cast<std::int64_t>(old));
    auto state = state_of_key(null, key);
    if (!state) {
      give_back();
      return std::move(state).error();
    }
    std::memcpy(*state, from, old_stride);
  }
  give_back();
  return {};
}

// ---- Hashed -----------------------------------------------------------------------------------------------------

Result<void> GroupTable::start_hashed() {
  if (setup_.numbers != nullptr) return start_numbered();
  mode_ = Mode::kHashed;
  key_bytes_ = setup_.keys->words * sizeof(std::uint64_t);
  stride_ = key_bytes_ + setup_.aggregates->state_bytes();
  count_ = 0;
  row_capacity_ = 0;
  null_group_ = simd::kNoRow;
  const std::uint32_t wanted = std::min(std::max(expected_, kHashedRowsMin), setup_.groups_max);
  WEIR_TRY(grow_rows(wanted));
  slot_mask_ = std::bit_ceil(std::uint64_t{wanted} * kSlotsPerGroup) / 2 - 1;  // grow_slots doubles it
  return grow_slots();
}

Result<void> GroupTable::grow_rows(std::size_t rows) {
  const std::size_t block = StateArena::block_bytes(rows * stride_);
  WEIR_ASSIGN(std::byte * rows_new, take(block));
  if (rows_ != nullptr) {
    std::memcpy(rows_new, rows_, count_ * stride_);
    setup_.arena->give_back(rows_, row_block_);
  }
  rows_ = rows_new;
  row_block_ = block;
  row_capacity_ = static_cast<std::uint32_t>(std::min<std::size_t>(block / stride_, 0x7FFFFFFF));
  return {};
}

void GroupTable::place(std::uint32_t group, std::uint64_t hash) noexcept {
  std::uint64_t slot = hash & slot_mask_;
  while (slots_[slot] != simd::kEmptySlot) slot = (slot + 1) & slot_mask_;
  slots_[slot] = group;
}

Result<void> GroupTable::grow_slots() {
  const std::uint64_t slots = (slot_mask_ + 1) * 2;
  const std::size_t bytes = slots * sizeof(std::uint32_t);
  WEIR_ASSIGN(std::byte * block, take(bytes));
  if (slots_ != nullptr) setup_.arena->give_back(slots_, slot_block_);
  slots_ = reinterpret_cast<std::uint32_t*>(block);
  slot_block_ = StateArena::block_bytes(bytes);
  slot_mask_ = slots - 1;
  std::memset(slots_, 0xFF, bytes);
  for (std::uint32_t group = 0; group < count_; ++group)
    if (group != null_group_ && !is_free(group)) place(group, hash_of(group));
  return {};
}

bool GroupTable::equal(const std::uint64_t* row, const std::uint64_t* key) const noexcept {
  const KeyLayout& layout = *setup_.keys;
  if (!layout.strings) return std::memcmp(row, key, layout.words * sizeof(std::uint64_t)) == 0;
  for (std::uint32_t w = 0; w < layout.words; ++w) {
    if (row[w] == key[w]) continue;
    // Only the address of a long string may differ.
    bool same_text = false;
    for (const KeyColumn& column : layout.columns) {
      if (column.word + 1 != w || column.type.physical() != Physical::kString) continue;
      StringRef left, right;
      std::memcpy(static_cast<void*>(&left), row + column.word, sizeof left);
      std::memcpy(static_cast<void*>(&right), key + column.word, sizeof right);
      same_text = left == right;
    }
    if (!same_text) return false;
  }
  return true;
}

Result<std::uint32_t> GroupTable::insert(const std::uint64_t* key) {
  if (key_count() >= setup_.groups_max) return groups_error();
  std::uint32_t group = free_head_;
  if (group != simd::kNoRow) {
    free_head_ = static_cast<std::uint32_t>(*key_at(group));
    --free_count_;
  } else {
    if (count_ == row_capacity_) WEIR_TRY(grow_rows(std::size_t{row_capacity_} * 2));
    if (!direct() && (std::uint64_t{count_} + 1) * kSlotsPerGroup > slot_mask_ + 1) WEIR_TRY(grow_slots());
    group = count_++;
  }
  std::byte* row = rows_ + group * stride_;
  std::memcpy(row, key, key_bytes_);
  initialize(row + key_bytes_, stride_, 1);
  if (setup_.keys->strings) WEIR_TRY(keep_texts(row));
  if (setup_.columns != nullptr && !setup_.columns->put(group, key)) return state_error();
  return group;
}

Result<void> GroupTable::insert_misses(BatchKeys& keys, const std::uint32_t* rows, std::uint32_t count,
                                       std::uint32_t* groups) {
  const std::uint32_t words = setup_.keys->words;
  const std::uint64_t* key_words = keys.words();
  const std::uint64_t* hashes = setup_.keys->form == KeyForm::kInteger ? nullptr : keys.hashes();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t row = rows[i];
    if (hashes != nullptr && i + kPrefetchAhead < count)
      __builtin_prefetch(&slots_[hashes[rows[i + kPrefetchAhead]] & slot_mask_]);
    const std::uint64_t* key = key_words + std::size_t{row} * words;
    const std::uint64_t hash = hashes != nullptr ? hashes[row] : simd::hash_u64(*key);
    std::uint64_t slot = hash & slot_mask_;
    while (slots_[slot] != simd::kEmptySlot && !equal(key_at(slots_[slot]), key)) slot = (slot + 1) & slot_mask_;
    if (slots_[slot] != simd::kEmptySlot) {
      groups[row] = slots_[slot];
      continue;
    }
    WEIR_ASSIGN(groups[row], insert(key));
    place(groups[row], hash);
  }
  return {};
}

Result<void> GroupTable::find_integer(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups,
                                      ProbeScratch& scratch) {
  simd::Rows valid = rows;
  if (keys.validity() != nullptr) {
    valid = {0, scratch.valid.get(), nullptr};
    simd::Rows nulls = rows;
    nulls.validity = keys.validity();
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows[i];
      if (nulls.valid(row)) {
        scratch.valid[valid.count++] = row;
        continue;
      }
      WEIR_ASSIGN(groups[row], find_key(true, 0));
    }
  }
  WEIR_ASSIGN(const bool found, find_direct(keys, valid, groups));
  if (found) return {};
  const simd::GroupIndexView view{slots_, slot_mask_, rows_, stride_};
  const std::uint32_t missed = simd::probe_groups(view, keys.words(), valid, groups, scratch.misses.get());
  return insert_misses(keys, scratch.misses.get(), missed, groups);
}

Result<void> GroupTable::find_words(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups,
                                    ProbeScratch& scratch) {
  WEIR_ASSIGN(const bool found, find_direct(keys, rows, groups));
  if (found) return {};
  const std::uint64_t* words = keys.words();
  if (!keys.long_strings() && keys.layout().words <= kProbeWordsMax) {
    const simd::GroupIndexView view{slots_, slot_mask_, rows_, stride_};
    const std::uint32_t missed =
        simd::probe_groups(view, words, keys.layout().words, keys.hashes(), rows, groups, scratch.misses.get());
    return insert_misses(keys, scratch.misses.get(), missed, groups);
  }
  for (std::uint32_t i = 0; i < rows.count; ++i) scratch.misses[i] = rows[i];
  return insert_misses(keys, scratch.misses.get(), rows.count, groups);
}

// ---- Reading ----------------------------------------------------------------------------------------------------

std::uint32_t GroupTable::group_count() const noexcept {
  if (mode_ == Mode::kHashed || mode_ == Mode::kNumbered) return key_count();
  if (plane()) return count_;
  std::uint32_t count = 0;
  for (std::uint32_t group = 0; group < group_end(); ++group) count += present(group) ? 1 : 0;
  return count;
}

template <class T>
void GroupTable::read_words(std::uint32_t word, const std::uint32_t* groups, std::uint32_t count,
                            T* out) const noexcept {
  const auto put = [out](std::uint32_t i, std::int64_t value) {
    if constexpr (std::is_floating_point_v<T>)
      out[i] = static_cast<T>(std::bit_cast<double>(value));
    else
      out[i] = static_cast<T>(value);
  };
  if (mode_ == Mode::kDense) {
    for (std::uint32_t i = 0; i < count; ++i) put(i, base_ + static_cast<std::int64_t>(groups[i]));
  } else {
    for (std::uint32_t i = 0; i < count; ++i) put(i, static_cast<std::int64_t>(key_at(groups[i])[word]));
  }
}

bool GroupTable::key_is_null(std::size_t column, std::uint32_t group) const noexcept {
  const KeyLayout& layout = *setup_.keys;
  if (mode_ == Mode::kDense) return group == range_;
  if (layout.form == KeyForm::kInteger) return group == null_group_;
  if (layout.null_word < 0) return false;
  return (key_at(group)[static_cast<std::size_t>(layout.null_word) + column / 64] >> (column % 64) & 1) != 0;
}

bool GroupTable::any_null_key(std::size_t column, const std::uint32_t* groups, std::uint32_t count) const noexcept {
  const KeyLayout& layout = *setup_.keys;
  if (mode_ == Mode::kDense || layout.form == KeyForm::kInteger) {
    const std::uint32_t null = mode_ == Mode::kDense ? range_ : null_group_;
    bool any = false;
    for (std::uint32_t i = 0; i < count; ++i) any |= groups[i] == null;
    return any;
  }
  if (layout.null_word < 0) return false;
  const std::size_t word = static_cast<std::size_t>(layout.null_word) + column / 64;
  std::uint64_t bits = 0;
  for (std::uint32_t i = 0; i < count; ++i) bits |= key_at(groups[i])[word];
  return (bits >> (column % 64) & 1) != 0;
}

void GroupTable::read_key(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                          std::uint32_t at) const noexcept {
  const std::uint32_t word = setup_.keys->columns[column].word;
  if (to.validity != nullptr) {
    set_valid_range(to, at, count);
    const std::uint32_t suspects = any_null_key(column, groups, count) ? count : 0;
    for (std::uint32_t i = 0; i < suspects; ++i) to.set_valid(at + i, !key_is_null(column, groups[i]));
  }
  switch (to.physical) {
    case Physical::kInt8:
      return read_words(word, groups, count, to.values<std::int8_t>() + at);
    case Physical::kInt16:
      return read_words(word, groups, count, to.values<std::int16_t>() + at);
    case Physical::kInt32:
      return read_words(word, groups, count, to.values<std::int32_t>() + at);
    case Physical::kInt64:
      return read_words(word, groups, count, to.values<std::int64_t>() + at);
    case Physical::kFloat:
      return read_words(word, groups, count, to.values<float>() + at);
    case Physical::kDouble:
      return read_words(word, groups, count, to.values<double>() + at);
    default:
      for (std::uint32_t i = 0; i < count; ++i)
        std::memcpy(static_cast<std::byte*>(to.data) + std::size_t{at + i} * 16, key_at(groups[i]) + word, 16);
  }
}

void GroupTable::clear() noexcept {
  if (plane()) --setup_.numbers->planes_;
  if (rows_ != nullptr) setup_.arena->give_back(rows_, row_block_);
  if (slots_ != nullptr) setup_.arena->give_back(slots_, slot_block_);
  strings_.free(*setup_.arena);
  heap_.clear();
  rows_ = nullptr;
  slots_ = nullptr;
  row_block_ = slot_block_ = 0;
  mode_ = Mode::kEmpty;
  rows_seen_ = 0;
  count_ = row_capacity_ = free_count_ = expected_ = stamp_ = 0;
  expected_range_ = {};
  keeps_unused_ = false;
  if (direct_ != nullptr) direct_->free();
  dense_range_max_ = kDenseRangeMax;
  null_group_ = free_head_ = simd::kNoRow;
  text_bytes_ = 0;
  slot_mask_ = 0;
}

}  // namespace weir
