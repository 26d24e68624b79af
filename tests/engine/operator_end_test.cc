// The ends of fragments: sending over exchanges with few credits and little room, writing to a sink that refuses, and
// merging the watermarks of what several shards send.
#include <map>
#include <numeric>

#include "engine/job_run.h"
#include "engine/receiver_fragment.h"
#include "operators/exchange_sender.h"
#include "operators/sink.h"
#include "weir/core/arena.h"

namespace weir::test {
namespace {

const std::vector<Physical> kColumns{Physical::kInt64, Physical::kString};

/// Exchanges and batches of (number, text).
class Rig : public testing::Test {
 protected:
  Rig() {
    ArenaOptions options;
    options.bytes = 64u << 20;
    auto arena = Arena::create(options);
    EXPECT_TRUE(arena.has_value());
    arena_ = std::move(arena).value();
  }
  BatchLayout layout(std::uint32_t rows, std::size_t heap_bytes = 4096) const {
    BatchLayout layout;
    layout.columns = kColumns;
    layout.capacity = rows;
    layout.heap_bytes = heap_bytes;
    return layout;
  }
  std::unique_ptr<Exchange> exchange(std::uint32_t credits, std::uint32_t rows, std::size_t heap_bytes = 4096) {
    ExchangeOptions options;
    options.credits = credits;
    auto made = Exchange::create(arena_, layout(rows, heap_bytes), options);
    EXPECT_TRUE(made.has_value());
    return std::move(made).value();
  }
  Batch* batch(std::uint32_t rows, std::size_t heap_bytes = 4096) {
    const BatchLayout shape = layout(rows, heap_bytes);
    auto memory = arena_.allocate(shape.bytes());
    return Batch::create(shape, *memory);
  }
  static void fill(Batch& batch, std::int64_t from, std::uint32_t rows, std::size_t text_bytes = 3) {
    batch.reset();
    for (std::uint32_t row = 0; row < rows; ++row) {
      batch.column(0).values<std::int64_t>()[row] = from + row;
      ASSERT_TRUE(batch.heap().store(std::string(text_bytes, static_cast<char>('a' + (from + row) % 26)),
                                     batch.column(1).values<StringRef>()[row]));
    }
    batch.set_row_count(rows);
  }
  /// Takes everything out of an exchange; gives batches back at once.
  static std::size_t drain(Exchange& exchange, std::vector<std::int64_t>& numbers, std::vector<Control>& controls) {
    ExchangeItem item;
    std::size_t items = 0;
    while (exchange.receive(item)) {
      ++items;
      if (item.batch == nullptr) {
        controls.push_back(item.control);
        continue;
      }
      for (std::uint32_t row = 0; row < item.batch->row_count(); ++row) {
        const std::int64_t number = item.batch->column(0).values<std::int64_t>()[row];
        const std::string_view text = item.batch->column(1).values<StringRef>()[row].view();
        EXPECT_EQ(text.find_first_not_of(static_cast<char>('a' + number % 26)), std::string_view::npos) << number;
        numbers.push_back(number);
      }
      exchange.give_back(item.batch);
    }
    return items;
  }
  static void expect_ledger(const Operator& op) { EXPECT_EQ(op.ledger().imbalance(op.held_rows()), 0); }

