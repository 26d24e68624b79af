// LISTAGG, ARRAY_AGG, JSON_ARRAYAGG and JSON_OBJECTAGG: the values of a group as one text. There are no vectors of
// ARRAY and MAP yet, so ARRAY_AGG gives the text of a JSON array.
#include <charconv>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "aggregates/catalogue.h"
#include "aggregates/row_list.h"

namespace weir {
namespace {

class ListAgg final : public RowListFunction {
 public:
  ListAgg(const AggregateCallInfo& call, std::string separator)
      : RowListFunction(call), separator_(std::move(separator)) {}

 private:
  Result<bool> takes(const Listed& row) const override { return row.values[0].valid; }
  void put(const Listed& row, bool first, TextBuffer& to) const noexcept override {
    if (!first) to.put(separator_);
    to.put(row.values[0].text);
  }

  std::string separator_;
};

class ArrayAgg final : public RowListFunction {
 public:
  ArrayAgg(const AggregateCallInfo& call, bool takes_nulls, bool empty_has_result, std::size_t limit = 0)
      : RowListFunction(call, limit), takes_nulls_(takes_nulls), empty_has_result_(empty_has_result) {}

 private:
  Result<bool> takes(const Listed& row) const override { return takes_nulls_ || row.values[0].valid; }
  bool empty_has_result() const noexcept override { return empty_has_result_; }
  void open(TextBuffer& to) const noexcept override { to.put('['); }
  void put(const Listed& row, bool first, TextBuffer& to) const noexcept override {
    if (!first) to.put(',');
    put_json(type(0), row.values[0], to);
  }
  void close(TextBuffer& to) const noexcept override { to.put(']'); }

  bool takes_nulls_, empty_has_result_;
};

class JsonObjectAgg final : public RowListFunction {
 public:
  JsonObjectAgg(const AggregateCallInfo& call, bool takes_nulls) : RowListFunction(call), takes_nulls_(takes_nulls) {}

 private:
  Result<bool> takes(const Listed& row) const override {
    if (!row.values[0].valid)
      return Error(ErrorCode::kValueOutOfRange, "a key of JSON_OBJECTAGG is NULL")
          .with_hint("leave such rows out: JSON_OBJECTAGG(…) FILTER (WHERE k IS NOT NULL)");
    return takes_nulls_ || row.values[1].valid;
  }
  bool merges() const noexcept override { return true; }
  bool last_wins() const noexcept override { return true; }
  bool empty_has_result() const noexcept override { return true; }
  void open(TextBuffer& to) const noexcept override { to.put('{'); }
  void put(const Listed& row, bool first, TextBuffer& to) const noexcept override {
    if (!first) to.put(',');
    put_json_key(type(0), row.values[0], to);
    to.put(':');
    put_json(type(1), row.values[1], to);
  }
  void close(TextBuffer& to) const noexcept override { to.put('}'); }

