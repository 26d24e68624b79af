// Gathers fields of structs into batches (struct_reader.h).
#include "connectors/struct_reader.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <type_traits>

namespace weir {

std::size_t field_size(FieldForm form) noexcept {
  constexpr std::size_t kSize[] = {1, 2, 4, 8, 16, 1, 2, 4, 8, 1, 4, 8};
  return kSize[static_cast<std::size_t>(form)];
}

namespace {

constexpr std::size_t kBlockBytes = 16384;  // of structs: fits the first cache beside what is written
constexpr std::size_t kLineBytes = 64;
/// Prefetched ahead of rows that do not share lines: the next block, since a batch's other work lies between two
/// blocks.
constexpr std::size_t kAheadBytes = kBlockBytes;
constexpr std::size_t kStrideMax = std::size_t{1} << 30;

template <class From, class To>
bool gather_values(const StructColumn&, simd::Strided field, std::uint32_t count, std::int64_t, void* out) {
  simd::gather_strided<From>(field, count, static_cast<To*>(out));
  return true;
}

template <class From, class To>
void gather_rows_of(simd::Strided field, const std::uint32_t* rows, std::uint32_t count, void* out) {
  simd::gather_strided_rows<From>(field, rows, count, static_cast<To*>(out));
}

template <class From>
bool gather_times(const StructColumn& column, simd::Strided field, std::uint32_t count, std::int64_t shift_ns,
                  void* out) {
  std::int64_t least, greatest;
  return simd::gather_strided_times<From>(field, count, column.unit_ns, shift_ns, static_cast<std::int64_t*>(out),
                                          &least, &greatest);
}

template <class From, class To>
bool store_value(const StructColumn&, const std::byte* field, void* out) {
  From value;
  if constexpr (std::is_same_v<From, bool>) {
    value = *field != std::byte{0};
  } else {
    std::memcpy(&value, field, sizeof(value));
  }
  *static_cast<To*>(out) = static_cast<To>(value);
  return true;
}

template <class From>
bool store_time(const StructColumn& column, const std::byte* field, void* out) {
  From value;
  std::memcpy(&value, field, sizeof(value));
  return !__builtin_mul_overflow(value, column.unit_ns, static_cast<std::int64_t*>(out));
}

/// How a field becomes a column's value: many of them, those of some rows, and one.
struct Forms {
  StructColumn::Gather gather = nullptr;
  StructColumn::GatherRows gather_rows = nullptr;
  StructColumn::One one = nullptr;
};
template <class From, class To>
constexpr Forms kValues{gather_values<From, To>, gather_rows_of<From, To>, store_value<From, To>};
template <class From>
constexpr Forms kTimes{gather_times<From>, nullptr, store_time<From>};

/// Values of From go into integers of its width or wider.
template <class From, bool kSigned>
Forms to_integer(Physical to) {
  if (to == Physical::kInt128) return kValues<From, simd::Int128>;
  if constexpr (sizeof(From) < 8 || (kSigned && sizeof(From) == 8))
    if (to == Physical::kInt64) return kValues<From, std::int64_t>;
  if constexpr (sizeof(From) < 4 || (kSigned && sizeof(From) == 4))
    if (to == Physical::kInt32) return kValues<From, std::int32_t>;
  if constexpr (sizeof(From) < 2 || (kSigned && sizeof(From) == 2))
    if (to == Physical::kInt16) return kValues<From, std::int16_t>;
  if constexpr (kSigned && sizeof(From) == 1)
    if (to == Physical::kInt8) return kValues<From, std::int8_t>;
  return {};
}

Forms gather_of_values(FieldForm form, Physical to) {
  switch (form) {
    case FieldForm::kInt8:
      return to_integer<std::int8_t, true>(to);
    case FieldForm::kInt16:
      return to_integer<std::int16_t, true>(to);
    case FieldForm::kInt32:
      return to_integer<std::int32_t, true>(to);
    case FieldForm::kInt64:
      return to_integer<std::int64_t, true>(to);
    case FieldForm::kInt128:
      return to == Physical::kInt128 ? kValues<simd::Int128, simd::Int128> : Forms{};
    case FieldForm::kUInt8:
      return to_integer<std::uint8_t, false>(to);
    case FieldForm::kUInt16:
      return to_integer<std::uint16_t, false>(to);
    case FieldForm::kUInt32:
      return to_integer<std::uint32_t, false>(to);
    case FieldForm::kUInt64:
      return to_integer<std::uint64_t, false>(to);
    case FieldForm::kBool:
      return {};  // a BOOLEAN alone, which struct_column sees to
    case FieldForm::kFloat:
      if (to == Physical::kFloat) return kValues<float, float>;
      return to == Physical::kDouble ? kValues<float, double> : Forms{};
    case FieldForm::kDouble:
      return to == Physical::kDouble ? kValues<double, double> : Forms{};
  }
  return {};
}

Forms gather_of_times(FieldForm form) {
  switch (form) {
    case FieldForm::kInt8:
      return kTimes<std::int8_t>;
    case FieldForm::kInt16:
      return kTimes<std::int16_t>;
    case FieldForm::kInt32:
      return kTimes<std::int32_t>;
    case FieldForm::kInt64:
      return kTimes<std::int64_t>;
    case FieldForm::kUInt8:
      return kTimes<std::uint8_t>;
    case FieldForm::kUInt16:
      return kTimes<std::uint16_t>;
    case FieldForm::kUInt32:
      return kTimes<std::uint32_t>;
    default:
      return {};
  }
}

Forms gather_of(const StructField& field, const Type& type) {
  if (type.is_timestamp()) return gather_of_times(field.form);
  if (type.id == TypeId::kBoolean) return field.form == FieldForm::kBool ? kValues<bool, std::int8_t> : Forms{};
  return gather_of_values(field.form, type.physical());
}

Result<StructColumn> struct_column(const TableContext& context, const Field& column, std::uint32_t batch_column) {
  const StructLayout& layout = context.host->structs;
  const auto field = std::find_if(layout.fields.begin(), layout.fields.end(),
                                  [&](const StructField& f) { return f.column == column.name; });
  const std::string name = "column " + column.name + " of table " + context.table;
  if (field == layout.fields.end())
    return Error(ErrorCode::kInvalidArgument, name + " is read and has no field in the layout of its structs")
        .with_hint("add it to HostTable::structs");
  if (field->offset > layout.stride || field_size(field->form) > layout.stride - field->offset)
    return Error(ErrorCode::kInvalidArgument,
                 "the field of " + name + " reaches beyond the struct's " + std::to_string(layout.stride) + " bytes");
  const Forms forms = gather_of(*field, column.type);
  StructColumn out;
  out.gather = forms.gather;
  out.gather_rows = forms.gather_rows;
  out.one = forms.one;
  out.batch_column = batch_column;
  out.offset = field->offset;
  if (out.gather == nullptr)
    return Error(ErrorCode::kUnsupported,
                 "the field of " + name + " cannot become " + column.type.to_string() + " without loss");
  out.width = static_cast<std::uint32_t>(physical_size(column.type.physical()));
  if (!column.type.is_timestamp()) {
    if (field->unit_ns == 0) return out;
    return Error(ErrorCode::kInvalidArgument, name + " is not a TIMESTAMP, and its field has a unit of time");
  }
  for (int digit = column.type.precision; digit < kTimestampPrecisionMax; ++digit) out.tick_ns *= 10;
  out.unit_ns = field->unit_ns;
  if (out.unit_ns <= 0 || out.unit_ns % out.tick_ns != 0)
    return Error(ErrorCode::kInvalidArgument, "the field of " + name + " has a unit of " + std::to_string(out.unit_ns) +
                                                  " ns, which " + column.type.to_string() + " cannot show")
        .with_hint("give unit_ns in nanoseconds, or declare a higher precision");
  return out;
}

}  // namespace

Result<std::vector<StructColumn>> struct_columns(const TableContext& context) {
  if (context.host->structs.stride > kStrideMax)
    return Error(ErrorCode::kInvalidArgument, "structs of table " + context.table + " are longer than 1 GiB");
  std::vector<StructColumn> columns;
  for (const DecodedColumn& wanted : context.columns) {
    WEIR_ASSIGN(StructColumn column,
                struct_column(context, context.schema.fields[wanted.source_index], wanted.batch_column));
    column.deferred = wanted.may_defer && column.gather_rows != nullptr;
    columns.push_back(column);
  }
  return columns;
}

// Structs need not begin on a line: leads_line is about prefetching alone.
void order_for_reading(std::vector<StructColumn>& columns) {
  std::stable_partition(columns.begin(), columns.end(), [](const StructColumn& column) { return !column.deferred; });
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    column->leads_line = std::none_of(columns.begin(), column, [&](const StructColumn& before) {
      return before.offset / kLineBytes == column->offset / kLineBytes;
    });
  }
}

