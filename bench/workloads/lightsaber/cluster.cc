// CM1 and CM2: events of a cluster's jobs, rows of 64 bytes; 8,192 rows cover 270 seconds, so a second has 30 rows.
//   CM1  sum of cpu by category (4), sliding 60 s by 1 s
//   CM2  events of type 3 (3 in 1,000), sum of cpu by job, the same windows
//
// Expected. A row is one cache line and the query takes 16 to 24 bytes of it: memory and the gather come to 1.5 to 2
// ns. A window fires for every 30 rows, so what a slice and a window cost is divided by 30 only: 100 ns of it is 3 ns a
// row.
#include <cstring>
#include <sstream>

#include "workloads/lightsaber/query.h"

namespace weir::bench {
namespace {

struct Row {
  std::int64_t time, job, task, machine;
  std::int32_t event_type, user, category, priority;
  float cpu, ram, disk;
  std::int32_t constraints;
};
static_assert(sizeof(Row) == 64);

constexpr std::size_t kBundle = (std::size_t{512} << 10) / sizeof(Row);

Query common(const Parameters& parameters, const std::vector<std::byte>& sample) {
  Query query;
  query.columns =
      "ts TIMESTAMP(3) NOT NULL, job_id BIGINT NOT NULL, task_id BIGINT NOT NULL, machine_id BIGINT NOT NULL, "
      "event_type INT NOT NULL, user_id INT NOT NULL, category INT NOT NULL, "
      "priority INT NOT NULL, cpu FLOAT NOT NULL, ram FLOAT NOT NULL, disk FLOAT NOT NULL, constraints INT NOT NULL";
  query.layout = {sizeof(Row),
                  {{"ts", offsetof(Row, time), FieldForm::kInt64, query.unit_ns},
                   {"job_id", offsetof(Row, job), FieldForm::kInt64},
                   {"task_id", offsetof(Row, task), FieldForm::kInt64},
                   {"machine_id", offsetof(Row, machine), FieldForm::kInt64},
                   {"event_type", offsetof(Row, event_type), FieldForm::kInt32},
                   {"user_id", offsetof(Row, user), FieldForm::kInt32},
                   {"category", offsetof(Row, category), FieldForm::kInt32},
                   {"priority", offsetof(Row, priority), FieldForm::kInt32},
                   {"cpu", offsetof(Row, cpu), FieldForm::kFloat},
                   {"ram", offsetof(Row, ram), FieldForm::kFloat},
                   {"disk", offsetof(Row, disk), FieldForm::kFloat},
                   {"constraints", offsetof(Row, constraints), FieldForm::kInt32}}};
  query.size = 60;
  query.reads_under_half = true;
  query.replay = Replay(sample, sizeof(Row), replay_bytes(parameters));
  return query;
}

/// Fills the naive answer's columns: the dense key of each row that passes, and cpu.
template <class Pass, class Key>
void prepare(Query& query, KeyNumbers& numbers, Pass pass, Key key) {
  for (std::size_t i = 0; i < query.replay.rows(); ++i) {
    Row row;
    std::memcpy(&row, query.replay.row(i), sizeof row);
    query.keys.push_back(pass(row) ? numbers.number({key(row), 0, 0, 0}) : Query::kDropped);
    query.values.push_back({double{row.cpu}, 0, 0});
  }
  query.key_count = numbers.count();
  query.lower = [numbers](std::uint32_t number, const Cell& cell, ResultRow& row) {
    row.add(numbers.key(number)[0]);
    row.real = cell.sums[0];
    return true;
  };
}

}  // namespace

std::vector<Query> cluster_queries(const Parameters& parameters) {
  std::vector<Query> queries;
  const auto lines = sample_lines("google-cluster-data.txt.zst");
  if (!lines.has_value()) return queries;
  std::vector<std::byte> sample(kBundle * sizeof(Row));
  for (std::size_t i = 0; i < kBundle; ++i) {
    Row row{};
    std::istringstream in((*lines)[i]);
    in >> row.time >> row.job >> row.task >> row.machine >> row.event_type >> row.user >> row.category >>
        row.priority >> row.cpu >> row.ram >> row.disk >> row.constraints;
    std::memcpy(sample.data() + i * sizeof(Row), &row, sizeof row);
  }
  const std::string window = "FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '1' MINUTE)) ";
  Query cm1 = common(parameters, sample);
  cm1.name = "CM1";
  cm1.peer = 146;
  cm1.factor = 1.2;
  cm1.result_columns = "window_end TIMESTAMP(3), category INT, cpu FLOAT";
  cm1.select = "SELECT window_end, category, SUM(cpu) " + window + "GROUP BY window_start, window_end, category";
  cm1.read_columns = {"ts", "category", "cpu"};
  cm1.rows = run_rows(parameters, 200'000'000);
  KeyNumbers categories;
  prepare(
      cm1, categories, [](const Row&) { return true; }, [](const Row& row) { return std::int64_t{row.category}; });
  queries.push_back(std::move(cm1));

  Query cm2 = common(parameters, sample);
  cm2.name = "CM2";
  cm2.peer = 194;
  cm2.factor = 1.1;
  cm2.result_columns = "window_end TIMESTAMP(3), job_id BIGINT, cpu FLOAT";
  cm2.select = "SELECT window_end, job_id, SUM(cpu) " + window +
               "WHERE event_type = 3 GROUP BY window_start, window_end, job_id";
  cm2.read_columns = {"ts", "job_id", "event_type", "cpu"};
  cm2.rows = run_rows(parameters, 200'000'000);
  KeyNumbers jobs;
  prepare(
      cm2, jobs, [](const Row& row) { return row.event_type == 3; }, [](const Row& row) { return row.job; });
  queries.push_back(std::move(cm2));
  return queries;
}

}  // namespace weir::bench
