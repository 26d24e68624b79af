// A host's reader of results (reader.h).
#include "weir/pipeline/reader.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/host_handles.h"
#include "engine/host_wait.h"

namespace weir {
namespace {

template <class From, class To>
void store_value(const Vector& from, std::uint32_t row, std::int64_t, std::byte* field) {
  const To value = static_cast<To>(from.values<From>()[row]);
  std::memcpy(field, &value, sizeof(value));
}

/// A time in the field's units, rounded down.
void store_time(const Vector& from, std::uint32_t row, std::int64_t unit_ns, std::byte* field) {
  const std::int64_t time = from.values<std::int64_t>()[row];
  const std::int64_t value = time / unit_ns - (time % unit_ns < 0 ? 1 : 0);
  std::memcpy(field, &value, sizeof(value));
}

template <class To>
void store_nan(const Vector&, std::uint32_t, std::int64_t, std::byte* field) {
  const To value = std::numeric_limits<To>::quiet_NaN();
  std::memcpy(field, &value, sizeof(value));
}

template <class From>
ResultField::Store store_integer(FieldForm form) {
  if constexpr (sizeof(From) <= 1)
    if (form == FieldForm::kInt8) return store_value<From, std::int8_t>;
  if constexpr (sizeof(From) <= 2)
    if (form == FieldForm::kInt16) return store_value<From, std::int16_t>;
  if constexpr (sizeof(From) <= 4)
    if (form == FieldForm::kInt32) return store_value<From, std::int32_t>;
  if constexpr (sizeof(From) <= 8)
    if (form == FieldForm::kInt64) return store_value<From, std::int64_t>;
  return form == FieldForm::kInt128 ? store_value<From, Int128> : nullptr;
}

ResultField::Store store_of(FieldForm form, const Type& type) {
  if (type.is_timestamp()) return form == FieldForm::kInt64 ? store_time : nullptr;
  if (type.id == TypeId::kBoolean) return form == FieldForm::kBool ? store_value<std::int8_t, bool> : nullptr;
  switch (type.physical()) {
    case Physical::kInt8:
      return store_integer<std::int8_t>(form);
    case Physical::kInt16:
      return store_integer<std::int16_t>(form);
    case Physical::kInt32:
      return store_integer<std::int32_t>(form);
    case Physical::kInt64:
      return store_integer<std::int64_t>(form);
    case Physical::kInt128:
      return store_integer<Int128>(form);
    case Physical::kFloat:
      if (form == FieldForm::kFloat) return store_value<float, float>;
      return form == FieldForm::kDouble ? store_value<float, double> : nullptr;
    case Physical::kDouble:
      return form == FieldForm::kDouble ? store_value<double, double> : nullptr;
    case Physical::kString:
    case Physical::kNested:
      return nullptr;
  }
  return nullptr;
}

}  // namespace

Reader::Reader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&& other) noexcept {
  if (this == &other) return *this;
  if (impl_ != nullptr) release();
  impl_ = std::move(other.impl_);
  return *this;
}
Reader::~Reader() {
  if (impl_ != nullptr) release();
}

void Reader::release() noexcept {
  if (impl_->batch == nullptr) return;
  impl_->lane->exchange->give_back(std::exchange(impl_->batch, nullptr));
}

const Batch* Reader::next() noexcept {
  release();
  Impl& impl = *impl_;
  auto& lanes = impl.results.lanes();
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    HostResults::Lane& lane = *lanes[impl.turn];
    impl.turn = (impl.turn + 1) % lanes.size();
    ExchangeItem item;
    if (lane.ended || !lane.exchange->receive(item)) continue;
    if (item.batch == nullptr) {
      lane.ended = item.control.kind == Control::Kind::kEndOfInput;
      continue;
    }
    impl.lane = &lane;
    impl.batch = item.batch;
    impl.row = 0;
    impl.rows += item.batch->selected_count();
    return impl.batch;
  }
  return nullptr;
}

const Batch* Reader::next_wait(std::int64_t timeout_ns) noexcept {
  HostWait wait(timeout_ns);
  while (true) {
    if (const Batch* batch = next(); batch != nullptr || ended()) return batch;
    if (!wait.wait()) return nullptr;
  }
}

bool Reader::ended() const noexcept {
  const auto& lanes = impl_->results.lanes();
  return std::all_of(lanes.begin(), lanes.end(), [](const auto& lane) { return lane->ended; });
}

std::uint64_t Reader::rows() const noexcept {
  return impl_->rows;
}

Result<void> Reader::set_structs(const StructLayout& layout) {
  const Schema& schema = impl_->results.schema();
  std::vector<ResultField> fields;
  for (const StructField& field : layout.fields) {
    const int column = schema.find(field.column);
    const std::string name = "column " + field.column;
    if (column < 0) return Error(ErrorCode::kInvalidArgument, "the results have no " + name);
    if (field.offset > layout.stride || field_size(field.form) > layout.stride - field.offset)
      return Error(ErrorCode::kInvalidArgument,
                   "the field of " + name + " reaches beyond the struct's " + std::to_string(layout.stride) + " bytes");
    const Type& type = schema.fields[static_cast<std::size_t>(column)].type;
    if (type.is_timestamp() != (field.unit_ns > 0) || field.unit_ns < 0)
      return Error(ErrorCode::kInvalidArgument, "the field of " + name +
                                                    " wants a unit of time where, and only where, "
                                                    "the column is a TIMESTAMP");
    ResultField made{static_cast<std::uint32_t>(column), field.offset, field.unit_ns, store_of(field.form, type),
                     nullptr};
    if (made.store == nullptr)
      return Error(ErrorCode::kUnsupported,
                   name + " is " + type.to_string() + ", which its field cannot hold without loss");
    if (field.form == FieldForm::kFloat) made.store_null = store_nan<float>;
    if (field.form == FieldForm::kDouble) made.store_null = store_nan<double>;
    fields.push_back(made);
  }
  impl_->stride = layout.stride;
  impl_->fields = std::move(fields);
  return {};
}

Result<std::size_t> Reader::read_structs(void* first, std::size_t room) noexcept {
  Impl& impl = *impl_;
  WEIR_CHECK(impl.stride != 0);
  std::size_t done = 0;
  while (done < room) {
    if ((impl.batch == nullptr || impl.row == impl.batch->row_count()) && next() == nullptr) break;
    for (; done < room && impl.row < impl.batch->row_count(); ++impl.row, ++done) {
      auto* to = static_cast<std::byte*>(first) + done * impl.stride;
      for (const ResultField& field : impl.fields) {
        const Vector& from = impl.batch->column(field.column);
        const bool valid = from.is_valid(impl.row);
        if (!valid && field.store_null == nullptr) {
          if (done != 0) return done;
          ++impl.row;
          return Error(ErrorCode::kNullNotAllowed, "a result has NULL in a field that cannot show it")
              .with_hint("give the query a value with COALESCE, or read the batches");
        }
        (valid ? field.store : field.store_null)(from, impl.row, field.unit_ns, to + field.offset);
      }
    }
  }
  return done;
}

}  // namespace weir
