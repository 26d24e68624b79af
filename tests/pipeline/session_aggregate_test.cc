// SESSION windows against an oracle that reads all inputs in the order of (own watermark, input, arrival) and keeps
// sessions in a list.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

#include "operators/row_stamp.h"
#include "pipeline/window_fixture.h"

namespace weir {
namespace {

using namespace test;

struct Case {
  std::int64_t gap_ms = 10;
  std::vector<std::uint32_t> keys = {1};
  std::int64_t delay_ms = 0;
  std::uint32_t batch_rows = 64;
  std::uint32_t inputs = 1;
  std::uint32_t rows = 1500;
  std::int64_t disorder_ms = 20;
  std::int64_t step_ms = 3;
  std::int64_t key_range = 10;
  std::uint32_t seed = 1;
};

constexpr std::int64_t kTick = kMs;

std::string key_text(const TestRow& row, const Case& c) {
  std::string text;
  for (const std::uint32_t key : c.keys) {
    if (key == 1) text += row.key ? std::to_string(*row.key) : "NULL";
    if (key == 2) text += row.key_text ? "'" + *row.key_text + "'" : "NULL";
    text += "|";
  }
  return text;
}

struct Placed {
  TestRow row;
  Watermark watermark = kWatermarkNone;
  std::uint64_t arrival = 0;
};

/// Rows with their own input's watermark before them.
std::vector<Placed> place(const std::vector<TestRow>& rows, std::int64_t delay) {
  std::map<std::uint32_t, Watermark> watermarks;
  std::map<std::uint32_t, std::uint64_t> counts;
  std::vector<Placed> placed;
  for (const TestRow& row : rows) {
    auto [own, first] = watermarks.try_emplace(row.input, kWatermarkNone);
    placed.push_back({row, own->second, counts[row.input]++});
    own->second = std::max(own->second, row.time - delay);
  }
  return placed;
}

struct OpenSession {
  std::int64_t start, end;
  OracleGroup group;
  std::vector<TestRow> rows;
};

OracleAnswer session_oracle(const std::vector<TestRow>& rows, const Case& c) {
  std::vector<Placed> placed = place(rows, c.delay_ms * kMs);
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tuple(a.watermark, a.row.input, a.arrival) < std::tuple(b.watermark, b.row.input, b.arrival);
  });
  const std::int64_t gap = c.gap_ms * kMs;
  std::map<std::string, std::vector<OpenSession>> open;
  OracleAnswer answer;
  const auto fire = [&](Watermark watermark) {
    for (auto& [key, sessions] : open) {
      std::erase_if(sessions, [&](const OpenSession& session) {
        if (session.end - kTick > watermark) return false;
        answer.rows.push_back(key + std::to_string(session.start) + "|" + std::to_string(session.end) + "|" +
                              std::to_string(session.end - kTick) + "|" + session.group.text());
        return true;
      });
    }
  };
  for (const Placed& at : placed) {
    fire(at.watermark);
    std::vector<OpenSession>& sessions = open[key_text(at.row, c)];
    OpenSession merged{at.row.time, at.row.time + gap, {}, {at.row}};
    bool touched = false;
    std::erase_if(sessions, [&](const OpenSession& session) {
      if (session.start > at.row.time + gap || session.end < at.row.time) return false;
      touched = true;
      merged.start = std::min(merged.start, session.start);
      merged.end = std::max(merged.end, session.end);
      merged.rows.insert(merged.rows.end(), session.rows.begin(), session.rows.end());
      return true;
    });
    if (!touched && merged.end - kTick <= at.watermark) {
      ++answer.late;
      continue;
    }
    for (const TestRow& row : merged.rows) merged.group.add(row);
    sessions.push_back(std::move(merged));
  }
  fire(kWatermarkEnd);
  std::sort(answer.rows.begin(), answer.rows.end());
  return answer;
}

