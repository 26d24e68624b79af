// Results that change: whatever makes windows give early or again, the changelog that reaches the sink ends in what a
// naive reading of the rules gives, each row that is taken back was there, and sinks that only append refuse it.
#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "engine/job_run.h"
#include "engine/row_feed.h"

namespace weir::test {
namespace {

struct Row {
  std::int64_t ms = 0;
  std::int32_t k = 0;
  std::int64_t v = 0;
};

constexpr std::uint32_t kInputs = 3;
constexpr std::int64_t kDelayMs = 300;

struct Windows {
  std::string sql;
  std::int64_t size = 1000, slide = 1000;
  bool cumulate = false;
};
const Windows kTumble{"TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)", 1000, 1000};
const Windows kHop{"HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '0.5' SECOND, INTERVAL '2' SECOND)", 2000, 500};
const Windows kCumulate{"CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '0.5' SECOND, INTERVAL '2' SECOND)", 2000, 500,
                        true};

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
  return (value >= 0 ? value : value - unit + 1) / unit * unit;
}

/// Ends and starts of the windows of a time.
std::vector<std::pair<std::int64_t, std::int64_t>> windows_of(std::int64_t ms, const Windows& w) {
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  if (w.cumulate) {
    const std::int64_t start = floor_to(ms, w.size);
    for (std::int64_t end = start + w.slide; end <= start + w.size; end += w.slide)
      if (end > ms) out.push_back({start, end});
  } else {
    for (std::int64_t start = floor_to(ms, w.slide); start > ms - w.size; start -= w.slide)
      out.push_back({start, start + w.size});
  }
  return out;
}

struct Group {
  std::int64_t count = 0, sum = 0, least = 0;
  std::string most;
  void add(const Row& row) {
    const std::string text = "a longer text of " + std::to_string(row.v);
    least = count == 0 ? row.v : std::min(least, row.v);
    most = count == 0 ? text : std::max(most, text);
    ++count;
    sum += row.v;
  }
};

void put(Batch& batch, std::uint32_t at, const Row& row) {
  batch.column(0).values<std::int64_t>()[at] = row.ms;
  batch.column(1).values<std::int32_t>()[at] = row.k;
  batch.column(2).values<std::int64_t>()[at] = row.v;
  if (batch.heap().capacity() == 0) return;  // no text is read
  WEIR_CHECK(batch.heap().store("a longer text of " + std::to_string(row.v), batch.column(3).values<StringRef>()[at]));
}

class Feed : public RowFeed<Row, kInputs> {
 public:
  explicit Feed(std::uint32_t seed) : RowFeed(put) {
    std::mt19937 random(seed);
    for (auto& rows : rows_) {
      std::int64_t now = 0;
      for (int i = 0; i < 400; ++i) {
        now += static_cast<std::int64_t>(random() % 50);
        const std::int64_t back = random() % 6 == 0 ? static_cast<std::int64_t>(random() % 4000) : 0;
        rows.push_back(
            {now - back, static_cast<std::int32_t>(random() % 4), static_cast<std::int64_t>(random() % 100)});
      }
    }
  }

  /// The rows of the final answer, and how many rows came too late for all of their windows.
  std::pair<std::multiset<std::string>, std::uint64_t> answer(const Windows& windows, std::int64_t lateness_ms,
                                                              bool keyed, bool texts) const {
    std::map<std::tuple<std::int32_t, std::int64_t, std::int64_t>, Group> groups;
    std::uint64_t late = 0;
    for (const auto& rows : rows_) {
      std::optional<std::int64_t> watermark;
      for (const Row& row : rows) {
        bool taken = false;
        for (const auto& [start, end] : windows_of(row.ms, windows)) {
          if (watermark.has_value() && end - 1 + lateness_ms <= *watermark) continue;
          taken = true;
          groups[{keyed ? row.k : 0, start, end}].add(row);
        }
        late += taken ? 0 : 1;
        watermark = std::max(watermark.value_or(row.ms - kDelayMs), row.ms - kDelayMs);
      }
    }
    std::multiset<std::string> out;
    for (const auto& [key, group] : groups) {
      const auto& [k, start, end] = key;
      out.insert(std::to_string(k) + " " + std::to_string(start) + " " + std::to_string(end) + " " +
                 std::to_string(group.count) + " " + std::to_string(group.sum) + " " + std::to_string(group.least) +
                 (texts ? " " + group.most : ""));
    }
    return {out, late};
  }

