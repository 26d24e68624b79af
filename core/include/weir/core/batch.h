// Batch: columns of up to 2^n rows that move as a unit through operators and rings.
//
// A batch is laid out once, at start, in memory from an arena; afterwards only its contents change.
//
//   Batch ──► columns[c]: Vector { data (64-byte aligned), validity bitmap or null }
//         ──► selection: ascending row indices that are alive, or null = all rows
//         ──► kinds: one RowKind a row, or null = all +I (append-only)
//         ──► heap: bytes of long strings, reset with the batch
//         ──► header: event-time and ingest-time range, watermark before its first row
//
// Invariants
//   1. row_count <= capacity; capacity is a power of two (or any value >= 1 in tests).
//   2. selection, where present, is strictly ascending and below row_count.
//   3. A vector's bit r in validity is 1 where row r has a value; validity == nullptr means that every row has one.
//      The data under a NULL is unspecified but readable.
//   4. StringRef's point into this batch's heap, into an operator's memory that outlives the push, or into the plan.
//   5. Deferred columns are filled by the first operator that narrows the selection; the planner defers none that is
//      read before it. An operator that makes another batch of this one never sees any.
//   6. One thread at a time: the owner is whoever holds the pointer; rings hand it over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "weir/core/check.h"
#include "weir/core/string_ref.h"
#include "weir/core/type.h"

namespace weir {

using EventTime = std::int64_t;  ///< Nanoseconds since the epoch, negative allowed.
using Watermark = std::int64_t;  ///< Promise of an input: no on-time row with event time <= W follows. Monotone.

inline constexpr EventTime kEventTimeMin = std::numeric_limits<std::int64_t>::min();
inline constexpr EventTime kEventTimeMax = std::numeric_limits<std::int64_t>::max();
inline constexpr Watermark kWatermarkNone = std::numeric_limits<std::int64_t>::min();  ///< Nothing promised yet.
inline constexpr Watermark kWatermarkEnd = std::numeric_limits<std::int64_t>::max();   ///< End of a bounded input.

inline constexpr std::uint32_t kBatchRowsDefault = 1024;
inline constexpr std::uint32_t kBatchRowsMax = 65536;
inline constexpr std::size_t kVectorAlignment = 64;

/// What a row does to a table: insert, take back the old version, give the new version, delete.
enum class RowKind : std::uint8_t { kInsert, kUpdateBefore, kUpdateAfter, kDelete };

/// One typed column of a batch: a view on memory that somebody else owns. Copying copies the view.
struct Vector {
  Physical physical = Physical::kInt64;
  void* data = nullptr;               ///< 64-byte aligned; holds capacity values of physical_size(physical) bytes.
  std::uint64_t* validity = nullptr;  ///< capacity bits in whole words, bit r of word r/64; null = no NULL.
  Vector* children = nullptr;         ///< ROW, ARRAY, MAP; not used yet.

  template <typename T>
  T* values() noexcept {
    return static_cast<T*>(data);
  }
  template <typename T>
  const T* values() const noexcept {
    return static_cast<const T*>(data);
  }
  bool is_valid(std::uint32_t row) const noexcept {
    return validity == nullptr || ((validity[row >> 6] >> (row & 63)) & 1u) != 0;
  }
  /// Requires: validity != nullptr.
  void set_valid(std::uint32_t row, bool valid) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (row & 63);
    if (valid)
      validity[row >> 6] |= bit;
    else
      validity[row >> 6] &= ~bit;
  }
};

/// Words of a validity bitmap for that many rows.
constexpr std::size_t validity_words(std::size_t rows) noexcept {
  return (rows + 63) / 64;
}

/// Bytes of long strings, given out front to back and taken back all at once. Never grows.
class StringHeap {
 public:
  StringHeap() = default;
  StringHeap(char* memory, std::size_t bytes) noexcept : memory_(memory), capacity_(bytes) {}
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t used() const noexcept { return used_; }
  std::size_t available() const noexcept { return capacity_ - used_; }
  void reset() noexcept { used_ = 0; }
  /// Takes n bytes, or null where there is no room: the batch is full then.
  char* take(std::size_t bytes) noexcept {
    if (bytes > available()) return nullptr;
    char* at = memory_ + used_;
    used_ += bytes;
    return at;
  }
  /// Gives back the last `bytes` bytes that were taken (a record that turned out to be malformed).
  void rewind(std::size_t used) noexcept {
    WEIR_DCHECK(used <= used_);
    used_ = used;
  }
  /// Copies text where it does not fit inline. Returns false where there is no room.
  bool store(std::string_view text, StringRef& out) noexcept {
    if (text.size() <= StringRef::kInlineMax) {
      out = StringRef(text);
      return true;
    }
    char* at = take(text.size());
    if (at == nullptr) return false;
    std::memcpy(at, text.data(), text.size());
    out = StringRef(std::string_view(at, text.size()));
    return true;
  }

 private:
  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

class Batch;

/// Columns that a source fills when it is known which rows are wanted (late materialisation).
class DeferredColumns {
 public:
  /// Fills them for the batch's selected rows; what stands in the others is unspecified. Cannot fail.
  virtual void fill(Batch& batch) = 0;

