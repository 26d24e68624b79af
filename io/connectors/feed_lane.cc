// The ring of rows in columns (feed_port.h).
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "connectors/feed_port.h"

namespace weir {
namespace {

constexpr std::size_t kOverread = 64;  // kernels may load a whole vector at the last row

constexpr std::size_t lines(std::size_t bytes) noexcept {
  return (bytes + kSeparation - 1) / kSeparation * kSeparation;
}

}  // namespace

std::size_t FeedLane::bytes(const std::vector<FeedColumn>& columns, const FeedOptions& options, std::uint64_t capacity,
                            bool strings) noexcept {
  std::size_t total = lines(kFeedPromisesMax * sizeof(FeedPromise));
  for (const FeedColumn& column : columns) {
    total += lines(capacity * column.width + kOverread);
    if (column.nullable) total += lines(capacity);
  }
  if (strings) total += lines(options.heap_bytes) + lines(2 * capacity * sizeof(std::uint64_t));
  return total;
}

Result<void> FeedLane::lay_out(Arena& arena, const FeedOptions& options, std::uint64_t capacity, bool strings) {
  mask_ = capacity - 1;
  for (const FeedColumn& column : columns_) {
    WEIR_ASSIGN(void* data, arena.allocate(lines(capacity * column.width + kOverread), kSeparation));
    std::memset(data, 0, capacity * column.width + kOverread);  // the pages are there
    data_.push_back(static_cast<std::byte*>(data));
    void* valid = nullptr;
    if (column.nullable) {
      WEIR_ASSIGN(valid, arena.allocate(lines(capacity), kSeparation));
      std::memset(valid, 1, capacity);
    }
    valid_.push_back(static_cast<std::uint8_t*>(valid));
  }
  if (strings) {
    WEIR_ASSIGN(void* heap, arena.allocate(lines(options.heap_bytes), kSeparation));
    std::memset(heap, 0, options.heap_bytes);
    heap_ = static_cast<char*>(heap);
    heap_bytes_ = options.heap_bytes;
    heap_mask_ = 2 * capacity - 1;
    WEIR_ASSIGN(const std::span<std::uint64_t> ends, arena.allocate_array<std::uint64_t>(2 * capacity));
    heap_end_ = ends.data();
  }
  WEIR_ASSIGN(promises_, (Ring<FeedPromise, ParkingAtomics>::create(arena, kFeedPromisesMax)));
  writer_.limit = capacity;
  return {};
}

void FeedLane::note_null(std::uint64_t rows) noexcept {
  last_null_.store(writer_.tail + rows, std::memory_order_relaxed);  // seen with the tail that is published behind it
}

/// Bytes below it are free: those of rows that were given back.
std::uint64_t FeedLane::heap_head() noexcept {
  writer_.limit = head_.load(std::memory_order_acquire) + mask_ + 1;  // pairs with release
  const std::uint64_t released = writer_.limit - mask_ - 1;
  return released == 0 ? 0 : heap_end_[(released - 1) & heap_mask_];
}

bool FeedLane::store(std::string_view text, StringRef& out) noexcept {
  if (text.size() <= StringRef::kInlineMax) {
    out = StringRef(text);
    return true;
  }
  const std::uint64_t at = writer_.heap_tail % heap_bytes_;
  const std::uint64_t skipped = at + text.size() > heap_bytes_ ? heap_bytes_ - at : 0;  // strings stand in one piece
  const std::uint64_t head = heap_head();
  const bool empty = head == writer_.heap_tail;
  if (!empty && writer_.heap_tail + skipped + text.size() - head > heap_bytes_) return false;
  char* to = heap_ + (writer_.heap_tail + skipped) % heap_bytes_;
  std::memcpy(to, text.data(), text.size());
  writer_.heap_tail += skipped + text.size();
  out = StringRef(std::string_view(to, text.size()));
  return true;
}

void FeedLane::rewind(std::uint64_t position) noexcept {
  writer_.heap_tail = position == 0 ? 0 : heap_end_[(position - 1) & heap_mask_];
}

void FeedLane::promise(Watermark watermark) noexcept {
  const bool pushed = promises_->try_push({writer_.tail, watermark});
  WEIR_CHECK(pushed);
  tell();
}

void FeedLane::end() noexcept {
  ended_.store(true, std::memory_order_seq_cst);  // pairs with next
  tell();
}

void FeedLane::tell() noexcept {
  if (inbox_.has_value()) {
    announce();
  } else if (waker_ != nullptr) {
    waker_->notify();
  }
}

/// One token of a lane is in the inbox at a time, so that it is never full.
void FeedLane::announce() noexcept {
  if (announced_.load(std::memory_order_seq_cst) || announced_.exchange(true, std::memory_order_seq_cst)) return;
  InboxItem item;
  item.source = number_;
  const PushResult pushed = inbox_->push(item);
  WEIR_CHECK(pushed == PushResult::kPushed);
}

bool FeedLane::any() noexcept {
  return tail_.load(std::memory_order_seq_cst) != reader_.next || promises_->readable() != 0;
}

FeedLane::Run FeedLane::next(std::uint32_t max) noexcept {
  const bool ended = ended_.load(std::memory_order_seq_cst);         // before tail: pairs with end
  const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);  // pairs with publish
  Run run;
  run.from = reader_.next;
  if (tail == run.from && promises_->readable() == 0) {
    run.ended = ended;
    return run;
  }
  std::uint64_t count = std::min<std::uint64_t>({tail - run.from, max, mask_ + 1 - (run.from & mask_)});
  // Promises at the row behind these belong to this run; those further on bound nothing.
  for (auto promises = promises_->peek(1); !promises.empty(); promises = promises_->peek(1)) {
    const FeedPromise& promise = promises[0];
    if (promise.position > run.from + count) break;
    count = promise.position - run.from;
    run.promise = std::max(run.promise, promise.watermark);
    promises_->release(1);
    if (count != 0) break;  // those before rows go alone, the others with the rows before them
  }
  run.count = static_cast<std::uint32_t>(count);
  reader_.next += count;
  if (count != 0) taken_.store(reader_.next, std::memory_order_release);  // pairs with taken
  run.more = reader_.next != tail || promises_->readable() != 0;
  run.ended = ended && !run.more;
  return run;
}

void FeedLane::show(const Run& run, Batch& batch, std::vector<std::unique_ptr<std::uint64_t[]>>& bits) noexcept {
  const std::uint64_t at = run.from & mask_;
  const std::span<const FeedColumn> columns = columns_;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    Vector& vector = batch.column(columns[c].batch_column);
    vector.data = data_[c] + at * columns[c].width;
    __builtin_prefetch(vector.data);  // the writer's core has them: all at once, not each when it is needed
    vector.validity = nullptr;
  }
  batch.set_row_count(run.count);
  if (last_null_.load(std::memory_order_relaxed) <= run.from) return;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (valid_[c] == nullptr) continue;
    const std::uint8_t* valid = valid_[c] + at;
    std::uint64_t* words = bits[c].get();
    for (std::uint32_t word = 0; word < validity_words(run.count); ++word) {
      std::uint64_t value = 0;
      const std::uint32_t rows = std::min(64u, run.count - word * 64);
      for (std::uint32_t r = 0; r < rows; ++r) value |= std::uint64_t{valid[word * 64 + r]} << r;
      words[word] = value;
    }
    batch.column(columns[c].batch_column).validity = words;
  }
}

}  // namespace weir
