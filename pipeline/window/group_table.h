// GroupTable: from keys to groups, and the state rows of the groups, for one slice.
//
//   no key      one state row
//   dense       integer keys in a small range: group = key - base, and one more group for NULL
//                 rows  | state(base) | state(base+1) | … | state(NULL) |
//   hashed      index of open addressing ─► rows in order of first appearance
//                 slots | 3 | - | 0 | 1 | - …        rows  | key | state | key | state | …
//   numbered    a row holds the number that a table of keys gave its key: slices that share windows share such a table,
//               so that a key is looked up and kept once, and windows add slices without looking keys up. A directory
//               that all slices share says where a number stands; a large slice that is taken up again gets slots
//                                                    rows  | number | state | number | state | …
//   plane       the states of all numbers by number, those without rows too: where a slice has rows for many of the
//               numbers, or these are few. Nothing is looked up, and windows take whole planes as arrays
//                                                    rows  | state(0) | state(1) | state(2) | …
//
// A row holds the key's words and the state behind them, so that a probe that found the key has the accumulators in the
// same cache line. A table with one integer key starts dense and is rehashed when its range leaves what it pays for.
// The other keys are laid out in 64-bit words: a word for each column of up to 8 bytes, two for DECIMAL over 18 digits
// and for strings, one for the bits of NULLs where a column may be NULL; longer strings are compared by their bytes.
//
// Bounded: at most groups_max groups; memory comes from a StateArena. Nothing here calls malloc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/pipeline/state_heap.h"
#include "weir/simd/accumulate.h"
#include "weir/simd/rows.h"
#include "window/aggregate_layout.h"
#include "window/direct_index.h"
#include "window/key_columns.h"
#include "window/key_layout.h"
#include "window/number_directory.h"
#include "window/state_arena.h"
#include "window/string_store.h"

namespace weir {

/// Scratch of lookups, shared by the tables of an operator.
struct ProbeScratch {
  explicit ProbeScratch(std::uint32_t capacity)
      : rows(capacity),
        misses(std::make_unique<std::uint32_t[]>(capacity)),
        valid(std::make_unique<std::uint32_t[]>(capacity)) {}
  std::size_t memory_bytes() const noexcept { return std::size_t{rows} * 2 * sizeof(std::uint32_t); }
  std::uint32_t rows;
  std::unique_ptr<std::uint32_t[]> misses;
  std::unique_ptr<std::uint32_t[]> valid;
};

/// Rows at … at + count - 1 are not NULL; a vector without a bitmap needs nothing.
inline void set_valid_range(Vector& to, std::uint32_t at, std::uint32_t count) noexcept {
  for (std::uint32_t row = at; to.validity != nullptr && row < at + count;) {
    const std::uint32_t bits = std::min(at + count - row, 64 - row % 64);
    const std::uint64_t ones = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    to.validity[row / 64] |= ones << (row % 64);
    row += bits;
  }
}

/// Integer keys base, base + 1, … (count of them).
struct DenseRange {
  std::int64_t base = 0;
  std::uint32_t count = 0;
};

class GroupTable {
 public:
  struct Setup {
    const KeyLayout* keys = nullptr;
    const AggregateLayout* aggregates = nullptr;
    StateArena* arena = nullptr;
    std::uint32_t groups_max = 1u << 20;
    /// Where set, rows that are not dense are numbered by this table of keys, and found by this directory.
    GroupTable* numbers = nullptr;
    NumberDirectory* directory = nullptr;
    /// Slices of a window, which decides when planes pay; 0: states are not words to be added, so there are none.
    std::uint32_t plane_slices = 0;
    /// A table of keys: never dense; the only state, that of a layout without aggregates, counts the rows in other
    /// tables that have the key's number, and a number that no row has any more is given out again.
    bool of_keys = false;
    /// Of a table of keys: where its keys stand once more, by columns; or null.
    KeyColumns* columns = nullptr;
    /// A dense table of up to this many groups always pays.
    std::uint32_t dense_range_free = 4096;
  };

  /// Requires: called once before use; the setup outlives the table. `expected` groups are laid out at the first row.
  void set_up(const Setup& setup) {
    setup_ = setup;
    heap_ = StateHeap(*setup.arena);
    if (setup.of_keys && DirectIndex::possible(*setup.keys))
      direct_ = std::make_unique<DirectIndex>(*setup.keys, *setup.arena);
  }
  /// `few_slices`: memory may be spent on a wide dense range (still 8 times the rows seen at most).
  /// `range`: where keys are expected; a dense table begins with it if its first keys are there too, or close.
  void expect(std::uint32_t groups, bool few_slices, const DenseRange& range = {}) noexcept {
    expected_ = groups;
    expected_range_ = range;
    dense_range_max_ = few_slices ? kDenseRangeFewSlices : kDenseRangeMax;
  }