  /// The answer without windows.
  std::multiset<std::string> answer_of_all(bool keyed) const {
    std::map<std::int32_t, Group> groups;
    for (const auto& rows : rows_) {
      for (const Row& row : rows) groups[keyed ? row.k : 0].add(row);
    }
    std::multiset<std::string> out;
    for (const auto& [k, group] : groups) {
      out.insert(std::to_string(k) + " 0 0 " + std::to_string(group.count) + " " + std::to_string(group.sum) + " " +
                 std::to_string(group.least) + " " + group.most);
    }
    return out;
  }
};

/// Applies a changelog.
struct Applied {
  std::mutex mutex;
  std::multiset<std::string> rows;
  std::uint64_t kinds[4] = {};
  std::uint64_t taken_back_without_being_there = 0;
  HostTable table(bool parallel) {
    HostTable host;
    host.parallel = parallel;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        const RowKind kind = batch.kinds() == nullptr ? RowKind::kInsert : batch.kinds()[row];
        ++kinds[static_cast<std::size_t>(kind)];
        std::string text = std::to_string(batch.column(0).values<std::int32_t>()[row]);
        for (std::uint32_t c = 1; c < 6; ++c) {
          const std::int64_t value = batch.column(c).values<std::int64_t>()[row];
          text += " " + std::to_string(c < 3 ? value / 1'000'000 : value);
        }
        if (batch.column_count() == 7) text += " " + std::string(batch.column(6).values<StringRef>()[row].view());
        if (kind == RowKind::kInsert || kind == RowKind::kUpdateAfter) {
          rows.insert(text);
        } else if (const auto found = rows.find(text); found != rows.end()) {
          rows.erase(found);
        } else {
          ++taken_back_without_being_there;
        }
      }
    };
    return host;
  }
};

/// Results with a text are taken back before new ones are made, others with them: `texts` says which.
std::string job(const std::string& settings, const Windows& windows, bool keyed, const std::string& sink = "'host'",
                bool texts = true) {
  return settings +
         "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, v BIGINT NOT NULL, s STRING NOT NULL, ts AS "
         "TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '0.3' SECOND) WITH ('connector' = 'host');\n"
         "CREATE TABLE o (k INT, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, total BIGINT, least BIGINT" +
         (texts ? ", most STRING" : "") + ") WITH ('connector' = " + sink + ");\nINSERT INTO o SELECT " +
         (keyed ? "k" : "0") + ", window_start, window_end, COUNT(*), SUM(v + k - k), MIN(v)" +
         (texts ? ", MAX(s)" : "") + " FROM TABLE(" + windows.sql + ") GROUP BY " + (keyed ? "k, " : "") +
         "window_start, window_end;";
}

const std::string kLateness = "SET 'table.exec.emit.allow-lateness' = '2 s';\n";
const std::string kEarly =
    "SET 'table.exec.emit.early-fire.enabled' = 'true';\nSET 'table.exec.emit.early-fire.delay' = '0 ms';\n";
const std::string kEveryRows = "SET 'weir.emit.early-fire.rows' = '17';\n";

class Changelogs : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, KeyedPlan, bool>> {
 protected:
  JobOptions options() const {
    JobOptions options = small_options();
    options.shards = std::get<0>(GetParam());
    options.batch_rows = std::get<1>(GetParam());
    options.keyed_plan = std::get<2>(GetParam());
    options.ring_batches = 2;
    return options;
  }
  bool keyed() const { return std::get<3>(GetParam()); }

