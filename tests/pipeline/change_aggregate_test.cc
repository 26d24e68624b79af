// An aggregate over rows that are given and taken back: after any changes what it has given out is what the rows that
// are there now give when they are aggregated from nothing, by the plain operator.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <set>

#include "pipeline/window_fixture.h"
#include "weir/core/clock.h"

namespace weir::test {
namespace {

enum { kTs, kK, kKs, kV, kD, kS, kF, kM };

/// Applies changes, and looks that each row that is taken back was there.
class ChangeSink final : public Operator {
 public:
  explicit ChangeSink(std::mt19937* refuse) : refuse_(refuse) {}
  bool accepts() const noexcept override { return open_; }
  void push(Batch& batch) override {
    WEIR_CHECK(open_);
    each_row_text(batch, [&](std::uint32_t row, const std::string& line) {
      const RowKind kind = batch.kinds() == nullptr ? RowKind::kInsert : batch.kinds()[row];
      ++kinds[static_cast<std::size_t>(kind)];
      if (kind == RowKind::kInsert || kind == RowKind::kUpdateAfter) {
        rows.insert(line);
      } else if (const auto found = rows.find(line); found != rows.end()) {
        rows.erase(found);
      } else {
        strangers.push_back(line);
      }
    });
    roll();
  }
  void control(const Control& control) override { ended |= control.kind == Control::Kind::kEndOfInput; }
  std::size_t resume() override { return 0; }
  std::string_view name() const noexcept override { return "change sink"; }
  void roll() { open_ = refuse_ == nullptr || (*refuse_)() % 3 != 0; }

  std::multiset<std::string> rows;
  std::vector<std::string> strangers;
  std::uint64_t kinds[4] = {};
  bool ended = false;

