// Windowed aggregation against an oracle that recomputes every window from the rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

enum class Keys { kNone, kSmallInt, kBigInt, kTwo, kText };

struct Case {
  WindowSpec window;
  Keys keys = Keys::kSmallInt;
  std::int64_t delay = 0;
  std::uint32_t batch_rows = 64;
  std::uint32_t inputs = 1;
  std::uint32_t rows = 2000;
  std::int64_t disorder_ms = 20;
  std::int64_t key_range = 50;
  bool special_numbers = false;
  std::uint32_t seed = 1;
  std::int64_t step_ms = 3;              // between two rows: below this
  std::int64_t key_drift_ms = 0;         // the range of keys moves on by one each
  bool inverse_only = false;             // aggregates that all have an inverse
  std::vector<std::uint32_t> only = {};  // where not empty, these columns of OracleGroup::text
  bool words = false;                    // keys without NULL, and fast sums: with the right columns, states are words
  bool no_nulls = false;                 // `value` and `number` are never NULL
};

/// Columns of OracleGroup::text whose aggregates have an inverse.
constexpr std::uint32_t kWithInverse[] = {0, 1, 2, 3, 11, 12, 13};

/// The columns of OracleGroup::text that a case has; none: all.
std::span<const std::uint32_t> columns_of(const Case& c) {
  if (c.inverse_only) return kWithInverse;
  return c.only;
}

std::vector<AggregateColumn> aggregates_of(const Case& c) {
  if (columns_of(c).empty()) return all_aggregates();
  std::vector<AggregateColumn> some;
  for (const std::uint32_t column : columns_of(c)) {
    some.push_back(all_aggregates()[column]);
    some.back().fast_sum = c.words;
  }
  return some;
}

/// The results of aggregates_of in a line of the oracle's.
std::string line_of(const Case& c, const std::string& line) {
  if (columns_of(c).empty()) return line;
  std::vector<std::string> cells(1);
  for (const char letter : line) {
    if (letter == '|')
      cells.emplace_back();
    else
      cells.back() += letter;
  }
  const std::size_t before = cells.size() - all_aggregates().size();
  std::string some;
  for (std::size_t i = 0; i < before; ++i) some += (i == 0 ? "" : "|") + cells[i];
  for (const std::uint32_t column : columns_of(c)) some += "|" + cells[before + column];
  return some;
}

TypeId key_type(Keys keys) {
  return keys == Keys::kBigInt ? TypeId::kBigInt : TypeId::kInt;
}

Schema schema_of(const Case& c) {
  Schema schema = row_schema(key_type(c.keys));
  schema.fields[1].type.nullable = schema.fields[1].type.nullable && !c.words;
  for (const std::size_t field : {3, 4}) schema.fields[field].type.nullable = !c.no_nulls;
  return schema;
}

std::vector<std::uint32_t> key_columns(Keys keys) {
  switch (keys) {
    case Keys::kNone:
      return {};
    case Keys::kTwo:
      return {1, 2};
    case Keys::kText:
      return {2};
    default:
      return {1};
  }
}

std::string key_text(const TestRow& row, Keys keys) {
  const std::string number = row.key ? std::to_string(*row.key) : "NULL";
  const std::string text = row.key_text ? "'" + *row.key_text + "'" : "NULL";
  switch (keys) {
    case Keys::kNone:
      return "";
    case Keys::kTwo:
      return number + "|" + text + "|";
    case Keys::kText:
      return text + "|";
    default:
      return number + "|";
  }
}

