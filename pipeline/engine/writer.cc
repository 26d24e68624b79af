// A host's writer over its lanes (writer.h).
#include "weir/pipeline/writer.h"

#include <array>
#include <utility>

#include "engine/host_handles.h"
#include "engine/host_wait.h"

namespace weir {
namespace {

constexpr std::size_t kColumnsMax = 1024;  // of a table, by the SQL frontend

/// In an inline job the ring is emptied after each piece, so all of it goes; else as much as there is room for.
template <typename Append>
AppendedRows append_all(FeedWriter& feed, InlineRun* run, std::size_t count, Append append) noexcept {
  if (run == nullptr) return append(std::size_t{0}, count);
  AppendedRows all;
  do {
    if (feed.free_rows() == 0) run->run();  // rows that were read are given back by the next read
    const AppendedRows part = append(all.rows, count - all.rows);
    all.rows += part.rows;
    all.state = part.state;
    if (part.rows == 0) break;
    run->run();
  } while (all.state == Appended::kFull);
  return all;
}

}  // namespace

Writer::Writer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&& other) noexcept {
  if (this == &other) return *this;
  if (impl_ != nullptr) end();
  impl_ = std::move(other.impl_);
  return *this;
}
Writer::~Writer() {
  if (impl_ != nullptr) end();
}

AppendedRows Writer::append_structs(const void* first, std::size_t count) noexcept {
  FeedWriter& feed = *impl_->feed;
  return append_all(feed, impl_->run, count, [&](std::size_t from, std::size_t rows) {
    return feed.append_structs(static_cast<const std::byte*>(first) + from * impl_->struct_bytes, rows);
  });
}

AppendedRows Writer::append_columns(std::span<const ColumnView> columns, std::size_t count) noexcept {
  WEIR_CHECK_EQ(columns.size(), impl_->columns);
  FeedWriter& feed = *impl_->feed;
  return append_all(feed, impl_->run, count, [&](std::size_t from, std::size_t rows) {
    return feed.append_columns(columns, {nullptr, from, rows});
  });
}

AppendedRows Writer::append_batch(const Batch& batch) noexcept {
  WEIR_CHECK_EQ(std::size_t{batch.column_count()}, impl_->columns);
  WEIR_CHECK_LE(std::size_t{batch.column_count()}, kColumnsMax);
  std::array<ColumnView, kColumnsMax> views;
  for (std::uint32_t c = 0; c < batch.column_count(); ++c) views[c] = {batch.column(c).data, batch.column(c).validity};
  FeedWriter& feed = *impl_->feed;
  return append_all(feed, impl_->run, batch.selected_count(), [&](std::size_t from, std::size_t rows) {
    return feed.append_columns(std::span(views).first(batch.column_count()), {batch.selection(), from, rows});
  });
}

AppendedRows Writer::append_structs_wait(const void* first, std::size_t count, std::int64_t timeout_ns) noexcept {
  AppendedRows all;
  HostWait wait(timeout_ns);
  while (true) {
    const AppendedRows part =
        append_structs(static_cast<const std::byte*>(first) + all.rows * impl_->struct_bytes, count - all.rows);
    all.rows += part.rows;
    all.state = part.state;
    if (all.state != Appended::kFull) return all;
    if (part.rows == 0 && !wait.wait()) return all;
  }
}

Appended Writer::heartbeat(Watermark watermark) noexcept {
  const Appended answer = impl_->feed->heartbeat(watermark);
  if (impl_->run != nullptr) impl_->run->run();
  return answer;
}

void Writer::end() noexcept {
  impl_->feed->end();
  if (impl_->run != nullptr) impl_->run->run();
}

std::size_t Writer::free_rows() noexcept {
  if (impl_->run != nullptr) impl_->run->run();
  return impl_->feed->free_rows();
}
std::uint64_t Writer::rows_appended() const noexcept {
  return impl_->feed->rows_appended();
}
std::uint64_t Writer::rows_unread() const noexcept {
  return impl_->feed->rows_unread();
}
std::uint64_t Writer::full_count() const noexcept {
  return impl_->feed->full_count();
}
std::size_t Writer::struct_bytes() const noexcept {
  return impl_->struct_bytes;
}
const Error* Writer::error() const noexcept {
  return impl_->feed->error();
}

}  // namespace weir
