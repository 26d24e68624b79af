// Writer: a host's thread appends rows to a table with connector 'host'.
//
//   options.host_tables["ticks"] = fed_by_writers<Tick>();         // or .feed and .structs by hand
//   auto job = make_job(sql, std::move(options));
//   Writer writer = *(*job)->writer("ticks");
//   writer.append(tick);                                            // kDone, kFull, kClosed, kRefused
//
// Rows are seen by the job when append returns (in an inline job they have been answered). Nothing is dropped: at
// FeedOptions::rows_max append says kFull. What each order of writers means for the answer stands in weir/io/feed.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/io/connector.h"
#include "weir/io/feed.h"
#include "weir/io/host_feed.h"
#include "weir/io/row_structs.h"
#include "weir/pipeline/struct_fields.h"

namespace weir {

/// Thread: one at a time. Allocates: never after it was made. Errors: as values; nothing throws. It may outlive the
/// run (then kClosed), not the job.
class Writer {
 public:
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Ends the input, as end() does.
  ~Writer();

  /// One row of the table's struct (HostTable::structs). Requires: sizeof(Row) is the layout's stride.
  template <typename Row>
  Appended append(const Row& row) noexcept {
    WEIR_DCHECK(sizeof(Row) == struct_bytes());
    return append_structs(&row, 1).state;
  }
  template <typename Row>
  AppendedRows append(std::span<const Row> rows) noexcept {
    WEIR_DCHECK(sizeof(Row) == struct_bytes());
    return append_structs(rows.data(), rows.size());
  }
  /// `count` structs, one after another. Takes as many as there is room for.
  AppendedRows append_structs(const void* first, std::size_t count) noexcept;
  /// One view a physical column of the table, in order; columns that no query reads may have null data.
  AppendedRows append_columns(std::span<const ColumnView> columns, std::size_t count) noexcept;
  /// The selected rows of a batch whose columns are the table's physical ones. Its kinds are not looked at.
  AppendedRows append_batch(const Batch& batch) noexcept;
  /// The same, waiting while the ring is full: spins, yields, then sleeps for at most 1 ms a time, until `timeout_ns`
  /// are over. Not for inline jobs, which are never full behind a sink that accepts.
  AppendedRows append_structs_wait(const void* first, std::size_t count, std::int64_t timeout_ns) noexcept;

  /// A promise: no row with event time <= watermark follows that is not late. It keeps its place among the rows.
  /// kFull where kFeedPromisesMax of them have not been read yet.
  Appended heartbeat(Watermark watermark) noexcept;
  /// No rows follow. Windows that wait for this input alone give their results. Idempotent.
  void end() noexcept;

  /// Rows that it may append now without kFull.
  std::size_t free_rows() noexcept;
  std::uint64_t rows_appended() const noexcept;  ///< Taken from the host.
  std::uint64_t rows_unread() const noexcept;    ///< Of those, not read by the job (yet): where a stop left them.
  std::uint64_t full_count() const noexcept;     ///< Appends that said kFull.
  std::size_t struct_bytes() const noexcept;     ///< Stride of the table's structs; 0: it has none.
  /// What the last kRefused was about; null before.
  const Error* error() const noexcept;

 private:
  friend class Job;
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