StructReader::StructReader(const HostTable& host, std::span<const StructColumn> columns, std::uint32_t input)
    : host_(host), columns_(columns), input_(input) {
  const auto deferred =
      std::find_if(columns.begin(), columns.end(), [](const auto& column) { return column.deferred; });
  first_deferred_ = static_cast<std::size_t>(deferred - columns.begin());
}

bool StructReader::check_shift() {
  for (const StructColumn& column : columns_) {
    if (column.unit_ns == 0 || rows_.time_shift_ns % column.tick_ns == 0) continue;
    error_.emplace(ErrorCode::kValueOutOfRange,
                   "time_shift_ns = " + std::to_string(rows_.time_shift_ns) + " of input " + std::to_string(input_) +
                       " is not a multiple of " + std::to_string(column.tick_ns) + " ns, the unit of its time column");
    return false;
  }
  return true;
}

bool StructReader::ask() {
  if (draining_ || status_ == ReadStatus::kEnd) {
    status_ = ReadStatus::kEnd;
    return false;
  }
  rows_ = {};
  next_ = 0;
  status_ = ReadStatus::kFailed;
  try {
    status_ = host_.read_structs(input_, rows_);
  } catch (const std::exception& exception) {
    rows_ = {};
    error_.emplace(ErrorCode::kUserFunction,
                   "the host's reader of input " + std::to_string(input_) + " threw: " + exception.what());
    return false;
  } catch (...) {
    rows_ = {};
    error_.emplace(ErrorCode::kUserFunction, "the host's reader of input " + std::to_string(input_) + " threw");
    return false;
  }
  if (status_ == ReadStatus::kFailed)
    error_.emplace(ErrorCode::kUserFunction, "the host's reader of input " + std::to_string(input_) + " failed");
  else if (!check_shift())
    status_ = ReadStatus::kFailed;
  return status_ != ReadStatus::kFailed && rows_.count != 0;
}

