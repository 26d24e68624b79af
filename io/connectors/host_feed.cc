// Appending rows to the lanes of a table (host_feed.h).
#include "weir/io/host_feed.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "connectors/feed_port.h"
#include "weir/io/text_bytes.h"

namespace weir {
namespace {

bool is_valid(const ColumnView& view, std::uint32_t row) noexcept {
  return view.validity == nullptr || (view.validity[row / 64] >> (row % 64) & 1) != 0;
}

/// Copies the rows' values behind one another.
void copy_values(const ColumnView& view, std::uint32_t width, RowNames rows, std::byte* to) noexcept {
  const auto* from = static_cast<const std::byte*>(view.data);
  if (rows.rows == nullptr) {
    std::memcpy(to, from + rows.first * width, rows.count * width);
    return;
  }
  for (std::size_t i = 0; i < rows.count; ++i) std::memcpy(to + i * width, from + std::size_t{rows[i]} * width, width);
}

}  // namespace

HostFeed::HostFeed(const FeedOptions& options, const StructLayout& structs)
    : options_(options), structs_(structs), opened_(options.writers) {}
HostFeed::~HostFeed() = default;

Result<std::shared_ptr<HostFeed>> HostFeed::create(const FeedOptions& options, const StructLayout& structs) {
  if (options.writers == 0 || options.writers > kWritersMax)
    return Error(ErrorCode::kLimitExceeded, "a table takes 1 to 1024 writers, not " + std::to_string(options.writers));
  if (options.rows_max == 0 || options.rows_max > kFeedRowsMax)
    return Error(ErrorCode::kInvalidArgument,
                 "rows_max of a feed must be 1 to 2^24, not " + std::to_string(options.rows_max));
  if (options.heap_bytes < 64 || options.heap_bytes > kFeedHeapBytesMax)
    return Error(ErrorCode::kInvalidArgument,
                 "heap_bytes of a feed must be 64 to 2^32, not " + std::to_string(options.heap_bytes));
  return std::shared_ptr<HostFeed>(new HostFeed(options, structs));
}

Result<std::unique_ptr<TableSource>> HostFeed::make_source(const TableContext& context) {
  WEIR_ASSIGN(std::unique_ptr<FeedPort> port, FeedPort::create(*this, context));
  ports_.push_back(std::move(port));
  return make_feed_source(*ports_.back());
}

Result<std::unique_ptr<FeedWriter>> HostFeed::open_writer(std::uint32_t number) {
  if (number >= options_.writers)
    return Error(ErrorCode::kInvalidArgument,
                 "there is no writer " + std::to_string(number) + " of " + std::to_string(options_.writers));
  if (opened_[number]) return Error(ErrorCode::kInvalidArgument, "writer " + std::to_string(number) + " is taken");
  opened_[number] = true;
  std::vector<FeedLane*> lanes;
  for (const auto& port : ports_) lanes.push_back(&port->lane(number));
  return std::make_unique<FeedWriter>(*this, std::move(lanes));
}

FeedWriter::FeedWriter(HostFeed& feed, std::vector<FeedLane*> lanes) : feed_(feed), lanes_(std::move(lanes)) {}

FeedWriter::~FeedWriter() {
  end();
}

std::size_t FeedWriter::room(std::size_t count, AppendedRows& answer) noexcept {
  if (ended_ || feed_.closed()) {
    answer.state = Appended::kClosed;
    return 0;
  }
  std::uint64_t room = count;
  for (FeedLane* lane : lanes_) room = std::min(room, lane->room(room));
  if (room == 0 && count != 0) {
    answer.state = Appended::kFull;
    ++full_count_;
  }
  return static_cast<std::size_t>(room);
}

void FeedWriter::publish(std::size_t rows) noexcept {
  for (FeedLane* lane : lanes_) lane->publish(rows);
}

void FeedWriter::refuse(std::string message) {
  error_.emplace(ErrorCode::kValueOutOfRange, std::move(message), Position::at_row(rows_appended()));
}

AppendedRows FeedWriter::append_structs(const void* first, std::size_t count) noexcept {
  AppendedRows answer;
  const std::size_t rows = room(count, answer);
  if (rows == 0) return answer;
  const std::size_t stride = feed_.structs().stride;
  WEIR_CHECK(stride != 0);
  if (rows < kFewRows) return append_few(static_cast<const std::byte*>(first), rows, count);
  for (FeedLane* lane : lanes_) {
    for (std::size_t done = 0; done < rows;) {
      const std::uint64_t at = lane->tail() + done;
      const std::size_t piece = std::min<std::uint64_t>(rows - done, lane->capacity() - at % lane->capacity());
      for (std::size_t c = 0; c < lane->columns().size(); ++c) {
        const StructColumn& from = lane->columns()[c].from;
        const auto* field = static_cast<const std::byte*>(first) + done * stride + from.offset;
        if (!from.gather(from, {field, stride}, static_cast<std::uint32_t>(piece), 0, lane->value(c, at)))
          return append_few(static_cast<const std::byte*>(first), rows, count);
        if (std::uint8_t* valid = lane->validity(c, at)) std::memset(valid, 1, piece);
      }
      done += piece;
    }
  }
  publish(rows);
  return {rows, rows == count ? Appended::kDone : Appended::kFull};
}

/// Stores the struct's fields as the row at `position`. False where a time does not fit.
bool FeedWriter::store_one(FeedLane& lane, const std::byte* row, std::uint64_t position) noexcept {
  const std::span<const FeedColumn> columns = lane.columns();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const StructColumn& from = columns[c].from;
    if (!from.one(from, row + from.offset, lane.value(c, position))) return false;
  }
  if (!lane.may_have_null()) return true;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (std::uint8_t* valid = lane.validity(c, position)) *valid = 1;
  }
  return true;
}

