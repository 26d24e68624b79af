// ArrowReader: rows of an ArrowArrayStream of the host become batches. A column whose values Arrow holds as Weir does
// is pointed at, not copied; everything else is converted value by value. What the stream says is checked as far as the
// interface lets one: it gives no lengths of buffers, so those are the producer's promise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arrow/arrow_types.h"
#include "weir/io/connector.h"

namespace weir {

/// How a column of a batch is filled from a child of the stream's structs.
struct ArrowColumn {
  ArrowFormat format;
  Type type;
  std::string name;
  std::uint32_t child = 0;
  std::uint32_t batch_column = 0;
};

/// Finds the table's wanted columns in the stream's schema, by name. Errors: those of get_schema; kInvalidArgument (not
/// a stream of structs, a column that is missing), kUnsupported (a format that does not fit its column without loss).
Result<std::vector<ArrowColumn>> arrow_columns(const TableContext& context, ArrowArrayStream& stream);

/// Thread: the owning shard. The stream is moved in, and released with the reader.
class ArrowReader final : public RowReader {
 public:
  ArrowReader(std::string table, std::vector<ArrowColumn> columns, ArrowArrayStream& stream);
  ~ArrowReader() override;
  ReadStatus read(Batch& batch) override;
  void drain() override { draining_ = true; }
  const Error& error() const noexcept override { return *error_; }
  std::uint64_t bytes() const noexcept override { return 0; }
  std::uint64_t records() const noexcept override { return records_; }

 private:
  /// Asks for the next array that has rows. False at the end and where that failed.
  bool next_array();
  void release_array() noexcept;
  Result<void> check_array() const;
  ReadStatus fail(Error error);

  std::string table_;
  std::vector<ArrowColumn> columns_;
  ArrowArrayStream stream_;
  ArrowArray array_ = {};
  std::int64_t next_ = 0;  // row of array_
  std::uint64_t records_ = 0;
  bool draining_ = false, ended_ = false;
  std::optional<Error> error_;
};

}  // namespace weir
