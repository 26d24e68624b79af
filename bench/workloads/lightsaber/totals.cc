// Checksums over results (query.h). Compiled for the very processor: where a row has thirty results, what a program
// does with them would else be a fifth of what is measured.
#include <array>
#include <cstdint>

#include "workloads/lightsaber/query.h"

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

}  // namespace weir::bench
