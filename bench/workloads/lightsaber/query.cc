// The naive answer and the checksums (query.h).
#include "workloads/lightsaber/query.h"

#include <algorithm>

namespace weir::bench {
namespace {

template <class T>
std::uint64_t word_sum(const Batch& batch, const Vector& column) noexcept {
  const T* values = column.values<T>();
  std::uint64_t sum = 0;
  if (batch.has_selection()) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i)
      sum += static_cast<std::uint64_t>(std::int64_t{values[batch.selection()[i]]});
  } else {
    for (std::uint32_t row = 0; row < batch.row_count(); ++row)
      sum += static_cast<std::uint64_t>(std::int64_t{values[row]});
  }
  return sum;
}

double real_sum(const Batch& batch, const float* values) noexcept {
  std::array<double, 8> lanes{};
  if (batch.has_selection()) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) lanes[i % 8] += double{values[batch.selection()[i]]};
  } else {
    const std::uint32_t whole = batch.row_count() / 8 * 8;
    for (std::uint32_t row = 0; row < whole; row += 8)
      for (std::uint32_t lane = 0; lane < 8; ++lane) lanes[lane] += double{values[row + lane]};
    for (std::uint32_t row = whole; row < batch.row_count(); ++row) lanes[0] += double{values[row]};
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

void Totals::add(const ResultRow& row) noexcept {
  ++rows;
  for (std::uint32_t i = 0; i < row.word_count; ++i) words += weight(i) * static_cast<std::uint64_t>(row.words[i]);
  real += row.real;
}

void Totals::add(const Batch& batch) noexcept {
  rows += batch.selected_count();
  for (std::uint32_t c = 0; c < batch.column_count(); ++c) {
    const Vector& column = batch.column(c);
    if (column.physical == Physical::kInt64)
      words += weight(c) * word_sum<std::int64_t>(batch, column);
    else if (column.physical == Physical::kInt32)
      words += weight(c) * word_sum<std::int32_t>(batch, column);
    else
      real += real_sum(batch, column.values<float>());
  }
}

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