  /// Gives each row its group, making groups where there is none. Errors: kLimitExceeded (groups_max,
  /// state_bytes_max).
  Result<void> find_or_insert(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, ProbeScratch& scratch);
  /// Adds the count of rows and, where `sum` is set, a double sum straight from dense keys. False when the table or the
  /// batch is not of that kind; then nothing was added.
  bool add_dense(const BatchKeys& keys, const simd::Rows& rows, const Vector* sum, std::size_t sum_offset);
  /// The same for rows 0 … count - 1 as far as they go: returns how many of them it added, 0 where add_dense gives
  /// false for the table's kind. Reads keys once.
  std::uint32_t add_dense_head(const BatchKeys& keys, std::uint32_t count, const Vector& sum, std::size_t sum_offset);

  /// State part of the rows.
  simd::GroupRows state_rows() const noexcept { return {rows_ + key_bytes_, stride_}; }
  StringStore& strings() noexcept { return strings_; }
  /// Pieces of variable size that the states of aggregate functions own.
  StateHeap& heap() noexcept { return heap_; }

  /// Group numbers are below this; a number without rows counted is no group.
  std::uint32_t group_end() const noexcept {
    if (mode_ == Mode::kDense) return range_ + 1;
    return mode_ == Mode::kGlobal ? 1 : count_;
  }
  bool present(std::uint32_t group) const noexcept {
    std::uint64_t rows;
    __builtin_memcpy(&rows, state(group), sizeof rows);
    return rows != 0;
  }
  /// Groups there are; of a plane, rows. Cost: a pass over the range when dense.
  std::uint32_t group_count() const noexcept;
  const std::byte* state(std::uint32_t group) const noexcept { return rows_ + group * stride_ + key_bytes_; }
  std::byte* state(std::uint32_t group) noexcept { return rows_ + group * stride_ + key_bytes_; }
  /// Writes key column `column` of the groups to vector rows at, at + 1, …
  void read_key(std::size_t column, const std::uint32_t* groups, std::uint32_t count, Vector& to,
                std::uint32_t at) const noexcept;

  // ---- Numbers of a table of keys (numbered_groups.cc) ----
  /// find_or_insert() of rows whose keys have been given numbers already, where takes_numbers(): so that all slices of
  /// a batch look its keys up at once. Numbers that no slice takes stay in the table of keys. Returns the groups: in
  /// `groups`, or the numbers themselves. Errors: as there.
  Result<const std::uint32_t*> find_numbers(const std::uint32_t* numbers, const simd::Rows& rows,
                                            std::uint32_t* groups);
  bool takes_numbers() const noexcept { return mode_ == Mode::kNumbered || plane() || mode_ == Mode::kEmpty; }
  /// Whether a group is its number.
  bool plane() const noexcept { return mode_ == Mode::kPlane; }
  /// Of a plane: gives its block of states away for another one of the same size; false where it is not of that size.
  bool swap_block(std::byte*& block, std::size_t bytes) noexcept {
    if (bytes != row_block_) return false;
    std::swap(block, rows_);
    return true;
  }
  /// Makes a dense table of a slice a numbered one; others stay. Errors: kLimitExceeded.
  Result<void> number_groups();
  /// The number of a group of a numbered table.
  std::uint32_t number(std::uint32_t group) const noexcept {
    return static_cast<std::uint32_t>(*reinterpret_cast<const std::uint64_t*>(rows_ + group * stride_));
  }
  /// Gives the memory back that only adding rows needs.
  void seal() noexcept;
  /// Of a table of keys: one row less has the number. Returns whether it was the last; then the key is forgotten.
  /// While there are planes, which may have rows of any number, it never is.
  bool release(std::uint32_t number) noexcept;
  /// Of a table of keys: whether numbers may be kept that no slice has, because there have been planes.
  bool keeps_unused() const noexcept { return keeps_unused_; }
  /// Forgets the numbers from `first` on, in words of bits, that no row has and whose bit is 0.
  void forget_unused(std::uint32_t first, std::uint32_t count, const std::uint64_t* used) noexcept;
  /// Says that all have been asked for.
  void unused_forgotten() noexcept { keeps_unused_ = planes_ != 0; }
  /// Of a table of keys: keys there are.
  std::uint32_t key_count() const noexcept { return count_ - free_count_; }

  bool dense() const noexcept { return mode_ == Mode::kDense; }
  /// Of a dense table.
  DenseRange dense_range() const noexcept { return {base_, range_}; }
  /// Whether its groups are numbered by a table of keys.
  bool numbered() const noexcept { return setup_.numbers != nullptr; }
  std::size_t bytes() const noexcept {
    return row_block_ + slot_block_ + (direct_ != nullptr ? direct_->bytes() : 0) + strings_.bytes() + heap_.bytes();
  }
  /// Gives all memory back and forgets all groups.
  void clear() noexcept;