std::vector<TestRow> random_rows(const Case& c, std::mt19937& random) {
  std::vector<TestRow> rows;
  std::vector<std::uint64_t> arrivals(c.inputs, 0);
  std::int64_t now = -300 * kMs;  // times before 1970 are ordinary
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (std::uint32_t i = 0; i < c.rows; ++i) {
    now += below(c.step_ms) * kMs;
    if (random() % 500 == 0) now += 100'000 * kMs;
    TestRow row;
    row.time = now - below(c.disorder_ms + 1) * kMs;
    row.input = static_cast<std::uint32_t>(random() % c.inputs);
    row.arrival = (std::uint64_t{row.input} << 40) + arrivals[row.input]++;
    if (random() % 10 != 0 || c.words) {
      row.key = below(c.key_range) - c.key_range / 2;
      if (c.key_drift_ms != 0) *row.key += now / (c.key_drift_ms * kMs);
      if (c.keys == Keys::kBigInt) row.key = *row.key * 0x0123456789ABCDL;
    }
    if (random() % 10 != 0) {
      row.key_text = "k" + std::to_string(below(c.key_range));
      if (c.key_drift_ms != 0) *row.key_text += " of " + std::to_string(now / (c.key_drift_ms * kMs));
      if (random() % 4 == 0) *row.key_text += " with a tail that is too long for twelve bytes";
    }
    if (random() % 5 != 0 || c.no_nulls) row.value = below(2'000'001) - 1'000'000;
    if (random() % 5 != 0 || c.no_nulls) row.number = static_cast<double>(below(1000) - 500);
    if (c.special_numbers && random() % 20 == 0)
      row.number = std::array{std::nan(""), std::numeric_limits<double>::infinity(), -HUGE_VAL}[random() % 3];
    if (random() % 4 != 0)
      row.text = std::string(static_cast<std::size_t>(below(30)), static_cast<char>('a' + below(26)));
    if (random() % 6 != 0) row.flag = random() % 2 == 0;
    row.decimal = (static_cast<Int128>(below(1'000'000)) - 500'000) * 1'000'000'000'000'000'000;
    rows.push_back(row);
  }
  return rows;
}

ExpressionPtr watermark_of(std::int64_t delay) {
  const Type time = Type::timestamp(3);
  ExpressionPtr column = make_column(0, time);
  if (delay == 0) return column;
  Type interval = Type::of(TypeId::kIntervalDay, false);
  auto made = make_call("-", {column, make_literal(Value{delay}, interval)});
  WEIR_CHECK(made.has_value());
  return *made;
}

WindowAggregateOptions options_of(const Case& c, AggregateMode mode) {
  WindowAggregateOptions options;
  options.mode = mode;
  options.window = c.window;
  options.input = schema_of(c);
  options.keys = key_columns(c.keys);
  options.aggregates = aggregates_of(c);
  options.state_bytes_max = 256u << 20;
  return options;
}

/// One source with its watermark operator and aggregate.
struct Chain {
  FragmentContext context;
  std::unique_ptr<WatermarkOperator> watermark;
  std::unique_ptr<WindowAggregateOperator> aggregate;
  ForwardingSink forward;

  Chain(const Case& c, AggregateMode mode) {
    context.batch_rows = c.batch_rows;
    context.heap_bytes = c.batch_rows * 128u;
    WatermarkOptions options;
    options.watermark = watermark_of(c.delay);
    options.inputs = c.inputs;
    auto made = WatermarkOperator::create(context, options);
    WEIR_CHECK(made.has_value());
    watermark = std::move(*made);
    auto window = WindowAggregateOperator::create(context, options_of(c, mode));
    WEIR_CHECK(window.has_value());
    aggregate = std::move(*window);
    watermark->set_next(aggregate.get());
  }
  void check() const {
    EXPECT_FALSE(context.failure.has_value()) << context.failure->to_string();
    EXPECT_EQ(watermark->ledger().imbalance(watermark->held_rows()), 0);
    EXPECT_EQ(aggregate->ledger().imbalance(aggregate->held_rows()), 0);
    EXPECT_EQ(aggregate->held_rows(), 0u);
    EXPECT_EQ(aggregate->open_slices(), 0u);
    EXPECT_EQ(aggregate->state_bytes(), 0u);
  }
};

struct Answer {
  std::vector<std::string> rows;
  std::uint64_t late = 0;
};

void drive(std::vector<Operator*> operators, CollectingSink& sink, bool until_accepted, Operator& head) {
  for (int turns = 0; turns < 100000; ++turns) {
    sink.roll();
    std::size_t work = 0;
    for (auto it = operators.rbegin(); it != operators.rend(); ++it) work += (*it)->resume();
    if (until_accepted ? head.accepts() : (work == 0 && head.accepts() && sink.accepts())) return;
  }
  FAIL() << "the chain does not get on";
}

void feed(const Case& c, const std::vector<TestRow>& rows, Chain& chain, CollectingSink& sink,
          const std::vector<Operator*>& operators) {
  OwnBatch batch(schema_of(c), c.batch_rows, c.batch_rows * 128u);
  std::size_t at = 0;
  while (at < rows.size()) {
    batch->reset();
    const std::uint32_t input = rows[at].input;
    while (at < rows.size() && !batch->full() && rows[at].input == input) {
      put_row(*batch, batch->row_count(), rows[at++]);
      batch->set_row_count(batch->row_count() + 1);
    }
    batch->header().input = input;
    batch->header().arrival = rows[at - batch->row_count()].arrival;
    drive(operators, sink, true, *chain.watermark);
    chain.watermark->push(*batch);
  }
}

Answer run_single(const Case& c, const std::vector<TestRow>& rows) {
  std::mt19937 refuse(c.seed);
  CollectingSink sink(&refuse);
  Chain chain(c, AggregateMode::kSingle);
  chain.aggregate->set_next(&sink);
  const std::vector<Operator*> operators{chain.watermark.get(), chain.aggregate.get()};
  feed(c, rows, chain, sink, operators);
  for (std::uint32_t i = 0; i < c.inputs; ++i) {
    drive(operators, sink, true, *chain.watermark);
    chain.watermark->input_ended(i);
  }
  drive(operators, sink, false, *chain.watermark);
  chain.check();
  EXPECT_EQ(sink.controls.back().kind, Control::Kind::kEndOfInput);
  std::sort(sink.rows.begin(), sink.rows.end());
  return {sink.rows, chain.aggregate->late().count};
}

Answer run_local_merge(const Case& c, const std::vector<TestRow>& rows) {
  std::mt19937 refuse(c.seed);
  CollectingSink sink(&refuse);
  FragmentContext context;
  context.batch_rows = c.batch_rows;
  auto made = WindowAggregateOperator::create(context, options_of(c, AggregateMode::kMerge));
  WEIR_CHECK(made.has_value());
  std::unique_ptr<WindowAggregateOperator> merge = std::move(*made);
  merge->set_next(&sink);
  std::vector<Watermark> watermarks(c.inputs, kWatermarkNone);
  std::size_t ended = 0;
  std::vector<std::unique_ptr<Chain>> chains;
  std::vector<Operator*> operators;
  Case one = c;
  one.inputs = 1;
  for (std::uint32_t i = 0; i < c.inputs; ++i) {
    chains.push_back(std::make_unique<Chain>(one, AggregateMode::kLocal));
    Chain& chain = *chains.back();
    chain.forward.watermarks = &watermarks;
    chain.forward.sender = i;
    chain.forward.merge = merge.get();
    chain.forward.ended = &ended;
    chain.aggregate->set_next(&chain.forward);
    operators.push_back(chain.watermark.get());
    operators.push_back(chain.aggregate.get());
  }
  operators.push_back(merge.get());
  std::vector<TestRow> run;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    run.push_back(rows[i]);
    run.back().input = 0;
    if (i + 1 < rows.size() && rows[i + 1].input == rows[i].input) continue;
    feed(one, run, *chains[rows[i].input], sink, operators);
    run.clear();
  }
  std::uint64_t late = 0;
  for (auto& chain : chains) {
    drive(operators, sink, true, *chain->watermark);
    chain->watermark->input_ended(0);
  }
  for (auto& chain : chains) {
    drive(operators, sink, false, *chain->watermark);
    chain->check();
    late += chain->aggregate->late().count;
  }
  drive(operators, sink, false, *merge);
  EXPECT_FALSE(context.failure.has_value()) << context.failure->to_string();
  EXPECT_EQ(merge->ledger().imbalance(merge->held_rows()), 0);
  EXPECT_EQ(merge->open_slices(), 0u);
  EXPECT_EQ(merge->state_bytes(), 0u);
  std::sort(sink.rows.begin(), sink.rows.end());
  return {sink.rows, late};
}

