// HostFeed: the lanes of one host table of one job, seen from both sides. Job makes it, the host connector makes table
// sources of it (a port a query that reads the table), Writer appends through a FeedWriter. A host uses Writer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/io/connector.h"
#include "weir/io/feed.h"
#include "weir/io/row_structs.h"

namespace weir {

class FeedPort;  // connectors/feed_port.h

/// A column of rows in memory: values as in a Vector of the column's physical type (StringRef for text, which may point
/// anywhere until the call returns).
struct ColumnView {
  const void* data = nullptr;               ///< Null where no query reads the column.
  const std::uint64_t* validity = nullptr;  ///< Bit r % 64 of word r / 64; null: no NULL.
};

/// Rows of views: `first`, first + 1, …, or those that `rows` names there.
struct RowNames {
  const std::uint32_t* rows = nullptr;
  std::size_t first = 0;
  std::size_t count = 0;
  std::uint32_t operator[](std::size_t i) const noexcept {
    return rows == nullptr ? static_cast<std::uint32_t>(first + i) : rows[first + i];
  }
};

/// How many rows were taken, from the front, and why no more.
struct AppendedRows {
  std::size_t rows = 0;
  Appended state = Appended::kDone;
};

/// One writer's lanes, one a query. Thread: one at a time. Allocates: never after it was made, but for an error's text.
class FeedWriter {
 public:
  FeedWriter(HostFeed& feed, std::vector<FeedLane*> lanes);
  ~FeedWriter();
  FeedWriter(const FeedWriter&) = delete;
  FeedWriter& operator=(const FeedWriter&) = delete;

  AppendedRows append_structs(const void* first, std::size_t count) noexcept;
  AppendedRows append_columns(std::span<const ColumnView> columns, RowNames rows) noexcept;
  Appended heartbeat(Watermark watermark) noexcept;
  void end() noexcept;

  std::size_t free_rows() noexcept;
  std::uint64_t rows_appended() const noexcept;
  std::uint64_t rows_unread() const noexcept;
  std::uint64_t full_count() const noexcept { return full_count_; }
  std::size_t struct_bytes() const noexcept;
  /// Of the last kRefused; null before.
  const Error* error() const noexcept { return error_.has_value() ? &*error_ : nullptr; }

 private:
  static constexpr std::size_t kFewRows = 8;  // appended one by one

  /// Room of all lanes, at most `count`; sets the answer where there is none.
  std::size_t room(std::size_t count, AppendedRows& answer) noexcept;
  void publish(std::size_t rows) noexcept;
  void refuse(std::string message);
  static bool store_one(FeedLane& lane, const std::byte* row, std::uint64_t position) noexcept;
  AppendedRows append_few(const std::byte* first, std::size_t rows, std::size_t count) noexcept;
  std::size_t acceptable(std::span<const ColumnView> columns, RowNames rows);
  bool ever_fits(std::span<const ColumnView> columns, std::uint32_t row) noexcept;
  static void copy_rows(FeedLane& lane, std::span<const ColumnView> columns, RowNames rows) noexcept;
  std::size_t store_texts(std::span<const ColumnView> columns, RowNames rows) noexcept;

  HostFeed& feed_;
  std::vector<FeedLane*> lanes_;
  std::uint64_t full_count_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
};

/// Thread: control plane; close() and closed() any.
class HostFeed {
 public:
  /// Errors: kInvalidArgument, kLimitExceeded.
  static Result<std::shared_ptr<HostFeed>> create(const FeedOptions& options, const StructLayout& structs);
  ~HostFeed();
  HostFeed(const HostFeed&) = delete;
  HostFeed& operator=(const HostFeed&) = delete;

  /// One more query that reads the table. Memory of its lanes is taken where context.clock is set. The source may not
  /// outlive this. Errors: those of struct layouts, kOutOfMemory, kUnsupported (a nested column).
  Result<std::unique_ptr<TableSource>> make_source(const TableContext& context);
  /// Each number once. Requires: all sources were made. Errors: kInvalidArgument.
  Result<std::unique_ptr<FeedWriter>> open_writer(std::uint32_t number);

  /// Writers append nothing any more.
  void close() noexcept { closed_.store(true, std::memory_order_seq_cst); }
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }  // pairs with close

  const FeedOptions& options() const noexcept { return options_; }
  const StructLayout& structs() const noexcept { return structs_; }
  std::uint32_t inputs() const noexcept { return options_.order == WriterOrder::kShared ? 1 : options_.writers; }

 private:
  HostFeed(const FeedOptions& options, const StructLayout& structs);

  FeedOptions options_;
  StructLayout structs_;
  std::vector<std::unique_ptr<FeedPort>> ports_;
  std::vector<bool> opened_;
  alignas(kSeparation) std::atomic<bool> closed_{false};
};

}  // namespace weir
