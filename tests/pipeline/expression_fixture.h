// Batches from rows of Values, and expressions evaluated over them, for the tests of expressions.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/check.h"
#include "weir/pipeline/expression.h"

namespace weir {

using Rows = std::vector<std::vector<Value>>;

inline Value null_value() {
  return Value{};
}
inline Value integer_value(std::int64_t value) {
  return Value{value};
}
inline Value double_value(double value) {
  return Value{value};
}
inline Value text_value(std::string value) {
  return Value{std::move(value)};
}

inline ExpressionPtr int_literal(std::int64_t value) {
  return make_literal(Value{value}, Type::integer());
}
inline ExpressionPtr bigint_literal(std::int64_t value) {
  return make_literal(Value{value}, Type::bigint());
}
inline ExpressionPtr double_literal(double value) {
  return make_literal(Value{value}, Type::float64());
}
inline ExpressionPtr text_literal(std::string value) {
  return make_literal(Value{std::move(value)}, Type::string());
}
inline ExpressionPtr bool_literal(bool value) {
  return make_literal(Value{std::int64_t{value}}, Type::boolean());
}
inline ExpressionPtr null_literal(Type type = Type::of(TypeId::kNull)) {
  return make_literal(Value{}, std::move(type));
}
inline ExpressionPtr decimal_literal(Int128 value, int precision, int scale) {
  return make_literal(Value{value},
                      Type::decimal(static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale)));
}

/// A batch with the rows given; the bytes of long strings live in its heap.
class TestBatch {
 public:
  TestBatch(const std::vector<Type>& types, const Rows& rows) : types_(types) {
    std::vector<Physical> columns;
    std::size_t text_bytes = 64;
    for (const Type& type : types) columns.push_back(type.physical());
    for (const auto& row : rows)
      for (const Value& value : row)
        if (const auto* text = std::get_if<std::string>(&value.data)) text_bytes += text->size();
    const auto capacity = static_cast<std::uint32_t>(rows.empty() ? 1 : rows.size());
    const BatchLayout layout{columns, capacity, text_bytes, true, false};
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, layout.bytes())));
    batch_ = Batch::create(layout, memory_.get());
    batch_->reset();
    batch_->set_row_count(static_cast<std::uint32_t>(rows.size()));
    for (std::uint32_t row = 0; row < rows.size(); ++row)
      for (std::uint32_t column = 0; column < types.size(); ++column) put(row, column, rows[row][column]);
  }

  Batch& batch() { return *batch_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  void put(std::uint32_t row, std::uint32_t column, const Value& value) {
    Vector& vector = batch_->column(column);
    vector.set_valid(row, !value.is_null());
    auto* at = static_cast<std::byte*>(vector.data) + row * physical_size(vector.physical);
    if (value.is_null()) {
      std::memset(at, 0x5a, physical_size(vector.physical));  // what stands under NULL must not matter
      return;
    }
    if (const auto* text = std::get_if<std::string>(&value.data)) {
      StringRef ref;
      WEIR_CHECK(batch_->heap().store(*text, ref));
      std::memcpy(static_cast<void*>(at), &ref, sizeof(ref));
    } else if (const auto* number = std::get_if<double>(&value.data)) {
      const auto narrow = static_cast<float>(*number);
      if (vector.physical == Physical::kFloat)
        std::memcpy(at, &narrow, sizeof(narrow));
      else
        std::memcpy(at, number, sizeof(*number));
    } else {
      const auto* wide = std::get_if<Int128>(&value.data);
      const Int128 integer = wide != nullptr ? *wide : Int128{std::get<std::int64_t>(value.data)};
      std::memcpy(at, &integer, physical_size(vector.physical));  // little-endian
    }
  }

  std::vector<Type> types_;
  std::unique_ptr<std::byte, Free> memory_;
  Batch* batch_ = nullptr;
};

inline Value value_at(const Vector& vector, const Type& type, std::uint32_t row) {
  if (!vector.is_valid(row)) return Value{};
  switch (vector.physical) {
    case Physical::kInt8:
      return Value{std::int64_t{vector.values<std::int8_t>()[row]}};
    case Physical::kInt16:
      return Value{std::int64_t{vector.values<std::int16_t>()[row]}};
    case Physical::kInt32:
      return Value{std::int64_t{vector.values<std::int32_t>()[row]}};
    case Physical::kInt64:
      if (type.id == TypeId::kDecimal) return Value{Int128{vector.values<std::int64_t>()[row]}};
      return Value{vector.values<std::int64_t>()[row]};
    case Physical::kInt128:
      return Value{vector.values<Int128>()[row]};
    case Physical::kFloat:
      return Value{static_cast<double>(vector.values<float>()[row])};
    case Physical::kDouble:
      return Value{vector.values<double>()[row]};
    default:
      return Value{std::string(vector.values<StringRef>()[row].view())};
  }
}

inline std::string show(const Value& value, const Type& type) {
  Schema schema;
  return make_literal(value, type)->to_string(schema);
}

/// The value of a constant expression as SQL text, or "error: <code>".
inline std::string show(const Result<ExpressionPtr>& expression) {
  if (!expression.has_value()) return "error: " + std::string(error_code_name(expression.error().code()));
  const Result<Value> value = evaluate_constant(**expression);
  if (!value.has_value()) return "error: " + std::string(error_code_name(value.error().code()));
  return show(*value, (*expression)->type);
}

inline std::string call(std::string_view name, std::vector<ExpressionPtr> arguments) {
  return show(make_call(name, std::move(arguments)));
}

inline ExpressionPtr must(Result<ExpressionPtr> expression) {
  if (!expression.has_value()) std::fprintf(stderr, "%s\n", expression.error().to_string().c_str());
  WEIR_CHECK(expression.has_value());
  return std::move(*expression);
}

}  // namespace weir
