// FeedLane: a ring of rows in columns from one writer to one shard. FeedPort: the lanes of one query that reads a table
// which writers feed, and the readers over them. feed.h draws it.
//
// Invariants
//   1. head <= taken <= tail <= head + capacity. The writer alone moves tail, the reader the others; all only grow.
//   2. Rows of [head, tail) and the heap bytes of their strings are not written. A batch shows [taken before, taken)
//      until the next read, which moves head up to it.
//   3. A promise stands at the position of the row behind it; the reader gives rows up to it, then the promise.
//   4. heap_end[row % (2 capacity)] is where the strings of the row end in the heap, which is how the writer knows from
//      head alone what is free; twice the capacity, so that the row before head is still there when the ring is full.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/struct_reader.h"
#include "weir/core/arena.h"
#include "weir/core/atomics.h"
#include "weir/core/inbox.h"
#include "weir/core/ring.h"
#include "weir/core/waker.h"
#include "weir/io/connector.h"
#include "weir/io/host_feed.h"

namespace weir {

struct FeedPromise {
  std::uint64_t position = 0;
  Watermark watermark = kWatermarkNone;
};

/// A column that the query reads.
struct FeedColumn {
  std::uint32_t source_index = 0;  ///< Among the table's physical columns.
  std::uint32_t batch_column = 0;
  std::uint32_t width = 0;
  Physical physical = Physical::kInt64;
  bool nullable = true;
  bool text = false;  ///< STRING: has to be UTF-8.
  std::string name;
  StructColumn from;  ///< Where the table has structs.
};

/// See the head of the file. Thread: writer's functions by one, reader's by one other (or the same).
class FeedLane {
 public:
  FeedLane(const std::vector<FeedColumn>& columns, std::uint32_t number) : columns_(columns), number_(number) {}
  /// Takes the memory. Errors: kOutOfMemory.
  Result<void> lay_out(Arena& arena, const FeedOptions& options, std::uint64_t capacity, bool strings);
  static std::size_t bytes(const std::vector<FeedColumn>& columns, const FeedOptions& options, std::uint64_t capacity,
                           bool strings) noexcept;
  const std::vector<FeedColumn>& columns() const noexcept { return columns_; }

  /// Setup.
  void set_waker(Waker& waker) noexcept { waker_ = &waker; }
  void set_inbox(Inbox::Producer producer) { inbox_.emplace(std::move(producer)); }

  // ---- writer ----

  std::uint64_t tail() const noexcept { return writer_.tail; }
  std::uint64_t capacity() const noexcept { return mask_ + 1; }
  /// Free rows, at least as far as `want` is concerned.
  std::uint64_t room(std::uint64_t want) noexcept {
    if (writer_.limit - writer_.tail < want) writer_.limit = head_.load(std::memory_order_acquire) + mask_ + 1;
    return writer_.limit - writer_.tail;  // pairs with release
  }
  std::byte* value(std::size_t column, std::uint64_t position) noexcept {
    return data_[column] + (position & mask_) * columns_[column].width;
  }
  /// Where a column takes NULL and one was appended before: a byte a row, 1 where it has a value.
  std::uint8_t* validity(std::size_t column, std::uint64_t position) noexcept {
    return writer_.had_null && valid_[column] != nullptr ? valid_[column] + (position & mask_) : nullptr;
  }
  /// Rows of [tail, tail + rows) have NULL.
  void note_null(std::uint64_t rows) noexcept;
  bool may_have_null() const noexcept { return writer_.had_null; }
  void begin_nulls() noexcept { writer_.had_null = true; }
  /// Copies a long string for a row behind the tail. False where there is no room.
  bool store(std::string_view text, StringRef& out) noexcept;
  /// The strings of the row at `position` are complete.
  void end_row(std::uint64_t position) noexcept { heap_end_[position & heap_mask_] = writer_.heap_tail; }
  /// Gives back the strings of rows from `position` on.
  void rewind(std::uint64_t position) noexcept;
  std::size_t heap_bytes() const noexcept { return heap_bytes_; }