  void check(const std::string& settings, std::int64_t lateness_ms, bool updates) {
    for (const Windows* windows : {&kTumble, &kHop, &kCumulate}) {
      for (const bool texts : {true, false}) {
        SCOPED_TRACE(windows->sql + (texts ? ", with texts" : ""));
        Feed feed(11);
        Applied applied;
        JobOptions options = this->options();
        options.host_tables["t"] = feed.table();
        options.host_tables["o"] = applied.table(std::get<1>(GetParam()) != 7);
        const Outcome outcome = run_sql(job(settings, *windows, keyed(), "'host'", texts), options);
        ASSERT_TRUE(outcome.ok()) << outcome.text();
        const auto [rows, late] = feed.answer(*windows, lateness_ms, keyed(), texts);
        EXPECT_EQ(applied.rows, rows);
        EXPECT_EQ(applied.taken_back_without_being_there, 0u);
        EXPECT_EQ(outcome.ledger.late, late);
        EXPECT_EQ(applied.kinds[1], applied.kinds[2]) << "each -U has its +U";
        EXPECT_EQ(applied.kinds[2] > 0, updates);
        expect_closed(outcome.ledger);
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(
    Configurations, Changelogs,
    testing::Combine(testing::Values(1u, 2u, 4u), testing::Values(1u, 7u, 256u),
                     testing::Values(KeyedPlan::kAuto, KeyedPlan::kLocalMerge, KeyedPlan::kShuffle), testing::Bool()));

TEST_P(Changelogs, allowed_lateness_ends_in_the_final_answer) {
  check(kLateness, 2000, true);
}

TEST_P(Changelogs, early_results_end_in_the_final_answer) {
  check(kEarly, 0, true);
}

TEST_P(Changelogs, early_results_after_so_many_rows_end_in_the_final_answer) {
  check(kEveryRows, 0, true);
}

TEST_P(Changelogs, early_results_by_time_and_rows_with_lateness_end_in_the_final_answer) {
  check(kLateness + kEveryRows +
            "SET 'table.exec.emit.early-fire.enabled' = 'true'; SET "
            "'table.exec.emit.early-fire.delay' = '1 ms'; SET 'table.exec.emit.late-fire.enabled' = "
            "'true'; SET 'table.exec.emit.late-fire.delay' = '1 ms';\n",
        2000, true);
}

TEST(Changelog, a_late_row_changes_the_result_that_went_out_and_one_beyond_the_lateness_does_not) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1000\n2000\n12000\n3000\n13000\n4000\n25000\n5000\n");
  JobOptions options = small_options();
  std::vector<std::string> changes;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t row = 0; row < batch.row_count(); ++row) {
      constexpr const char* kText[] = {"+I", "-U", "+U", "-D"};
      changes.push_back(kText[static_cast<std::size_t>(batch.kinds()[row])] + std::string(" ") +
                        std::to_string(batch.column(0).values<std::int64_t>()[row] / 1'000'000) + " " +
                        std::to_string(batch.column(1).values<std::int64_t>()[row]));
    }
  };
  options.batch_rows = 1;
  const Outcome outcome = run_sql(
      "SET 'table.exec.emit.allow-lateness' = '5 s';\n" +
          csv_table("t", "ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", in) +
          "CREATE TABLE o (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'host');\nINSERT INTO o SELECT window_start, "
          "COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, "
          "window_end;",
      options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(changes,
            (std::vector<std::string>{"+I 0 2", "-U 0 2", "+U 0 3", "-U 0 3", "+U 0 4", "+I 10000 2", "+I 20000 1"}));
  EXPECT_EQ(outcome.ledger.late, 1u);
}

TEST(Changelog, lateness_behind_a_day_of_a_zone_counts_in_its_wall_clock) {
  // New York's 1st of April 2001 has 23 hours, from 05:00 to 04:00 UTC.
  Folder folder;
  const std::string in = folder.put("in.csv",
                                    "986104800\n"    // 06:00 UTC: 01:00 of the 1st
                                    "986185800\n"    // 04:30 of the 2nd: 00:30 there, the 1st is complete
                                    "986166000\n"    // 23:00 of the 1st: late, within two hours
                                    "986193000\n"    // 06:30 of the 2nd: 02:30 there, the lateness is over
                                    "986162400\n");  // 22:00 of the 1st
  for (const KeyedPlan plan : {KeyedPlan::kAuto, KeyedPlan::kLocalMerge, KeyedPlan::kShuffle}) {
    JobOptions options = small_options();
    options.keyed_plan = plan;
    std::vector<std::string> changes;
    options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        constexpr const char* kText[] = {"+I", "-U", "+U", "-D"};
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        changes.push_back(kText[static_cast<std::size_t>(batch.kinds()[row])] + std::string(" ") +
                          std::to_string(batch.column(0).values<std::int64_t>()[row] / 86'400'000'000'000) + " " +
                          std::to_string(batch.column(1).values<std::int64_t>()[row]));
      }
    };
    options.batch_rows = 1;
    const Outcome outcome =
        run_sql("SET 'table.local-time-zone' = 'America/New_York';\nSET 'table.exec.emit.allow-lateness' = '2 h';\n" +
                    csv_table("t", "s BIGINT, ts AS TO_TIMESTAMP_LTZ(s, 0), WATERMARK FOR ts AS ts", in) +
                    "CREATE TABLE o (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'host');\nINSERT INTO o SELECT "
                    "window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY "
                    "window_start, window_end;",
                options);
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(changes, (std::vector<std::string>{"+I 11413 1", "-U 11413 1", "+U 11413 2", "+I 11414 2"}));
    EXPECT_EQ(outcome.ledger.late, 1u);
    expect_closed(outcome.ledger);
  }
}