/// Row by row, up to one with a time that does not fit.
AppendedRows FeedWriter::append_few(const std::byte* first, std::size_t rows, std::size_t count) noexcept {
  const std::size_t stride = feed_.structs().stride;
  std::size_t fitting = rows;
  for (FeedLane* lane : lanes_) {
    for (std::size_t row = 0; row < fitting; ++row) {
      if (!store_one(*lane, first + row * stride, lane->tail() + row)) fitting = row;
    }
  }
  if (fitting != 0) publish(fitting);
  if (fitting != rows) {
    refuse("a time does not fit the range of times");
    return {fitting, Appended::kRefused};
  }
  return {rows, rows == count ? Appended::kDone : Appended::kFull};
}

/// Whether the strings of the row could ever stand in a lane together.
bool FeedWriter::ever_fits(std::span<const ColumnView> columns, std::uint32_t row) noexcept {
  for (FeedLane* lane : lanes_) {
    std::size_t bytes = 0;
    for (const FeedColumn& column : lane->columns()) {
      if (column.physical != Physical::kString || !is_valid(columns[column.source_index], row)) continue;
      bytes += static_cast<const StringRef*>(columns[column.source_index].data)[row].size;
    }
    if (lane->heap_bytes() != 0 && bytes > lane->heap_bytes() / 2) return false;
  }
  return true;
}

/// How many rows from the front have nothing that their columns cannot hold.
std::size_t FeedWriter::acceptable(std::span<const ColumnView> columns, RowNames rows) {
  std::size_t count = rows.count;
  for (FeedLane* lane : lanes_) {
    for (const FeedColumn& column : lane->columns()) {
      const ColumnView& view = columns[column.source_index];
      const bool text = column.physical == Physical::kString;
      if (!text && (view.validity == nullptr || column.nullable)) continue;
      const auto* values = static_cast<const StringRef*>(view.data);
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t row = rows[i];
        const bool valid = is_valid(view, row);
        if (!valid && !column.nullable) {
          refuse("NULL for column " + column.name + ", which is NOT NULL");
          count = i;
        } else if (valid && text && column.text && !is_valid_utf8(values[row].view())) {
          refuse("the text for column " + column.name + " is not UTF-8");
          count = i;
        }
      }
    }
  }
  const bool texts = std::any_of(lanes_.begin(), lanes_.end(), [](FeedLane* lane) { return lane->heap_bytes() != 0; });
  for (std::size_t i = 0; texts && i < count; ++i) {
    if (ever_fits(columns, rows[i])) continue;
    refuse("the strings of one row take more than half of heap_bytes");
    count = i;
  }
  return count;
}

