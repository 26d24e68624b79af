// A GROUP BY over results that change, from SQL to the sink: whatever windows stand below and above, the changelog ends
// in what the rules give over the final results, under shards, batch sizes and keyed plans; and what cannot take rows
// back is refused by name.
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

void put(Batch& batch, std::uint32_t at, const Row& row) {
  batch.column(0).values<std::int64_t>()[at] = row.ms;
  batch.column(1).values<std::int32_t>()[at] = row.k;
  batch.column(2).values<std::int64_t>()[at] = row.v;
}

/// Rows of three inputs, and a naive reading of what is grouped below: one row a group, as (k, start, end, n, total).
class Feed : public RowFeed<Row, kInputs> {
 public:
  explicit Feed(std::uint32_t seed) : RowFeed(put) {
    std::mt19937 random(seed);
    for (auto& rows : rows_) {
      std::int64_t now = 0;
      for (int i = 0; i < 250; ++i) {
        now += static_cast<std::int64_t>(random() % 50);
        const std::int64_t back = random() % 6 == 0 ? static_cast<std::int64_t>(random() % 4000) : 0;
        rows.push_back({std::max<std::int64_t>(now - back, 0), static_cast<std::int32_t>(random() % 9),
                        static_cast<std::int64_t>(random() % 20)});
      }
    }
  }

  struct Group {
    std::int32_t k = 0;
    std::int64_t start = 0, end = 0, n = 0, total = 0;
  };

  /// Groups by k and TUMBLE of `size_ms` (0: no window), with what is not late.
  std::vector<Group> groups(std::int64_t size_ms, std::int64_t lateness_ms) const {
    std::map<std::pair<std::int32_t, std::int64_t>, Group> made;
    for (const auto& rows : rows_) {
      std::optional<std::int64_t> watermark;
      for (const Row& row : rows) {
        const std::int64_t start = size_ms == 0 ? 0 : row.ms / size_ms * size_ms;
        const std::int64_t end = start + size_ms;
        if (size_ms == 0 || !watermark.has_value() || end - 1 + lateness_ms > *watermark) {
          Group& group = made[{row.k, start}];
          group = {row.k, start, end, group.n + 1, group.total + row.v};
        }
        watermark = std::max(watermark.value_or(row.ms - kDelayMs), row.ms - kDelayMs);
      }
    }
    std::vector<Group> out;
    for (const auto& [key, group] : made) out.push_back(group);
    return out;
  }
};

/// Applies a changelog of rows of five BIGINT.
struct Applied {
  std::mutex mutex;
  std::multiset<std::vector<std::int64_t>> rows;
  std::uint64_t kinds[4] = {};
  std::uint64_t strangers = 0;
  HostTable table(bool parallel) {
    HostTable host;
    host.parallel = parallel;
    host.write = [this](std::uint32_t, const Batch& batch) {
      const std::lock_guard lock(mutex);
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        const RowKind kind = batch.kinds() == nullptr ? RowKind::kInsert : batch.kinds()[row];
        ++kinds[static_cast<std::size_t>(kind)];
        std::vector<std::int64_t> values;
        for (std::uint32_t c = 0; c < 5; ++c)
          values.push_back(batch.column(c).is_valid(row) ? batch.column(c).values<std::int64_t>()[row] : -1);
        if (kind == RowKind::kInsert || kind == RowKind::kUpdateAfter) {
          rows.insert(values);
        } else if (const auto found = rows.find(values); found != rows.end()) {
          rows.erase(found);
        } else {
          ++strangers;
        }
      }
    };
    return host;
  }
};

/// COUNT, SUM(n), MIN(n), MAX(total), COUNT(DISTINCT total) of groups, by `key`, with the key in front.
template <class Key>
std::multiset<std::vector<std::int64_t>> aggregate(const std::vector<Feed::Group>& groups, Key&& key) {
  struct Sums {
    std::int64_t count = 0, n = 0, most = 0;
    std::set<std::int64_t> totals;
  };
  std::map<std::int64_t, Sums> sums;
  for (const Feed::Group& group : groups) {
    for (const std::int64_t k : key(group)) {
      Sums& of = sums[k];
      ++of.count;
      of.n += group.n;
      of.most = std::max(of.most, group.total);
      of.totals.insert(group.total);
    }
  }
  std::multiset<std::vector<std::int64_t>> out;
  for (const auto& [k, of] : sums)
    out.insert({k, of.count, of.n, of.most, static_cast<std::int64_t>(of.totals.size())});
  return out;
}