  void publish(std::uint64_t rows) noexcept {
    writer_.tail += rows;
    if (waker_ == nullptr && !inbox_.has_value()) {
      tail_.store(writer_.tail, std::memory_order_release);  // pairs with next
      return;
    }
    tail_.store(writer_.tail, std::memory_order_seq_cst);  // pairs with next, and with the waker's announcement
    tell();
  }
  bool can_promise() noexcept { return promises_->free_slots() != 0; }
  void promise(Watermark watermark) noexcept;
  void end() noexcept;
  std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_acquire); }  // pairs with next

  // ---- reader ----

  struct Run {
    std::uint64_t from = 0;
    std::uint32_t count = 0;
    bool more = false;   ///< Rows or a promise are there behind it.
    bool ended = false;  ///< Nothing comes any more.
    Watermark promise = kWatermarkNone;
  };
  /// Gives back the rows of all runs so far.
  void release() noexcept {
    if (reader_.released == reader_.next) return;
    reader_.released = reader_.next;
    head_.store(reader_.next, std::memory_order_release);  // pairs with room, heap_head
  }
  /// The next rows, at most `max`, in one piece.
  Run next(std::uint32_t max) noexcept;
  bool any() noexcept;
  bool has_ended() const noexcept { return ended_.load(std::memory_order_seq_cst); }  // pairs with end
  /// Points the batch's vectors to the run; NULLs become bitmaps in `bits`, one array a column.
  void show(const Run& run, Batch& batch, std::vector<std::unique_ptr<std::uint64_t[]>>& bits) noexcept;
  std::atomic<bool>& announced() noexcept { return announced_; }

 private:
  void tell() noexcept;
  void announce() noexcept;
  std::uint64_t heap_head() noexcept;

  struct Writer {
    std::uint64_t tail = 0;
    std::uint64_t limit = 0;  // tail may go up to here
    std::uint64_t heap_tail = 0;
    bool had_null = false;
  };
  struct Reader {
    std::uint64_t next = 0;
    std::uint64_t released = 0;
  };

  const std::vector<FeedColumn>& columns_;
  std::uint32_t number_;
  std::uint64_t mask_ = 0;
  std::vector<std::byte*> data_;
  std::vector<std::uint8_t*> valid_;
  char* heap_ = nullptr;
  std::uint64_t* heap_end_ = nullptr;
  std::uint64_t heap_bytes_ = 0, heap_mask_ = 0;
  std::unique_ptr<Ring<FeedPromise, ParkingAtomics>> promises_;
  Waker* waker_ = nullptr;
  std::optional<Inbox::Producer> inbox_;

  alignas(kSeparation) Writer writer_;
  alignas(kSeparation) std::atomic<std::uint64_t> tail_{0};
  std::atomic<std::uint64_t> last_null_{0};  // the row behind the last one that has NULL
  std::atomic<bool> ended_{false};
  alignas(kSeparation) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> taken_{0};
  alignas(kSeparation) std::atomic<bool> announced_{false};
  alignas(kSeparation) Reader reader_;
};

/// Thread: control plane, but for its lanes.
class FeedPort {
 public:
  static Result<std::unique_ptr<FeedPort>> create(HostFeed& feed, const TableContext& context);

  HostFeed& feed() noexcept { return feed_; }
  const std::vector<FeedColumn>& columns() const noexcept { return columns_; }
  bool has_strings() const noexcept { return strings_; }
  FeedLane& lane(std::uint32_t number) noexcept { return *lanes_[number]; }
  std::uint32_t lane_count() const noexcept { return static_cast<std::uint32_t>(lanes_.size()); }
  Inbox& inbox() noexcept { return *inbox_; }
  bool shared() const noexcept { return feed_.options().order == WriterOrder::kShared; }
  std::uint64_t capacity() const noexcept { return capacity_; }  ///< Rows of a lane.
  std::size_t row_bytes() const noexcept;
  std::size_t input_bytes() const noexcept;

 private:
  explicit FeedPort(HostFeed& feed) : feed_(feed) {}
  Result<void> lay_out();

  HostFeed& feed_;
  std::vector<FeedColumn> columns_;
  bool strings_ = false;
  std::uint64_t capacity_ = 0;
  Arena arena_;
  std::unique_ptr<Inbox> inbox_;
  std::vector<std::unique_ptr<FeedLane>> lanes_;  // go before the inbox, whose producers they have
};

/// The connector's side: readers over a port's lanes.
std::unique_ptr<TableSource> make_feed_source(FeedPort& port);

}  // namespace weir
