// Writers: rows from a host's threads give the answer that a naive recomputation gives, whatever the mode, the sizes
// and the interleaving; a full ring, an end, a drain and a stop lose nothing that was not said.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <tuple>

#include "engine/host_rows.h"
#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kWaitNs = 60'000'000'000;

JobOptions host_options(std::uint32_t writers, std::vector<Bar>& bars) {
  JobOptions options = small_options();
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed.writers = writers;
  options.host_tables["bars"].write = keep_bars(bars);
  return options;
}

void expect_bars(std::vector<Bar> bars, const Bars& expected, const JobLedger& ledger) {
  std::sort(bars.begin(), bars.end());
  EXPECT_EQ(bars.size(), expected.bars.size());
  EXPECT_TRUE(bars == expected.bars);
  EXPECT_EQ(ledger.late, expected.late);
  expect_closed(ledger);
}

/// Appends in pieces; with `poll` the job is polled where the ring is full.
void append_pieces(Writer& writer, const Appends& appends, std::size_t piece, Job* poll) {
  for (std::size_t at = 0; at < appends.ticks.size();) {
    if (const auto found = appends.heartbeats.find(at); found != appends.heartbeats.end()) {
      Appended answer;
      while ((answer = writer.heartbeat(found->second * 1'000'000)) == Appended::kFull)
        if (poll != nullptr) poll->poll(PollBudget{4});
      ASSERT_EQ(answer, Appended::kDone);
    }
    const auto next = appends.heartbeats.upper_bound(at);
    const std::size_t end =
        std::min({at + piece, appends.ticks.size(), next == appends.heartbeats.end() ? SIZE_MAX : next->first});
    while (at < end) {
      const std::span<const Tick> rows(appends.ticks.data() + at, end - at);
      const AppendedRows taken =
          poll != nullptr ? writer.append(rows) : writer.append_structs_wait(rows.data(), rows.size(), kWaitNs);
      ASSERT_NE(taken.state, Appended::kClosed);
      ASSERT_NE(taken.state, Appended::kRefused);
      at += taken.rows;
      if (poll != nullptr && taken.state == Appended::kFull) poll->poll(PollBudget{4});
    }
  }
}

enum class Mode { kInline, kPoll, kSpin, kYield, kBackOff, kPark };

using Case = std::tuple<Mode, std::size_t, std::uint32_t, std::uint32_t>;
class OneWriter : public testing::TestWithParam<Case> {};