using Keys = std::vector<std::int64_t>;
const std::string kCalls = "COUNT(*), SUM(n), MAX(total), COUNT(DISTINCT total)";
const std::string kTables =
    "CREATE TABLE t (ms BIGINT NOT NULL, k INT NOT NULL, v BIGINT NOT NULL, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK "
    "FOR ts AS ts - INTERVAL '0.3' SECOND) WITH ('connector' = 'host');\n"
    "CREATE TABLE o (a BIGINT, n BIGINT, s BIGINT, m BIGINT, d BIGINT) WITH ('connector' = 'host');\n"
    "CREATE VIEW below AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM t GROUP BY k;\n"
    "CREATE VIEW seconds AS SELECT k, window_start AS s, window_end AS e, window_time AS wt, COUNT(*) AS n, SUM(v) AS "
    "total FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end, "
    "window_time;\n";

const std::string kEarly = "SET 'table.exec.emit.early-fire.enabled' = 'true';\n";
const std::string kEveryRows = "SET 'weir.emit.early-fire.rows' = '17';\n";
const std::string kLateness = "SET 'table.exec.emit.allow-lateness' = '2 s';\n";

class CascadesOfChanges : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, KeyedPlan>> {
 protected:
  template <class Answer>
  void check(const std::vector<std::string>& settings, const std::string& query, Answer&& answer) {
    for (const std::string& setting : settings) {
      SCOPED_TRACE(setting);
      Feed feed(5);
      Applied applied;
      JobOptions options = small_options();
      options.shards = std::get<0>(GetParam());
      options.batch_rows = std::get<1>(GetParam());
      options.keyed_plan = std::get<2>(GetParam());
      options.ring_batches = 2;
      options.host_tables["t"] = feed.table();
      options.host_tables["o"] = applied.table(options.batch_rows != 7);
      const Outcome outcome = run_sql(setting + kTables + "INSERT INTO o " + query + ";", options);
      ASSERT_TRUE(outcome.ok()) << outcome.text();
      const bool late = setting.find("lateness") != std::string::npos;
      EXPECT_EQ(applied.rows, answer(feed, late ? 2000 : 0));
      EXPECT_EQ(applied.strangers, 0u);
      EXPECT_GT(applied.rows.size(), 1u);
      expect_closed(outcome.ledger);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Configurations, CascadesOfChanges,
                         testing::Combine(testing::Values(1u, 2u, 4u), testing::Values(1u, 7u, 256u),
                                          testing::Values(KeyedPlan::kAuto, KeyedPlan::kLocalMerge,
                                                          KeyedPlan::kShuffle)));

TEST_P(CascadesOfChanges, counts_of_counts_without_windows) {
  check({kEarly, kEveryRows}, "SELECT n % 5, " + kCalls + " FROM below GROUP BY n % 5", [](const Feed& feed, auto) {
    return aggregate(feed.groups(0, 0), [](const Feed::Group& g) { return Keys{g.n % 5}; });
  });
}

TEST_P(CascadesOfChanges, by_the_same_key) {
  check({kEarly}, "SELECT k, " + kCalls + " FROM below GROUP BY k", [](const Feed& feed, auto) {
    return aggregate(feed.groups(0, 0), [](const Feed::Group& g) { return Keys{g.k}; });
  });
}

TEST_P(CascadesOfChanges, without_windows_over_windows) {
  check({kEarly, kEarly + kLateness, kEveryRows + kLateness}, "SELECT n, " + kCalls + " FROM seconds GROUP BY n",
        [](const Feed& feed, std::int64_t lateness) {
          return aggregate(feed.groups(1000, lateness), [](const Feed::Group& g) { return Keys{g.n}; });
        });
}

TEST_P(CascadesOfChanges, in_the_same_windows) {
  check({kEarly, kLateness, kEveryRows + kLateness},
        "SELECT CAST(CAST(DATE_FORMAT(s, 'ss') AS INT) + 60 * CAST(DATE_FORMAT(s, 'mm') AS INT) AS BIGINT), " + kCalls +
            " FROM seconds GROUP BY s, e",
        [](const Feed& feed, std::int64_t lateness) {
          return aggregate(feed.groups(1000, lateness), [](const Feed::Group& g) { return Keys{g.start / 1000}; });
        });
}

TEST_P(CascadesOfChanges, windows_over_windows_that_change) {
  check({kEarly, kLateness, kEarly + kLateness},
        "SELECT CAST(CAST(DATE_FORMAT(window_start, 'ss') AS INT) AS BIGINT), " + kCalls +
            " FROM TABLE(HOP(TABLE seconds, DESCRIPTOR(wt), INTERVAL '2' SECOND, INTERVAL '4' SECOND)) "
            "WHERE wt >= TIMESTAMP '1970-01-01 00:00:02' GROUP BY window_start, window_end",
        [](const Feed& feed, std::int64_t lateness) {
          return aggregate(feed.groups(1000, lateness), [](const Feed::Group& g) {
            Keys keys;
            if (g.start < 2000) return keys;  // so that no window starts before 1970
            for (std::int64_t start = g.start / 2000 * 2; start > g.start / 1000 - 4; start -= 2) keys.push_back(start);
            return keys;
          });
        });
}

TEST_P(CascadesOfChanges, with_a_condition_that_changes_its_mind) {
  check({kEarly, kEarly + kLateness},
        "SELECT n % 3, " + kCalls + " FROM (SELECT n, total FROM seconds WHERE total > 30) GROUP BY n % 3",
        [](const Feed& feed, std::int64_t lateness) {
          return aggregate(feed.groups(1000, lateness),
                           [](const Feed::Group& g) { return g.total > 30 ? Keys{g.n % 3} : Keys{}; });
        });
}

TEST_P(CascadesOfChanges, three_levels) {
  check(
      {kEarly, kEarly + kLateness},
      "SELECT c, COUNT(*), SUM(n), MAX(total), COUNT(DISTINCT total) FROM (SELECT n AS m, COUNT(*) AS c, SUM(n) AS n, "
      "MAX(total) AS total FROM seconds GROUP BY n) GROUP BY c",
      [](const Feed& feed, std::int64_t lateness) {
        std::map<std::int64_t, Feed::Group> by_n;
        for (const Feed::Group& g : feed.groups(1000, lateness)) {
          Feed::Group& made = by_n[g.n];
          made.start += 1;  // the count
          made.n += g.n;
          made.total = std::max(made.total, g.total);
        }
        std::vector<Feed::Group> groups;
        for (const auto& [n, group] : by_n) groups.push_back(group);
        return aggregate(groups, [](const Feed::Group& g) { return Keys{g.start}; });
      });
}

TEST_P(CascadesOfChanges, with_grouping_sets) {
  check({kEarly, kEarly + kLateness},
        "SELECT COALESCE(m, 100), " + kCalls + " FROM (SELECT n % 5 AS m, n, total FROM seconds) GROUP BY ROLLUP (m)",
        [](const Feed& feed, std::int64_t lateness) {
          return aggregate(feed.groups(1000, lateness), [](const Feed::Group& g) { return Keys{g.n % 5, 100}; });
        });
}

TEST(CascadeOfChanges, a_group_whose_count_falls_back_to_zero_is_deleted_and_emits_nothing_more) {
  const std::int32_t keys[] = {1, 2, 1, 2, 1, 1};
  std::size_t next = 0;
  bool pauses = false;  // behind each row, so that its changes come out by themselves
  JobOptions options = small_options();
  options.batch_rows = 1;
  options.threads = false;
  options.host_tables["t"].read = [&](std::uint32_t, Batch& batch) {
    batch.set_row_count(0);
    if (pauses = !pauses; !pauses) return ReadStatus::kPending;
    batch.column(0).values<std::int32_t>()[0] = keys[next++];
    batch.set_row_count(1);
    return next == std::size(keys) ? ReadStatus::kEnd : ReadStatus::kRows;
  };
  std::vector<std::string> changes;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      constexpr const char* kText[] = {"+I", "-U", "+U", "-D"};
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      changes.push_back(kText[static_cast<std::size_t>(batch.kinds()[row])] + std::string(" ") +
                        std::to_string(batch.column(0).values<std::int64_t>()[row]) + ":" +
                        std::to_string(batch.column(1).values<std::int64_t>()[row]));
    }
  };
  const Outcome outcome = run_sql(
      kEarly +
          "CREATE TABLE t (k INT NOT NULL) WITH ('connector' = 'host');\nCREATE TABLE o (n BIGINT, c BIGINT) WITH "
          "('connector' = 'host');\nINSERT INTO o SELECT n, COUNT(*) FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k) "
          "GROUP BY n;",
      options);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  std::map<std::string, int> there;  // each line is taken back as often as it was given, but for the last answer
  for (const std::string& change : changes) {
    const bool gives = change[0] == '+';
    int& count = there[change.substr(3)];
    count += gives ? 1 : -1;
    EXPECT_GE(count, 0) << change;
  }
  std::vector<std::string> last;
  for (const auto& [line, count] : there) {
    if (count != 0) last.push_back(line);
    EXPECT_LE(count, 1) << line;
  }
  EXPECT_EQ(last, (std::vector<std::string>{"2:1", "4:1"})) << "four rows of key 1, two of key 2";
  EXPECT_NE(std::find(changes.begin(), changes.end(), "-D 1:1"), changes.end());
  EXPECT_EQ(std::count_if(changes.begin(), changes.end(), [](const std::string& c) { return c.ends_with(":0"); }), 0);
  expect_closed(outcome.ledger);
}

