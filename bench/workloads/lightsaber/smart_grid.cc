// SG1 and SG2: loads of plugs in houses, rows of 32 bytes, 400 a second.
//   SG1  average load, no key, sliding 3,600 s by 1 s
//   SG2  average load by plug, household and house (470), sliding 128 s by 1 s
//
// Expected. SG1 reads 12 bytes a row and adds them to one sum: memory at 32 bytes a row. SG2 gives a result a key and
// second, 1.2 a row: what a result costs (divide, four columns written, the callback) counts as much as the row itself.
#include <cstring>
#include <sstream>

#include "workloads/lightsaber/query.h"

namespace weir::bench {
namespace {

struct Row {
  std::int64_t time;
  float value;
  std::int32_t property, plug, household, house, padding;
};
static_assert(sizeof(Row) == 32);

constexpr std::size_t kBundle = (std::size_t{512} << 10) / sizeof(Row);

Query common(const Parameters& parameters, const std::vector<std::byte>& sample) {
  Query query;
  query.columns =
      "ts TIMESTAMP(3) NOT NULL, load_w FLOAT NOT NULL, property INT NOT NULL, plug INT NOT NULL, household INT NOT "
      "NULL, house INT NOT NULL";
  query.layout = {sizeof(Row),
                  {{"ts", offsetof(Row, time), FieldForm::kInt64, query.unit_ns},
                   {"load_w", offsetof(Row, value), FieldForm::kFloat},
                   {"property", offsetof(Row, property), FieldForm::kInt32},
                   {"plug", offsetof(Row, plug), FieldForm::kInt32},
                   {"household", offsetof(Row, household), FieldForm::kInt32},
                   {"house", offsetof(Row, house), FieldForm::kInt32}}};
  query.replay = Replay(sample, sizeof(Row), replay_bytes(parameters));
  return query;
}

}  // namespace

std::vector<Query> smart_grid_queries(const Parameters& parameters) {
  std::vector<Query> queries;
  const auto lines = sample_lines("smartgrid-data.txt.zst");
  if (!lines.has_value()) return queries;
  std::vector<std::byte> sample(kBundle * sizeof(Row));
  std::int64_t first = -1;
  for (std::size_t i = 0; i < kBundle; ++i) {
    Row row{};
    std::istringstream in((*lines)[i]);
    in >> row.time >> row.value >> row.property >> row.plug >> row.household >> row.house;
    if (first < 0) first = row.time;
    row.time -= first;
    std::memcpy(sample.data() + i * sizeof(Row), &row, sizeof row);
  }
  Query sg1 = common(parameters, sample);
  sg1.name = "SG1";
  sg1.peer = 185;
  sg1.factor = 1.3;
  sg1.result_columns = "window_end TIMESTAMP(3), load_w FLOAT";
  sg1.select =
      "SELECT window_end, AVG(load_w) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '1' "
      "HOUR)) GROUP BY window_start, window_end";
  sg1.read_columns = {"ts", "load_w"};
  sg1.size = 3600;
  sg1.reads_under_half = true;
  sg1.rows = run_rows(parameters, 200'000'000);
  Query sg2 = common(parameters, sample);
  sg2.name = "SG2";
  sg2.peer = 17;
  sg2.factor = 5;
  sg2.result_columns = "window_end TIMESTAMP(3), plug INT, household INT, house INT, load_w FLOAT";
  sg2.select =
      "SELECT window_end, plug, household, house, AVG(load_w) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL "
      "'1' SECOND, INTERVAL '2:08' MINUTE TO SECOND)) GROUP BY window_start, window_end, plug, household, house";
  sg2.read_columns = {"ts", "load_w", "plug", "household", "house"};
  sg2.size = 128;
  sg2.rows = run_rows(parameters, 50'000'000);
  KeyNumbers plugs;
  for (std::size_t i = 0; i < sg1.replay.rows(); ++i) {
    Row row;
    std::memcpy(&row, sg1.replay.row(i), sizeof row);
    sg1.keys.push_back(0);
    sg1.values.push_back({double{row.value}, 0, 0});
    sg2.keys.push_back(plugs.number({row.plug, row.household, row.house, 0}));
  }
  sg2.values = sg1.values;
  sg1.key_count = 1;
  sg1.lower = [](std::uint32_t, const Cell& cell, ResultRow& row) {
    row.real = cell.sums[0] / static_cast<double>(cell.count);
    return true;
  };
  sg2.key_count = plugs.count();
  sg2.lower = [plugs](std::uint32_t key, const Cell& cell, ResultRow& row) {
    for (std::size_t part = 0; part < 3; ++part) row.add(plugs.key(key)[part]);
    row.real = cell.sums[0] / static_cast<double>(cell.count);
    return true;
  };
  queries.push_back(std::move(sg1));
  queries.push_back(std::move(sg2));
  return queries;
}

}  // namespace weir::bench