  bool takes_nulls_;
};

constexpr std::string_view kNullOnNull = "NULL ON NULL";
constexpr std::string_view kAbsentOnNull = "ABSENT ON NULL";

Result<void> check_value(const std::string& name, const Type& type) {
  if (type.physical() != Physical::kNested && type.id != TypeId::kNull) return {};
  return Error(ErrorCode::kSqlType, name + " takes no value of type " + type.to_string());
}

/// Whether NULLs stand in the result, by the clause behind the arguments.
Result<bool> null_clause(const std::string& name, std::span<const Value> constants, bool by_default) {
  if (constants.empty()) return by_default;
  const auto* text = std::get_if<std::string>(&constants[0].data);
  if (text != nullptr && *text == kNullOnNull) return true;
  if (text != nullptr && *text == kAbsentOnNull) return false;
  return Error(ErrorCode::kSqlType, name + " takes NULL ON NULL or ABSENT ON NULL behind its arguments");
}

AggregateDefinition listagg() {
  AggregateDefinition made;
  made.name = "LISTAGG";
  made.signature = "LISTAGG(string [, separator]) [WITHIN GROUP (ORDER BY …)]";
  made.meaning =
      "the strings that are not NULL, joined by the separator (','), in the given order, else in that of event time "
      "and arrival; NULL where there is none";
  made.arguments_max = 2;
  made.constants_max = 1;
  made.order_allowed = made.distinct_allowed = true;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value> constants) -> Result<Type> {
    if (arguments[0].id != TypeId::kString)
      return Error(ErrorCode::kSqlType, "LISTAGG takes a STRING, not " + arguments[0].to_string())
          .with_hint("CAST(x AS STRING)");
    if (!constants.empty() && !std::holds_alternative<std::string>(constants[0].data))
      return Error(ErrorCode::kSqlType, "the separator of LISTAGG has to be a string");
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    std::string separator = call.constants.empty() ? "," : std::get<std::string>(call.constants[0].data);
    return AggregateFunctionPtr(std::make_shared<ListAgg>(call, std::move(separator)));
  };
  return made;
}

/// Of "LIMIT n", which the parser makes of ARRAY_AGG(x … LIMIT n); 0 where there is none.
Result<std::size_t> limit_clause(std::span<const Value> constants) {
  constexpr std::string_view kLimit = "LIMIT ";
  if (constants.empty()) return std::size_t{0};
  const auto* text = std::get_if<std::string>(&constants[0].data);
  std::size_t limit = 0;
  const bool clause =
      text != nullptr && text->starts_with(kLimit) && text->size() > kLimit.size() &&
      std::from_chars(text->data() + kLimit.size(), text->data() + text->size(), limit).ec == std::errc();
  if (!clause) return Error(ErrorCode::kSqlType, "ARRAY_AGG takes one argument").with_hint("ARRAY_AGG(x LIMIT n)");
  if (limit == 0) return Error(ErrorCode::kSqlType, "LIMIT 0 leaves nothing of ARRAY_AGG");
  return limit;
}

AggregateDefinition array_agg() {
  AggregateDefinition made;
  made.name = "ARRAY_AGG";
  made.signature = "ARRAY_AGG(x [ORDER BY …] [LIMIT n])";
  made.meaning =
      "all values, NULLs too unless IGNORE NULLS, as the text of a JSON array, or the first n of them; NULL where "
      "there "
      "is no row";
  made.arguments_max = 2;
  made.constants_max = 1;
  made.order_allowed = made.distinct_allowed = true;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value> constants) -> Result<Type> {
    WEIR_TRY(check_value("ARRAY_AGG", arguments[0]));
    WEIR_TRY(limit_clause(constants));
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    WEIR_ASSIGN(const std::size_t limit, limit_clause(call.constants));
    return AggregateFunctionPtr(std::make_shared<ArrayAgg>(call, true, false, limit));
  };
  return made;
}

AggregateDefinition json_arrayagg() {
  AggregateDefinition made;
  made.name = "JSON_ARRAYAGG";
  made.signature = "JSON_ARRAYAGG(x [NULL ON NULL | ABSENT ON NULL])";
  made.meaning = "the values as the text of a JSON array, NULLs left out unless NULL ON NULL stands there";
  made.arguments_max = 2;
  made.constants_max = 1;
  made.order_allowed = made.distinct_allowed = true;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value> constants) -> Result<Type> {
    WEIR_TRY(check_value("JSON_ARRAYAGG", arguments[0]));
    WEIR_TRY(null_clause("JSON_ARRAYAGG", constants, false));
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    WEIR_ASSIGN(const bool nulls, null_clause(call.name, call.constants, false));
    return AggregateFunctionPtr(std::make_shared<ArrayAgg>(call, nulls, true));
  };
  return made;
}

AggregateDefinition json_objectagg() {
  AggregateDefinition made;
  made.name = "JSON_OBJECTAGG";
  made.signature = "JSON_OBJECTAGG([KEY] k VALUE v [NULL ON NULL | ABSENT ON NULL])";
  made.meaning = "the text of a JSON object in the order of the keys; of values with one key the last in event time";
  made.arguments_min = 2;
  made.arguments_max = 3;
  made.constants_max = 1;
  made.resolve = [](std::span<const Type> arguments, std::span<const Value> constants) -> Result<Type> {
    if (arguments.size() != 2) return Error(ErrorCode::kSqlType, "JSON_OBJECTAGG takes a key and a value");
    if (arguments[0].id != TypeId::kString)
      return Error(ErrorCode::kSqlType, "a key of JSON_OBJECTAGG is a STRING, not " + arguments[0].to_string())
          .with_hint("CAST(k AS STRING)");
    WEIR_TRY(check_value("JSON_OBJECTAGG", arguments[1]));
    WEIR_TRY(null_clause("JSON_OBJECTAGG", constants, true));
    return Type::string();
  };
  made.make = [](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    WEIR_ASSIGN(const bool nulls, null_clause(call.name, call.constants, true));
    return AggregateFunctionPtr(std::make_shared<JsonObjectAgg>(call, nulls));
  };
  return made;
}

}  // namespace

void add_lists(std::vector<AggregateDefinition>& to) {
  to.push_back(listagg());
  to.push_back(array_agg());
  to.push_back(json_arrayagg());
  to.push_back(json_objectagg());
}

}  // namespace weir