TEST(Changelog, sessions_and_windows_of_rows_refuse_early_and_late_results_and_say_why) {
  const auto error_of = [](const std::string& window) {
    JobOptions options = small_options();
    options.host_tables["t"].read = [](std::uint32_t, Batch&) { return ReadStatus::kEnd; };
    options.host_tables["o"].write = [](std::uint32_t, const Batch&) {};
    return run_sql(kEarly +
                       "CREATE TABLE t (k INT, ms BIGINT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS "
                       "ts) WITH ('connector' = 'host');\nCREATE TABLE o (n BIGINT) WITH ('connector' = 'host');\n"
                       "INSERT INTO o SELECT COUNT(*) FROM TABLE(" +
                       window + ") GROUP BY k, window_start, window_end;",
                   options)
        .text();
  };
  EXPECT_NE(error_of("SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1' SECOND)")
                .find("not for SESSION: sessions that were given out may merge"),
            std::string::npos);
  EXPECT_NE(error_of("TUMBLE_ROWS(TABLE t PARTITION BY k, 3)").find("not for windows of rows, which are complete"),
            std::string::npos);
}

TEST(Changelog, what_a_change_leaves_as_it_is_does_not_go_out_again) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1000,5\n2000,9\n3000,2\n4000,9\n5000,12\n6000,12\n");
  JobOptions options = small_options();
  std::vector<std::string> changes;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      constexpr const char* kText[] = {"+I", "-U", "+U", "-D"};
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      changes.push_back(kText[static_cast<std::size_t>(batch.kinds()[row])] + std::string(" ") +
                        std::to_string(batch.column(0).values<std::int64_t>()[row]));
    }
  };
  options.batch_rows = 1;
  const Outcome outcome = run_sql(
      "SET 'table.exec.emit.early-fire.enabled' = 'true';\n" +
          csv_table("t", "ms BIGINT, v BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", in) +
          "CREATE TABLE o (m BIGINT) WITH ('connector' = 'host');\nINSERT INTO o SELECT MAX(v) FROM TABLE(TUMBLE(TABLE "
          "t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;",
      options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(changes, (std::vector<std::string>{"+I 5", "-U 5", "+U 9", "-U 9", "+U 12"}));
  expect_closed(outcome.ledger);
}

/// GROUP BY without a window over input that may have no end: results by key that change, after every batch or so many
/// rows; at the end they are those of all rows.
TEST_P(Changelogs, a_group_by_without_a_window_ends_in_the_final_answer) {
  for (const std::string& settings : {kEarly, kEveryRows, kLateness + kEveryRows}) {
    SCOPED_TRACE(settings);
    Feed feed(12);
    Applied applied;
    JobOptions options = this->options();
    options.host_tables["t"] = feed.table();
    options.host_tables["o"] = applied.table(std::get<1>(GetParam()) != 7);
    const Outcome outcome = run_sql(
        settings +
            "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, v BIGINT NOT NULL, s STRING NOT NULL) WITH "
            "('connector' = 'host');\n"
            "CREATE TABLE o (k INT, s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT, total BIGINT, least BIGINT, most STRING) "
            "WITH ('connector' = 'host');\nINSERT INTO o SELECT " +
            (keyed() ? "k" : "0") +
            ", TIMESTAMP '1970-01-01 00:00:00', TIMESTAMP '1970-01-01 00:00:00', COUNT(*), SUM(v + k - k + ms - ms), "
            "MIN(v), "
            "MAX(s) FROM t" +
            (keyed() ? " GROUP BY k;" : ";"),
        options);
    ASSERT_TRUE(outcome.ok()) << outcome.text();
    EXPECT_EQ(applied.rows, feed.answer_of_all(keyed()));
    EXPECT_EQ(applied.taken_back_without_being_there, 0u);
    EXPECT_EQ(applied.kinds[1], applied.kinds[2]) << "each -U has its +U";
    if (std::get<1>(GetParam()) < 256) {  // all partials may go in one large batch
      EXPECT_GT(applied.kinds[2], 0u);
    }
    expect_closed(outcome.ledger);
  }
}

