// Rows of an ArrowArrayStream (arrow_reader.h).
#include "arrow/arrow_reader.h"

#include <algorithm>
#include <cstring>

#include "arrow/arrow_column.h"

namespace weir {
namespace {

/// Releases a schema at the end of a block.
struct SchemaGuard {
  ArrowSchema schema = {};
  ~SchemaGuard() {
    if (schema.release != nullptr) schema.release(&schema);
  }
};

Error stream_error(ArrowArrayStream& stream, int code, const std::string& what) {
  const char* text = stream.get_last_error == nullptr ? nullptr : stream.get_last_error(&stream);
  std::string message = what + ": ";
  message += text == nullptr || *text == '\0' ? std::strerror(code) : text;
  return Error(ErrorCode::kUserFunction, std::move(message));
}

Result<ArrowColumn> arrow_column(const TableContext& context, const ArrowSchema& schema, const DecodedColumn& wanted) {
  const Field& field = context.schema.fields[wanted.source_index];
  const std::string where = "column " + field.name + " of table " + context.table;
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    const ArrowSchema& child = *schema.children[i];
    if (child.name == nullptr || field.name != child.name) continue;
    if (child.dictionary != nullptr)
      return Error(ErrorCode::kUnsupported, where + " comes as a dictionary of Arrow")
          .with_hint("decode it first: in pyarrow dictionary_decode()");
    auto format = parse_arrow_format(child.format);
    if (!format) return std::move(format.error()).with_context(where);
    if (auto fit = check_fit(*format, field.type, child.format); !fit)
      return std::move(fit.error()).with_context(where);
    return ArrowColumn{*format, field.type, field.name, static_cast<std::uint32_t>(i), wanted.batch_column};
  }
  return Error(ErrorCode::kInvalidArgument, where + " is read, and its Arrow stream has no column of that name");
}

}  // namespace

Result<std::vector<ArrowColumn>> arrow_columns(const TableContext& context, ArrowArrayStream& stream) {
  if (stream.release == nullptr)
    return Error(ErrorCode::kInvalidArgument, "the Arrow stream of table " + context.table + " is released already")
        .with_hint("a stream is read once");
  SchemaGuard guard;
  if (const int code = stream.get_schema(&stream, &guard.schema); code != 0)
    return stream_error(stream, code, "the Arrow stream of table " + context.table + " gives no schema");
  if (guard.schema.format == nullptr || std::string_view(guard.schema.format) != "+s")
    return Error(ErrorCode::kInvalidArgument, "the Arrow stream of table " + context.table + " is not one of structs")
        .with_hint("give record batches: their columns are the struct's fields");
  std::vector<ArrowColumn> columns;
  for (const DecodedColumn& wanted : context.columns) {
    WEIR_ASSIGN(ArrowColumn column, arrow_column(context, guard.schema, wanted));
    columns.push_back(std::move(column));
  }
  return columns;
}

ArrowReader::ArrowReader(std::string table, std::vector<ArrowColumn> columns, ArrowArrayStream& stream)
    : table_(std::move(table)), columns_(std::move(columns)), stream_(stream) {
  stream.release = nullptr;  // moved
}

ArrowReader::~ArrowReader() {
  release_array();
  if (stream_.release != nullptr) stream_.release(&stream_);
}

void ArrowReader::release_array() noexcept {
  if (array_.release != nullptr) array_.release(&array_);
  array_ = {};
  next_ = 0;
}

Result<void> ArrowReader::check_array() const {
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorCode::kCorrupt, "an array of the Arrow stream of table " + table_ + " " + what);
  };
  if (array_.length < 0 || array_.offset < 0) return refuse("has a negative length or offset");
  if (array_.n_buffers > 0 && array_.buffers[0] != nullptr && array_.null_count != 0)
    return refuse("has rows that are NULL as a whole");
  for (const ArrowColumn& column : columns_) {
    if (column.child >= array_.n_children) return refuse("has fewer columns than its schema");
    const ArrowArray& child = *array_.children[column.child];
    if (child.offset < 0 || child.length < array_.offset + array_.length)
      return refuse("has fewer rows in column " + column.name + " than it says");
    if (child.n_buffers < buffers_of(column.format) || (child.length > 0 && child.buffers[1] == nullptr))
      return refuse("lacks a buffer in column " + column.name);
  }
  return {};
}

bool ArrowReader::next_array() {
  while (!ended_) {
    release_array();
    if (const int code = stream_.get_next(&stream_, &array_); code != 0) {
      array_.release = nullptr;  // nothing was given
      error_ = stream_error(stream_, code, "the Arrow stream of table " + table_ + " failed");
      return false;
    }
    if (array_.release == nullptr) {
      ended_ = true;
      return false;
    }
    if (auto checked = check_array(); !checked) {
      error_ = std::move(checked.error());
      return false;
    }
    if (array_.length > 0) return true;
  }
  return false;
}

ReadStatus ArrowReader::fail(Error error) {
  const Position at = error.position();
  error_ = std::move(error)
               .with_position(Position::at_row(records_ + at.line))
               .with_context("table " + table_ + ", from an Arrow stream");
  return ReadStatus::kFailed;
}

ReadStatus ArrowReader::read(Batch& batch) {
  if (error_) return ReadStatus::kFailed;
  if (draining_) return ReadStatus::kEnd;
  if (next_ == array_.length && !next_array()) return error_ ? ReadStatus::kFailed : ReadStatus::kEnd;
  const auto count = static_cast<std::uint32_t>(std::min<std::int64_t>(batch.capacity(), array_.length - next_));
  for (const ArrowColumn& column : columns_) {
    const ArrowArray& child = *array_.children[column.child];
    if (auto done =
            fill_column(column, child, array_.offset + child.offset + next_, count, batch.column(column.batch_column));
        !done)
      return fail(std::move(done.error()));
  }
  batch.set_row_count(count);
  records_ += count;
  next_ += count;
  return ReadStatus::kRows;
}

}  // namespace weir
