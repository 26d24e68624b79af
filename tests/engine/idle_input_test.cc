// Inputs that pause: after the timeout they do not hold results back, whatever shard they are on; they come back
// without a row being lost; and the job says which input its watermark waits for.
#include <mutex>
#include <random>
#include <set>

#include "engine/job_run.h"

namespace weir::test {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Inputs that give what is in their queue and wait when it is empty.
struct Queues {
  std::vector<std::vector<std::int64_t>> rows;  // times in ms
  std::vector<std::size_t> next;
  bool ended = false;
  explicit Queues(std::uint32_t inputs) : rows(inputs), next(inputs) {}

  HostTable table() {
    HostTable host;
    host.inputs = static_cast<std::uint32_t>(rows.size());
    host.read = [this](std::uint32_t input, Batch& batch) {
      std::uint32_t count = 0;
      std::size_t& at = next[input];
      for (; count < batch.capacity() && at < rows[input].size(); ++count, ++at) {
        batch.column(0).values<std::int64_t>()[count] = rows[input][at];
        batch.column(1).values<std::int32_t>()[count] = static_cast<std::int32_t>(at % 3);
      }
      batch.set_row_count(count);
      if (at < rows[input].size()) return ReadStatus::kRows;
      return ended ? ReadStatus::kEnd : ReadStatus::kPending;
    };
    return host;
  }
};

struct Results {
  std::int64_t rows = 0;
  std::int64_t counted = 0;
  std::set<std::pair<std::int32_t, std::int64_t>> windows;
  HostTable table() {
    HostTable host;
    host.write = [this](std::uint32_t, const Batch& batch) {
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        ++rows;
        counted += batch.column(1).values<std::int64_t>()[row];
        const std::pair window(batch.column(0).values<std::int32_t>()[row],
                               batch.column(2).values<std::int64_t>()[row]);
        EXPECT_TRUE(windows.insert(window).second) << "a window fired twice";
      }
    };
    return host;
  }
};