void check_case(const Case& c) {
  std::mt19937 random(c.seed);
  const std::vector<TestRow> rows = random_rows(c, random);
  OracleAnswer expected = oracle(rows, c.window, c.delay, [&](const TestRow& row) { return key_text(row, c.keys); });
  for (std::string& line : expected.rows) line = line_of(c, line);
  std::sort(expected.rows.begin(), expected.rows.end());
  const Answer single = run_single(c, rows);
  EXPECT_EQ(single.late, expected.late);
  EXPECT_EQ(single.rows, expected.rows);
  const Answer merged = run_local_merge(c, rows);
  EXPECT_EQ(merged.late, expected.late);
  EXPECT_EQ(merged.rows, expected.rows);
}

WindowSpec tumble(std::int64_t size_ms, std::int64_t offset_ms = 0) {
  WindowSpec spec;
  spec.size_ns = spec.slide_ns = size_ms * kMs;
  spec.offset_ns = offset_ms * kMs;
  return spec;
}
WindowSpec shared(WindowKind kind, std::int64_t slide_ms, std::int64_t size_ms, std::int64_t offset_ms = 0) {
  WindowSpec spec = tumble(size_ms, offset_ms);
  spec.kind = kind;
  spec.slide_ns = slide_ms * kMs;
  return spec;
}

TEST(WindowAggregate, TumblingWindowsEqualTheOracleForEveryKindOfKeyAndBatchSize) {
  for (const Keys keys : {Keys::kNone, Keys::kSmallInt, Keys::kBigInt, Keys::kTwo, Keys::kText}) {
    for (const std::uint32_t batch_rows : {1u, 7u, 1024u}) {
      SCOPED_TRACE("keys " + std::to_string(static_cast<int>(keys)) + ", batch of " + std::to_string(batch_rows));
      Case c{tumble(10)};
      c.keys = keys;
      c.batch_rows = batch_rows;
      c.seed = batch_rows + static_cast<std::uint32_t>(keys);
      check_case(c);
    }
  }
}

TEST(WindowAggregate, RandomCasesOfTumblingWindowsEqualTheOracle) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 7919);
    Case c{tumble(1 + random() % 60, random() % 7)};
    c.keys = static_cast<Keys>(random() % 5);
    c.delay = static_cast<std::int64_t>(random() % 3) * 10 * kMs;
    c.batch_rows = 1 + static_cast<std::uint32_t>(random() % 200);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 3);
    c.rows = static_cast<std::uint32_t>(random() % 1500);
    c.disorder_ms = static_cast<std::uint32_t>(random() % 60);
    c.key_range = 1 + static_cast<std::uint32_t>(random() % 3000);
    c.seed = seed;
    check_case(c);
  }
}

