// A table on a connector through every backend, in the hand of a test: sources and sinks are opened by their options,
// and read and written in turns of the test's own.
#pragma once

#include <algorithm>
#include <map>

#include "fuzz/format_rows.h"
#include "io/backend_fixture.h"
#include "weir/core/batch.h"
#include "weir/io/connector.h"

namespace weir {

using Options = std::map<std::string, std::string>;

inline Schema pair_schema() {
  return {{{"n", Type::bigint()}, {"s", Type::string()}}};
}

/// A batch of (BIGINT, STRING) with its memory.
class PairBatch {
 public:
  explicit PairBatch(std::uint32_t capacity) : batch_(pair_schema(), capacity, std::size_t{capacity} * 2100) {}
  Batch& operator*() { return *batch_; }
  void add(std::int64_t n, std::string_view s) {
    const std::uint32_t row = batch_->row_count();
    batch_->column(0).values<std::int64_t>()[row] = n;
    ASSERT_TRUE(batch_->heap().store(s, batch_->column(1).values<StringRef>()[row]));
    batch_->set_row_count(row + 1);
  }

 private:
  testing::OwnedBatch batch_;
};

/// One table of a connector, read and written in the test's turns.
class ConnectorTest : public BackendTest {
 protected:
  TableContext context(Options options, const char* table) {
    TableContext context;
    context.table = table;
    context.schema = schema_;
    for (std::uint32_t i = 0; i < schema_.size(); ++i) context.columns.push_back({i, i});
    context.options = std::move(options);
    context.record_bytes_max = record_bytes_max_;
    context.clock = &world_->clock();
    context.setup_backend = backend_.get();
    context.make_folders = !world_->simulated();
    return context;
  }
  void open_reader(Options options) {
    options.emplace("connector", "socket");
    batch_ = std::make_unique<testing::OwnedBatch>(schema_, 64, std::size_t{64} * 2100);
    auto source = make_source(context(std::move(options), "t"));
    ASSERT_TRUE(source.has_value()) << source.error().to_string();
    source_ = std::move(*source);
    ReaderCallbacks callbacks;
    callbacks.bad_record = [this](const BadRecord& record) {
      bad_.emplace_back(record.reason);
      return ignore_bad_;
    };
    callbacks.lost = [this](LossReason reason, std::uint64_t count) { lost_[reason] += count; };
    auto reader = source_->open(0, *backend_, callbacks);
    ASSERT_TRUE(reader.has_value()) << reader.error().to_string();
    reader_ = std::move(*reader);
  }
  /// One call of read; keeps the rows.
  ReadStatus read() {
    Batch& batch = **batch_;
    batch.reset();
    const ReadStatus status = reader_->read(batch);
    for (std::uint32_t row = 0; row < batch.row_count(); ++row) {
      rows_.emplace_back();
      for (std::uint32_t i = 0; i < batch.column_count(); ++i) {
        const Vector& column = batch.column(i);
        if (i != 0) rows_.back() += ' ';
        rows_.back() += column.physical == Physical::kString && column.is_valid(row)
                            ? std::string(column.values<StringRef>()[row].view())
                            : testing::value_text(column, row);
      }
    }
    return status;
  }
  /// Reads until the condition holds.
  bool read_until(const std::function<bool()>& condition) {
    // Minutes pass in a simulated world; a drive is a few seconds of it.
    for (int patience = world_->simulated() ? 30 : 1; patience > 1; --patience)
      if (read_for_a_while(condition)) return true;
    return read_for_a_while(condition);
  }
  bool read_for_a_while(const std::function<bool()>& condition) {
    return drive([&] {
      for (int call = 0; call < 50 && last_ != ReadStatus::kEnd && last_ != ReadStatus::kFailed; ++call) {
        last_ = read();
        if (last_ == ReadStatus::kPending) break;
      }
      return condition();
    });
  }
  std::uint16_t port(const std::string& listening) { return SocketAddress::parse(listening).value().port; }
  std::unique_ptr<Peer> connect() { return world_->connect(port(reader_->listening())); }
  std::uint64_t count(std::string_view name) {
    for (const IoCount& count : reader_->counts())
      if (count.name == name) return count.count;
    return 0;
  }
  void open_writer(Options options) {
    options.emplace("connector", "socket");
    auto sink = make_sink(context(std::move(options), "o"));
    ASSERT_TRUE(sink.has_value()) << sink.error().to_string();
    sink_ = std::move(*sink);
    auto writer = sink_->open(0, *backend_);
    ASSERT_TRUE(writer.has_value()) << writer.error().to_string();
    writer_ = std::move(*writer);
  }
  /// Writes rows first … last-1 as far as the writer takes them; returns the first that it did not.
  std::int64_t write(std::int64_t first, std::int64_t last, const std::string& text) {
    while (first < last && writer_->accepts()) {
      PairBatch batch(16);
      std::int64_t next = first;
      for (; next < last && next < first + 16; ++next) batch.add(next, text);
      std::uint32_t done = 0;
      const bool all = writer_->write(*batch, &done);
      first += done;
      if (!all) break;
    }
    writer_->flush();
    return first;
  }
  bool finish_writer() {
    return drive([&] {
             writer_->close();
             return writer_->finished() || writer_->failed();
           }) &&
           !writer_->failed();
  }
  static void expect_balance(const Deliveries& d) {
    EXPECT_EQ(d.offered, d.delivered + d.held + d.conflated + d.dropped + d.abandoned);
  }
  void TearDown() override {
    reader_.reset();
    writer_.reset();
    BackendTest::TearDown();
  }

  std::unique_ptr<TableSource> source_;
  std::unique_ptr<RowReader> reader_;
  std::unique_ptr<TableSink> sink_;
  std::unique_ptr<RowWriter> writer_;
  std::unique_ptr<testing::OwnedBatch> batch_;
  Schema schema_ = pair_schema();
  std::vector<std::string> rows_;
  std::vector<std::string> bad_;
  std::map<LossReason, std::uint64_t> lost_;
  ReadStatus last_ = ReadStatus::kPending;
  bool ignore_bad_ = true;
  std::size_t record_bytes_max_ = 4096;
};

}  // namespace weir