TEST_P(OneWriter, GivesTheAnswerOfANaiveRecomputation) {
  const auto [mode, piece, rows_max, batch_rows] = GetParam();
  Appends appends{make_ticks(3000, 11)};
  for (std::size_t at = 100; at < appends.ticks.size(); at += 170)
    appends.heartbeats[at] = static_cast<std::int64_t>(at) - (at % 3 == 0 ? 5 : 40);
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.host_tables["ticks"].feed.rows_max = rows_max;
  options.batch_rows = batch_rows;
  options.threads = mode != Mode::kPoll && mode != Mode::kInline;
  options.inline_append = mode == Mode::kInline;
  options.idle = mode == Mode::kSpin    ? IdleKind::kBusySpin
                 : mode == Mode::kYield ? IdleKind::kYield
                 : mode == Mode::kPark  ? IdleKind::kPark
                                        : IdleKind::kBackOff;
  auto job = make_job(kBarsSql, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  auto writer = (*job)->writer("ticks");
  ASSERT_TRUE(writer.has_value()) << writer.error().to_string();
  const bool threads = mode != Mode::kPoll && mode != Mode::kInline;
  if (threads) {
    ASSERT_TRUE((*job)->start().has_value());
  }
  append_pieces(*writer, appends, piece, threads ? nullptr : job->get());
  if (mode == Mode::kInline) {
    EXPECT_EQ(writer->full_count(), 0u);
  }
  writer->end();
  for (int i = 0; mode == Mode::kPoll && i < 100'000 && !(*job)->progress().finished; ++i) (*job)->poll(PollBudget{4});
  ASSERT_TRUE((*job)->wait_for(kWaitNs));
  const auto result = (*job)->wait();
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  EXPECT_EQ(writer->rows_appended(), appends.ticks.size());
  EXPECT_EQ(writer->rows_unread(), 0u);
  EXPECT_EQ(writer->append(appends.ticks[0]), Appended::kClosed);
  expect_bars(bars, naive_bars({appends}), (*job)->ledger());
}

INSTANTIATE_TEST_SUITE_P(Modes, OneWriter,
                         testing::Combine(testing::Values(Mode::kInline, Mode::kPoll, Mode::kSpin, Mode::kYield,
                                                          Mode::kBackOff, Mode::kPark),
                                          testing::Values(1, 7, 333), testing::Values(64u, 1024u),
                                          testing::Values(1u, 1024u)));

TEST(Writers, EachWithAnInputOfItsOwnGiveOneAnswerWhateverTheInterleaving) {
  const std::vector<Appends> writers = {{make_ticks(2000, 1)}, {make_ticks(1500, 2)}, {make_ticks(700, 3)}};
  const Bars expected = naive_bars(writers);
  EXPECT_GT(expected.late, 20u);
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    std::vector<Bar> bars;
    JobOptions options = host_options(3, bars);
    options.threads = false;
    options.shards = 1 + static_cast<std::uint32_t>(seed % 3);
    options.seed = seed;
    auto job = make_job(kBarsSql, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    std::vector<Writer> handles;
    std::vector<std::size_t> at(3);
    for (std::uint32_t i = 0; i < 3; ++i) handles.push_back(std::move((*job)->writer("ticks", i)).value());
    for (std::uint64_t step = 0; !(*job)->progress().finished; ++step) {
      ASSERT_LT(step, 1'000'000u);
      const std::uint64_t draw = random_at(seed, step);
      const std::size_t who = draw % 3;
      const std::size_t left = writers[who].ticks.size() - at[who];
      const std::size_t rows = std::min<std::size_t>(left, draw / 3 % 50);
      at[who] += handles[who].append(std::span(writers[who].ticks).subspan(at[who], rows)).rows;
      if (left == 0) handles[who].end();
      if (draw / 1000 % 2 == 0) (*job)->poll(PollBudget{2});
    }
    expect_bars(bars, expected, (*job)->ledger());
  }
}

TEST(Writers, OfManyThreadsShareOneInputAndLoseNothing) {
  constexpr std::uint32_t kThreads = 4;
  for (const IdleKind idle : {IdleKind::kBusySpin, IdleKind::kPark}) {
    std::vector<Bar> bars;
    JobOptions options = host_options(kThreads, bars);
    options.host_tables["ticks"].feed.order = WriterOrder::kShared;
    options.host_tables["ticks"].feed.rows_max = 64;
    options.idle = idle;
    // No row is late, so that the order among writers means nothing.
    const std::string sql = [] {
      std::string text = kBarsSql;
      text.replace(text.find("'0.020'"), 7, "'1000.0'");
      return text;
    }();
    auto job = make_job(sql, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    ASSERT_TRUE((*job)->start().has_value());
    std::vector<Appends> appends;
    for (std::uint32_t i = 0; i < kThreads; ++i) appends.push_back({make_ticks(1000 + 500 * i, i)});
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i, writer = std::move((*job)->writer("ticks", i)).value()]() mutable {
        append_pieces(writer, appends[i], 1 + 5 * i, nullptr);
        writer.end();
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE((*job)->wait_for(kWaitNs));
    ASSERT_TRUE((*job)->wait().has_value());
    // Of the rows of all writers none is late.
    std::map<std::pair<std::int64_t, std::int32_t>, Bar> all;
    for (const Appends& writer : appends) {
      for (const Tick& tick : writer.ticks) {
        const std::int64_t start = floor_to(tick.ms, kBarMs);
        Bar& bar = all[{start, tick.symbol}];
        bar = {start, tick.symbol, bar.count + 1, std::max(bar.high, double{tick.price})};
      }
    }
    Bars expected;
    for (const auto& [key, bar] : all) expected.bars.push_back(bar);
    std::sort(expected.bars.begin(), expected.bars.end());
    expect_bars(bars, expected, (*job)->ledger());
  }
}

TEST(Writers, AreToldThatTheRingIsFullAndGoOnWhenTheJobHasRead) {
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.threads = false;
  options.host_tables["ticks"].feed.rows_max = 64;
  auto [job, writer] = make_written_job(std::move(options));
  const Appends appends{make_ticks(200, 5)};
  EXPECT_EQ(writer.free_rows(), 64u);
  const AppendedRows taken = writer.append(std::span(appends.ticks));
  EXPECT_EQ(taken.rows, 64u);
  EXPECT_EQ(taken.state, Appended::kFull);
  EXPECT_EQ(writer.append(appends.ticks[64]), Appended::kFull);
  EXPECT_EQ(writer.append_structs_wait(&appends.ticks[64], 1, 0).state, Appended::kFull);
  EXPECT_EQ(writer.rows_appended(), 64u);
  EXPECT_EQ(writer.rows_unread(), 64u);
  EXPECT_GE(writer.full_count(), 2u);
  append_pieces(writer, {{appends.ticks.begin() + 64, appends.ticks.end()}}, 64, job.get());
  writer.end();
  while (!job->progress().finished) job->poll(PollBudget{1});
  expect_bars(bars, naive_bars({appends}), job->ledger());
}

TEST(Writers, GiveAWindowsResultByAHeartbeatAlone) {
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.inline_append = true;
  auto [job, writer] = make_written_job(std::move(options));
  EXPECT_EQ(writer.append(Tick{10, 1, 5}), Appended::kDone);
  EXPECT_EQ(writer.heartbeat(98'999'999), Appended::kDone);
  EXPECT_TRUE(bars.empty());
  EXPECT_EQ(writer.heartbeat(99'000'000), Appended::kDone);
  EXPECT_EQ(bars, (std::vector<Bar>{{0, 1, 1, 5.0}}));
  EXPECT_EQ(writer.append(Tick{20, 1, 5}), Appended::kDone);  // late by the promise
  writer.end();
  EXPECT_TRUE(job->progress().finished);
  EXPECT_TRUE(job->wait().has_value());
  EXPECT_EQ(job->ledger().late, 1u);
  EXPECT_EQ(bars.size(), 1u);
}

TEST(Writers, AreToldAfterSoManyHeartbeatsThatNobodyRead) {
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.threads = false;
  auto [job, writer] = make_written_job(std::move(options));
  for (std::uint32_t i = 0; i < kFeedPromisesMax; ++i) EXPECT_EQ(writer.heartbeat(i), Appended::kDone);
  EXPECT_EQ(writer.heartbeat(1000), Appended::kFull);
  job->poll(PollBudget{1});
  EXPECT_EQ(writer.heartbeat(1000), Appended::kDone);
}

TEST(Writers, GiveInlineTheAnswerBeforeAppendReturns) {
  JobOptions options = small_options();
  options.inline_append = true;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed.writers = 1;
  std::vector<float> dear;
  options.host_tables["dear"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i)
      dear.push_back(batch.column(0).values<float>()[batch.has_selection() ? batch.selection()[i] : i]);
  };
  auto [job, writer] = make_written_job(
      std::move(options), R"(CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
                         CREATE TABLE dear (price FLOAT) WITH ('connector' = 'host');
                         INSERT INTO dear SELECT price FROM ticks WHERE price > 500;)");
  std::vector<float> expected;
  for (const Tick& tick : make_ticks(500, 9)) {
    ASSERT_EQ(writer.append(tick), Appended::kDone);
    if (tick.price > 500) expected.push_back(tick.price);
    ASSERT_EQ(dear, expected);
  }
  EXPECT_GT(expected.size(), 100u);
}

TEST(Writers, MayAppendInsideACallbackOfTheirInlineJob) {
  JobOptions options = small_options();
  options.inline_append = true;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed.writers = 1;
  Writer* writer = nullptr;
  std::vector<std::int32_t> seen;
  options.host_tables["seen"].write = [&](std::uint32_t, const Batch& batch) {
    const std::int32_t symbol = batch.column(0).values<std::int32_t>()[0];
    seen.push_back(symbol);
    if (symbol < 5) {
      EXPECT_EQ(writer->append(Tick{0, symbol + 1, 0}), Appended::kDone);
    }
  };
  auto [job, made] = make_written_job(
      std::move(options), R"(CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
                         CREATE TABLE seen (symbol INT) WITH ('connector' = 'host');
                         INSERT INTO seen SELECT symbol FROM ticks;)");
  writer = &made;
  EXPECT_EQ(made.append(Tick{0, 1, 0}), Appended::kDone);
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST(Writers, FeedEveryQueryThatReadsTheirTable) {
  JobOptions options = small_options();
  options.threads = false;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed = {.writers = 1, .rows_max = 64};
  std::vector<std::int32_t> symbols;
  std::vector<float> prices;
  options.host_tables["a"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i)
      symbols.push_back(batch.column(0).values<std::int32_t>()[batch.has_selection() ? batch.selection()[i] : i]);
  };
  options.host_tables["b"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i)
      prices.push_back(batch.column(0).values<float>()[batch.has_selection() ? batch.selection()[i] : i]);
  };
  auto [job, writer] = make_written_job(
      std::move(options), R"(CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
                         CREATE TABLE a (symbol INT) WITH ('connector' = 'host');
                         CREATE TABLE b (price FLOAT) WITH ('connector' = 'host');
                         EXECUTE STATEMENT SET BEGIN
                         INSERT INTO a SELECT symbol FROM ticks;
                         INSERT INTO b SELECT price FROM ticks WHERE symbol < 3;
                         END;)");
  const Appends appends{make_ticks(1000, 4)};
  append_pieces(writer, appends, 100, job.get());
  writer.end();
  while (!job->progress().finished) job->poll(PollBudget{1});
  std::vector<std::int32_t> all;
  std::vector<float> some;
  for (const Tick& tick : appends.ticks) {
    all.push_back(tick.symbol);
    if (tick.symbol < 3) some.push_back(tick.price);
  }
  EXPECT_EQ(symbols, all);
  EXPECT_EQ(prices, some);
  expect_closed(job->ledger());
}

TEST(Writers, DrainGivesWhatWasAppendedAndTakesNothingMore) {
  for (const bool threads : {false, true}) {
    std::vector<Bar> bars;
    JobOptions options = host_options(1, bars);
    options.threads = threads;
    options.idle = IdleKind::kPark;
    auto [job, writer] = make_written_job(std::move(options));
    const Appends appends{make_ticks(300, 6)};
    EXPECT_EQ(writer.append(std::span(appends.ticks)).rows, 300u);
    if (threads) {
      ASSERT_TRUE(job->start().has_value());
    }
    job->drain();
    while (!threads && !job->progress().finished) job->poll(PollBudget{1});
    ASSERT_TRUE(job->wait_for(kWaitNs));
    EXPECT_TRUE(job->wait().has_value());
    EXPECT_EQ(writer.append(appends.ticks[0]), Appended::kClosed);
    EXPECT_EQ(writer.heartbeat(1), Appended::kClosed);
    EXPECT_EQ(writer.rows_unread(), 0u);
    expect_bars(bars, naive_bars({appends}), job->ledger());
  }
}

TEST(Writers, StopSaysHowManyRowsWereNotRead) {
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.threads = false;
  options.batch_rows = 16;
  auto [job, writer] = make_written_job(std::move(options));
  const Appends appends{make_ticks(300, 6)};
  EXPECT_EQ(writer.append(std::span(appends.ticks)).rows, 300u);
  job->poll(PollBudget{1});
  job->stop();
  EXPECT_EQ(writer.append(appends.ticks[0]), Appended::kClosed);
  const JobLedger ledger = job->ledger();
  EXPECT_GT(ledger.records_read, 0u);
  EXPECT_GT(writer.rows_unread(), 0u);
  EXPECT_EQ(writer.rows_appended(), ledger.records_read + writer.rows_unread());
  EXPECT_EQ(ledger.imbalance, 0);
}

TEST(Writers, EndWhenTheyGo) {
  std::vector<Bar> bars;
  JobOptions options = host_options(2, bars);
  options.threads = false;
  auto job = make_job(kBarsSql, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  {
    Writer first = std::move((*job)->writer("ticks", 0)).value();
    EXPECT_EQ(first.append(Tick{5, 1, 1}), Appended::kDone);
    Writer second = std::move((*job)->writer("ticks", 1)).value();
  }
  for (int i = 0; i < 1000 && !(*job)->progress().finished; ++i) (*job)->poll(PollBudget{1});
  EXPECT_TRUE((*job)->progress().finished);
  EXPECT_EQ(bars, (std::vector<Bar>{{0, 1, 1, 1.0}}));
}

TEST(Writers, AreRefusedByNameAndNumber) {
  std::vector<Bar> bars;
  JobOptions options = host_options(2, bars);
  options.threads = false;
  auto job = make_job(kBarsSql, options);
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  EXPECT_EQ((*job)->writer("tick").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ((*job)->writer("bars").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ((*job)->writer("ticks", 2).error().code(), ErrorCode::kInvalidArgument);
  const auto first = (*job)->writer("ticks", 1);
  EXPECT_TRUE(first.has_value());
  EXPECT_EQ((*job)->writer("ticks", 1).error().code(), ErrorCode::kInvalidArgument);
  options.host_tables["ticks"].feed.writers = kWritersMax + 1;
  EXPECT_EQ(make_job(kBarsSql, options).error().code(), ErrorCode::kLimitExceeded);
  options.host_tables["ticks"].feed = {.writers = 1, .rows_max = 0};
  EXPECT_EQ(make_job(kBarsSql, options).error().code(), ErrorCode::kInvalidArgument);
  options.host_tables["ticks"].feed = {.writers = 1};
  options.inline_append = true;
  options.shards = 2;
  EXPECT_EQ(make_job(kBarsSql, options).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Writers, RefuseATimeThatDoesNotFitAndTakeTheRowsBeforeIt) {
  std::vector<Bar> bars;
  JobOptions options = host_options(1, bars);
  options.threads = false;
  auto [job, writer] = make_written_job(std::move(options));
  EXPECT_EQ(writer.error(), nullptr);
  std::vector<Tick> ticks = make_ticks(40, 2);
  ticks[30].ms = INT64_MAX / 2;
  const AppendedRows taken = writer.append(std::span<const Tick>(ticks));
  EXPECT_EQ(taken.rows, 30u);
  EXPECT_EQ(taken.state, Appended::kRefused);
  ASSERT_NE(writer.error(), nullptr);
  EXPECT_EQ(writer.error()->code(), ErrorCode::kValueOutOfRange);
  EXPECT_EQ(writer.append(std::span<const Tick>(ticks).subspan(31)).rows, 9u);
}

}  // namespace
}  // namespace weir::test
