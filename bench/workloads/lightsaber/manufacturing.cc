// ME1: sensors of a machine at 100 Hz, rows of 64 bytes: averages of three of them, no key, sliding 60 s by 1 s.
//
// Expected. One cache line a row, 20 bytes read, three sums: memory at 64 bytes a row, a result every 100 rows.
#include <cstdio>
#include <cstring>

#include "workloads/lightsaber/query.h"

namespace weir::bench {
namespace {

struct Row {
  std::int64_t time, index;
  std::int32_t mf01, mf02, mf03, pc13, pc14, pc15, pc25, pc26, pc27, res, bm05, bm06;
};
static_assert(sizeof(Row) == 64);

constexpr std::size_t kBundle = (std::size_t{256} << 10) / sizeof(Row);

/// Seconds since the first line; every line is of one day.
bool parse(const std::string& line, double& first, Row& row) {
  int hour = 0, minute = 0;
  double second = 0;
  long long index = 0;
  if (std::sscanf(line.c_str(), "%*d-%*d-%*dT%d:%d:%lf+%*d:%*d %lld %d %d %d %d %d %d %d %d %d %d", &hour, &minute,
                  &second, &index, &row.mf01, &row.mf02, &row.mf03, &row.pc13, &row.pc14, &row.pc15, &row.pc25,
                  &row.pc26, &row.pc27, &row.res) != 14)
    return false;
  const double at = hour * 3600 + minute * 60 + second;
  if (first < 0) first = at;
  row.time = static_cast<std::int64_t>(at - first);
  row.index = index;
  return true;
}

}  // namespace

std::vector<Query> manufacturing_queries(const Parameters& parameters) {
  std::vector<Query> queries;
  const auto lines = sample_lines("DEBS2012-small.txt.zst");
  if (!lines.has_value()) return queries;
  std::vector<std::byte> sample(kBundle * sizeof(Row));
  double first = -1;
  for (std::size_t i = 0; i < kBundle; ++i) {
    Row row{};
    if (!parse((*lines)[i], first, row)) wrong_answer("ME1", "a line of the sample that cannot be read");
    std::memcpy(sample.data() + i * sizeof(Row), &row, sizeof row);
  }
  Query query;
  query.name = "ME1";
  query.peer = 163;
  query.factor = 1.1;
  query.columns =
      "ts TIMESTAMP(3) NOT NULL, message_index BIGINT NOT NULL, mf01 INT NOT NULL, mf02 INT NOT NULL, mf03 INT NOT "
      "NULL, pc13 INT NOT NULL, pc14 INT NOT NULL, pc15 INT NOT NULL, pc25 INT NOT NULL, "
      "pc26 INT NOT NULL, pc27 INT NOT NULL, res INT NOT NULL";
  query.result_columns = "window_end TIMESTAMP(3), mf01 INT, mf02 INT, mf03 INT";
  query.select =
      "SELECT window_end, AVG(mf01), AVG(mf02), AVG(mf03) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' "
      "SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end";
  query.read_columns = {"ts", "mf01", "mf02", "mf03"};
  query.layout = {sizeof(Row),
                  {{"ts", offsetof(Row, time), FieldForm::kInt64, query.unit_ns},
                   {"message_index", offsetof(Row, index), FieldForm::kInt64},
                   {"mf01", offsetof(Row, mf01), FieldForm::kInt32},
                   {"mf02", offsetof(Row, mf02), FieldForm::kInt32},
                   {"mf03", offsetof(Row, mf03), FieldForm::kInt32}}};
  query.size = 60;
  query.reads_under_half = true;
  query.rows = run_rows(parameters, 200'000'000);
  query.replay = Replay(sample, sizeof(Row), replay_bytes(parameters));
  for (std::size_t i = 0; i < query.replay.rows(); ++i) {
    Row row;
    std::memcpy(&row, query.replay.row(i), sizeof row);
    query.keys.push_back(0);
    query.values.push_back({double(row.mf01), double(row.mf02), double(row.mf03)});
  }
  query.key_count = 1;
  query.lower = [](std::uint32_t, const Cell& cell, ResultRow& row) {
    for (const double sum : cell.sums) row.add(static_cast<std::int64_t>(sum) / cell.count);
    return true;
  };
  queries.push_back(std::move(query));
  return queries;
}

}  // namespace weir::bench
