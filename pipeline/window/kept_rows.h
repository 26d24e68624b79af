// KeptRows: some columns of single rows as pieces of a StateHeap, for rows that wait until it is known what becomes of
// them (sessions: whether they came late).
//
//   piece   | bytes u32 | valid u8, value | valid u8, length u32, text | …
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/type.h"
#include "weir/pipeline/state_heap.h"

namespace weir {

/// Immutable. Thread: any; pieces belong to the owner of the heap.
class KeptRows {
 public:
  /// `columns` of the batches that rows come from.
  explicit KeptRows(std::vector<std::uint32_t> columns) : columns_(std::move(columns)) {}

  /// Null where the heap is at its maximum.
  std::byte* keep(const Batch& batch, std::uint32_t row, StateHeap& heap) const noexcept;
  /// Writes the columns to row `row` of the first columns of `to`. False, and nothing is used of the row, where long
  /// texts do not fit its heap.
  bool write(const std::byte* piece, Batch& to, std::uint32_t row) const noexcept;
  static void drop(std::byte* piece, StateHeap& heap) noexcept;

 private:
  std::vector<std::uint32_t> columns_;
};

}  // namespace weir