TEST(WindowAggregate, RandomCasesOfSharedWindowsEqualTheOracle) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 104729);
    const std::int64_t slide = 1 + static_cast<std::uint32_t>(random() % 20);
    const std::int64_t size = slide * (1 + static_cast<std::int64_t>(random() % 6));
    const WindowKind kind = seed % 2 == 0 ? WindowKind::kHop : WindowKind::kCumulate;
    Case c{shared(kind, slide, size, random() % 9)};
    c.keys = static_cast<Keys>(random() % 5);
    c.delay = static_cast<std::int64_t>(random() % 3) * 10 * kMs;
    c.batch_rows = 1 + static_cast<std::uint32_t>(random() % 100);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 3);
    c.rows = static_cast<std::uint32_t>(random() % 1000);
    c.disorder_ms = static_cast<std::uint32_t>(random() % 80);
    c.key_range = 1 + static_cast<std::uint32_t>(random() % 100);
    c.seed = seed;
    check_case(c);
  }
}

TEST(WindowAggregate, RandomCasesOfAggregatesWithAnInverseEqualTheOracle) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 15485863);
    const std::int64_t slide = 1 + static_cast<std::uint32_t>(random() % 20);
    Case c{shared(seed % 3 == 0 ? WindowKind::kCumulate : WindowKind::kHop, slide,
                  slide * (2 + static_cast<std::int64_t>(random() % 10)), random() % 9)};
    c.inverse_only = true;
    c.keys = static_cast<Keys>(random() % 5);
    c.delay = static_cast<std::int64_t>(random() % 3) * 10 * kMs;
    c.batch_rows = 1 + static_cast<std::uint32_t>(random() % 100);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 3);
    c.rows = static_cast<std::uint32_t>(random() % 1000);
    c.disorder_ms = static_cast<std::uint32_t>(random() % 80);
    c.key_range = 1 + static_cast<std::uint32_t>(random() % 100);
    c.seed = seed;
    check_case(c);
  }
}

TEST(WindowAggregate, WindowsOfManySlicesEqualTheOracleWithAndWithoutAnInverse) {
  struct Shape {
    std::int64_t ratio;
    std::uint32_t rows;
    std::int64_t step_ms;
  };
  std::uint32_t seed = 0;
  // Rows far apart leave most slices out; rows close together put several into each.
  for (const Shape& shape : {Shape{10, 800, 4}, Shape{60, 500, 3}, Shape{60, 300, 30}, Shape{100, 400, 5},
                             Shape{3600, 50, 8}, Shape{3600, 30, 900}}) {
    for (const WindowKind kind : {WindowKind::kHop, WindowKind::kCumulate}) {
      for (const bool inverse_only : {false, true}) {
        ++seed;
        SCOPED_TRACE("ratio " + std::to_string(shape.ratio) + ", seed " + std::to_string(seed));
        Case c{shared(kind, 2, 2 * shape.ratio)};
        c.inverse_only = inverse_only;
        c.keys = static_cast<Keys>(seed % 5);
        c.rows = shape.rows;
        c.step_ms = shape.step_ms;
        c.batch_rows = 37;
        c.disorder_ms = seed % 4 == 0 ? 0 : 25;  // behind the watermark by up to a dozen slices
        c.delay = seed % 3 == 0 ? 10 * kMs : 0;
        c.key_range = 12;
        c.key_drift_ms = 40;
        c.seed = seed;
        check_case(c);
      }
    }
  }
}

// Slices of many rows for their keys are planes, those of few are lists of rows; sizes are drawn so that both come in
// one window, keys come and go, and rows are late for some windows.
TEST(WindowAggregate, PlanesAndListsOfRowsInOneWindowEqualTheOracle) {
  const std::vector<std::vector<std::uint32_t>> words = {{0}, {0, 12}, {0, 6}, {4, 5}, {0, 7, 8}, {0, 1, 4, 5}};
  for (std::uint32_t seed = 1; seed <= 72; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 32452843);
    const std::int64_t slide = 10 + static_cast<std::uint32_t>(random() % 40);
    Case c{shared(WindowKind::kHop, slide, slide * (2 + static_cast<std::int64_t>(random() % 12)))};
    c.words = true;
    c.only = words[seed % words.size()];
    c.keys = random() % 2 == 0 ? Keys::kSmallInt : Keys::kBigInt;
    c.delay = static_cast<std::int64_t>(random() % 3) * 20 * kMs;
    c.batch_rows = 20 + static_cast<std::uint32_t>(random() % 500);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 2);
    c.rows = 1500;
    c.step_ms = 1 + static_cast<std::int64_t>(random() % 5);
    c.disorder_ms = seed % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 200);
    c.key_range = 1 + static_cast<std::int64_t>(random() % (seed % 5 == 0 ? 400 : 40));
    c.key_drift_ms = seed % 2 == 0 ? 0 : 5 + static_cast<std::int64_t>(random() % 40);
    c.seed = seed;
    check_case(c);
  }
}