 private:
  enum class Mode : std::uint8_t { kEmpty, kGlobal, kDense, kHashed, kNumbered, kPlane };

  template <class T>
  void read_words(std::uint32_t word, const std::uint32_t* groups, std::uint32_t count, T* out) const noexcept;
  bool key_is_null(std::size_t column, std::uint32_t group) const noexcept;
  bool any_null_key(std::size_t column, const std::uint32_t* groups, std::uint32_t count) const noexcept;
  Result<void> start(const BatchKeys& keys);
  Result<void> find_dense(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, bool& done);
  Result<void> find_integer(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, ProbeScratch& scratch);
  Result<void> find_words(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, ProbeScratch& scratch);
  Result<void> insert_misses(BatchKeys& keys, const std::uint32_t* rows, std::uint32_t count, std::uint32_t* groups);
  Result<std::uint32_t> insert(const std::uint64_t* key);
  Result<void> cover(std::int64_t least, std::int64_t greatest, std::uint32_t rows, bool& done);
  Result<void> rehash_dense();
  Result<void> start_hashed();
  Result<void> find_numbered(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups, ProbeScratch& scratch);
  Result<std::uint32_t> find_number(std::uint32_t number);
  Result<void> start_numbered();
  bool plane_pays(std::uint32_t rows) const noexcept;
  void start_plane() noexcept;
  Result<void> cover_numbers();
  Result<std::byte*> append_number(std::uint32_t number);
  Result<void> index_numbers();
  Result<bool> find_direct(BatchKeys& keys, const simd::Rows& rows, std::uint32_t* groups);
  template <class Widen>
  Result<bool> lay_out_direct(std::uint64_t more, Widen&& widen);
  Result<std::uint32_t> find_key(bool null, std::uint64_t key);
  Result<std::byte*> state_of_key(bool null, std::uint64_t key);
  std::uint64_t hash_of(std::uint32_t group) const noexcept;
  bool is_free(std::uint32_t group) const noexcept;
  void forget(std::uint32_t group) noexcept;
  Result<void> keep_texts(std::byte* row);
  Result<void> move_texts();
  Result<void> grow_rows(std::size_t rows);
  Result<void> grow_slots();
  Result<std::byte*> take(std::size_t bytes);
  Error groups_error() const;
  void place(std::uint32_t group, std::uint64_t hash) noexcept;
  bool equal(const std::uint64_t* row, const std::uint64_t* key) const noexcept;
  void initialize(std::byte* states, std::size_t stride, std::size_t count) noexcept;
  void initialize_one(std::byte* state) noexcept;
  bool direct() const noexcept { return direct_ != nullptr && direct_->in_use(); }
  Error state_error() const;
  const std::uint64_t* key_at(std::uint32_t group) const noexcept {
    return reinterpret_cast<const std::uint64_t*>(rows_ + group * stride_);
  }

  Setup setup_;
  Mode mode_ = Mode::kEmpty;
  static constexpr std::uint32_t kDenseRangeMax = 1u << 16, kDenseRangeFewSlices = 1u << 20;
  std::uint32_t expected_ = 0;
  DenseRange expected_range_;
  std::uint32_t dense_range_max_ = kDenseRangeMax;
  std::byte* rows_ = nullptr;
  std::size_t row_block_ = 0;  // bytes
  std::size_t stride_ = 0;
  std::size_t key_bytes_ = 0;
  std::int64_t base_ = 0;        // dense
  std::uint32_t range_ = 0;      // dense: groups without that of NULL
  std::uint64_t rows_seen_ = 0;  // dense: decides what range pays
  std::uint32_t count_ = 0;      // hashed
  std::uint32_t row_capacity_ = 0;
  std::uint32_t null_group_ = simd::kNoRow;  // hashed, kInteger
  std::uint32_t free_count_ = 0;             // of keys: rows of keys that were forgotten, in a list
  std::uint32_t free_head_ = simd::kNoRow;
  std::uint32_t planes_ = 0;             // of keys: slices that are planes
  bool keeps_unused_ = false;            // of keys
  std::size_t text_bytes_ = 0;           // of keys: long strings of keys that are there
  std::uint32_t stamp_ = 0;              // numbered: in the directory, 0: none
  std::unique_ptr<DirectIndex> direct_;  // of keys, where they may be close together: in the place of the slots
  std::uint32_t* slots_ = nullptr;
  std::size_t slot_block_ = 0;
  std::uint64_t slot_mask_ = 0;
  // Sparse slots: a walk that the processor mispredicts costs more than the larger index (simd/README.md).
  static constexpr std::uint64_t kSlotsPerGroup = 4;
  StringStore strings_;
  StateHeap heap_;
};

}  // namespace weir