class IdleInputs : public testing::TestWithParam<std::tuple<std::uint32_t, KeyedPlan>> {
 protected:
  /// Makes a job of tumbling counts of 10 s, driven by poll().
  std::unique_ptr<Job> make(Queues& in, Results& out, const std::string& options = "",
                            const std::string& query = kTumble, const std::string& settings = "",
                            std::uint32_t ring = 0) {
    JobOptions job = small_options();
    job.shards = std::get<0>(GetParam());
    job.keyed_plan = std::get<1>(GetParam());
    job.batch_rows = 16;
    job.ring_batches = 1;
    job.threads = false;
    job.clock = &clock_;
    job.host_tables["t"] = in.table();
    job.host_tables["o"] = out.table();
    if (ring != 0) {  // results are taken by a reader
      job.host_tables["o"] = {};
      job.host_tables["o"].results.batches = ring;
    }
    auto made =
        make_job(settings +
                     "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR "
                     "ts AS ts) "
                     "WITH "
                     "('connector' = 'host'" +
                     options + ");\nCREATE TABLE o (k INT, n BIGINT, s TIMESTAMP(3)) WITH ('connector' = 'host');\n" +
                     std::string(kViews) + "INSERT INTO o " + query,
                 job);
    EXPECT_TRUE(made.has_value()) << made.error().to_string();
    return std::move(*made);
  }
  /// Rows of the 30 s from `now` on come to some inputs: to others in another phase.
  static void some_rows_come(Queues& in, std::mt19937& random, std::int64_t now, int phase) {
    for (auto& rows : in.rows) {
      if ((random() >> (phase % 4)) % 3 != 0) continue;
      for (auto i = random() % 30; i-- > 0;) rows.push_back(now + static_cast<std::int64_t>(random() % 30'000));
    }
  }
  /// The inputs end: the job does, every row is counted in a result or late.
  static void end_without_loss(Job& job, Queues& in, const Results& out) {
    in.ended = true;
    polls(job, 16'000);
    ASSERT_TRUE(job.wait_for(0)) << "hangs";
    const auto result = job.wait();
    ASSERT_TRUE(result.has_value()) << result.error().to_string();
    const JobLedger ledger = job.ledger();
    expect_closed(ledger);
    EXPECT_EQ(out.counted + static_cast<std::int64_t>(ledger.late), static_cast<std::int64_t>(ledger.records_read));
    EXPECT_GT(out.counted, 0);
  }
  static void polls(Job& job, int count = 200) {
    for (int i = 0; i < count && !job.wait_for(0); ++i) job.poll();
  }
  static constexpr const char* kTumble =
      "SELECT k, COUNT(*), window_start FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, "
      "window_start, window_end;";
  static constexpr const char* kViews =
      "CREATE VIEW tens AS SELECT k, window_time AS wt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
      "INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time;\n"
      "CREATE VIEW fives AS SELECT k, window_time AS wt, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
      "INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end, window_time;\n"
      "CREATE VIEW halves AS SELECT k % 2 AS m, window_time AS wt, SUM(n) AS n FROM TABLE(TUMBLE(TABLE fives, "
      "DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY k % 2, window_start, window_end, window_time;\n"
      "CREATE VIEW sessions AS SELECT k, window_time AS wt, COUNT(*) AS n FROM TABLE(SESSION(TABLE t PARTITION BY k, "
      "DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY k, window_start, window_end, window_time;\n"
      "CREATE VIEW hops AS SELECT k, window_time AS wt, COUNT(*) AS n FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), "
      "INTERVAL '10' SECOND, INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time;\n";
  static constexpr const char* kTimeout = ", 'scan.watermark.idle-timeout' = '30 s'";
  ManualClock clock_;
};

INSTANTIATE_TEST_SUITE_P(Plans, IdleInputs,
                         testing::Combine(testing::Values(1u, 2u, 3u),
                                          testing::Values(KeyedPlan::kLocalMerge, KeyedPlan::kShuffle)));

TEST_P(IdleInputs, a_pausing_input_holds_results_back_only_until_its_timeout) {
  Queues in(3);
  Results out;
  auto job = make(in, out, kTimeout);
  in.rows[0] = in.rows[1] = in.rows[2] = {1000, 2000, 3000};
  polls(*job);
  for (std::int64_t ms = 4000; ms <= 60'000; ms += 1000) {
    in.rows[0].push_back(ms);
    in.rows[2].push_back(ms);
  }
  polls(*job);
  EXPECT_EQ(out.rows, 0) << "input 1 stands at 3 s";
  EXPECT_EQ(job->progress().held_by, "input 1 of table t");
  clock_.advance(30 * kSecond - 1);
  in.rows[0].push_back(60'001);
  in.rows[2].push_back(60'001);
  polls(*job);
  EXPECT_EQ(out.rows, 0);
  clock_.advance(1);
  polls(*job);
  EXPECT_EQ(out.rows, 3 * 6) << "3 keys in the windows up to 60 s";
  EXPECT_EQ(job->progress().idle_inputs, 1u);
  EXPECT_EQ(job->progress().held_by.find("input 1"), std::string::npos);
  in.rows[1].push_back(59'000);  // late now
  in.rows[1].push_back(61'000);
  polls(*job);
  in.ended = true;
  polls(*job, 4000);
  ASSERT_TRUE(job->wait_for(0)) << "hangs";
  const JobLedger ledger = job->ledger();
  expect_closed(ledger);
  EXPECT_EQ(ledger.late, 1u);
  EXPECT_EQ(out.counted + 1, static_cast<std::int64_t>(ledger.records_read));
  EXPECT_NE(ledger.to_text().find("input 1 of table t: idle 1 times"), std::string::npos) << ledger.to_text();
  EXPECT_TRUE(is_json(ledger.to_json())) << ledger.to_json();
}

TEST_P(IdleInputs, without_a_timeout_it_holds_them_back_for_ever) {
  Queues in(3);
  Results out;
  auto job = make(in, out);
  in.rows[0] = in.rows[1] = {1000, 100'000};
  in.rows[2] = {1000};
  polls(*job);
  clock_.advance(1000 * kSecond);
  polls(*job);
  EXPECT_EQ(out.rows, 0);
  in.ended = true;
  polls(*job, 4000);
  ASSERT_TRUE(job->wait_for(0));
  EXPECT_EQ(out.counted, 5);
}

TEST_P(IdleInputs, the_idle_clock_stops_under_back_pressure) {
  const std::uint32_t beside = std::get<0>(GetParam());  // the input that stands on the shard of input 0
  Queues in(beside + 1);
  Results out;
  auto job = make(in, out, kTimeout, kTumble, "", 2);
  auto reader = job->reader("o");
  ASSERT_TRUE(reader.has_value()) << reader.error().to_string();
  for (auto& rows : in.rows) rows = {1'000'000};
  in.rows[beside] = {1000};
  polls(*job);
  for (std::int64_t ms = 10'000; ms < 900'000; ms += 1000) in.rows[beside].push_back(ms);
  polls(*job);
  ASSERT_LT(in.next[beside], in.rows[beside].size()) << "results that nobody takes hold the job up";
  clock_.advance(1000 * kSecond);
  std::int64_t counted = 0;
  const auto take = [&] {
    for (int i = 0; i < 3000 && !job->wait_for(0); ++i) {
      job->poll();
      while (const Batch* batch = reader->next()) {
        for (std::uint32_t row = 0; row < batch->row_count(); ++row)
          counted += batch->column(1).values<std::int64_t>()[row];
      }
    }
  };
  take();
  EXPECT_EQ(in.next[beside], in.rows[beside].size());
  EXPECT_LE(job->progress().idle_inputs, beside - 1) << "input 0 was not asked in that time";
  in.rows[beside].push_back(1'100'000);
  take();
  in.rows[0].push_back(1'001'000);
  in.ended = true;
  take();
  ASSERT_TRUE(job->wait_for(0)) << "hangs";
  expect_closed(job->ledger());
  EXPECT_EQ(job->ledger().late, 0u);
  EXPECT_EQ(counted, static_cast<std::int64_t>(job->ledger().records_read));
}

TEST_P(IdleInputs, the_end_of_a_bounded_input_goes_on_even_through_idle_ones) {
  Queues in(3);
  Results out;
  auto job = make(in, out, kTimeout);
  in.rows[0] = {1000, 35'000};
  in.rows[1] = {2000};
  polls(*job);
  clock_.advance(30 * kSecond);
  polls(*job);
  EXPECT_EQ(job->progress().idle_inputs, 3u);
  in.ended = true;
  polls(*job, 4000);
  ASSERT_TRUE(job->wait_for(0)) << "an input that is idle holds the end back";
  ASSERT_TRUE(job->wait().has_value());
  expect_closed(job->ledger());
  EXPECT_EQ(out.counted, 3) << "every open window fires";
  EXPECT_EQ(job->ledger().late, 0u);
}

TEST_P(IdleInputs, when_all_pause_what_stands_complete_comes_out_and_they_come_back) {
  Queues in(3);
  Results out;
  auto job = make(in, out, kTimeout);
  in.rows[0] = {1000, 35'000};
  in.rows[1] = {2000};
  in.rows[2] = {3000};
  polls(*job);
  EXPECT_EQ(out.rows, 0);
  clock_.advance(30 * kSecond);
  polls(*job);
  EXPECT_EQ(out.counted, 3) << "the greatest watermark is 35 s";
  for (auto& rows : in.rows) rows.push_back(40'000);
  polls(*job);
  in.ended = true;
  polls(*job, 4000);
  ASSERT_TRUE(job->wait_for(0)) << "hangs";
  expect_closed(job->ledger());
  EXPECT_EQ(job->ledger().late, 0u);
  EXPECT_EQ(out.counted, 7);
}

TEST_P(IdleInputs, random_pauses_lose_no_row) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    Queues in(4);
    Results out;
    auto job = make(in, out, kTimeout);
    std::int64_t now = 0;
    for (int step = 0; step < 80; ++step) {
      now += static_cast<std::int64_t>(random() % 20'000);
      some_rows_come(in, random, now, step / 30);
      polls(*job, static_cast<int>(random() % 30));
      clock_.advance(static_cast<std::int64_t>(random() % 20) * kSecond);
    }
    in.ended = true;
    polls(*job, 8000);
    ASSERT_TRUE(job->wait_for(0)) << "hangs with seed " << seed;
    const auto result = job->wait();
    ASSERT_TRUE(result.has_value()) << result.error().to_string();
    const JobLedger ledger = job->ledger();
    expect_closed(ledger);
    EXPECT_EQ(out.counted + static_cast<std::int64_t>(ledger.late), static_cast<std::int64_t>(ledger.records_read));
    EXPECT_GT(out.counted, 0);
  }
}

// ---- Cascades: what stands above the windows of the rows ----

struct Cascade {
  const char* name;
  const char* query;
  std::int64_t windows_to_60_s;  ///< Of three keys with a row a second.
};
const Cascade kCascades[] = {
    {"windows over windows, by the same key",
     "SELECT k, SUM(n), window_start FROM TABLE(TUMBLE(TABLE tens, DESCRIPTOR(wt), INTERVAL '20' SECOND)) GROUP BY k, "
     "window_start, window_end;",
     9},
    {"windows over windows, of all keys",
     "SELECT 0, SUM(n), window_start FROM TABLE(TUMBLE(TABLE tens, DESCRIPTOR(wt), INTERVAL '30' SECOND)) GROUP BY "
     "window_start, window_end;",
     2},
    {"in the same windows",
     "SELECT 0, SUM(n), s FROM (SELECT k, window_start AS s, window_end AS e, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, "
     "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end) GROUP BY s, e;",
     6},
    {"three levels",
     "SELECT m, SUM(n), window_start FROM TABLE(TUMBLE(TABLE halves, DESCRIPTOR(wt), INTERVAL '30' SECOND)) GROUP BY "
     "m, "
     "window_start, window_end;",
     4},
};

TEST_P(IdleInputs, a_pausing_input_holds_windows_over_windows_back_only_until_its_timeout) {
  for (const Cascade& cascade : kCascades) {
    SCOPED_TRACE(cascade.name);
    Queues in(3);
    Results out;
    auto job = make(in, out, kTimeout, cascade.query);
    in.rows[0] = in.rows[1] = in.rows[2] = {1000, 2000, 3000};
    polls(*job);
    for (std::int64_t ms = 4000; ms <= 61'000; ms += 1000) {
      in.rows[0].push_back(ms);
      in.rows[2].push_back(ms);
    }
    polls(*job, 1000);
    EXPECT_EQ(out.rows, 0) << "input 1 stands at 3 s";
    clock_.advance(30 * kSecond - 1);
    in.rows[0].push_back(61'001);
    in.rows[2].push_back(61'001);
    polls(*job);
    EXPECT_EQ(out.rows, 0);
    clock_.advance(1);
    polls(*job, 1000);
    EXPECT_EQ(out.rows, cascade.windows_to_60_s);
    in.rows[1].push_back(59'000);  // late now
    in.rows[1].push_back(61'000);
    polls(*job);
    in.ended = true;
    polls(*job, 8000);
    ASSERT_TRUE(job->wait_for(0)) << "hangs";
    const JobLedger ledger = job->ledger();
    expect_closed(ledger);
    EXPECT_EQ(ledger.late, 1u) << "rows of the table are late, results are not";
    EXPECT_EQ(out.counted + 1, static_cast<std::int64_t>(ledger.records_read));
  }
}

TEST_P(IdleInputs, when_all_pause_windows_over_windows_come_out_as_far_as_they_are_complete) {
  for (const Cascade& cascade : kCascades) {
    SCOPED_TRACE(cascade.name);
    Queues in(3);
    Results out;
    auto job = make(in, out, kTimeout, cascade.query);
    for (std::int64_t ms = 0; ms < 61'000; ms += 1000) in.rows[0].push_back(ms);
    in.rows[0].push_back(65'000);
    in.rows[1] = {2000};
    in.rows[2] = {3000};
    polls(*job, 1000);
    EXPECT_EQ(out.rows, 0);
    clock_.advance(30 * kSecond);
    polls(*job, 1000);
    EXPECT_EQ(out.rows, cascade.windows_to_60_s) << "the greatest watermark is 65 s";
    for (auto& rows : in.rows) rows.push_back(70'000);
    polls(*job);
    in.ended = true;
    polls(*job, 8000);
    ASSERT_TRUE(job->wait_for(0)) << "hangs";
    expect_closed(job->ledger());
    EXPECT_EQ(job->ledger().late, 0u);
    EXPECT_EQ(out.counted, static_cast<std::int64_t>(job->ledger().records_read));
  }
}

TEST_P(IdleInputs, random_pauses_lose_no_row_of_a_cascade) {
  std::vector<std::string> queries;
  for (const std::string below : {"sessions", "hops"})
    queries.push_back("SELECT 0, SUM(n), window_start FROM TABLE(TUMBLE(TABLE " + below +
                      ", DESCRIPTOR(wt), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;");
  for (const Cascade& cascade : kCascades) queries.push_back(cascade.query);
  for (const std::string& query : queries) {
    SCOPED_TRACE(query);
    for (std::uint32_t seed = 0; seed < 4; ++seed) {
      std::mt19937 random(seed);
      Queues in(4);
      Results out;
      auto job = make(in, out, kTimeout, query);
      std::int64_t now = 0;
      for (int step = 0; step < 60; ++step) {
        now += static_cast<std::int64_t>(random() % 20'000);
        some_rows_come(in, random, now, step / 20);
        polls(*job, static_cast<int>(random() % 30));
        clock_.advance(static_cast<std::int64_t>(random() % 20) * kSecond);
      }
      SCOPED_TRACE("seed " + std::to_string(seed));
      end_without_loss(*job, in, out);
      if (HasFatalFailure()) return;
    }
  }
}

/// Across the hour that New York had twice on the 28th of October 2001: its windows hold the rows of both.
TEST_P(IdleInputs, random_pauses_lose_no_row_of_windows_in_a_zones_wall_clock) {
  for (std::uint32_t seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    Queues in(4);
    Results out;
    auto job = make(in, out, kTimeout, kTumble, "SET 'table.local-time-zone' = 'America/New_York';\n");
    ASSERT_NE(job, nullptr);
    std::int64_t now = 1'004'244'600'000;  // 00:50 there; from 06:00 UTC on it is 01:00 once more
    for (int step = 0; step < 120; ++step) {
      now += static_cast<std::int64_t>(random() % 120'000);
      some_rows_come(in, random, now, step / 40);
      polls(*job, static_cast<int>(random() % 30));
      clock_.advance(static_cast<std::int64_t>(random() % 20) * kSecond);
    }
    EXPECT_GT(now, 1'004'248'800'000 + 600'000);
    SCOPED_TRACE("seed " + std::to_string(seed));
    end_without_loss(*job, in, out);
    if (HasFatalFailure()) return;
  }
}

TEST(TimeOptions, the_tables_idle_timeout_beats_that_of_the_settings) {
  const auto explained = [](const std::string& option) {
    auto plan = plan_sql(
        "SET 'table.exec.source.idle-timeout' = '7 s';\nCREATE TABLE t (ms BIGINT NOT NULL, ts AS "
        "TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen'" +
        option +
        ");\nCREATE TABLE o (n BIGINT) WITH ('connector' = 'print');\nINSERT INTO o SELECT COUNT(*) FROM "
        "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;");
    EXPECT_TRUE(plan.has_value()) << plan.error().to_string();
    auto text = Job::explain(*plan, small_options());
    EXPECT_TRUE(text.has_value()) << text.error().to_string();
    return text->text;
  };
  EXPECT_NE(explained("").find("an input without a row for 7 s"), std::string::npos);
  EXPECT_NE(explained(", 'scan.watermark.idle-timeout' = '30 s'").find("an input without a row for 30 s"),
            std::string::npos);
}

TEST(TimeOptions, mistakes_are_named_where_they_stand) {
  const auto error_of = [](const std::string& option) {
    return run_sql(
               "CREATE TABLE t (ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = "
               "'datagen', " +
                   option + ");\nSELECT ms FROM t;",
               small_options())
        .text();
  };
  EXPECT_NE(error_of("'scan.watermark.idle-timeout' = 'soon'").find("'scan.watermark.idle-timeout' wants a duration"),
            std::string::npos);
  EXPECT_NE(error_of("'weir.watermark.jump-max' = '1 year'").find("'weir.watermark.jump-max' wants a duration"),
            std::string::npos);
  EXPECT_NE(error_of("'weir.watermark.jump-rows' = '0'").find("'weir.watermark.jump-rows' wants a whole number"),
            std::string::npos);
}

}  // namespace
}  // namespace weir::test