// Hardly any row out of order: one slice enters and one leaves from window to window, keys come, go and are more than
// there was room for, and now and then nothing enters or a row is late for some windows. Slices of a few rows are
// lists, those of many rows planes, some of which have all numbers when they leave.
TEST(WindowAggregate, WindowsThatOneSliceEntersAndOneLeavesEqualTheOracle) {
  const std::vector<std::vector<std::uint32_t>> words = {{0}, {0, 12}, {0, 6}, {4, 5}, {0, 7, 8}, {0, 1, 4, 5}};
  for (std::uint32_t seed = 1; seed <= 72; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 49979687);
    const bool many = seed % 3 == 1;
    const std::int64_t slide = (many ? 40 : 5) + static_cast<std::uint32_t>(random() % 10);
    Case c{shared(WindowKind::kHop, slide, slide * (2 + static_cast<std::int64_t>(random() % 20)))};
    c.words = true;
    c.no_nulls = seed % 4 != 0;
    c.only = words[seed % words.size()];
    c.keys = many ? Keys::kSmallInt : static_cast<Keys>(random() % 5);
    c.batch_rows = 20 + static_cast<std::uint32_t>(random() % 200);
    c.rows = many ? 2000 : 500;
    c.step_ms = 2 + static_cast<std::int64_t>(random() % (many ? 2 : 8));
    c.disorder_ms = seed % 5 == 0 ? static_cast<std::int64_t>(random() % 20) : 0;
    c.key_range = 1 + static_cast<std::int64_t>(random() % (many ? 60 : seed % 2 == 0 ? 400 : 10));
    c.key_drift_ms = seed % 5 < 2 ? 0 : 5 + static_cast<std::int64_t>(random() % 40);
    c.seed = seed;
    check_case(c);
  }
}

// All windows are complete at the end, where each call's share of the work runs out at any point of any of them.
TEST(WindowAggregate, WindowsThatAllComeAtTheEndEqualTheOracle) {
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 86028121);
    Case c{shared(WindowKind::kHop, 2, 2 * (2 + static_cast<std::int64_t>(random() % 6)))};
    c.words = true;
    c.no_nulls = seed % 2 == 0;
    c.only = {0, 6, 2, 1, 4, 5, 7, 8, 11, 12};  // without keys: the totals of a row reach into its sum of doubles
    c.keys = seed % 4 < 2 ? Keys::kNone : Keys::kSmallInt;
    c.rows = 3000 + static_cast<std::uint32_t>(random() % 1000);
    c.step_ms = 4;
    c.disorder_ms = 0;
    c.delay = 1'000'000'000 * kMs;
    c.batch_rows = 3000 + 37 * seed;
    c.key_range = 3;
    c.seed = seed;
    check_case(c);
  }
}

TEST(WindowAggregate, RowsThatAreLateForMostWindowsDoNotUpsetTheOthers) {
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case c{shared(seed % 4 == 0 ? WindowKind::kCumulate : WindowKind::kHop, 5, 100)};
    c.inverse_only = seed % 2 == 0;
    c.keys = static_cast<Keys>(seed % 5);
    c.rows = 700;
    c.disorder_ms = 110;  // up to the length of a window
    c.key_range = 5;
    c.batch_rows = 1 + seed * 3;
    c.inputs = 1 + seed % 2;
    c.seed = seed;
    check_case(c);
  }
}

/// Rows of 50 keys in each slice of HOP(10 ms, 100 ms), two slices a batch, 10 new keys a batch; returns the bytes of
/// state in use when half of the batches have come, and at the end of the last one.
std::pair<std::size_t, std::size_t> state_of_passing_keys(Case c, std::uint32_t batches) {
  c.window = shared(WindowKind::kHop, 10, 100);
  c.batch_rows = 100;
  CollectingSink sink;
  Chain chain(c, AggregateMode::kSingle);
  chain.aggregate->set_next(&sink);
  std::pair<std::size_t, std::size_t> bytes;
  OwnBatch batch(schema_of(c), 100, 100 * 256);
  for (std::uint32_t at = 0; at < batches; ++at) {
    batch->reset();
    for (std::uint32_t i = 0; i < 100; ++i) {
      TestRow row;
      row.time = (2 * at + i / 50) * 10 * kMs;
      row.key = (at * 10 + i) * (c.keys == Keys::kBigInt ? 1'000'003 : 1);
      row.key_text = "the key with the number " + std::to_string(at * 10 + i);
      row.value = 1;
      put_row(*batch, i, row);
    }
    batch->set_row_count(100);
    drive({chain.watermark.get(), chain.aggregate.get()}, sink, true, *chain.watermark);
    chain.watermark->push(*batch);
    drive({chain.watermark.get(), chain.aggregate.get()}, sink, false, *chain.watermark);
    sink.rows.clear();
    if (at == batches / 2) bytes.first = chain.aggregate->state_bytes();
  }
  bytes.second = chain.aggregate->state_bytes();
  return bytes;
}

