// A query's lanes and the readers over them (feed_port.h).
#include "connectors/feed_port.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir {
namespace {

constexpr std::uint64_t kRowsMin = 64;

/// Of one input: its writer's lane, or all lanes where the writers share an input.
class FeedReader final : public RowReader {
 public:
  FeedReader(FeedPort& port, std::uint32_t input) : port_(port), lane_(port.lane(input)) {
    gives_views_ = true;
    for (std::size_t c = 0; c < port.columns().size(); ++c)
      bits_.push_back(std::make_unique<std::uint64_t[]>(validity_words(kBatchRowsMax)));
    if (!port.shared()) return;
    ready_.reserve(port.lane_count());
  }

  ReadStatus read(Batch& batch) override {
    FeedLane* lane = &lane_;
    if (port_.shared()) {
      if (last_ != nullptr) last_->release();
      last_ = lane = next_lane();
      if (lane == nullptr) return ended_ == port_.lane_count() || draining_ ? ReadStatus::kEnd : ReadStatus::kPending;
    } else {
      lane->release();
    }
    const FeedLane::Run run = lane->next(batch.capacity());
    if (run.count != 0) lane->show(run, batch, bits_);
    rows_ += run.count;
    if (run.promise > promised_) promised_ = run.promise;
    if (port_.shared()) return settle(*lane, run);
    if (run.more) return ReadStatus::kRows;
    return run.ended || draining_ ? ReadStatus::kEnd : ReadStatus::kPending;
  }

  void drain() override {
    port_.feed().close();
    draining_ = true;
    if (!port_.shared()) return;
    ready_.clear();  // all lanes are looked at; their tokens mean nothing more
    for (std::uint32_t i = 0; i < port_.lane_count(); ++i) {
      port_.lane(i).announced().store(true, std::memory_order_seq_cst);  // pairs with announce
      ready_.push_back(&port_.lane(i));
    }
  }
  const Error& error() const noexcept override {
    WEIR_CHECK(false);
    __builtin_unreachable();
  }
  std::uint64_t bytes() const noexcept override { return rows_ * port_.row_bytes(); }
  std::uint64_t records() const noexcept override { return rows_; }

 private:
  /// The lane whose turn it is, among those that have said that they have something.
  FeedLane* next_lane() noexcept {
    InboxItem item;
    while (!draining_ && port_.inbox().pop(item))
      ready_.push_back(&port_.lane(static_cast<std::uint32_t>(item.source)));
    if (ready_.empty()) return nullptr;
    turn_ = (turn_ + 1) % ready_.size();
    return ready_[turn_];
  }

  /// Keeps the lane among the ready ones, or not.
  ReadStatus settle(FeedLane& lane, const FeedLane::Run& run) noexcept {
    if (run.more) return ReadStatus::kRows;
    bool keep = false;
    if (run.ended) {
      ++ended_;
    } else if (!draining_) {
      lane.announced().store(false, std::memory_order_seq_cst);  // pairs with announce
      // What came meanwhile was not announced, or is by now.
      keep = (lane.any() || lane.has_ended()) && !lane.announced().exchange(true, std::memory_order_seq_cst);
    }
    if (!keep) ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(turn_));
    if (ready_.empty() && (ended_ == port_.lane_count() || draining_)) return ReadStatus::kEnd;
    return ready_.empty() && port_.inbox().size() == 0 ? ReadStatus::kPending : ReadStatus::kRows;
  }

  FeedPort& port_;
  FeedLane& lane_;
  std::vector<std::unique_ptr<std::uint64_t[]>> bits_;
  std::vector<FeedLane*> ready_;
  FeedLane* last_ = nullptr;
  std::size_t turn_ = 0;
  std::uint32_t ended_ = 0;
  std::uint64_t rows_ = 0;
  bool draining_ = false;
};