 private:
  std::mt19937* refuse_;
  bool open_ = true;
};

struct Case {
  std::string name;
  std::vector<std::uint32_t> keys;
  std::optional<WindowSpec> window;
  std::vector<AggregateColumn> aggregates;
  TypeId key_type = TypeId::kBigInt;
  std::int64_t key_step = 1;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

WindowSpec window(WindowKind kind, std::int64_t size_ms, std::int64_t slide_ms) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size_ns = size_ms * kMs;
  spec.slide_ns = slide_ms * kMs;
  return spec;
}

AggregateColumn call(std::string name, std::vector<int> arguments, bool distinct = false, int filter = -1) {
  AggregateColumn column;
  column.name = std::move(name);
  column.arguments = std::move(arguments);
  column.distinct = distinct;
  column.filter = filter;
  return column;
}

/// Every form of state: fused sums, sums that own pieces, counted sets, texts, functions.
std::vector<AggregateColumn> all_with_inverse() {
  std::vector<AggregateColumn> calls = {
      call("COUNT", {}),       call("COUNT", {kV}),          call("SUM", {kV}),         call("SUM", {kM}),
      call("AVG", {kD}),       call("SUM", {kD}, false, kF), call("MIN", {kV}),         call("MAX", {kD}),
      call("MAX", {kM}),       call("ANY_VALUE", {kV}),      call("BIT_AND", {kV}),     call("BIT_OR", {kV}),
      call("BIT_XOR", {kV}),   call("BOOL_AND", {kF}),       call("COUNT", {kV}, true), call("COUNT", {kS}, true),
      call("SUM", {kV}, true), call("AVG", {kD}, true),      call("MIN", {kV}, true),   call("STDDEV_SAMP", {kD}),
      call("CORR", {kD, kV}),  call("MEDIAN", {kV}),         call("MODE", {kV})};
  AggregateColumn sketch = call("APPROX_PERCENTILE", {kD});
  sketch.constants = {Value{0.9}};
  calls.push_back(sketch);
  return calls;
}

std::vector<AggregateColumn> texts() {
  return {call("COUNT", {}), call("MIN", {kS}), call("MAX", {kS}), call("MODE", {kS}), call("COLLECT", {kS})};
}

std::vector<Case> cases() {
  const auto every = all_with_inverse();
  return {
      {"global", {}, std::nullopt, every},
      {"dense_keys", {kK}, std::nullopt, every},
      {"hashed_keys", {kK}, std::nullopt, every, TypeId::kBigInt, 1'000'000'007},
      {"keys_of_words", {kKs, kK}, std::nullopt, {call("COUNT", {}), call("SUM", {kV}), call("MAX", {kV})}},
      {"texts", {kK}, std::nullopt, texts()},
      {"tumble", {kK}, window(WindowKind::kTumble, 40, 40), every},
      {"tumble_global", {}, window(WindowKind::kTumble, 40, 40), {call("COUNT", {}), call("MIN", {kV})}},
      {"hop", {kKs}, window(WindowKind::kHop, 60, 20), {call("COUNT", {}), call("SUM", {kD}), call("MAX", {kV})}},
      {"cumulate_texts", {kK}, window(WindowKind::kCumulate, 60, 20), texts()},
  };
}

class ChangeAggregate : public testing::TestWithParam<std::tuple<Case, std::uint32_t>> {
 protected:
  static WindowAggregateOptions options_of(const Case& c, bool changes) {
    WindowAggregateOptions options;
    options.input = row_schema(c.key_type);
    options.keys = c.keys;
    options.window = c.window;
    options.aggregates = c.aggregates;
    options.changes = changes;
    if (changes) {
      for (AggregateColumn& column : options.aggregates) column.retracts = true;
      options.emit.early = true;
    }
    options.state_bytes_max = 64u << 20;
    return options;
  }

  static TestRow draw(std::mt19937& random, const Case& c) {
    TestRow row;
    row.time = static_cast<std::int64_t>(random() % 200) * kMs;
    if (random() % 10 != 0) row.key = static_cast<std::int64_t>(random() % 7) * c.key_step - 3;
    if (random() % 10 != 0) row.key_text = "a key that is a longer text " + std::to_string(random() % 4);
    if (random() % 8 != 0) row.value = static_cast<std::int64_t>(random() % 12) - 4;
    if (random() % 8 != 0) row.number = random() % 40 == 0 ? std::nan("") : static_cast<double>(random() % 100) / 7.0;
    if (random() % 30 == 0) row.number = 1e300 / static_cast<double>(1 + random() % 3);
    if (random() % 8 != 0) row.text = "text number " + std::to_string(random() % 9);
    if (random() % 8 != 0) row.flag = random() % 2 == 0;
    row.decimal = static_cast<Int128>(random() % 1000) - 500;
    return row;
  }

  /// What the rows give from nothing.
  static std::multiset<std::string> recompute(const Case& c, const std::vector<TestRow>& rows) {
    SystemClock clock;
    FragmentContext context;
    context.clock = &clock;
    const WindowAggregateOptions options = options_of(c, false);
    auto made = WindowAggregateOperator::create(context, options);
    EXPECT_TRUE(made.has_value()) << made.error().to_string();
    CollectingSink sink;
    (*made)->set_next(&sink);
    OwnBatch batch(options.input, 1024, 1u << 20);
    for (std::size_t at = 0; at < rows.size();) {
      batch->reset();
      std::uint32_t count = 0;
      for (; count < 1024 && at < rows.size(); ++count, ++at) put_row(*batch, count, rows[at]);
      batch->set_row_count(count);
      (*made)->push(*batch);
    }
    (*made)->control({Control::Kind::kEndOfInput, kWatermarkEnd});
    while ((*made)->resume() != 0) {
    }
    EXPECT_FALSE(context.failure.has_value()) << context.failure->to_string();
    return {sink.rows.begin(), sink.rows.end()};
  }
};

TEST_P(ChangeAggregate, gives_what_the_rows_that_are_left_give) {
  const auto& [c, capacity] = GetParam();
  std::mt19937 random(static_cast<std::uint32_t>(c.name.size()) * 31 + capacity);
  SystemClock clock;
  FragmentContext context;
  context.clock = &clock;
  context.batch_rows = capacity;
  const WindowAggregateOptions options = options_of(c, true);
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  WindowAggregateOperator& aggregate = **made;
  ChangeSink sink(&random);
  aggregate.set_next(&sink);
  const auto settle = [&] {
    for (int i = 0; i < 100'000; ++i) {
      const bool open = sink.accepts();
      if (!open) sink.roll();
      if (aggregate.resume() == 0 && open && aggregate.accepts()) return;
    }
    FAIL() << "it does not come to rest";
  };

  std::vector<TestRow> rows;
  const BatchLayout layout{{}, capacity, 1u << 20, true, true};
  std::vector<Physical> physical;
  for (const Field& field : options.input.fields) physical.push_back(field.type.physical());
  BatchLayout with_kinds = layout;
  with_kinds.columns = physical;
  std::vector<char> memory(with_kinds.bytes() + 64);
  void* at = memory.data();
  std::size_t space = memory.size();
  Batch& batch = *Batch::create(with_kinds, std::align(64, with_kinds.bytes(), at, space));
  const int steps = capacity < 8 ? 400 : 60;
  for (int step = 0; step < steps; ++step) {
    batch.reset();
    const std::uint32_t count = 1 + static_cast<std::uint32_t>(random()) % capacity;
    const bool shrinks = step / 10 % 3 == 2;  // now and then most groups lose their last row
    for (std::uint32_t i = 0; i < count; ++i) {
      const bool takes = !rows.empty() && random() % 8 < (shrinks ? 7u : 3u);
      TestRow row;
      if (takes) {
        const std::size_t which = random() % rows.size();
        row = rows[which];
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(which));
      } else {
        row = draw(random, c);
        rows.push_back(row);
      }
      put_row(batch, i, row);
      batch.kinds()[i] = takes ? (random() % 2 == 0 ? RowKind::kUpdateBefore : RowKind::kDelete)
                               : (random() % 2 == 0 ? RowKind::kInsert : RowKind::kUpdateAfter);
    }
    batch.set_row_count(count);
    aggregate.push(batch);
    if (random() % 4 == 0) continue;  // changes of several batches together
    settle();
    ASSERT_FALSE(context.failure.has_value()) << context.failure->to_string();
    ASSERT_EQ(sink.rows, recompute(c, rows)) << "after step " << step << " with " << rows.size() << " rows";
  }
  aggregate.control({Control::Kind::kEndOfInput, kWatermarkEnd});
  settle();
  EXPECT_EQ(sink.rows, recompute(c, rows));
  EXPECT_TRUE(sink.strangers.empty()) << sink.strangers[0];
  EXPECT_TRUE(sink.ended);
  EXPECT_GT(sink.kinds[3], 0u) << "some group has lost its last row";
  EXPECT_EQ(aggregate.held_rows(), 0u);
  EXPECT_EQ(aggregate.ledger().rows_in, aggregate.ledger().rows_absorbed);
  EXPECT_EQ(aggregate.ledger().rows_created, aggregate.ledger().rows_out);
}

/// Early results without a delay: a few rows at a time go out at once, many by way of what came since, and rows wait
/// where the sink refuses.
TEST_P(ChangeAggregate, gives_early_what_the_rows_until_now_give) {
  const auto& [c, capacity] = GetParam();
  std::mt19937 random(static_cast<std::uint32_t>(c.name.size()) * 37 + capacity);
  SystemClock clock;
  FragmentContext context;
  context.clock = &clock;
  context.batch_rows = capacity;
  WindowAggregateOptions options = options_of(c, false);
  options.emit.early = true;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  WindowAggregateOperator& aggregate = **made;
  ChangeSink sink(&random);
  aggregate.set_next(&sink);
  const auto settle = [&] {
    for (int i = 0; i < 100'000; ++i) {
      if (!sink.accepts()) sink.roll();
      if (aggregate.resume() == 0 && sink.accepts() && aggregate.accepts()) return;
    }
    FAIL() << "it does not come to rest";
  };

  std::vector<TestRow> rows;
  OwnBatch batch(options.input, capacity, 1u << 20);
  const int steps = capacity < 8 ? 200 : 60;
  for (int step = 0; step < steps; ++step) {
    batch->reset();
    const std::uint32_t most = step % 3 == 0 ? capacity : std::min(capacity, step % 3 == 1 ? 1u : 20u);
    const std::uint32_t count = 1 + static_cast<std::uint32_t>(random()) % most;
    for (std::uint32_t i = 0; i < count; ++i) {
      rows.push_back(draw(random, c));
      put_row(*batch, i, rows.back());
    }
    batch->set_row_count(count);
    std::vector<std::uint32_t> odd;  // now and then some of the rows only
    if (random() % 4 == 0) {
      const auto first = rows.end() - static_cast<std::ptrdiff_t>(count);
      std::vector<TestRow> kept(rows.begin(), first);
      for (std::uint32_t i = 1; i < count; i += 2) {
        odd.push_back(i);
        kept.push_back(first[i]);
      }
      rows = std::move(kept);
      batch->set_selection(odd.empty() ? &count : odd.data(), static_cast<std::uint32_t>(odd.size()));
    }
    aggregate.push(*batch);
    if (aggregate.accepts() && random() % 4 == 0) continue;
    settle();
    ASSERT_FALSE(context.failure.has_value()) << context.failure->to_string();
    ASSERT_EQ(sink.rows, recompute(c, rows)) << "after step " << step << " with " << rows.size() << " rows";
  }
  settle();
  aggregate.control({Control::Kind::kEndOfInput, kWatermarkEnd});
  settle();
  EXPECT_EQ(sink.rows, recompute(c, rows));
  EXPECT_TRUE(sink.strangers.empty()) << sink.strangers[0];
  EXPECT_TRUE(sink.ended);
  EXPECT_EQ(sink.kinds[1], sink.kinds[2]) << "each -U has its +U";
  EXPECT_EQ(sink.kinds[3], 0u);
  EXPECT_EQ(aggregate.held_rows(), 0u);
  EXPECT_EQ(aggregate.ledger().rows_in, aggregate.ledger().rows_absorbed);
  EXPECT_EQ(aggregate.ledger().rows_created, aggregate.ledger().rows_out);
}

INSTANTIATE_TEST_SUITE_P(Cases, ChangeAggregate,
                         testing::Combine(testing::ValuesIn(cases()), testing::Values(1u, 5u, 64u)),
                         [](const auto& parameter) {
                           return std::get<0>(parameter.param).name + "_" +
                                  std::to_string(std::get<1>(parameter.param));
                         });

/// Keys that come and go for ever are not all kept.
TEST(ChangeAggregateMemory, keys_that_have_gone_do_not_fill_the_table) {
  SystemClock clock;
  FragmentContext context;
  context.clock = &clock;
  context.batch_rows = 256;
  WindowAggregateOptions options;
  options.input = row_schema(TypeId::kBigInt);
  options.keys = {kK};
  options.aggregates = {call("COUNT", {}), call("SUM", {kD}), call("COUNT", {kS}, true)};
  for (AggregateColumn& column : options.aggregates) column.retracts = true;
  options.changes = true;
  options.emit.early = true;
  options.groups_max = 10'000;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  ChangeSink sink(nullptr);
  (*made)->set_next(&sink);
  std::vector<Physical> physical;
  for (const Field& field : options.input.fields) physical.push_back(field.type.physical());
  const BatchLayout layout{physical, 256, 1u << 16, true, true};
  std::vector<char> memory(layout.bytes() + 64);
  void* at = memory.data();
  std::size_t space = memory.size();
  Batch& batch = *Batch::create(layout, std::align(64, layout.bytes(), at, space));
  std::size_t most = 0;
  for (std::int64_t round = 0; round < 1000; ++round) {
    for (const bool takes : {false, true}) {
      batch.reset();
      for (std::uint32_t i = 0; i < 256; ++i) {
        TestRow row;
        row.key = (round * 256 + i) * 7919;  // 256,000 keys, 256 at a time; key 0 stays
        row.number = 1e290;
        row.text = "a text that needs a piece of the heap";
        put_row(batch, i, row);
        batch.kinds()[i] = takes ? RowKind::kDelete : RowKind::kInsert;
      }
      batch.set_row_count(256);
      (*made)->push(batch);
      while ((*made)->resume() != 0) {
      }
      ASSERT_FALSE(context.failure.has_value()) << context.failure->to_string();
    }
    most = std::max(most, (*made)->state_bytes());
  }
  EXPECT_TRUE(sink.rows.empty());
  EXPECT_TRUE(sink.strangers.empty());
  EXPECT_LT(most, 8u << 20) << "10,000 keys' worth and not 256,000";
}

TEST(ChangeAggregateMemory, a_row_that_was_never_given_is_named_as_a_mistake) {
  SystemClock clock;
  FragmentContext context;
  context.clock = &clock;
  WindowAggregateOptions options;
  options.input = row_schema(TypeId::kBigInt);
  options.keys = {kK};
  options.aggregates = {call("COUNT", {})};
  options.changes = true;
  options.emit.early = true;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value());
  ChangeSink sink(nullptr);
  (*made)->set_next(&sink);
  std::vector<Physical> physical;
  for (const Field& field : options.input.fields) physical.push_back(field.type.physical());
  const BatchLayout layout{physical, 1024, 1u << 16, true, true};
  std::vector<char> memory(layout.bytes() + 64);
  void* at = memory.data();
  std::size_t space = memory.size();
  Batch& batch = *Batch::create(layout, std::align(64, layout.bytes(), at, space));
  batch.reset();
  put_row(batch, 0, TestRow{});
  batch.kinds()[0] = RowKind::kUpdateBefore;
  batch.set_row_count(1);
  (*made)->push(batch);
  (void)(*made)->resume();
  ASSERT_TRUE(context.failure.has_value());
  EXPECT_NE(context.failure->to_string().find("a row is taken back that was never given"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