simd::Strided StructReader::field(const StructColumn& column, std::uint32_t row) const noexcept {
  const std::size_t stride = host_.structs.stride;
  return {first_ + row * stride + column.offset, stride, column.leads_line ? kAheadBytes : 0};
}

bool StructReader::gather(Batch& batch, std::span<const StructColumn> columns, std::uint32_t count) {
  const auto block = static_cast<std::uint32_t>(std::max<std::size_t>(16, kBlockBytes / host_.structs.stride));
  for (std::uint32_t at = 0; at < count; at += block) {
    const std::uint32_t size = std::min(block, count - at);
    for (const StructColumn& column : columns) {
      auto* out = static_cast<std::byte*>(batch.column(column.batch_column).data) + std::size_t{at} * column.width;
      if (!column.gather(column, field(column, at), size, rows_.time_shift_ns, out)) return false;
    }
  }
  return true;
}

void StructReader::fill(Batch& batch) {
  const std::span<const StructColumn> deferred = columns_.subspan(first_deferred_);
  if (!batch.has_selection()) {
    (void)gather(batch, deferred, batch.row_count());  // only times can fail, and they are not deferred
    return;
  }
  for (const StructColumn& column : deferred)
    column.gather_rows(field(column, 0), batch.selection(), batch.selected_count(),
                       batch.column(column.batch_column).data);
}

ReadStatus StructReader::read(Batch& batch) {
  if (next_ == rows_.count && !ask()) return status_;
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(batch.capacity() - batch.row_count(), rows_.count - next_));
  for (const StructColumn& column : columns_) batch.column(column.batch_column).validity = nullptr;
  first_ = static_cast<const std::byte*>(rows_.first) + next_ * host_.structs.stride;
  if (!gather(batch, columns_.first(first_deferred_), count)) {
    error_.emplace(ErrorCode::kValueOutOfRange,
                   "a time of input " + std::to_string(input_) + " does not fit the range of times",
                   Position::at_row(records_));
    return status_ = ReadStatus::kFailed;
  }
  if (first_deferred_ != columns_.size()) batch.defer(this);
  batch.set_row_count(count);
  records_ += count;
  next_ += count;
  return next_ == rows_.count ? status_ : ReadStatus::kRows;
}

}  // namespace weir
