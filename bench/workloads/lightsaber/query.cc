// The naive answer (query.h).
#include "workloads/lightsaber/query.h"

#include <algorithm>

namespace weir::bench {
std::string Query::sql() const {
  return "CREATE TABLE events (" + columns +
         ", WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND) WITH ('connector' = 'host');\n"
         "CREATE TABLE results (" +
         result_columns + ") WITH ('connector' = 'host');\nSET 'weir.double-sum' = 'fast';\nINSERT INTO results " +
         select + ";\n";
}

std::uint32_t KeyNumbers::number(const std::array<std::int64_t, 4>& key) {
  const auto [entry, made] = numbers_.try_emplace(key, count());
  if (made) keys_.push_back(key);
  return entry->second;
}

void answer(const Query& query, std::uint64_t rows, std::uint32_t inputs,
            const std::function<void(const ResultRow&)>& take) {
  if (rows == 0) return;
  const Replay& replay = query.replay;
  std::vector<Cell> cells(query.key_count);
  const auto first_of = [&](std::int64_t unit) { return std::min(rows, replay.first_row_of_all(unit)); };
  const auto change = [&](std::int64_t unit, int sign) {
    for (std::uint64_t i = first_of(unit); i < first_of(unit + 1); ++i) {
      const std::size_t at = i % replay.rows();
      if (query.keys[at] == Query::kDropped) continue;
      Cell& cell = cells[query.keys[at]];
      cell.count += sign * static_cast<std::int64_t>(inputs);
      for (std::size_t s = 0; s < 3; ++s) cell.sums[s] += sign * static_cast<double>(inputs) * query.values[at][s];
      if (sign > 0) cell.last_unit = unit;
    }
  };
  const std::int64_t last_pass = static_cast<std::int64_t>((rows - 1) / replay.rows());
  const std::int64_t last = last_pass * replay.span() + replay.unit((rows - 1) % replay.rows());
  std::int64_t evicted = 0;
  for (std::int64_t end = query.slide; end - query.size <= last; end += query.slide) {
    for (std::int64_t unit = end - query.slide; unit < end; ++unit) change(unit, 1);
    for (; evicted < end - query.size; ++evicted) change(evicted, -1);
    for (std::uint32_t key = 0; key < query.key_count; ++key) {
      if (cells[key].count == 0) continue;
      ResultRow row;
      row.add(end * query.unit_ns);
      if (query.lower(key, cells[key], row)) take(row);
    }
  }
}

std::size_t replay_bytes(const Parameters& parameters) {
  return parameters.value("lightsaber.buffer_mb", 8, 1) << 20;
}

std::uint64_t run_rows(const Parameters& parameters, std::uint64_t measuring) {
  const std::uint64_t smoking = std::min<std::uint64_t>(measuring, 1u << 17);
  return parameters.smoke
             ? smoking
             : std::max<std::uint64_t>(smoking, measuring * parameters.value("lightsaber.percent", 100, 100) / 100);
}

}  // namespace weir::bench
