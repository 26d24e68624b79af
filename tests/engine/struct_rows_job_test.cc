// Rows as structs through whole queries: columns that are gathered behind the filter, beside the same query over
// columns that the host fills itself, and beside a count by hand.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "job_run.h"

namespace weir::test {
namespace {

struct Event {
  std::int64_t second;
  std::int32_t kind, key;
  std::int64_t value;
  float weight;
  char padding[28];
};
static_assert(sizeof(Event) == 56);

constexpr std::int64_t kSecond = 1'000'000'000;

/// Seconds rise, with some rows up to three behind; kind 0 of 5 is looked for.
std::vector<Event> some_events() {
  std::vector<Event> events(5000);
  std::uint64_t state = 17;
  for (std::size_t i = 0; i < events.size(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto random = static_cast<std::int64_t>(state >> 33);
    events[i] = {static_cast<std::int64_t>(i / 40) - (random % 17 == 0 ? 3 : 0),
                 static_cast<std::int32_t>(random / 17 % 5),
                 static_cast<std::int32_t>(random / 85 % 4),
                 random % 1000 - 500,
                 static_cast<float>(random % 8) / 2,
                 {}};
  }
  return events;
}

HostTable structs_of(const std::vector<Event>& events) {
  HostTable table;
  table.structs = {sizeof(Event),
                   {{"ts", offsetof(Event, second), FieldForm::kInt64, kSecond},
                    {"kind", offsetof(Event, kind), FieldForm::kInt32},
                    {"k", offsetof(Event, key), FieldForm::kInt32},
                    {"v", offsetof(Event, value), FieldForm::kInt64},
                    {"w", offsetof(Event, weight), FieldForm::kFloat}}};
  table.read_structs = [&events, at = std::size_t{0}](std::uint32_t, StructRows& rows) mutable {
    if (at == events.size()) return ReadStatus::kEnd;
    rows.first = events.data() + at;
    rows.count = std::min<std::size_t>(777, events.size() - at);
    at += rows.count;
    return ReadStatus::kRows;
  };
  return table;
}

std::vector<std::string> run(const std::vector<Event>& events, const std::string& select, std::uint32_t batch_rows,
                             JobLedger& ledger) {
  std::vector<std::string> lines;
  JobOptions options = small_options();
  options.batch_rows = batch_rows;
  options.host_tables["t"] = structs_of(events);
  options.host_tables["out"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      std::string line;
      for (std::uint32_t c = 0; c < batch.column_count(); ++c)
        line += (c == 0 ? "" : " ") + std::to_string(batch.column(c).values<std::int64_t>()[row]);
      lines.push_back(line);
    }
  };
  const std::string sql =
      "CREATE TABLE t (ts TIMESTAMP(3) NOT NULL, kind INT NOT NULL, k INT NOT NULL, v BIGINT NOT NULL, w FLOAT NOT "
      "NULL, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'host');"
      "CREATE TABLE out (a BIGINT, b BIGINT, c BIGINT) WITH ('connector' = 'host');"
      "INSERT INTO out " +
      select + ";";
  const Outcome outcome = run_sql(sql, options);
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
  ledger = outcome.ledger;
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(StructRowsJob, rows_that_pass_filters_have_all_their_columns) {
  const std::vector<Event> events = some_events();
  std::vector<std::string> expected;
  for (const Event& event : events) {
    if (event.kind == 0 && event.value > 100)
      expected.push_back(std::to_string(event.key) + " " + std::to_string(event.value) + " " +
                         std::to_string(static_cast<std::int64_t>(event.weight * 2)));
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_GT(expected.size(), 100u);
  for (const std::uint32_t batch_rows : {1u, 64u, 1024u}) {
    JobLedger ledger;
    EXPECT_EQ(run(events, "SELECT CAST(k AS BIGINT), v, CAST(w * 2 AS BIGINT) FROM t WHERE kind = 0 AND v > 100",
                  batch_rows, ledger),
              expected);
    EXPECT_EQ(run(events,
                  "SELECT kk, v, ww FROM (SELECT CAST(k AS BIGINT) AS kk, v, CAST(w * 2 AS BIGINT) AS ww, kind FROM t "
                  "WHERE v > 100) WHERE kind = 0",
                  batch_rows, ledger),
              expected);
  }
}

/// The rows that the filter takes out move the watermark: kind 0 is rare enough that windows would else stay open.
TEST(StructRowsJob, windows_fire_by_the_times_of_rows_that_the_filter_removed) {
  const std::vector<Event> events = some_events();
  std::map<std::pair<std::int64_t, std::int32_t>, std::int64_t> sums;
  std::uint64_t late = 0;
  std::int64_t watermark = -100;
  for (const Event& event : events) {
    const std::int64_t end = event.second >= 0 ? event.second / 2 * 2 + 2 : (event.second - 1) / 2 * 2 + 2;
    // A window is complete once the watermark has reached its last millisecond.
    if (event.kind == 0) {
      if (watermark >= end)
        ++late;
      else
        sums[{end, event.key}] += event.value;
    }
    watermark = std::max(watermark, event.second - 1);
  }
  std::vector<std::string> expected;
  for (const auto& [key, sum] : sums)
    expected.push_back(std::to_string(key.first) + " " + std::to_string(key.second) + " " + std::to_string(sum));
  std::sort(expected.begin(), expected.end());
  ASSERT_GT(late, 0u);
  for (const std::uint32_t batch_rows : {1u, 64u, 1024u}) {
    JobLedger ledger;
    EXPECT_EQ(run(events,
                  "SELECT EXTRACT(EPOCH FROM window_end), CAST(k AS BIGINT), SUM(v) FROM TABLE(TUMBLE(TABLE t, "
                  "DESCRIPTOR(ts), INTERVAL '2' SECOND)) WHERE kind = 0 GROUP BY window_start, window_end, k",
                  batch_rows, ledger),
              expected);
    EXPECT_EQ(ledger.late, late);
  }
}

}  // namespace
}  // namespace weir::test