TEST(WindowAggregate, StateDoesNotGrowWithKeysThatAreGone) {
  for (const Keys keys : {Keys::kSmallInt, Keys::kBigInt, Keys::kText, Keys::kTwo}) {
    for (const bool inverse_only : {false, true}) {
      Case c{{}, keys};
      c.inverse_only = inverse_only;
      const auto [half, all] = state_of_passing_keys(c, 1200);
      EXPECT_LE(all, half + half / 2) << static_cast<int>(keys);
    }
  }
  for (const Keys keys : {Keys::kSmallInt, Keys::kBigInt, Keys::kText}) {  // planes, and lists where keys are texts
    for (const std::uint32_t column : {0u, 6u}) {
      Case words{{}, keys};
      words.words = true;
      words.only = {column};
      const auto [half, all] = state_of_passing_keys(words, 1200);
      const std::size_t texts = keys == Keys::kText ? 64u << 10 : 0;  // of keys that are gone may stay for a while
      EXPECT_LE(all, half + half / 2 + texts) << static_cast<int>(keys) << ", column " << column;
    }
  }
}

TEST(WindowAggregate, OneCallCombinesABoundedNumberOfRowsAndNothingIsTakenMeanwhile) {
  Case c{shared(WindowKind::kHop, 10, 30), Keys::kBigInt};
  c.inverse_only = true;
  c.batch_rows = 1024;
  CollectingSink sink;
  Chain chain(c, AggregateMode::kSingle);
  chain.aggregate->set_next(&sink);
  constexpr std::uint32_t kKeys = 50'000;
  OwnBatch batch(row_schema(TypeId::kBigInt), 1024, 1024);
  for (std::uint32_t key = 0; key < kKeys;) {
    batch->reset();
    for (std::uint32_t i = 0; i < 1024 && key < kKeys; ++i, ++key) {
      TestRow row;
      row.key = key * 1'000'003L;
      row.value = key;
      put_row(*batch, i, row);
      batch->set_row_count(i + 1);
    }
    chain.aggregate->push(*batch);
  }
  chain.aggregate->control({Control::Kind::kWatermark, 9 * kMs});
  std::size_t calls = 0;
  while (!chain.aggregate->accepts()) {
    const std::size_t before = sink.rows.size();
    ASSERT_NE(chain.aggregate->resume(), 0u);
    ASSERT_LE(sink.rows.size() - before, 1024u);
    ++calls;
  }
  EXPECT_EQ(sink.rows.size(), kKeys);
  EXPECT_GE(calls, kKeys / 1024 + kKeys / 4096);
  chain.aggregate->control({Control::Kind::kEndOfInput, kWatermarkEnd});
  while (chain.aggregate->resume() != 0) {
  }
  EXPECT_EQ(sink.rows.size(), 3u * kKeys);
  EXPECT_EQ(sink.controls.back().kind, Control::Kind::kEndOfInput);
  chain.check();
}

/// A full batch for a slice of 10 ms, of keys that no other slice has, `apart` from one another.
void push_new_keys(Operator& aggregate, Batch& batch, std::int64_t slice, std::int64_t apart) {
  batch.reset();
  for (std::uint32_t i = 0; i < batch.capacity(); ++i) {
    TestRow row;
    row.time = slice * 10 * kMs;
    row.key = (slice * batch.capacity() + i) * apart;
    put_row(batch, i, row);
  }
  batch.set_row_count(batch.capacity());
  aggregate.push(batch);
}

TEST(WindowAggregate, TheKeysOfAllOpenSlicesTogetherHaveALimit) {
  Case c{shared(WindowKind::kHop, 10, 100), Keys::kBigInt};
  WindowAggregateOptions options = options_of(c, AggregateMode::kSingle);
  options.groups_max = 25;
  FragmentContext context;
  CollectingSink sink;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value());
  (*made)->set_next(&sink);
  OwnBatch batch(options.input, 10, 1024);
  for (std::int64_t slice = 0; slice < 3; ++slice) {
    EXPECT_FALSE(context.failure.has_value());
    push_new_keys(**made, *batch, slice, 1'000'003);
  }
  ASSERT_TRUE(context.failure.has_value());
  EXPECT_EQ(context.failure->code(), ErrorCode::kLimitExceeded);
  EXPECT_THAT(std::string(context.failure->message()),
              testing::HasSubstr("open windows have more than groups_max = 25"));
}

