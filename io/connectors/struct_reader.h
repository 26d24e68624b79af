// StructReader: rows that a host has as structs (row_structs.h) become columns. Fields are gathered block by block, all
// columns of a block before the next, so that a row comes into the first cache once. Columns that are first read behind
// a filter are gathered when it has chosen its rows.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "weir/io/connector.h"
#include "weir/simd/strided.h"

namespace weir {

/// How a column of a batch is filled from a field.
struct StructColumn {
  /// Writes `count` values. False where a time does not fit.
  using Gather = bool (*)(const StructColumn& column, simd::Strided field, std::uint32_t count, std::int64_t shift_ns,
                          void* out);
  /// The same for one row, whose field stands at `field`, without the calls.
  using One = bool (*)(const StructColumn& column, const std::byte* field, void* out);
  Gather gather = nullptr;
  One one = nullptr;
  std::uint32_t batch_column = 0;
  std::uint32_t offset = 0;
  std::uint32_t width = 0;   ///< Bytes of a value in the batch.
  std::int64_t unit_ns = 0;  ///< 0: not a time.
  std::int64_t tick_ns = 1;  ///< Of the column's precision.
  /// Writes the values of `rows` alone. Null for times: they can fail, and the watermark reads them.
  using GatherRows = void (*)(simd::Strided field, const std::uint32_t* rows, std::uint32_t count, void* out);
  GatherRows gather_rows = nullptr;
  bool deferred = false;   ///< Filled once it is known for which rows.
  bool leads_line = true;  ///< No column before it begins on the same cache line of a row.
};

/// In the order of context.columns.
/// Errors: kInvalidArgument (a column without a field, a field outside the struct, a unit that the column's precision
/// cannot show), kUnsupported (a field that does not fit its column without loss).
Result<std::vector<StructColumn>> struct_columns(const TableContext& context);

/// Puts deferred columns last, and finds those that are the first on their line.
void order_for_reading(std::vector<StructColumn>& columns);

/// Thread: the owning shard.
class StructReader final : public RowReader, private DeferredColumns {
 public:
  /// Requires: columns in the order of order_for_reading.
  StructReader(const HostTable& host, std::span<const StructColumn> columns, std::uint32_t input);
  ReadStatus read(Batch& batch) override;
  void drain() override { draining_ = true; }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return records_ * host_.structs.stride; }
  std::uint64_t records() const noexcept override { return records_; }

 private:
  /// Asks the host for rows. Returns false where it has none.
  bool ask();
  bool check_shift();
  bool gather(Batch& batch, std::span<const StructColumn> columns, std::uint32_t count);
  simd::Strided field(const StructColumn& column, std::uint32_t row) const noexcept;
  void fill(Batch& batch) override;

  const HostTable& host_;
  std::span<const StructColumn> columns_;
  std::size_t first_deferred_ = 0;  // in columns_, the rest is deferred
  std::uint32_t input_;
  StructRows rows_;
  std::size_t next_ = 0;                   // in rows_
  const std::byte* first_ = nullptr;       // row 0 of the batch that was filled last
  ReadStatus status_ = ReadStatus::kRows;  // that the host gave with rows_
  std::uint64_t records_ = 0;
  bool draining_ = false;
  std::optional<Error> error_;
};

}  // namespace weir
