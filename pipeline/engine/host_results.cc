// Writing results to a reader's exchange (host_results.h).
#include "engine/host_results.h"

#include <numeric>
#include <optional>
#include <utility>

#include "operators/batch_copy.h"

namespace weir {
namespace {

constexpr std::uint32_t kBatchesMax = 1024;

/// Copies rows into the exchange's batches. Without a credit it accepts nothing: the reader holds the job back.
class ResultWriter final : public RowWriter {
 public:
  ResultWriter(Exchange& exchange, std::uint32_t batch_rows) : exchange_(exchange), order_(batch_rows) {
    std::iota(order_.begin(), order_.end(), 0u);
  }
  ~ResultWriter() override {
    if (batch_ != nullptr) exchange_.return_unused(batch_);
  }
  bool accepts() const noexcept override { return batch_ != nullptr || exchange_.credits_available() != 0; }
  bool write(const Batch& batch, std::uint32_t* next) override {
    const std::uint32_t* rows = batch.has_selection() ? batch.selection() : order_.data();
    while (*next < batch.selected_count()) {
      if (batch_ == nullptr) batch_ = exchange_.try_acquire();
      if (batch_ == nullptr) return false;
      const std::uint32_t taken = append_rows(batch, rows + *next, batch.selected_count() - *next, *batch_);
      if (taken == 0) {
        error_.emplace(ErrorCode::kLimitExceeded, "the strings of one row of results take more than heap_bytes");
        return false;
      }
      *next += taken;
      exchange_.send(std::exchange(batch_, nullptr));
    }
    return true;
  }
  void flush() override {}
  void close() override {
    if (std::exchange(closed_, true)) return;
    exchange_.send_control({Control::Kind::kEndOfInput, kWatermarkEnd});
  }
  bool finished() const noexcept override { return closed_ && exchange_.can_send(); }
  bool failed() const noexcept override { return error_.has_value(); }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return 0; }

 private:
  Exchange& exchange_;
  std::vector<std::uint32_t> order_;
  Batch* batch_ = nullptr;
  bool closed_ = false;
  std::optional<Error> error_;
};

class ResultSink final : public TableSink {
 public:
  ResultSink(HostResults::Lane* lane, std::size_t bytes, std::uint32_t batch_rows, std::uint32_t batches)
      : lane_(lane), bytes_(bytes), batch_rows_(batch_rows), batches_(batches) {}
  bool takes_updates() const noexcept override { return true; }
  bool parallel() const noexcept override { return false; }
  bool needs_backend() const noexcept override { return false; }
  void set_waker(std::uint32_t, Waker& waker) override { lane_->exchange->set_wakers(nullptr, &waker); }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t, IoBackend&) override {
    return std::unique_ptr<RowWriter>(std::make_unique<ResultWriter>(*lane_->exchange, batch_rows_));
  }
  std::size_t writer_bytes() const noexcept override { return sizeof(ResultWriter) + bytes_; }
  std::string describe() const override { return "host, a reader with " + std::to_string(batches_) + " batches"; }
  std::string guarantee() const override { return "each row is handed over once; the host's process keeps it"; }

 private:
  HostResults::Lane* lane_;
  std::size_t bytes_;
  std::uint32_t batch_rows_, batches_;
};

}  // namespace

Result<std::shared_ptr<HostResults>> HostResults::create(const ResultOptions& options) {
  if (options.batches == 0 || options.batches > kBatchesMax)
    return Error(ErrorCode::kInvalidArgument, "a reader has 1 to 1024 batches, not " + std::to_string(options.batches));
  return std::shared_ptr<HostResults>(new HostResults(options));
}

Result<std::unique_ptr<TableSink>> HostResults::make_sink(const TableContext& context) {
  schema_ = context.schema;
  std::vector<Physical> physical;
  bool strings = false;
  for (const Field& field : context.schema.fields) {
    physical.push_back(field.type.physical());
    strings = strings || physical.back() == Physical::kString;
  }
  BatchLayout layout;
  layout.columns = physical;
  layout.capacity = context.batch_rows;
  layout.heap_bytes = strings ? context.heap_bytes : 0;
  layout.kinds = context.updating;
  ExchangeOptions exchange;
  exchange.credits = options_.batches;
  const std::size_t bytes = Exchange::bytes_needed(layout, exchange);
  Lane* lane = nullptr;
  if (context.clock != nullptr) {
    auto made = std::make_unique<Lane>();
    WEIR_ASSIGN(made->arena, Arena::create({.bytes = bytes}));
    WEIR_ASSIGN(made->exchange, Exchange::create(made->arena, layout, exchange));
    lanes_.push_back(std::move(made));
    lane = lanes_.back().get();
  }
  return std::unique_ptr<TableSink>(std::make_unique<ResultSink>(lane, bytes, context.batch_rows, options_.batches));
}

}  // namespace weir