// A plane does not say which keys have left: those of windows that are over must not count against the limit.
TEST(WindowAggregate, KeysThatPlanesHaveLeftDoNotCountAgainstTheLimit) {
  Case c{shared(WindowKind::kHop, 10, 40), Keys::kBigInt};
  c.words = true;
  c.only = {0};
  WindowAggregateOptions options = options_of(c, AggregateMode::kSingle);
  options.groups_max = 68;  // the keys of four slices, and a few
  FragmentContext context;
  CollectingSink sink;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value());
  (*made)->set_next(&sink);
  OwnBatch batch(options.input, 16, 1024);
  for (std::int64_t slice = 0; slice < 50; ++slice) {
    push_new_keys(**made, *batch, slice, 1);
    (*made)->control({Control::Kind::kWatermark, slice * 10 * kMs + 9 * kMs});
    while (!(*made)->accepts()) ASSERT_NE((*made)->resume(), 0u);
    ASSERT_FALSE(context.failure.has_value()) << "slice " << slice << ": " << context.failure->to_string();
  }
  EXPECT_EQ(sink.rows.size(), 16u * (4 * 50 - 3 - 2 - 1));
}

TEST(WindowAggregate, InfinitiesAndNaNComeThrough) {
  Case c{tumble(25)};
  c.special_numbers = true;
  for (const Keys keys : {Keys::kNone, Keys::kSmallInt}) {
    c.keys = keys;
    check_case(c);
  }
}

/// A chain with a window of 10 ms, a watermark without delay and COUNT(*) over all rows.
struct CountChain {
  Case c{tumble(10), Keys::kNone};
  CollectingSink sink;
  std::unique_ptr<Chain> chain;
  explicit CountChain(std::uint32_t batch_rows = 16, WindowSpec window = tumble(10)) {
    c.window = window;
    c.batch_rows = batch_rows;
    chain = std::make_unique<Chain>(c, AggregateMode::kSingle);
    chain->aggregate->set_next(&sink);
  }
  void push(const std::vector<std::int64_t>& times_ms) {
    OwnBatch batch(row_schema(TypeId::kInt), c.batch_rows, 1024);
    for (const std::int64_t time : times_ms) {
      TestRow row;
      row.time = time * kMs;
      put_row(*batch, batch->row_count(), row);
      batch->set_row_count(batch->row_count() + 1);
    }
    chain->watermark->push(*batch);
    settle();
  }
  void end() {
    chain->watermark->input_ended(0);
    settle();
  }
  void settle() {
    while (chain->aggregate->resume() + chain->watermark->resume() != 0) {
    }
  }
  /// "start..end=count" of each result.
  std::vector<std::string> windows() const {
    std::vector<std::string> texts;
    for (const std::string& row : sink.rows) {
      std::int64_t start = 0, end = 0, time = 0, count = 0;
      std::sscanf(row.c_str(), "%ld|%ld|%ld|%ld", &start, &end, &time, &count);
      EXPECT_EQ(time, end - kMs);
      texts.push_back(std::to_string(start / kMs) + ".." + std::to_string(end / kMs) + "=" + std::to_string(count));
    }
    return texts;
  }
};

TEST(WindowAggregate, ARowOneMillisecondBeforeTheEndClosesItsOwnWindowAfterItWasCounted) {
  CountChain t;
  t.push({3, 8});
  EXPECT_TRUE(t.sink.rows.empty());
  t.push({9});
  EXPECT_THAT(t.windows(), testing::ElementsAre("0..10=3"));
}

TEST(WindowAggregate, ARowIsLateIffItsWindowHasFired) {
  CountChain t;
  t.push({8, 2, 9, 9, 5, 12, 9, 10});  // 9 fires 0..10: the second 9, the 5 and the last 9 are late
  EXPECT_EQ(t.chain->aggregate->late().count, 3u);
  EXPECT_EQ(t.chain->aggregate->late().first->event_time, 9 * kMs);
  EXPECT_EQ(t.chain->aggregate->late().first->watermark, 9 * kMs);
  EXPECT_EQ(t.chain->aggregate->late().first->position, 3u);
  EXPECT_EQ(t.chain->aggregate->late().last->event_time, 9 * kMs);
  EXPECT_EQ(t.chain->aggregate->late().last->watermark, 12 * kMs);
  EXPECT_EQ(t.chain->aggregate->ledger().dropped[static_cast<std::size_t>(DropReason::kLate)], 3u);
  t.end();
  EXPECT_THAT(t.windows(), testing::ElementsAre("0..10=3", "10..20=2"));
}

TEST(WindowAggregate, ALateRowStillCountsInTheHoppingWindowsThatHaveNotFired) {
  CountChain t(16, shared(WindowKind::kHop, 10, 30));
  t.push({5, 19, 5});  // 19 fires the windows that end at 10 and 20
  t.end();
  EXPECT_EQ(t.chain->aggregate->late().count, 0u);
  EXPECT_THAT(t.windows(), testing::ElementsAre("-20..10=1", "-10..20=2", "0..30=3", "10..40=1"));
}

TEST(WindowAggregate, TwoRowsACenturyApartCostTwoSlices) {
  CountChain t;
  const std::int64_t century = 100LL * 365 * 86400 * 1000;
  t.push({0, century, century + 1});
  EXPECT_EQ(t.chain->aggregate->open_slices(), 1u);
  t.end();
  EXPECT_EQ(t.sink.rows.size(), 2u);
}