  Arena arena_;
  FragmentContext context_;
};

// ---- Exchange sender --------------------------------------------------------------------------------------------

class Sender : public Rig {
 protected:
  Sender() {
    context_.batch_rows = 8;
    context_.heap_bytes = 256;
  }
};

TEST_F(Sender, one_credit_is_enough_to_pass_every_row_in_order) {
  auto only = exchange(1, 8, 256);
  ExchangeSender sender(context_, {only.get()}, {}, true);
  Batch& in = *batch(8, 256);
  std::vector<std::int64_t> out;
  std::vector<Control> controls;
  std::int64_t next = 0;
  for (int turn = 0; turn < 500; ++turn) {
    if (sender.accepts()) {
      fill(in, next, static_cast<std::uint32_t>(1 + turn % 8), 20);
      next += in.row_count();
      sender.push(in);
    }
    (void)sender.resume();
    if (turn % 3 == 0) drain(*only, out, controls);
  }
  ASSERT_FALSE(context_.failure.has_value()) << context_.failure->to_string();
  for (int turn = 0; turn < 10; ++turn) {
    sender.flush();
    drain(*only, out, controls);
  }
  std::vector<std::int64_t> right(static_cast<std::size_t>(next));
  std::iota(right.begin(), right.end(), 0);
  EXPECT_EQ(out, right);
  EXPECT_GT(next, 400);
  expect_ledger(sender);
}

TEST_F(Sender, a_partly_filled_batch_goes_with_a_flush_or_before_a_control_and_no_earlier) {
  auto only = exchange(4, 8, 256);
  ExchangeSender sender(context_, {only.get()}, {}, true);
  Batch& in = *batch(8, 256);
  std::vector<std::int64_t> out;
  std::vector<Control> controls;
  fill(in, 0, 3);
  sender.push(in);
  EXPECT_EQ(drain(*only, out, controls), 0u);
  sender.flush();
  EXPECT_EQ(drain(*only, out, controls), 1u);
  sender.flush();
  EXPECT_EQ(drain(*only, out, controls), 0u) << "an empty batch was sent";
  fill(in, 3, 2);
  sender.push(in);
  sender.control({Control::Kind::kWatermark, 17});
  ExchangeItem item;
  ASSERT_TRUE(only->receive(item));
  ASSERT_NE(item.batch, nullptr) << "the watermark overtook its rows";
  EXPECT_EQ(item.batch->row_count(), 2u);
  only->give_back(item.batch);
  ASSERT_TRUE(only->receive(item));
  EXPECT_EQ(item.batch, nullptr);
  EXPECT_EQ(item.control.value, 17);
}

TEST_F(Sender, each_key_goes_to_one_destination_and_every_row_to_exactly_one) {
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::vector<Exchange*> raw;
  for (int i = 0; i < 3; ++i) {
    exchanges.push_back(exchange(2, 8, 256));
    raw.push_back(exchanges.back().get());
  }
  ExchangeSender sender(context_, raw, {0}, true);
  Batch& in = *batch(8, 256);
  std::vector<std::int64_t> out[3];
  std::vector<Control> controls;
  int pushed = 0;
  for (int turn = 0; turn < 2000 && pushed < 100; ++turn) {
    if (sender.accepts()) {
      fill(in, 8 * (pushed % 10), 8, 20);  // each key ten times
      sender.push(in);
      ++pushed;
    }
    (void)sender.resume();
    for (std::size_t d = 0; d < 3; ++d) drain(*exchanges[d], out[d], controls);
  }
  for (int turn = 0; turn < 10; ++turn) {
    sender.flush();
    for (std::size_t d = 0; d < 3; ++d) drain(*exchanges[d], out[d], controls);
  }
  ASSERT_EQ(pushed, 100);
  std::map<std::int64_t, std::map<int, int>> places;
  for (int d = 0; d < 3; ++d) {
    EXPECT_FALSE(out[d].empty());
    for (const std::int64_t key : out[d]) ++places[key][d];
  }
  EXPECT_EQ(places.size(), 80u);
  for (const auto& [key, where] : places) {
    EXPECT_EQ(where.size(), 1u) << "key " << key << " went to several shards";
    EXPECT_EQ(where.begin()->second, 10) << key;
  }
  expect_ledger(sender);
}

TEST_F(Sender, strings_beyond_the_heap_of_one_batch_go_on_in_the_next) {
  auto only = exchange(4, 8, 256);
  ExchangeSender sender(context_, {only.get()}, {}, true);
  Batch& in = *batch(8, 1024);
  fill(in, 0, 8, 100);  // two fit a batch of 256 bytes
  sender.push(in);
  sender.flush();
  std::vector<std::int64_t> out;
  std::vector<Control> controls;
  EXPECT_EQ(drain(*only, out, controls), 4u);
  EXPECT_EQ(out, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(context_.failure.has_value());
}

TEST_F(Sender, strings_that_no_credit_can_hold_fail_by_name_with_every_row_counted) {
  auto only = exchange(1, 8, 256);
  ExchangeSender sender(context_, {only.get()}, {}, true);
  Batch& in = *batch(8, 4096);
  fill(in, 0, 8, 100);
  sender.push(in);  // the first two go; there is no second credit
  ASSERT_TRUE(context_.failure.has_value());
  EXPECT_EQ(context_.failure->code(), ErrorCode::kLimitExceeded);
  EXPECT_NE(context_.failure->to_string().find("heap_bytes (256)"), std::string::npos);
  EXPECT_EQ(sender.ledger().rows_in, 8u);
  EXPECT_EQ(sender.ledger().rows_out + sender.held_rows(), 8u);
  FragmentContext second = FragmentContext();
  second.batch_rows = 8;
  second.heap_bytes = 256;
  auto other = exchange(2, 8, 256);
  ExchangeSender huge(second, {other.get()}, {}, true);
  fill(in, 0, 1, 300);
  huge.push(in);
  ASSERT_TRUE(second.failure.has_value());
  EXPECT_NE(second.failure->to_string().find("one row"), std::string::npos);
  expect_ledger(huge);
}

TEST_F(Sender, it_may_go_with_a_batch_in_hand_and_others_in_flight) {
  auto only = exchange(3, 8, 256);
  {
    ExchangeSender sender(context_, {only.get()}, {}, true);
    Batch& in = *batch(8, 256);
    fill(in, 0, 8);
    sender.push(in);
    fill(in, 8, 3);
    sender.push(in);
  }
  // The exchange checks its credits when it goes: the batch in hand is home, the one in flight is in the ring.
  EXPECT_EQ(only->credits_available(), 2u);
}

TEST_F(Sender, it_is_finished_only_when_the_end_has_left_it) {
  auto only = exchange(1, 8, 256);
  ExchangeSender sender(context_, {only.get()}, {}, true);
  EXPECT_FALSE(sender.finished());
  for (std::int64_t w = 1; w <= 40; ++w) sender.control({Control::Kind::kWatermark, w});  // more than fit
  sender.control({Control::Kind::kEndOfInput, kWatermarkEnd});
  EXPECT_FALSE(sender.finished());
  std::vector<std::int64_t> out;
  std::vector<Control> controls;
  for (int i = 0; i < 10 && !sender.finished(); ++i) {
    drain(*only, out, controls);
    (void)sender.resume();
  }
  EXPECT_TRUE(sender.finished());
  drain(*only, out, controls);
  ASSERT_FALSE(controls.empty());
  EXPECT_EQ(controls.back().kind, Control::Kind::kEndOfInput);
  EXPECT_EQ(controls[controls.size() - 2].value, 40) << "the last watermark before the end was lost";
}

// ---- Sink -------------------------------------------------------------------------------------------------------

/// Takes `room` rows at a time; then refuses until more room is made. Fails at row `fails_at`.
struct StubbornWriter final : RowWriter {
  std::vector<std::int64_t>* rows;
  std::uint32_t room = 0;
  std::uint64_t fails_at = ~std::uint64_t{0};
  bool closed = false;
  std::optional<Error> failure;

  explicit StubbornWriter(std::vector<std::int64_t>* out) : rows(out) {}
  bool accepts() const noexcept override { return room != 0 && !failure.has_value(); }
  bool write(const Batch& batch, std::uint32_t* next) override {
    for (; *next < batch.selected_count(); ++*next) {
      if (rows->size() == fails_at) failure.emplace(ErrorCode::kDiskFull, "no room at all");
      if (room == 0 || failure.has_value()) return false;
      --room;
      const std::uint32_t row = batch.has_selection() ? batch.selection()[*next] : *next;
      rows->push_back(batch.column(0).values<std::int64_t>()[row]);
    }
    return true;
  }
  void flush() override {}
  void close() override { closed = true; }
  bool finished() const noexcept override { return closed && room != 0; }
  bool failed() const noexcept override { return failure.has_value(); }
  const Error& error() const noexcept override { return *failure; }
  std::uint64_t bytes() const noexcept override { return 0; }
};

struct StubbornSink final : TableSink {
  std::vector<std::int64_t> rows;
  StubbornWriter* writer = nullptr;
  bool refuses = false;
  bool parallel() const noexcept override { return false; }
  Result<std::unique_ptr<RowWriter>> open(std::uint32_t, IoBackend&) override {
    if (refuses) return Error(ErrorCode::kPermission, "not here");
    auto made = std::make_unique<StubbornWriter>(&rows);
    writer = made.get();
    return std::unique_ptr<RowWriter>(std::move(made));
  }
  std::size_t writer_bytes() const noexcept override { return 0; }
  std::string describe() const override { return "stubborn"; }
  std::string guarantee() const override { return "none"; }
};

class Sink : public Rig {
 protected:
  Sink() : world_(clock_) {
    context_.batch_rows = 8;
    backend_ = std::move(make_sim_backend(world_, {})).value();
  }
  ManualClock clock_;
  SimWorld world_;
  std::unique_ptr<IoBackend> backend_;
  StubbornSink table_;
};

TEST_F(Sink, what_a_writer_refuses_in_the_middle_of_a_batch_follows_in_order) {
  SinkOperator sink(context_, table_, *backend_, *batch(8), {});
  Batch& in = *batch(8);
  const std::uint32_t selection[] = {0, 2, 3, 5, 7};
  (void)sink.resume();
  ASSERT_NE(table_.writer, nullptr) << "the writer is opened at the first run";
  table_.writer->room = 2;
  fill(in, 10, 8);
  in.set_selection(selection, 5);
  sink.push(in);
  EXPECT_EQ(table_.rows, (std::vector<std::int64_t>{10, 12}));
  EXPECT_FALSE(sink.accepts());
  EXPECT_EQ(sink.held_rows(), 3u);
  expect_ledger(sink);
  fill(in, 99, 8);  // the caller uses its batch again
  EXPECT_EQ(sink.resume(), 0u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(sink.accepts());
    table_.writer->room = 1;
    EXPECT_EQ(sink.resume(), 1u);
    expect_ledger(sink);
  }
  EXPECT_EQ(table_.rows, (std::vector<std::int64_t>{10, 12, 13, 15, 17}));
  EXPECT_FALSE(sink.accepts());
  table_.writer->room = 1;
  EXPECT_TRUE(sink.accepts());
}

TEST_F(Sink, the_end_waits_for_what_is_held_and_for_the_writer) {
  SinkOperator sink(context_, table_, *backend_, *batch(8), {});
  (void)sink.resume();
  table_.writer->room = 1;
  Batch& in = *batch(8);
  fill(in, 0, 3);
  sink.push(in);
  sink.control({Control::Kind::kEndOfInput, kWatermarkEnd});
  EXPECT_FALSE(table_.writer->closed) << "closed over rows that wait";
  table_.writer->room = 2;
  (void)sink.resume();
  EXPECT_TRUE(table_.writer->closed);
  EXPECT_FALSE(sink.finished());
  table_.writer->room = 1;
  (void)sink.resume();
  EXPECT_TRUE(sink.finished());
  EXPECT_EQ(table_.rows.size(), 3u);
  expect_ledger(sink);
}

TEST_F(Sink, a_writer_that_fails_leaves_every_row_counted) {
  SinkOperator sink(context_, table_, *backend_, *batch(8), {});
  (void)sink.resume();
  table_.writer->room = 100;
  table_.writer->fails_at = 5;
  Batch& in = *batch(8);
  fill(in, 0, 8);
  sink.push(in);
  ASSERT_TRUE(context_.failure.has_value());
  EXPECT_EQ(context_.failure->code(), ErrorCode::kDiskFull);
  EXPECT_EQ(sink.ledger().rows_out, 5u);
  EXPECT_EQ(sink.held_rows(), 3u);
  expect_ledger(sink);
}

TEST_F(Sink, a_sink_that_cannot_be_opened_fails_before_any_row_comes) {
  table_.refuses = true;
  SinkOperator sink(context_, table_, *backend_, *batch(8), {});
  (void)sink.resume();
  ASSERT_TRUE(context_.failure.has_value());
  EXPECT_EQ(context_.failure->code(), ErrorCode::kPermission);
}

// ---- Receiver ---------------------------------------------------------------------------------------------------

/// Keeps what it is given.
struct Collector final : Operator {
  std::vector<std::int64_t> rows;
  std::vector<Control> controls;
  bool open = true;
  bool ended = false;
  int flushes = 0;
  bool accepts() const noexcept override { return open; }
  void push(Batch& batch) override {
    EXPECT_TRUE(open) << "pushed though it does not accept";
    ledger_.rows_in += batch.selected_count();
    ledger_.rows_out += batch.selected_count();
    for (std::uint32_t row = 0; row < batch.row_count(); ++row)
      rows.push_back(batch.column(0).values<std::int64_t>()[row]);
  }
  void control(const Control& control) override {
    EXPECT_TRUE(open) << "told though it does not accept";
    controls.push_back(control);
    ended = ended || control.kind == Control::Kind::kEndOfInput;
  }
  std::size_t resume() override { return 0; }
  void flush() override { ++flushes; }
  bool finished() const noexcept override { return ended; }
  std::string_view name() const noexcept override { return "collector"; }
};

class Receiver : public Rig {
 protected:
  void make(std::size_t senders) {
    std::vector<Exchange*> raw;
    for (std::size_t i = 0; i < senders; ++i) {
      exchanges_.push_back(exchange(4, 8));
      raw.push_back(exchanges_.back().get());
    }
    fragment_ = std::make_unique<ReceiverFragment>("receive", context_, state_, nullptr, raw);
    auto collector = std::make_unique<Collector>();
    collector_ = collector.get();
    fragment_->append(std::move(collector));
  }
  void watermark(std::size_t sender, std::int64_t value) {
    exchanges_[sender]->send_control({Control::Kind::kWatermark, value});
  }
  void end(std::size_t sender) { exchanges_[sender]->send_control({Control::Kind::kEndOfInput, kWatermarkEnd}); }
  void rows(std::size_t sender, std::int64_t from, std::uint32_t count) {
    Batch* out = exchanges_[sender]->try_acquire();
    ASSERT_NE(out, nullptr);
    fill(*out, from, count);
    exchanges_[sender]->send(out);
  }
  std::vector<std::int64_t> told() const {
    std::vector<std::int64_t> values;
    for (const Control& control : collector_->controls) values.push_back(control.value);
    return values;
  }
  void run() {
    while (fragment_->run() != 0) {
    }
  }

  JobState state_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::unique_ptr<ReceiverFragment> fragment_;
  Collector* collector_ = nullptr;
};

TEST_F(Receiver, passes_the_least_watermark_once_all_senders_have_one_and_each_rise_once) {
  make(3);
  watermark(0, 10);
  watermark(1, 20);
  run();
  EXPECT_TRUE(told().empty()) << "the third has promised nothing yet";
  watermark(2, 5);
  run();
  EXPECT_EQ(told(), (std::vector<std::int64_t>{5}));
  watermark(2, 15);
  run();
  EXPECT_EQ(told(), (std::vector<std::int64_t>{5, 10}));
  watermark(1, 30);
  run();
  EXPECT_EQ(told(), (std::vector<std::int64_t>{5, 10})) << "the least has not risen";
  watermark(0, 9);  // never back
  run();
  EXPECT_EQ(told(), (std::vector<std::int64_t>{5, 10}));
}

TEST_F(Receiver, an_ended_sender_holds_nothing_back_and_the_last_one_ends_the_input) {
  make(2);
  watermark(0, 10);
  end(1);
  run();
  EXPECT_EQ(told(), (std::vector<std::int64_t>{10}));
  EXPECT_FALSE(fragment_->done());
  end(0);
  run();
  ASSERT_EQ(collector_->controls.size(), 2u);
  EXPECT_EQ(collector_->controls.back().kind, Control::Kind::kEndOfInput);
  EXPECT_TRUE(fragment_->done());
  EXPECT_TRUE(state_.all_done());
}

TEST_F(Receiver, a_watermark_waits_behind_its_rows_and_for_an_operator_that_accepts) {
  make(1);
  rows(0, 0, 8);
  watermark(0, 7);
  rows(0, 8, 2);
  end(0);
  collector_->open = false;
  EXPECT_EQ(fragment_->run(), 0u);
  EXPECT_TRUE(collector_->rows.empty());
  EXPECT_EQ(collector_->flushes, 0) << "no pause: rows wait";
  collector_->open = true;
  run();
  EXPECT_EQ(collector_->rows.size(), 10u);
  EXPECT_EQ(fragment_->rows_received(), 10u);
  EXPECT_EQ(told(), (std::vector<std::int64_t>{7, kWatermarkEnd}));
}

TEST_F(Receiver, takes_from_senders_in_turns_and_flushes_where_all_pause) {
  make(2);
  for (int i = 0; i < 4; ++i) rows(0, 100 + i, 1);
  for (int i = 0; i < 2; ++i) rows(1, 200 + i, 1);
  (void)fragment_->run();
  EXPECT_EQ(collector_->rows, (std::vector<std::int64_t>{100, 200, 101, 201, 102, 103}));
  const int before = collector_->flushes;
  EXPECT_EQ(fragment_->run(), 0u);
  EXPECT_EQ(collector_->flushes, before + 1);
  EXPECT_EQ(exchanges_[0]->credits_available(), 4u) << "every credit went home";
}

}  // namespace
}  // namespace weir::test
