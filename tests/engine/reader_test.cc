// Readers: results that a host's thread takes when it likes, and what a slow one does to the job; the host's functions
// that throw; engines with their jobs by name.
#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "engine/host_rows.h"
#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kWaitNs = 60'000'000'000;

JobOptions fed_and_read(std::uint32_t batches) {
  JobOptions options = small_options();
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed = {.writers = 1, .rows_max = 64};
  options.host_tables["bars"].results.batches = batches;
  return options;
}

constexpr const char* kCopyTicks = R"(
    CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
    CREATE TABLE bars (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
    INSERT INTO bars SELECT ts, symbol, price FROM ticks;)";

TEST(Readers, TakeTypedRowsFromAJobOnThreads) {
  const Appends appends{make_ticks(4000, 21)};
  const Bars expected = naive_bars({appends});
  for (const IdleKind idle : {IdleKind::kBusySpin, IdleKind::kBackOff, IdleKind::kPark}) {
    JobOptions options = fed_and_read(2);
    options.batch_rows = 16;
    options.idle = idle;
    auto job = make_job(kBarsSql, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    Reader reader = std::move((*job)->reader("bars")).value();
    ASSERT_TRUE(reader.set_structs(bar_layout()).has_value());
    ASSERT_TRUE((*job)->start().has_value());
    std::thread host([&, writer = std::move((*job)->writer("ticks")).value()]() mutable {
      EXPECT_EQ(writer.append_structs_wait(appends.ticks.data(), appends.ticks.size(), kWaitNs).rows,
                appends.ticks.size());
      writer.end();
    });
    std::vector<Bar> bars;
    Bar some[5];
    while (!reader.ended()) {
      auto taken = reader.read_structs(some, 5);
      ASSERT_TRUE(taken.has_value()) << taken.error().to_string();
      bars.insert(bars.end(), some, some + *taken);
      if (*taken == 0) std::this_thread::yield();
    }
    host.join();
    ASSERT_TRUE((*job)->wait_for(kWaitNs));
    EXPECT_TRUE((*job)->wait().has_value());
    EXPECT_EQ(reader.rows(), expected.bars.size());
    std::sort(bars.begin(), bars.end());
    EXPECT_TRUE(bars == expected.bars);
    expect_closed((*job)->ledger());
    EXPECT_EQ((*job)->ledger().rows_written, expected.bars.size());
  }
}

TEST(Readers, ThatDoNotComeStopTheWriterAndNothingIsLost) {
  JobOptions options = fed_and_read(2);
  options.threads = false;
  options.batch_rows = 8;
  auto job = make_job(kCopyTicks, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  Writer writer = std::move((*job)->writer("ticks")).value();
  Reader reader = std::move((*job)->reader("bars")).value();
  const std::vector<Tick> ticks = make_ticks(1000, 3);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at += writer.append(std::span(ticks).subspan(at)).rows;
    (*job)->poll(PollBudget{8});
  }
  // Two batches of the reader, one that waits in the sink, and the ring.
  EXPECT_LE(at, 2u * 8 + 2 * 8 + 64);
  EXPECT_EQ(writer.append(ticks[at]), Appended::kFull);
  const std::uint64_t full = writer.full_count();
  EXPECT_GT(full, 900u);
  std::vector<std::int32_t> symbols;
  const auto take = [&] {
    while (const Batch* batch = reader.next()) {
      for (std::uint32_t row = 0; row < batch->row_count(); ++row)
        symbols.push_back(batch->column(1).values<std::int32_t>()[row]);
      reader.release();
    }
  };
  for (int i = 0; i < 100'000 && !reader.ended(); ++i) {
    take();
    at += writer.append(std::span(ticks).subspan(at)).rows;
    if (at == ticks.size()) writer.end();
    (*job)->poll(PollBudget{8});
  }
  EXPECT_TRUE(reader.ended());
  (*job)->poll(PollBudget{8});
  EXPECT_TRUE((*job)->progress().finished);
  ASSERT_EQ(symbols.size(), ticks.size());
  for (std::size_t i = 0; i < ticks.size(); ++i) EXPECT_EQ(symbols[i], ticks[i].symbol);
  expect_closed((*job)->ledger());
}

TEST(Readers, MayLeaveResultsBehindWhenTheJobIsStopped) {
  JobOptions options = fed_and_read(2);
  options.threads = false;
  auto job = make_job(kCopyTicks, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  Writer writer = std::move((*job)->writer("ticks")).value();
  Reader reader = std::move((*job)->reader("bars")).value();
  EXPECT_EQ(writer.append(Tick{1, 2, 3}), Appended::kDone);
  (*job)->poll(PollBudget{4});
  ASSERT_NE(reader.next(), nullptr);
  (*job)->stop();
  EXPECT_FALSE(reader.ended());
  EXPECT_EQ((*job)->ledger().imbalance, 0);
}

TEST(Readers, OfStructsRefuseWhatAFieldCannotHold) {
  auto job = make_job(kBarsSql, fed_and_read(2));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  EXPECT_EQ((*job)->reader("ticks").error().code(), ErrorCode::kNotFound);
  Reader reader = std::move((*job)->reader("bars")).value();
  EXPECT_EQ((*job)->reader("bars").error().code(), ErrorCode::kInvalidArgument);
  struct Narrow {
    std::int32_t n;
  };
  EXPECT_EQ(reader.set_structs(struct_layout<Narrow>({struct_field("n", &Narrow::n)})).error().code(),
            ErrorCode::kUnsupported);
  EXPECT_EQ(reader.set_structs(struct_layout<Narrow>({struct_field("m", &Narrow::n)})).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(reader.set_structs({2, {{"n", 0, FieldForm::kInt64, 0}}}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(reader.set_structs({8, {{"window_start", 0, FieldForm::kInt64, 0}}}).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(Readers, OfStructsShowNullAsNanAndSayWhereAFieldCannot) {
  JobOptions options = small_options();
  options.inline_append = true;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed.writers = 1;
  options.host_tables["out"].results.batches = 8;
  auto job = make_job(R"(CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price FLOAT) WITH ('connector' = 'host');
                         CREATE TABLE out (symbol INT, price DOUBLE) WITH ('connector' = 'host');
                         INSERT INTO out SELECT NULLIF(symbol, 2), CAST(NULLIF(price, 1) AS DOUBLE) FROM ticks;)",
                      std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  Writer writer = std::move((*job)->writer("ticks")).value();
  Reader reader = std::move((*job)->reader("out")).value();
  struct Out {
    double price = 0;
    std::int32_t symbol = 0;
  };
  ASSERT_TRUE(
      reader.set_structs(struct_layout<Out>({struct_field("price", &Out::price), struct_field("symbol", &Out::symbol)}))
          .has_value());
  for (const Tick tick : {Tick{0, 1, 5}, Tick{0, 1, 1}, Tick{0, 2, 7}, Tick{0, 3, 8}})
    EXPECT_EQ(writer.append(tick), Appended::kDone);
  Out rows[8];
  auto taken = reader.read_structs(rows, 8);
  ASSERT_TRUE(taken.has_value());
  ASSERT_EQ(*taken, 2u);
  EXPECT_EQ(rows[0].price, 5.0);
  EXPECT_TRUE(rows[1].price != rows[1].price);
  EXPECT_EQ(reader.read_structs(rows, 8).error().code(), ErrorCode::kNullNotAllowed);
  taken = reader.read_structs(rows, 8);
  ASSERT_TRUE(taken.has_value());
  ASSERT_EQ(*taken, 1u);
  EXPECT_EQ(rows[0].symbol, 3);
}

TEST(HostFunctions, ThatThrowEndTheJobWithAnErrorAndNothingPassesTheBoundary) {
  for (const bool inline_append : {true, false}) {
    JobOptions options = fed_and_read(0);
    options.inline_append = inline_append;
    options.host_tables["bars"].write = [](std::uint32_t, const Batch&) { throw std::runtime_error("no bars today"); };
    auto job = make_job(kCopyTicks, std::move(options));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    Writer writer = std::move((*job)->writer("ticks")).value();
    if (!inline_append) {
      ASSERT_TRUE((*job)->start().has_value());
    }
    EXPECT_NO_THROW((void)writer.append(Tick{1, 2, 3}));
    ASSERT_TRUE((*job)->wait_for(kWaitNs));
    const auto result = (*job)->wait();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), ErrorCode::kUserFunction);
    EXPECT_THAT(result.error().to_string(), testing::HasSubstr("no bars today"));
    EXPECT_EQ(writer.append(Tick{1, 2, 3}), Appended::kClosed);
    EXPECT_EQ((*job)->ledger().imbalance, 0);
  }
}

TEST(HostFunctions, ThatReadAndThrowEndTheJob) {
  JobOptions options = small_options();
  options.host_tables["ticks"].read = [](std::uint32_t, Batch&) -> ReadStatus { throw 7; };
  options.host_tables["bars"].write = [](std::uint32_t, const Batch&) {};
  expect_error(run_sql(kCopyTicks, std::move(options)), ErrorCode::kUserFunction, {"threw"});
}

TEST(Engines, RunTheSameJobAgainAndAgainSideBySide) {
  Engine first, second;
  const Appends appends{make_ticks(800, 31)};
  const Bars expected = naive_bars({appends});
  JobOptions options = fed_and_read(4);
  options.idle = IdleKind::kPark;
  ASSERT_TRUE(first.create_job("bars", kBarsSql, options).has_value());
  ASSERT_TRUE(second.create_job("bars", kBarsSql, options).has_value());
  for (int round = 0; round < 3; ++round) {
    for (Engine* engine : {&first, &second}) {
      Job* job = round == 0 ? engine->job("bars") : engine->create_again("bars").value();
      ASSERT_NE(job, nullptr);
      ASSERT_TRUE(job->start().has_value());
      EXPECT_EQ(engine->create_again("bars").error().code(), ErrorCode::kInvalidArgument);
    }
    for (Engine* engine : {&first, &second}) {
      Job* job = engine->job("bars");
      Writer writer = std::move(job->writer("ticks")).value();
      Reader reader = std::move(job->reader("bars")).value();
      ASSERT_TRUE(reader.set_structs(bar_layout()).has_value());
      std::vector<Bar> bars;
      std::size_t at = 0;
      bool drained = false;
      while (!reader.ended()) {
        at += writer.append(std::span(appends.ticks).subspan(at)).rows;
        if (at == appends.ticks.size() && !std::exchange(drained, true)) engine->drain();
        Bar some[16];
        const auto taken = reader.read_structs(some, 16);
        ASSERT_TRUE(taken.has_value());
        bars.insert(bars.end(), some, some + *taken);
      }
      EXPECT_TRUE(engine->wait().has_value());
      std::sort(bars.begin(), bars.end());
      EXPECT_TRUE(bars == expected.bars);
      expect_closed(job->ledger());
    }
  }
}

TEST(Engines, KnowTheirJobsByName) {
  Engine engine({.jobs_max = 2});
  EXPECT_EQ(engine.job("a"), nullptr);
  JobOptions options = fed_and_read(1);
  options.threads = false;
  ASSERT_TRUE(engine.create_job("a", kCopyTicks, options).has_value());
  EXPECT_EQ(engine.create_job("a", kCopyTicks, options).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine.create_job("", kCopyTicks, options).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine.create_job("b", "SELECT", options).error().code(), ErrorCode::kSqlSyntax);
  ASSERT_TRUE(engine.create_job("b", kCopyTicks, options).has_value());
  EXPECT_EQ(engine.create_job("c", kCopyTicks, options).error().code(), ErrorCode::kLimitExceeded);
  EXPECT_THAT(engine.job_names(), testing::ElementsAre("a", "b"));
  EXPECT_TRUE(engine.remove("a").has_value());
  EXPECT_EQ(engine.remove("a").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(engine.create_again("a").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(engine.create_again("b").has_value());
  EXPECT_TRUE(engine.wait().has_value());
}

}  // namespace
}  // namespace weir::test