TEST(WindowAggregate, ResultsComeBeforeTheWatermarkThatReleasedThem) {
  CountChain t;
  t.push({1});
  t.push({25});
  ASSERT_EQ(t.sink.controls.size(), 2u);
  EXPECT_EQ(t.sink.rows_at_control[0], 0u);
  EXPECT_EQ(t.sink.rows_at_control[1], 1u);
  EXPECT_EQ(t.sink.controls[1].value, 25 * kMs);
  EXPECT_EQ(t.sink.headers[0].event_time_max, 9 * kMs);
}

TEST(WindowAggregate, AnOverflowingSumNamesTheAggregateTheKeyAndTheWindow) {
  Case c{tumble(10), Keys::kSmallInt};
  WindowAggregateOptions options = options_of(c, AggregateMode::kSingle);
  options.aggregates = {{"SUM", {3}, -1, {}, "SUM(v)"}};
  FragmentContext context;
  CollectingSink sink;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value());
  (*made)->set_next(&sink);
  OwnBatch batch(options.input, 4, 256);
  for (std::uint32_t i = 0; i < 2; ++i) {
    TestRow row;
    row.key = 7;
    row.value = std::numeric_limits<std::int64_t>::max();
    put_row(*batch, i, row);
  }
  batch->set_row_count(2);
  (*made)->push(*batch);
  (*made)->control({Control::Kind::kEndOfInput, kWatermarkEnd});
  ASSERT_TRUE(context.failure.has_value());
  EXPECT_EQ(context.failure->code(), ErrorCode::kOverflow);
  EXPECT_THAT(std::string(context.failure->message()),
              testing::AllOf(testing::HasSubstr("SUM(v)"), testing::HasSubstr("key (7)"),
                             testing::HasSubstr("from 0 to 10000000 ns")));
}

TEST(WindowAggregate, EveryLimitHasItsAnswer) {
  const auto run = [](WindowAggregateOptions options, Keys keys, std::int64_t step_ms) {
    options.keys = key_columns(keys);
    FragmentContext context;
    CollectingSink sink;
    auto made = WindowAggregateOperator::create(context, options);
    WEIR_CHECK(made.has_value());
    (*made)->set_next(&sink);
    OwnBatch batch(options.input, 1024, 1024 * 128);
    for (std::uint32_t i = 0; i < 1024; ++i) {
      TestRow row;
      row.time = i * step_ms * kMs;
      row.key = i * 1'000'003;
      row.key_text = "a key that is longer than twelve bytes " + std::to_string(i);
      put_row(*batch, i, row);
    }
    batch->set_row_count(1024);
    (*made)->push(*batch);
    EXPECT_EQ((*made)->ledger().imbalance((*made)->held_rows()), 0);
    WEIR_CHECK(context.failure.has_value());
    EXPECT_EQ(context.failure->code(), ErrorCode::kLimitExceeded);
    return std::string(context.failure->message());
  };
  const Case c{tumble(10), Keys::kSmallInt};
  WindowAggregateOptions options = options_of(c, AggregateMode::kSingle);
  options.groups_max = 1000;
  EXPECT_THAT(run(options, Keys::kSmallInt, 0), testing::HasSubstr("groups_max = 1000"));
  EXPECT_THAT(run(options, Keys::kTwo, 0), testing::HasSubstr("groups_max = 1000"));
  options = options_of(c, AggregateMode::kSingle);
  options.slices_max = 5;
  EXPECT_THAT(run(options, Keys::kSmallInt, 10), testing::HasSubstr("slices_max = 5"));
  options = options_of(c, AggregateMode::kSingle);
  options.state_bytes_max = 65536;
  EXPECT_THAT(run(options, Keys::kSmallInt, 0), testing::HasSubstr("state_bytes_max = 65536"));
  EXPECT_THAT(run(options, Keys::kText, 0), testing::HasSubstr("state_bytes_max = 65536"));
}

TEST(WindowAggregate, TimesAtTheEndsOfTheRangeAreRefusedAndNotWrapped) {
  for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    CountChain t;
    OwnBatch batch(row_schema(TypeId::kInt), 4, 64);
    TestRow row;
    row.time = time;
    put_row(*batch, 0, row);
    batch->set_row_count(1);
    t.chain->aggregate->push(*batch);
    ASSERT_TRUE(t.chain->context.failure.has_value());
    EXPECT_EQ(t.chain->context.failure->code(), ErrorCode::kValueOutOfRange);
  }
}

TEST(WindowAggregate, WindowsThatCannotBeAreRefused) {
  FragmentContext context;
  const auto code = [&](const WindowSpec& window) {
    auto made = WindowAggregateOperator::create(context, options_of(Case{window}, AggregateMode::kSingle));
    return made ? ErrorCode::kCancelled : made.error().code();
  };
  EXPECT_EQ(code(tumble(0)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(shared(WindowKind::kHop, 7, 20)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(shared(WindowKind::kCumulate, 5, 20)), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace weir
