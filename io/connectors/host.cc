// host: a table whose rows come from, or go to, the process that embeds Weir. The functions stand in
// JobOptions::host_tables.
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "arrow/arrow_reader.h"
#include "connectors/connectors.h"
#include "connectors/struct_reader.h"
#include "weir/io/host_feed.h"

namespace weir {
namespace {

/// What a host's function threw, as an error; called inside the handler. Nothing passes the boundary.
Error thrown(std::string what) {
  what += " threw";
  try {
    throw;
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kUserFunction, what + ": " + exception.what());
  } catch (...) {
    return Error(ErrorCode::kUserFunction, std::move(what));
  }
}

class HostReader final : public RowReader {
 public:
  HostReader(const HostTable& host, std::uint32_t input) : host_(host), input_(input) {}
  ReadStatus read(Batch& batch) override {
    if (draining_) return ReadStatus::kEnd;
    ReadStatus status = ReadStatus::kFailed;
    try {
      status = host_.read(input_, batch);
    } catch (...) {
      batch.reset();
      error_.emplace(thrown("the host's reader of input " + std::to_string(input_)));
      return ReadStatus::kFailed;
    }
    records_ += batch.row_count();
    if (status == ReadStatus::kFailed) {
      error_.emplace(ErrorCode::kUserFunction, "the host's reader of input " + std::to_string(input_) + " failed");
    }
    return status;
  }
  void drain() override { draining_ = true; }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return 0; }
  std::uint64_t records() const noexcept override { return records_; }

 private:
  const HostTable& host_;
  std::uint32_t input_;
  std::uint64_t records_ = 0;
  bool draining_ = false;
  std::optional<Error> error_;
};

class HostSource final : public TableSource {
 public:
  HostSource(const HostTable& host, std::vector<StructColumn> columns) : host_(host), columns_(std::move(columns)) {}
  std::uint32_t input_count() const noexcept override { return host_.inputs; }
  bool bounded() const noexcept override { return false; }
  bool needs_backend() const noexcept override { return false; }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend&, const ReaderCallbacks&) override {
    if (host_.structs.stride != 0)
      return std::unique_ptr<RowReader>(std::make_unique<StructReader>(host_, columns_, input));
    return std::unique_ptr<RowReader>(std::make_unique<HostReader>(host_, input));
  }
  std::size_t reader_bytes() const noexcept override {
    return host_.structs.stride == 0 ? sizeof(HostReader) : sizeof(StructReader);
  }
  std::string describe() const override {
    const std::string inputs = std::to_string(host_.inputs) + (host_.inputs == 1 ? " input" : " inputs");
    if (host_.structs.stride == 0) return "host, " + inputs;
    return "host, structs of " + std::to_string(host_.structs.stride) + " bytes, " + inputs;
  }

 private:
  const HostTable& host_;
  std::vector<StructColumn> columns_;  // of structs
};

/// Rows as Arrow streams.
class ArrowSource final : public TableSource {
 public:
  ArrowSource(std::string table, const HostTable& host, std::vector<std::vector<ArrowColumn>> columns)
      : table_(std::move(table)), host_(host), columns_(std::move(columns)) {}
  std::uint32_t input_count() const noexcept override { return static_cast<std::uint32_t>(columns_.size()); }
  bool bounded() const noexcept override { return true; }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend&, const ReaderCallbacks&) override {
    return std::unique_ptr<RowReader>(std::make_unique<ArrowReader>(table_, columns_[input], *host_.arrow[input]));
  }
  std::size_t reader_bytes() const noexcept override { return sizeof(ArrowReader); }
  std::string describe() const override {
    return "host, " + std::to_string(columns_.size()) + (columns_.size() == 1 ? " Arrow stream" : " Arrow streams");
  }

 private:
  std::string table_;
  const HostTable& host_;
  std::vector<std::vector<ArrowColumn>> columns_;  // of each input
};

class HostWriter final : public RowWriter {
 public:
  HostWriter(const HostTable& host, std::uint32_t shard) : host_(host), shard_(shard) {}
  bool accepts() const noexcept override { return !error_.has_value(); }
  bool write(const Batch& batch, std::uint32_t* next) override {
    try {
      host_.write(shard_, batch);
    } catch (...) {
      error_.emplace(thrown("the host's function that takes results"));
      return false;
    }
    *next = batch.selected_count();
    return true;
  }
  void flush() override {}
  void close() override { finished_ = true; }
  bool finished() const noexcept override { return finished_; }
  bool failed() const noexcept override { return error_.has_value(); }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return 0; }

 private:
  const HostTable& host_;
  std::uint32_t shard_;
  bool finished_ = false;
  std::optional<Error> error_;
};

class HostSink final : public TableSink {
 public:
  explicit HostSink(const HostTable& host) : host_(host) {}
  bool takes_updates() const noexcept override { return true; }
  bool parallel() const noexcept override { return host_.parallel; }
  bool needs_backend() const noexcept override { return false; }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t shard, IoBackend&) override {
    return std::unique_ptr<RowWriter>(std::make_unique<HostWriter>(host_, shard));
  }
  std::size_t writer_bytes() const noexcept override { return sizeof(HostWriter); }
  std::string describe() const override { return "host"; }
  std::string guarantee() const override { return "each row is handed over once; the host's process keeps it"; }

 private:
  const HostTable& host_;
};

Error not_given(const TableContext& context, const char* what) {
  return Error(ErrorCode::kUnavailable, "table " + context.table + " has connector 'host', and no host " + what + " it")
      .with_hint("the embedding program gives it in JobOptions::host_tables");
}

Result<std::unique_ptr<TableSource>> make_arrow_source(const TableContext& context) {
  std::vector<std::vector<ArrowColumn>> columns;
  for (ArrowArrayStream* stream : context.host->arrow) {
    WEIR_ASSIGN(auto of_input, arrow_columns(context, *stream));
    columns.push_back(std::move(of_input));
  }
  return std::unique_ptr<TableSource>(std::make_unique<ArrowSource>(context.table, *context.host, std::move(columns)));
}

Result<std::unique_ptr<TableSource>> make_host_source(const TableContext& context) {
  if (context.host == nullptr) return not_given(context, "fills");
  if (context.host->feed.writers != 0) {
    if (context.host->fed == nullptr) return not_given(context, "feeds");
    return context.host->fed->make_source(context);
  }
  if (!context.host->arrow.empty()) return make_arrow_source(context);
  std::vector<StructColumn> columns;
  if (context.host->structs.stride != 0) {
    if (!context.host->read_structs) return not_given(context, "fills");
    WEIR_ASSIGN(columns, struct_columns(context));
    order_for_reading(columns);
  } else if (!context.host->read) {
    return not_given(context, "fills");
  }
  return std::unique_ptr<TableSource>(std::make_unique<HostSource>(*context.host, std::move(columns)));
}

Result<std::unique_ptr<TableSink>> make_host_sink(const TableContext& context) {
  if (context.host != nullptr && context.host->taken != nullptr) return context.host->taken->make_sink(context);
  if (context.host == nullptr || !context.host->write) return not_given(context, "takes");
  return std::unique_ptr<TableSink>(std::make_unique<HostSink>(*context.host));
}

}  // namespace

const ConnectorEntry& host_connector() {
  static constexpr ConnectorEntry kEntry{"host", {}, false, make_host_source, make_host_sink};
  return kEntry;
}

}  // namespace weir