 protected:
  ~DeferredColumns() = default;
};

/// What a whole batch knows of itself; kept by sources and the watermark operator, combined by exchanges.
struct BatchHeader {
  EventTime event_time_min = kEventTimeMax;  ///< Over the rows; max < min means not known.
  EventTime event_time_max = kEventTimeMin;
  std::int64_t ingest_time_min = kEventTimeMax;  ///< Wall clock, nanoseconds, when the bytes of the rows arrived.
  std::int64_t ingest_time_max = kEventTimeMin;
  Watermark watermark_before = kWatermarkNone;  ///< Of the batch's own input, before its first row.
  Watermark watermark_after = kWatermarkNone;   ///< Of the batch's own input, after its last row.
  /// The own input's watermark before each row, or null where no row can be late for any window: every row's event time
  /// lies above the watermark before it.
  const Watermark* row_watermarks = nullptr;
  std::uint32_t input = 0;  ///< Number of the input in its source.
  /// Of row 0: the input's number in its table << 40 | how many rows of it came before. Row r came as arrival + r.
  std::uint64_t arrival = 0;
};

/// Shape of a batch: what is needed to lay one out.
struct BatchLayout {
  std::span<const Physical> columns;
  std::uint32_t capacity = kBatchRowsDefault;
  std::size_t heap_bytes = 0;  ///< 0 where no column is a string.
  bool nullable = true;        ///< Validity bitmaps for every column.
  bool kinds = false;          ///< A row-kind vector.

  /// Bytes of memory that Batch::create needs, a multiple of 64.
  std::size_t bytes() const noexcept;
};

/// See the head of the file. Not copyable: its address is its identity in rings.
class Batch {
 public:
  /// Lays a batch out at the front of `memory`.
  /// Requires: memory is 64-byte aligned and holds layout.bytes() bytes. Allocates: never.
  static Batch* create(const BatchLayout& layout, void* memory) noexcept;

  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::uint32_t capacity() const noexcept { return capacity_; }
  std::uint32_t row_count() const noexcept { return row_count_; }
  void set_row_count(std::uint32_t rows) noexcept {
    WEIR_DCHECK(rows <= capacity_);
    row_count_ = rows;
  }
  bool full() const noexcept { return row_count_ == capacity_; }

  std::uint32_t column_count() const noexcept { return column_count_; }
  Vector& column(std::uint32_t index) noexcept {
    WEIR_DCHECK(index < column_count_);
    return columns_[index];
  }
  const Vector& column(std::uint32_t index) const noexcept {
    WEIR_DCHECK(index < column_count_);
    return columns_[index];
  }
  std::span<Vector> columns() noexcept { return {columns_, column_count_}; }

  /// Rows that are alive: the selection's, or 0 … row_count-1.
  bool has_selection() const noexcept { return selection_ != nullptr; }
  const std::uint32_t* selection() const noexcept { return selection_; }
  std::uint32_t selected_count() const noexcept { return selection_ == nullptr ? row_count_ : selected_count_; }
  /// The selection's memory belongs to the caller and must outlive the push. Null with 0 selects all rows.
  void set_selection(const std::uint32_t* rows, std::uint32_t count) noexcept {
    selection_ = rows;
    selected_count_ = rows == nullptr ? 0 : count;
  }

  /// Null on append-only streams.
  RowKind* kinds() noexcept { return kinds_; }
  const RowKind* kinds() const noexcept { return kinds_; }
  /// Shows the kinds of another batch's rows (a view on its rows has none of its own) until reset().
  void share_kinds(const Batch& from) noexcept { kinds_ = from.kinds_; }

  /// Some columns are not filled yet: `columns` does it, before the source is asked for more.
  void defer(DeferredColumns* columns) noexcept { deferred_ = columns; }
  bool has_deferred() const noexcept { return deferred_ != nullptr; }
  /// Fills what is deferred, for the rows that are selected now.
  void fill_deferred() {
    DeferredColumns* columns = deferred_;
    deferred_ = nullptr;
    if (columns != nullptr) columns->fill(*this);
  }

  StringHeap& heap() noexcept { return heap_; }
  const StringHeap& heap() const noexcept { return heap_; }
  BatchHeader& header() noexcept { return header_; }
  const BatchHeader& header() const noexcept { return header_; }

  /// Makes it empty: no rows, no selection, heap free, header at its start values, every row valid, own vectors
  /// restored.
  void reset() noexcept;
  /// The same but for the vectors and kinds, which stay as they are: for a caller that sets the validity (and kind) of
  /// each row that it writes, or points each vector elsewhere.
  void reset_rows() noexcept {
    row_count_ = 0;
    selected_count_ = 0;
    selection_ = nullptr;
    deferred_ = nullptr;
    header_ = BatchHeader();
    heap_.reset();
  }

 private:
  Batch() = default;
  std::uint32_t capacity_ = 0;
  std::uint32_t row_count_ = 0;
  std::uint32_t column_count_ = 0;
  std::uint32_t selected_count_ = 0;
  Vector* columns_ = nullptr;    // what operators see; may be made to point elsewhere between resets
  const Vector* own_ = nullptr;  // as laid out; reset() copies them back
  const std::uint32_t* selection_ = nullptr;
  RowKind* kinds_ = nullptr;
  RowKind* own_kinds_ = nullptr;
  DeferredColumns* deferred_ = nullptr;
  StringHeap heap_;
  BatchHeader header_;
};

}  // namespace weir
