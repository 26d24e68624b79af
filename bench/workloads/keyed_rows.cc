// The naive answer to COUNT and SUM by window and key (keyed_rows.h).
#include "workloads/keyed_rows.h"

#include "harness/report.h"

namespace weir::bench {

const Column<std::int64_t>& event_times(std::uint64_t rows) {
  static Column<std::int64_t> times;
  if (times.size() < rows) {
    times = Column<std::int64_t>(rows);
    for (std::uint64_t i = 0; i < rows; ++i) times[i] = static_cast<std::int64_t>(i / 1000) * 1'000'000;
  }
  return times;
}

Column<double> values(std::size_t rows) {
  Column<double> column(rows);
  Numbers numbers(7);
  for (std::size_t i = 0; i < rows; ++i) column[i] = static_cast<double>(numbers.below(1000));
  return column;
}

void KeyedAnswer::expect(const std::string& workload, const KeyedAnswer& found) const {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    expect_equal(workload, "a group's count", groups_[g].count, found.groups_[g].count);
    expect_equal(workload, "a group's sum", groups_[g].sum, found.groups_[g].sum);
  }
}

std::string keyed_sql(const std::string& key_type, const std::string& value_type) {
  return "CREATE TABLE events (k " + key_type + ", v " + value_type +
         ", ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'host');\n"
         "CREATE TABLE totals (window_start TIMESTAMP(3), k " +
         key_type +
         ", n BIGINT, total DOUBLE) WITH ('connector' = 'host');\n"
         "SET 'weir.double-sum' = 'fast';\n"  // a plain sum, as the limit and the peers compute it
         "INSERT INTO totals SELECT window_start, k, COUNT(*), SUM(v)\n"
         "FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))\n"
         "GROUP BY window_start, window_end, k;\n";
}

}  // namespace weir::bench