std::vector<TestRow> random_rows(const Case& c, std::mt19937& random) {
  std::vector<TestRow> rows;
  std::map<std::uint32_t, std::uint64_t> arrivals;
  std::int64_t now = -300 * kMs;
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (std::uint32_t i = 0; i < c.rows; ++i) {
    now += below(c.step_ms + 1) * kMs;
    if (random() % 300 == 0) now += 100'000 * kMs;
    TestRow row;
    row.time = now - below(c.disorder_ms + 1) * kMs;
    row.input = static_cast<std::uint32_t>(random() % c.inputs);
    if (random() % 10 != 0) row.key = below(c.key_range) - c.key_range / 2;
    if (random() % 10 != 0) {
      row.key_text = "k" + std::to_string(below(c.key_range));
      if (random() % 4 == 0) *row.key_text += " with a tail that is too long for twelve bytes";
    }
    if (random() % 5 != 0) row.value = below(2'000'001) - 1'000'000;
    if (random() % 5 != 0) row.number = static_cast<double>(below(1000) - 500);
    if (random() % 4 != 0)
      row.text = std::string(static_cast<std::size_t>(below(30)), static_cast<char>('a' + below(26)));
    if (random() % 6 != 0) row.flag = random() % 2 == 0;
    row.decimal = (static_cast<Int128>(below(1'000'000)) - 500'000) * 1'000'000'000'000'000'000;
    row.arrival = (std::uint64_t{row.input} << 40) + arrivals[row.input]++;
    rows.push_back(row);
  }
  return rows;
}

ExpressionPtr watermark_of(std::int64_t delay) {
  ExpressionPtr column = make_column(0, Type::timestamp(3));
  if (delay == 0) return column;
  auto made = make_call("-", {column, make_literal(Value{delay}, Type::of(TypeId::kIntervalDay, false))});
  WEIR_CHECK(made.has_value());
  return *made;
}

WindowAggregateOptions options_of(const Case& c) {
  WindowAggregateOptions options;
  WindowSpec window;
  window.kind = WindowKind::kSession;
  window.size_ns = window.slide_ns = c.gap_ms * kMs;
  window.tick_ns = kTick;
  options.window = window;
  options.input = row_schema(TypeId::kInt);
  options.keys = c.keys;
  options.aggregates = all_aggregates();
  options.state_bytes_max = 256u << 20;
  return options;
}

/// Sources, each with a watermark operator, before one session aggregate: all inputs in one source, or one a source
/// with a stamp, as a shuffle has it.
class Run {
 public:
  Run(const Case& c, bool shuffled) : case_(c), refuse_(c.seed), sink_(&refuse_), shuffled_(shuffled) {
    context_.batch_rows = c.batch_rows;
    context_.heap_bytes = c.batch_rows * 128u;
    WindowAggregateOptions options = options_of(c);
    if (shuffled) {
      options.stamp_column = static_cast<int>(options.input.size());
      options.decide_late = false;
    }
    auto made = WindowAggregateOperator::create(context_, options);
    WEIR_CHECK(made.has_value());
    aggregate_ = std::move(*made);
    aggregate_->set_next(&sink_);
    operators_.push_back(aggregate_.get());
    const std::uint32_t sources = shuffled ? c.inputs : 1;
    watermarks_.assign(sources, kWatermarkNone);
    forwards_.resize(sources);
    for (std::uint32_t s = 0; s < sources; ++s) {
      WatermarkOptions watermark;
      watermark.watermark = watermark_of(c.delay_ms * kMs);
      watermark.inputs = shuffled ? 1 : c.inputs;
      watermark.margin_ns = kTick;
      auto source = WatermarkOperator::create(context_, watermark);
      WEIR_CHECK(source.has_value());
      sources_.push_back(std::move(*source));
      operators_.insert(operators_.begin(), sources_.back().get());
      if (!shuffled) {
        sources_.back()->set_next(aggregate_.get());
        continue;
      }
      forwards_[s].watermarks = &watermarks_;
      forwards_[s].sender = s;
      forwards_[s].merge = aggregate_.get();
      forwards_[s].ended = &ended_;
      stamps_.push_back(make_row_stamp(context_, options_of(c).input));
      sources_.back()->set_next(stamps_.back().get());
      stamps_.back()->set_next(&forwards_[s]);
    }
  }

  void feed(const std::vector<TestRow>& rows) {
    OwnBatch batch(row_schema(TypeId::kInt), case_.batch_rows, case_.batch_rows * 128u);
    std::map<std::uint32_t, std::uint64_t> counts;
    for (std::size_t at = 0; at < rows.size();) {
      batch->reset();
      const std::uint32_t input = rows[at].input;
      batch->header().input = shuffled_ ? 0 : input;
      batch->header().arrival = (std::uint64_t{input} << 40) + counts[input];
      while (at < rows.size() && !batch->full() && rows[at].input == input) {
        put_row(*batch, batch->row_count(), rows[at++]);
        batch->set_row_count(batch->row_count() + 1);
      }
      counts[input] += batch->row_count();
      WatermarkOperator& source = *sources_[shuffled_ ? input : 0];
      drive(true, source);
      source.push(*batch);
    }
    for (std::uint32_t i = 0; i < case_.inputs; ++i) {
      WatermarkOperator& source = *sources_[shuffled_ ? i : 0];
      drive(true, source);
      source.input_ended(shuffled_ ? 0 : i);
    }
    for (auto& source : sources_) drive(false, *source);
  }

  OracleAnswer answer() {
    EXPECT_FALSE(context_.failure.has_value()) << context_.failure->to_string();
    EXPECT_EQ(aggregate_->ledger().imbalance(aggregate_->held_rows()), 0);
    EXPECT_EQ(aggregate_->held_rows(), 0u);
    EXPECT_EQ(aggregate_->open_slices(), 0u);
    EXPECT_EQ(aggregate_->state_bytes(), 0u) << "expired state is given back";
    std::sort(sink_.rows.begin(), sink_.rows.end());
    return {sink_.rows, aggregate_->late().count};
  }

  WindowAggregateOperator& aggregate() { return *aggregate_; }

 private:
  void drive(bool until_accepted, Operator& head) {
    for (int turns = 0; turns < 100000; ++turns) {
      sink_.roll();
      std::size_t work = 0;
      for (auto it = operators_.rbegin(); it != operators_.rend(); ++it) work += (*it)->resume();
      if (until_accepted ? head.accepts() : (work == 0 && head.accepts() && sink_.accepts())) return;
    }
    FAIL() << "the chain does not get on";
  }

  Case case_;
  std::mt19937 refuse_;
  CollectingSink sink_;
  bool shuffled_;
  FragmentContext context_;
  std::unique_ptr<WindowAggregateOperator> aggregate_;
  std::vector<std::unique_ptr<WatermarkOperator>> sources_;
  std::vector<std::unique_ptr<Operator>> stamps_;
  std::deque<ForwardingSink> forwards_;
  std::vector<Operator*> operators_;
  std::vector<Watermark> watermarks_;
  std::size_t ended_ = 0;
};

/// Says the first difference only.
void expect_same(const std::vector<std::string>& rows, const std::vector<std::string>& expected) {
  const auto [at, other] = std::mismatch(rows.begin(), rows.end(), expected.begin(), expected.end());
  EXPECT_EQ(at == rows.end() ? "" : *at, other == expected.end() ? "" : *other);
  EXPECT_EQ(rows.size(), expected.size());
}

void check_case(const Case& c) {
  std::mt19937 random(c.seed);
  std::vector<TestRow> rows = random_rows(c, random);
  const OracleAnswer expected = session_oracle(rows, c);
  for (const bool shuffled : {false, true}) {
    for (int interleaving = 0; interleaving < 2; ++interleaving) {
      SCOPED_TRACE(std::string(shuffled ? "shuffled" : "in one source") + ", interleaving " +
                   std::to_string(interleaving));
      // One input far ahead of the others must not change an answer.
      std::vector<TestRow> fed = rows;
      if (interleaving == 1)
        std::stable_sort(fed.begin(), fed.end(), [](const TestRow& a, const TestRow& b) { return a.input < b.input; });
      Run run(c, shuffled);
      run.feed(fed);
      const OracleAnswer answer = run.answer();
      EXPECT_EQ(answer.late, expected.late);
      expect_same(answer.rows, expected.rows);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(SessionAggregate, SessionsEqualTheOracleForEveryKindOfKeyAndBatchSize) {
  for (const std::vector<std::uint32_t>& keys : {std::vector<std::uint32_t>{}, {1}, {2}, {1, 2}}) {
    for (const std::uint32_t batch_rows : {1u, 7u, 1024u}) {
      SCOPED_TRACE(std::to_string(keys.size()) + " keys, batch of " + std::to_string(batch_rows));
      Case c;
      c.keys = keys;
      c.batch_rows = batch_rows;
      c.seed = batch_rows + static_cast<std::uint32_t>(keys.size());
      check_case(c);
    }
  }
}

TEST(SessionAggregate, RandomSessionsEqualTheOracleWhateverTheInputsDisorderAndDelay) {
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed * 7919);
    Case c;
    c.gap_ms = 1 + static_cast<std::int64_t>(random() % 30);
    c.keys = std::vector<std::vector<std::uint32_t>>{{}, {1}, {2}, {1, 2}}[random() % 4];
    c.delay_ms = static_cast<std::int64_t>(random() % 3) * 10;
    c.batch_rows = 1 + static_cast<std::uint32_t>(random() % 200);
    c.inputs = 1 + static_cast<std::uint32_t>(random() % 3);
    c.rows = static_cast<std::uint32_t>(random() % 800);
    c.disorder_ms = static_cast<std::int64_t>(random() % 60);
    c.step_ms = 1 + static_cast<std::int64_t>(random() % 20);
    c.key_range = 1 + static_cast<std::int64_t>(random() % 40);
    c.seed = seed;
    check_case(c);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(SessionAggregate, ManySessionsOfOneKeyMergeInAnyOrder) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case c;
    c.gap_ms = 5;
    c.keys = {};
    c.delay_ms = 100'000;
    c.disorder_ms = 90'000;
    c.step_ms = 40;
    c.rows = 4000;
    c.batch_rows = 97;
    c.seed = seed;
    check_case(c);
  }
}

std::vector<TestRow> rows_at(const std::vector<std::int64_t>& times_ms, std::uint32_t input = 0) {
  std::vector<TestRow> rows;
  for (const std::int64_t time : times_ms) {
    TestRow row;
    row.arrival = (std::uint64_t{input} << 40) + rows.size();
    row.time = time * kMs;
    row.key = 1;
    row.input = input;
    rows.push_back(row);
  }
  return rows;
}

/// Sessions as "start..end rows", by the operator, after checking that the oracle says the same.
std::vector<std::string> sessions_of(const std::vector<TestRow>& rows, const Case& c) {
  Run run(c, false);
  run.feed(rows);
  OracleAnswer answer = run.answer();
  EXPECT_EQ(answer.rows, session_oracle(rows, c).rows);
  std::vector<std::string> texts;
  for (const std::string& row : answer.rows) {
    std::vector<std::string> cells;
    for (std::size_t at = 0; cells.size() < 5;) {
      const std::size_t end = row.find('|', at);
      cells.push_back(row.substr(at, end - at));
      at = end + 1;
    }
    texts.push_back(std::to_string(std::stoll(cells[1]) / kMs) + ".." + std::to_string(std::stoll(cells[2]) / kMs) +
                    " " + cells[4]);
  }
  return texts;
}

using testing::UnorderedElementsAre;

TEST(SessionAggregate, RowsExactlyOneGapApartAreOneSession) {
  EXPECT_THAT(sessions_of(rows_at({0, 10}), Case{}), UnorderedElementsAre("0..20 2"));
  EXPECT_THAT(sessions_of(rows_at({0, 11}), Case{}), UnorderedElementsAre("0..10 1", "11..21 1"));
}

TEST(SessionAggregate, ARowBetweenTwoSessionsMakesThemOne) {
  Case c;
  c.delay_ms = 100;
  EXPECT_THAT(sessions_of(rows_at({0, 20, 10}), c), UnorderedElementsAre("0..30 3"));
  EXPECT_THAT(sessions_of(rows_at({0, 20, 40, 60, 50, 10, 30}), c), UnorderedElementsAre("0..70 7"));
}

TEST(SessionAggregate, ARowThatWouldBeLateAloneIsNotLateWhereASessionThatHasNotFiredTakesIt) {
  // At 30 the watermark is 30, [22, 32) is open: 14's own window [14, 24) had fired, but it touches [22, 32).
  EXPECT_THAT(sessions_of(rows_at({22, 30, 14}), Case{}), UnorderedElementsAre("14..40 3"));
  EXPECT_THAT(sessions_of(rows_at({22, 30, 11}), Case{}), UnorderedElementsAre("22..40 2"));
}

TEST(SessionAggregate, ARowThatTouchesAFiredSessionOpensOneOfItsOwn) {
  // [0, 10) fires at 9; the row at 10 touches it and would have merged before.
  std::vector<TestRow> rows = rows_at({0, 9, 10});
  rows[1].key = 2;
  EXPECT_THAT(sessions_of(rows, Case{}), UnorderedElementsAre("0..10 1", "9..19 1", "10..20 1"));
}

TEST(SessionAggregate, ASessionOfALongTimeIsNotSplitByBatches) {
  std::vector<std::int64_t> times(5000);
  std::iota(times.begin(), times.end(), 0);
  for (const std::uint32_t batch_rows : {1u, 3u, 1024u}) {
    Case c;
    c.batch_rows = batch_rows;
    EXPECT_THAT(sessions_of(rows_at(times), c), UnorderedElementsAre("0..5009 5000"));
  }
}

TEST(SessionAggregate, AnotherInputsWatermarkMakesNoRowLate) {
  Case c;
  c.inputs = 2;
  std::vector<TestRow> rows = rows_at({1000, 2000}, 0);
  for (const TestRow& row : rows_at({5, 6, 30}, 1)) rows.push_back(row);
  EXPECT_THAT(sessions_of(rows, c), UnorderedElementsAre("5..16 2", "30..40 1", "1000..1010 1", "2000..2010 1"));
}

TEST(SessionAggregate, TheLimitOfKeysIsNamed) {
  WindowAggregateOptions options = options_of(Case{});
  options.groups_max = 3;
  FragmentContext context;
  context.batch_rows = 8;
  context.heap_bytes = 1024;
  auto made = WindowAggregateOperator::create(context, options);
  ASSERT_TRUE(made.has_value());
  CollectingSink sink;
  (*made)->set_next(&sink);
  OwnBatch batch(options.input, 8, 1024);
  for (std::uint32_t i = 0; i < 4; ++i) {
    TestRow row;
    row.key = i;
    put_row(*batch, i, row);
  }
  batch->set_row_count(4);
  (*made)->push(*batch);
  ASSERT_TRUE(context.failure.has_value());
  EXPECT_EQ(context.failure->code(), ErrorCode::kLimitExceeded);
  EXPECT_THAT(context.failure->to_string(), testing::HasSubstr("groups_max"));
  EXPECT_EQ((*made)->ledger().imbalance((*made)->held_rows()), 0);
}

}  // namespace
}  // namespace weir