/// Copies the strings of each row into every lane. Returns for how many rows there was room.
std::size_t FeedWriter::store_texts(std::span<const ColumnView> columns, RowNames rows) noexcept {
  std::size_t count = rows.count;
  for (FeedLane* lane : lanes_) {
    if (lane->heap_bytes() == 0) continue;
    const auto store_row = [&](std::size_t i) {
      const std::uint32_t row = rows[i];
      const std::uint64_t at = lane->tail() + i;
      for (std::size_t c = 0; c < lane->columns().size(); ++c) {
        const FeedColumn& column = lane->columns()[c];
        if (column.physical != Physical::kString) continue;
        const ColumnView& view = columns[column.source_index];
        StringRef& out = *reinterpret_cast<StringRef*>(lane->value(c, at));
        if (!is_valid(view, row)) {
          out = StringRef();
        } else if (!lane->store(static_cast<const StringRef*>(view.data)[row].view(), out)) {
          return false;
        }
      }
      lane->end_row(at);
      return true;
    };
    for (std::size_t i = 0; i < count; ++i) {
      if (!store_row(i)) count = i;
    }
  }
  if (count == rows.count) return count;
  for (FeedLane* lane : lanes_) {
    if (lane->heap_bytes() != 0) lane->rewind(lane->tail() + count);
  }
  return count;
}

AppendedRows FeedWriter::append_columns(std::span<const ColumnView> columns, RowNames rows) noexcept {
  AppendedRows answer;
  const std::size_t count = rows.count;
  const std::size_t free = room(count, answer);
  if (free == 0) return answer;
  const std::size_t good = acceptable(columns, {rows.rows, rows.first, free});
  const std::size_t taken = store_texts(columns, {rows.rows, rows.first, good});
  for (FeedLane* lane : lanes_) copy_rows(*lane, columns, {rows.rows, rows.first, taken});
  if (taken != 0) publish(taken);
  if (taken == count) return {taken, Appended::kDone};
  if (taken == good && good != free) return {taken, Appended::kRefused};
  if (taken == 0) ++full_count_;
  return {taken, Appended::kFull};
}

void FeedWriter::copy_rows(FeedLane& lane, std::span<const ColumnView> columns, RowNames rows) noexcept {
  for (std::size_t c = 0; c < lane.columns().size(); ++c) {
    const FeedColumn& column = lane.columns()[c];
    const ColumnView& view = columns[column.source_index];
    for (std::size_t done = 0; done < rows.count;) {
      const std::uint64_t at = lane.tail() + done;
      const std::size_t piece = std::min<std::uint64_t>(rows.count - done, lane.capacity() - at % lane.capacity());
      if (column.physical != Physical::kString)
        copy_values(view, column.width, {rows.rows, rows.first + done, piece}, lane.value(c, at));
      if (view.validity != nullptr && !lane.may_have_null()) lane.begin_nulls();
      if (std::uint8_t* valid = lane.validity(c, at)) {
        for (std::size_t i = 0; i < piece; ++i) valid[i] = is_valid(view, rows[done + i]) ? 1 : 0;
      }
      done += piece;
    }
    if (view.validity != nullptr) lane.note_null(rows.count);
  }
}

Appended FeedWriter::heartbeat(Watermark watermark) noexcept {
  if (ended_ || feed_.closed()) return Appended::kClosed;
  for (FeedLane* lane : lanes_) {
    if (lane->can_promise()) continue;
    ++full_count_;
    return Appended::kFull;
  }
  for (FeedLane* lane : lanes_) lane->promise(std::min(watermark, kWatermarkEnd - 1));
  return Appended::kDone;
}

void FeedWriter::end() noexcept {
  if (std::exchange(ended_, true)) return;
  for (FeedLane* lane : lanes_) lane->end();
}

std::size_t FeedWriter::free_rows() noexcept {
  std::uint64_t room = kFeedRowsMax;
  for (FeedLane* lane : lanes_) room = std::min(room, lane->room(room));
  return static_cast<std::size_t>(room);
}

std::uint64_t FeedWriter::rows_appended() const noexcept {
  return lanes_.empty() ? 0 : lanes_.front()->tail();
}

std::uint64_t FeedWriter::rows_unread() const noexcept {
  std::uint64_t unread = 0;
  for (const FeedLane* lane : lanes_) unread = std::max(unread, lane->tail() - lane->taken());
  return unread;
}

std::size_t FeedWriter::struct_bytes() const noexcept {
  return feed_.structs().stride;
}

}  // namespace weir
