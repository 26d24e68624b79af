// blackhole: takes every row and keeps none; the rows are counted, so that a run without a sink still has an answer.
#include "connectors/connectors.h"

namespace weir {
namespace {

class BlackholeWriter final : public RowWriter {
 public:
  bool accepts() const noexcept override { return true; }
  bool write(const Batch& batch, std::uint32_t* next) override {
    *next = batch.selected_count();
    return true;
  }
  void flush() override {}
  void close() override { finished_ = true; }
  bool finished() const noexcept override { return finished_; }
  bool failed() const noexcept override { return false; }
  const Error& error() const noexcept override {
    WEIR_CHECK(false);
    __builtin_unreachable();
  }
  std::uint64_t bytes() const noexcept override { return 0; }

 private:
  bool finished_ = false;
};

class BlackholeSink final : public TableSink {
 public:
  bool takes_updates() const noexcept override { return true; }
  bool parallel() const noexcept override { return true; }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t, IoBackend&) override {
    return std::unique_ptr<RowWriter>(std::make_unique<BlackholeWriter>());
  }
  std::size_t writer_bytes() const noexcept override { return sizeof(BlackholeWriter); }
  std::string describe() const override { return "blackhole"; }
  std::string guarantee() const override { return "none needed: rows are counted and forgotten"; }
};

Result<std::unique_ptr<TableSink>> make_blackhole_table(const TableContext&) {
  return std::unique_ptr<TableSink>(std::make_unique<BlackholeSink>());
}

}  // namespace

const ConnectorEntry& blackhole_connector() {
  static constexpr ConnectorEntry kEntry{"blackhole", {}, false, nullptr, make_blackhole_table};
  return kEntry;
}

}  // namespace weir