// ---- What is refused ----

void expect_refused(const std::string& settings, const std::string& query, const std::vector<std::string>& parts) {
  JobOptions options = small_options();
  options.host_tables["t"].read = [](std::uint32_t, Batch& batch) {
    batch.set_row_count(0);
    return ReadStatus::kEnd;
  };
  options.host_tables["o"].write = [](std::uint32_t, const Batch&) {};
  const Outcome outcome = run_sql(settings + kTables + "INSERT INTO o " + query + ";", options);
  EXPECT_FALSE(outcome.made);
  expect_error(outcome, ErrorCode::kSqlUnsupported, parts);
}

TEST(CascadeOfChanges, an_aggregate_without_an_inverse_is_refused_by_name) {
  for (const char* call : {"LAST_VALUE(n)", "APPROX_COUNT_DISTINCT(n)", "ARG_MAX(n, total)"}) {
    SCOPED_TRACE(call);
    const std::string name(call, std::string_view(call).find('('));
    expect_refused(kEarly, std::string("SELECT 1, CAST(") + call + " AS BIGINT), 1, 1, 1 FROM below GROUP BY n",
                   {name + "(", "over results that change", "cannot be taken out of it again",
                    "RESET the settings table.exec.emit.*"});
  }
}

TEST(CascadeOfChanges, the_plain_sum_of_doubles_is_refused_and_the_exact_one_is_not) {
  const std::string query = "SELECT 1, CAST(SUM(CAST(n AS DOUBLE)) AS BIGINT), 1, 1, 1 FROM below GROUP BY n";
  expect_refused(kEarly + "SET 'weir.double-sum' = 'fast';\n", query,
                 {"SUM(", "with 'weir.double-sum' = 'fast'", "SET 'weir.double-sum' = 'exact'"});
}

TEST(CascadeOfChanges, what_depends_on_the_order_of_rows_is_refused) {
  expect_refused(kEarly,
                 "SELECT 1, CAST(INCREASE(n) AS BIGINT), 1, 1, 1 FROM TABLE(TUMBLE(TABLE seconds, DESCRIPTOR(wt), "
                 "INTERVAL '10' SECOND)) GROUP BY window_start, window_end",
                 {"INCREASE(", "depends on the order of rows"});
}

TEST(CascadeOfChanges, sessions_and_windows_of_rows_are_refused) {
  expect_refused(
      kEarly,
      "SELECT k, COUNT(*), 1, 1, 1 FROM TABLE(SESSION(TABLE seconds PARTITION BY k, DESCRIPTOR(wt), INTERVAL "
      "'5' SECOND)) GROUP BY k, window_start, window_end",
      {"SESSION windows over results that change are not supported", "split"});
  expect_refused(kEarly,
                 "SELECT k, COUNT(*), 1, 1, 1 FROM TABLE(TUMBLE_ROWS(TABLE seconds PARTITION BY k, 3)) GROUP BY k, "
                 "window_start, window_end",
                 {"windows of rows over results that change are not supported"});
}

}  // namespace
}  // namespace weir::test