class FeedSource final : public TableSource {
 public:
  explicit FeedSource(FeedPort& port) : port_(port) {}
  std::uint32_t input_count() const noexcept override { return port_.feed().inputs(); }
  std::string input_name(std::uint32_t input) const override {
    return port_.shared() ? "writers" : "writer " + std::to_string(input);
  }
  bool bounded() const noexcept override { return false; }
  bool needs_backend() const noexcept override { return false; }
  bool wakes() const noexcept override { return true; }
  void set_waker(std::uint32_t input, Waker& waker) override {
    if (port_.shared()) {
      port_.inbox().set_waker(&waker);
    } else {
      port_.lane(input).set_waker(waker);
    }
  }
  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend&, const ReaderCallbacks&) override {
    return std::unique_ptr<RowReader>(std::make_unique<FeedReader>(port_, input));
  }
  std::size_t reader_bytes() const noexcept override { return sizeof(FeedReader) + port_.input_bytes(); }
  std::string describe() const override {
    const FeedOptions& options = port_.feed().options();
    const std::string writers = std::to_string(options.writers) + (options.writers == 1 ? " writer" : " writers");
    return "host, " + writers + (port_.shared() ? " of one input, each " : ", each ") +
           std::to_string(port_.capacity()) + " rows ahead";
  }

 private:
  FeedPort& port_;
};

bool is_text(const Type& type) noexcept {
  return type.id == TypeId::kString;
}

}  // namespace

Result<std::unique_ptr<FeedPort>> FeedPort::create(HostFeed& feed, const TableContext& context) {
  std::unique_ptr<FeedPort> port(new FeedPort(feed));
  std::vector<StructColumn> structs;
  if (feed.structs().stride != 0) {
    WEIR_ASSIGN(structs, struct_columns(context));
  }
  for (std::size_t i = 0; i < context.columns.size(); ++i) {
    const Field& field = context.schema.fields[context.columns[i].source_index];
    FeedColumn column;
    column.source_index = context.columns[i].source_index;
    column.batch_column = context.columns[i].batch_column;
    column.physical = field.type.physical();
    column.width = static_cast<std::uint32_t>(physical_size(column.physical));
    column.nullable = field.type.nullable;
    column.text = is_text(field.type);
    column.name = field.name;
    if (column.width == 0)
      return Error(ErrorCode::kUnsupported, "column " + field.name + " of table " + context.table +
                                                " is nested, which writers cannot append yet");
    if (!structs.empty()) column.from = structs[i];
    port->strings_ = port->strings_ || column.physical == Physical::kString;
    port->columns_.push_back(std::move(column));
  }
  port->capacity_ = std::bit_ceil(std::max<std::uint64_t>(kRowsMin, feed.options().rows_max));
  if (context.clock != nullptr) WEIR_TRY(port->lay_out());
  return port;
}

std::size_t FeedPort::input_bytes() const noexcept {
  const std::size_t lanes = shared() ? feed_.options().writers : 1;
  return lanes * FeedLane::bytes(columns_, feed_.options(), capacity_, strings_);
}

std::size_t FeedPort::row_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const FeedColumn& column : columns_) bytes += column.width;
  return bytes;
}

Result<void> FeedPort::lay_out() {
  const FeedOptions& options = feed_.options();
  ArenaOptions arena;
  arena.bytes = options.writers * (FeedLane::bytes(columns_, options, capacity_, strings_) + 4096);
  WEIR_ASSIGN(arena_, Arena::create(arena));
  if (shared()) {
    WEIR_ASSIGN(inbox_, Inbox::create({2 * options.writers, options.writers}));
  }
  for (std::uint32_t i = 0; i < options.writers; ++i) {
    lanes_.push_back(std::make_unique<FeedLane>(columns_, i));
    WEIR_TRY(lanes_.back()->lay_out(arena_, options, capacity_, strings_));
    if (!shared()) continue;
    WEIR_ASSIGN(Inbox::Producer producer, inbox_->make_producer());
    lanes_.back()->set_inbox(std::move(producer));
  }
  return {};
}

std::unique_ptr<TableSource> make_feed_source(FeedPort& port) {
  return std::make_unique<FeedSource>(port);
}

}  // namespace weir