TEST(Changelog, rows_beyond_the_lateness_go_to_the_side_table) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1000\n12000\n3000\n25000\n5000\n");
  JobOptions options = small_options();
  options.host_tables["o"].write = [](std::uint32_t, const Batch&) {};
  const Outcome outcome = run_sql(
      "SET 'table.exec.emit.allow-lateness' = '5 s'; SET 'weir.late-rows' = 'l';\n" +
          csv_table("t", "ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", in) +
          csv_table("l", "ms BIGINT", folder.path("late")) +
          "CREATE TABLE o (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'host');\nINSERT INTO o SELECT window_start, "
          "COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, "
          "window_end;",
      options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(read_parts(folder.path("late")), (std::vector<std::string>{"5000"}));
  EXPECT_EQ(outcome.ledger.side_output, 1u);
}

TEST(Changelog, early_results_come_by_processing_time) {
  ManualClock clock;
  std::vector<std::int64_t> times;
  bool ended = false;
  std::size_t next = 0;
  JobOptions options = small_options();
  options.threads = false;
  options.clock = &clock;
  options.host_tables["t"].read = [&](std::uint32_t, Batch& batch) {
    std::uint32_t count = 0;
    for (; next < times.size() && count < batch.capacity(); ++count)
      batch.column(0).values<std::int64_t>()[count] = times[next++];
    batch.set_row_count(count);
    return next < times.size() ? ReadStatus::kRows : ended ? ReadStatus::kEnd : ReadStatus::kPending;
  };
  std::vector<std::string> changes;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t row = 0; row < batch.row_count(); ++row) {
      constexpr const char* kText[] = {"+I ", "-U ", "+U ", "-D "};
      changes.push_back(kText[static_cast<std::size_t>(batch.kinds()[row])] +
                        std::to_string(batch.column(0).values<std::int64_t>()[row]));
    }
  };
  auto job = make_job(
      "SET 'table.exec.emit.early-fire.enabled' = 'true'; SET 'table.exec.emit.early-fire.delay' = '10 s';\n"
      "CREATE TABLE t (ms BIGINT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = "
      "'host');\nCREATE TABLE o (n BIGINT) WITH ('connector' = 'host');\n"
      "INSERT INTO o SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY "
      "window_start, window_end;",
      options);
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  const auto polls = [&] {
    for (int i = 0; i < 50; ++i) (*job)->poll();
  };
  times = {1000, 2000};
  polls();
  EXPECT_TRUE(changes.empty());
  clock.advance(10'000'000'000);
  polls();
  EXPECT_EQ(changes, (std::vector<std::string>{"+I 2"}));
  clock.advance(10'000'000'000);
  polls();
  EXPECT_EQ(changes.size(), 1u) << "nothing changed";
  times.push_back(3000);
  polls();
  clock.advance(10'000'000'000);
  polls();
  EXPECT_EQ(changes, (std::vector<std::string>{"+I 2", "-U 2", "+U 3"}));
  ended = true;
  polls();
  ASSERT_TRUE((*job)->wait_for(0));
  EXPECT_EQ(changes.size(), 3u) << "the early result was the last";
  expect_closed((*job)->ledger());
}

TEST(Changelog, a_sink_that_only_appends_refuses_changes) {
  Folder folder;
  const std::string in = folder.put("in.csv", "1000\n");
  const std::string rest = csv_table("t", "ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts", in) +
                           csv_table("o", "n BIGINT", folder.path("out")) +
                           "INSERT INTO o SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' "
                           "SECOND)) GROUP BY window_start, window_end;";
  const Outcome refused = run_sql(kLateness + rest, small_options());
  EXPECT_FALSE(refused.made);
  EXPECT_EQ(refused.code(), ErrorCode::kSqlSemantic);
  EXPECT_NE(refused.text().find("table o only takes rows that are appended: filesystem"), std::string::npos)
      << refused.text();
  EXPECT_TRUE(run_sql(kLateness + "RESET 'table.exec.emit.allow-lateness';\n" + rest, small_options()).ok());
}

TEST(Changelog, mistakes_in_the_settings_are_named) {
  const auto error_of = [](const std::string& setting) {
    return run_sql(
               "SET " + setting + ";\nCREATE TABLE t (ms BIGINT) WITH ('connector' = 'datagen');\nSELECT ms FROM t;",
               small_options())
        .text();
  };
  EXPECT_NE(error_of("'table.exec.emit.allow-lateness' = 'long'").find("wants a duration"), std::string::npos);
  EXPECT_NE(error_of("'table.exec.emit.early-fire.enabled' = 'maybe'").find("wants true or false"), std::string::npos);
  EXPECT_NE(error_of("'weir.emit.early-fire.rows' = '0'").find("wants a whole number"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
