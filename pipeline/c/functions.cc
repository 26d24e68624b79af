// The C interface: scalar functions and aggregates of the caller (weir/c.h), as definitions in the setup's catalogue.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregates/state_piece.h"
#include "c/handles.h"
#include "c/row_block.h"
#include "weir/io/text_decimal.h"

/// What a function that fails says.
struct weir_call {
  std::string reason;
};

namespace weir::c {
namespace {

constexpr std::string_view kLetters = "bilds";
constexpr std::size_t kStateBytesMax = 4096;
constexpr std::uint32_t kTextBytesMax = 0xFFFFFFF0u;  // what a StringRef can be long

/// The caller's `user`, until nothing calls with it any more.
struct User {
  explicit User(void* user) noexcept : pointer(user) {}
  ~User() {
    if (destroy != nullptr) destroy(pointer);
  }
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  void* pointer;
  void (*destroy)(void*) = nullptr;  // set once the function was added
};

Error invalid(const std::string& message) {
  return Error(ErrorCode::kInvalidArgument, message);
}

bool known(char letter) noexcept {
  return kLetters.find(letter) != std::string_view::npos;
}

/// Name, parameters and the letter of the result. Errors: kInvalidArgument.
template <class Struct>
Result<void> check(const Struct& given, const char* what, std::size_t parameters_min) {
  const std::string of = std::string(what) + (given.name == nullptr ? "" : " " + std::string(given.name));
  if (given.name == nullptr || given.parameters == nullptr) return invalid(of + " has no name, or no parameters");
  const std::string_view parameters = given.parameters;
  if (parameters.size() < parameters_min || parameters.size() > kParametersMax ||
      !std::all_of(parameters.begin(), parameters.end(), known) || given.result > 127 ||
      !known(static_cast<char>(given.result)))
    return invalid(of + " has " + std::to_string(parameters_min) +
                   " to 16 parameters and a result, each of them a letter of b, i, l, d, s");
  return {};
}

/// What the function gave, beside its name.
std::string failure(const weir_call& call, std::int32_t answer) {
  return call.reason.empty() ? "the function gave " + std::to_string(answer) : call.reason;
}

Error failed_call(const std::string& name, const weir_call& call, std::int32_t answer) {
  return Error(ErrorCode::kUserFunction, name + ": " + failure(call, answer));
}

/// Why a result that is not NULL cannot stand in a column of its letter; "" where it can.
std::string_view misfit(char letter, const weir_value& value) noexcept {
  const std::int64_t integer = value.as.integer;
  if (letter == 'b' && integer != 0 && integer != 1) return "a BOOLEAN is 0 or 1";
  if (letter == 'i' && (integer < INT32_MIN || integer > INT32_MAX)) return "the result does not fit INT";
  if (letter != 's') return {};
  if (value.text_bytes > kTextBytesMax) return "the text is too long";
  return value.as.text == nullptr && value.text_bytes != 0 ? "the text of the result is NULL" : std::string_view();
}

std::string_view text_of(const weir_value& value) noexcept {
  return value.text_bytes == 0 ? std::string_view() : std::string_view(value.as.text, value.text_bytes);
}

/// A value that is no text, into its column.
void store_number(char letter, const weir_value& value, Vector& to, std::uint32_t row) noexcept {
  switch (letter) {
    case 'b':
      to.values<std::int8_t>()[row] = static_cast<std::int8_t>(value.as.integer);
      break;
    case 'i':
      to.values<std::int32_t>()[row] = static_cast<std::int32_t>(value.as.integer);
      break;
    case 'l':
      to.values<std::int64_t>()[row] = value.as.integer;
      break;
    default:
      to.values<double>()[row] = value.as.number;
  }
}

// ---- Scalar functions ---------------------------------------------------------------------------------------------

/// An argument whose type is that of its letter.
weir_value argument_of(char letter, const FunctionCall::Argument& argument, std::uint32_t row) noexcept {
  weir_value value = {};
  const std::uint32_t at = row & argument.mask;
  switch (letter) {
    case 'b':
      value.as.integer = static_cast<const std::int8_t*>(argument.data)[at] != 0 ? 1 : 0;
      break;
    case 'i':
      value.as.integer = static_cast<const std::int32_t*>(argument.data)[at];
      break;
    case 'l':
      value.as.integer = static_cast<const std::int64_t*>(argument.data)[at];
      break;
    case 'd':
      value.as.number = static_cast<const double*>(argument.data)[at];
      break;
    default: {
      const std::string_view text = static_cast<const StringRef*>(argument.data)[at].view();
      value.as.text = text.data();
      value.text_bytes = static_cast<std::uint32_t>(text.size());
    }
  }
  return value;
}

/// Puts a result into its row. False where the call failed.
bool store_result(char letter, const weir_value& value, std::uint32_t row, FunctionCall& call) {
  if (value.is_null != 0) {
    call.result->set_valid(row, false);
    return true;
  }
  if (const std::string_view wrong = misfit(letter, value); !wrong.empty()) {
    call.fail(row, ErrorCode::kUserFunction, std::string(wrong));
    return false;
  }
  if (letter != 's') {
    store_number(letter, value, *call.result, row);
    return true;
  }
  if (call.heap->store(text_of(value), call.result->values<StringRef>()[row])) return true;
  call.fail(row, ErrorCode::kLimitExceeded, "the text results of one batch take more than heap_bytes");
  return false;
}

/// What the caller's struct said.
struct Scalar {
  weir_function calls;  // its pointers to text are not looked at
  std::string parameters;
  char result = 'd';
  std::shared_ptr<User> user;
};

void evaluate_each(const Scalar& scalar, FunctionCall& call) {
  weir_call state;
  std::array<weir_value, kParametersMax> arguments;
  for (std::uint32_t i = 0; i < call.count; ++i) {
    const std::uint32_t row = call.rows == nullptr ? i : call.rows[i];
    if (!call.result->is_valid(row)) continue;
    for (std::size_t a = 0; a < scalar.parameters.size(); ++a)
      arguments[a] = argument_of(scalar.parameters[a], call.arguments[a], row);
    weir_value result = {};
    result.is_null = 1;
    const std::int32_t answer = scalar.calls.evaluate(scalar.user->pointer, &state, arguments.data(), &result);
    if (answer != 0) return call.fail(row, ErrorCode::kUserFunction, failure(state, answer));
    if (!store_result(scalar.result, result, row, call)) return;
  }
}

/// The rows of one call of evaluate_rows, and their results into the column. False where that failed.
bool evaluate_block(const Scalar& scalar, RowBlock& block, FunctionCall& call) {
  for (std::size_t a = 0; a < scalar.parameters.size(); ++a)
    block.gather(a, scalar.parameters[a], call.arguments[a].data, call.arguments[a].mask);
  const weir_results results = block.results(scalar.result);
  weir_call state;
  const std::int32_t answer =
      scalar.calls.evaluate_rows(scalar.user->pointer, &state, block.count, block.columns, &results);
  if (answer != 0) {
    call.fail(block.rows[0], ErrorCode::kUserFunction, failure(state, answer));
    return false;
  }
  for (std::uint32_t i = 0; i < block.count; ++i) {
    weir_value result = value_at(scalar.result, block.result_values, i);
    result.is_null = block.result_nulls[i];
    if (!store_result(scalar.result, result, block.rows[i], call)) return false;
  }
  return true;
}

void evaluate_blocks(const Scalar& scalar, FunctionCall& call) {
  RowBlock block;
  for (std::uint32_t i = 0; i < call.count;) {
    for (block.count = 0; i < call.count && block.count < kRowsMax; ++i) {
      const std::uint32_t row = call.rows == nullptr ? i : call.rows[i];
      if (call.result->is_valid(row)) block.rows[block.count++] = row;
    }
    if (block.count != 0 && !evaluate_block(scalar, block, call)) return;
  }
}

Result<void> add(FunctionCatalogue& functions, const weir_function& given) {
  WEIR_TRY(check(given, "weir_function", 0));
  if (given.evaluate == nullptr && given.evaluate_rows == nullptr)
    return invalid("weir_function " + std::string(given.name) + " has no evaluate and no evaluate_rows");
  const auto scalar = std::make_shared<Scalar>();
  scalar->calls = given;
  scalar->parameters = given.parameters;
  scalar->result = static_cast<char>(given.result);
  scalar->user = std::make_shared<User>(given.user);
  FunctionDefinition definition;
  definition.name = given.name;
  definition.parameters = scalar->parameters;
  definition.result = scalar->result;
  definition.may_be_null = true;
  definition.meaning = given.meaning == nullptr ? "a function of the host" : given.meaning;
  if (given.evaluate_rows != nullptr)
    definition.loop = [scalar](FunctionCall& call) { evaluate_blocks(*scalar, call); };
  else
    definition.loop = [scalar](FunctionCall& call) { evaluate_each(*scalar, call); };
  WEIR_TRY(functions.add_function(std::move(definition)));
  scalar->user->destroy = given.destroy;
  return {};
}

// ---- Aggregates ---------------------------------------------------------------------------------------------------

/// What the caller's struct said.
struct Aggregate {
  weir_aggregate calls;  // its pointers to text are not looked at
  std::string name, parameters;
  char result = 'd';
  std::shared_ptr<User> user;
};

bool takes(char letter, const Type& type) noexcept {
  switch (letter) {
    case 'b':
      return type.id == TypeId::kBoolean;
    case 'i':
      return type.is_integer() && type.id <= TypeId::kInt;
    case 'l':
      return type.is_integer();
    case 'd':
      return type.is_numeric();
    default:
      return type.is_string() && type.id != TypeId::kBytes;
  }
}

/// An argument of any type that its letter takes.
weir_value argument_of(char letter, const Type& type, const Vector& column, std::uint32_t row) noexcept {
  weir_value value = {};
  if (!column.is_valid(row)) {
    value.is_null = 1;
    return value;
  }
  std::int64_t integer = 0;
  switch (column.physical) {
    case Physical::kInt8:
      integer = column.values<std::int8_t>()[row];
      break;
    case Physical::kInt16:
      integer = column.values<std::int16_t>()[row];
      break;
    case Physical::kInt32:
      integer = column.values<std::int32_t>()[row];
      break;
    case Physical::kInt64:
      integer = column.values<std::int64_t>()[row];
      break;
    case Physical::kFloat:
      value.as.number = static_cast<double>(column.values<float>()[row]);
      return value;
    case Physical::kDouble:
      value.as.number = column.values<double>()[row];
      return value;
    case Physical::kInt128:
      value.as.number =
          static_cast<double>(column.values<Int128>()[row]) / static_cast<double>(power_of_ten(type.scale));
      return value;
    default: {
      const std::string_view text = column.values<StringRef>()[row].view();
      value.as.text = text.data();
      value.text_bytes = static_cast<std::uint32_t>(text.size());
      return value;
    }
  }
  if (type.id == TypeId::kDecimal)
    value.as.number = static_cast<double>(integer) / static_cast<double>(power_of_ten(type.scale));
  else if (letter == 'd')
    value.as.number = static_cast<double>(integer);
  else
    value.as.integer = integer;
  return value;
}

Type type_of(char letter) {
  switch (letter) {
    case 'b':
      return Type::boolean();
    case 'i':
      return Type::integer();
    case 'l':
      return Type::bigint();
    case 'd':
      return Type::float64();
    default:
      return Type::string();
  }
}

/// A state is the caller's bytes and, where results are texts, the piece that holds the last one.
class HostAggregate final : public AggregateFunction {
 public:
  HostAggregate(std::shared_ptr<const Aggregate> of, std::vector<Type> arguments)
      : of_(std::move(of)), types_(std::move(arguments)), own_bytes_((of_->calls.state_bytes + 7) / 8 * 8) {}

  std::size_t state_bytes() const noexcept override { return own_bytes_ + (texts() ? sizeof(StatePiece) : 0); }
  bool owns_memory() const noexcept override { return texts(); }
  bool ignores_nulls() const noexcept override { return of_->calls.takes_nulls == 0; }
  bool has_inverse() const noexcept override { return of_->calls.subtract != nullptr; }

  void initialize(std::byte* state) const noexcept override {
    std::memset(state, 0, state_bytes());
    if (of_->calls.initialize != nullptr) of_->calls.initialize(user(), state);
  }
  Result<void> add(const AggregateRows& rows, const AggregateStates& to) const override {
    if (of_->calls.lift_rows != nullptr) return blocks(rows, to, of_->calls.lift_rows);
    return each(rows, to, of_->calls.lift);
  }
  Result<void> retract(const AggregateRows& rows, const AggregateStates& from) const override {
    if (of_->calls.retract_rows != nullptr) return blocks(rows, from, of_->calls.retract_rows);
    return each(rows, from, of_->calls.retract);
  }
  Result<void> combine(std::byte* to, const std::byte* from, StateHeap&) const override {
    return both(to, from, of_->calls.combine);
  }
  Result<void> subtract(std::byte* from, const std::byte* what, StateHeap&) const override {
    return both(from, what, of_->calls.subtract);
  }
  Result<void> lower(std::byte* state, StateHeap& heap, Vector& to, std::uint32_t row) const override {
    weir_call call;
    weir_value value = {};
    value.is_null = 1;
    if (const std::int32_t answer = of_->calls.lower(user(), &call, state, &value); answer != 0)
      return failed_call(of_->name, call, answer);
    to.set_valid(row, value.is_null == 0);
    if (value.is_null != 0) return {};
    if (const std::string_view wrong = misfit(of_->result, value); !wrong.empty())
      return Error(ErrorCode::kUserFunction, of_->name + ": " + std::string(wrong));
    if (texts()) return keep_text(state, text_of(value), heap, to.values<StringRef>()[row]);
    store_number(of_->result, value, to, row);
    return {};
  }
  void release(std::byte* state, StateHeap& heap) const noexcept override {
    if (texts()) piece(state)->release(heap);
  }
  Result<std::string_view> partial(const std::byte* state, StateHeap&) const override {
    return std::string_view(reinterpret_cast<const char*>(state), own_bytes_);
  }
  Result<void> add_partial(std::byte* state, std::string_view partial, StateHeap& heap) const override {
    if (partial.size() != own_bytes_) return invalid("a partial of " + of_->name + " has another size than its states");
    alignas(16) std::byte copy[kStateBytesMax];
    std::memcpy(copy, partial.data(), partial.size());
    return combine(state, copy, heap);
  }

 private:
  using Lift = decltype(weir_aggregate::lift);
  using LiftRows = decltype(weir_aggregate::lift_rows);
  using Combine = decltype(weir_aggregate::combine);

  bool texts() const noexcept { return of_->result == 's'; }
  void* user() const noexcept { return of_->user->pointer; }
  StatePiece* piece(std::byte* state) const noexcept { return reinterpret_cast<StatePiece*>(state + own_bytes_); }

  Result<void> each(const AggregateRows& rows, const AggregateStates& to, Lift call_row) const {
    weir_call call;
    std::array<weir_value, kParametersMax> arguments;
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.row(i);
      if (!rows.valid(row)) continue;
      for (std::size_t a = 0; a < types_.size(); ++a)
        arguments[a] = argument_of(of_->parameters[a], types_[a], *rows.arguments[a], row);
      std::byte* state = to.state(rows.groups == nullptr ? 0 : rows.groups[row]);
      if (const std::int32_t answer = call_row(user(), &call, state, arguments.data()); answer != 0)
        return failed_call(of_->name, call, answer);
    }
    return {};
  }
  Result<void> blocks(const AggregateRows& rows, const AggregateStates& to, LiftRows call_rows) const {
    RowBlock block;
    for (std::uint32_t i = 0; i < rows.count;) {
      for (block.count = 0; i < rows.count && block.count < kRowsMax; ++i) {
        const std::uint32_t row = rows.row(i);
        if (!rows.valid(row)) continue;
        block.groups[block.count] = rows.groups == nullptr ? 0 : rows.groups[row];
        block.rows[block.count++] = row;
      }
      if (block.count == 0) break;
      for (std::size_t a = 0; a < types_.size(); ++a) gather(block, a, *rows.arguments[a]);
      const weir_states states = {to.base, to.stride, block.groups, nullptr};
      weir_call call;
      if (const std::int32_t answer = call_rows(user(), &call, block.count, &states, block.columns); answer != 0)
        return failed_call(of_->name, call, answer);
    }
    return {};
  }
  /// The argument's values: as they stand where their type is the letter's, else each as its letter takes it.
  void gather(RowBlock& block, std::size_t a, const Vector& column) const noexcept {
    const char letter = of_->parameters[a];
    const bool as_it_stands = types_[a].id == type_of(letter).id || letter == 's';
    if (as_it_stands)
      block.gather(a, letter, column.data, ~0u);
    else
      block.columns[a] = {block.values[a], nullptr, nullptr};
    if (as_it_stands && column.validity == nullptr) return;
    bool any = false;
    for (std::uint32_t i = 0; i < block.count; ++i) {
      const std::uint32_t row = block.rows[i];
      block.nulls[a][i] = column.is_valid(row) ? 0 : 1;
      any |= block.nulls[a][i] != 0;
      if (!as_it_stands) put_value(letter, argument_of(letter, types_[a], column, row), block.values[a], i);
    }
    if (any) block.columns[a].is_null = block.nulls[a];
  }
  Result<void> both(std::byte* to, const std::byte* from, Combine call_both) const {
    weir_call call;
    if (const std::int32_t answer = call_both(user(), &call, to, from); answer != 0)
      return failed_call(of_->name, call, answer);
    return {};
  }
  Result<void> keep_text(std::byte* state, std::string_view text, StateHeap& heap, StringRef& out) const {
    if (text.size() <= StringRef::kInlineMax) {
      out = StringRef(text);
      return {};
    }
    StatePiece& kept = *piece(state);
    if (!kept.reserve(text.size(), heap)) return state_heap_full();
    std::memcpy(kept.data, text.data(), text.size());
    out = StringRef(std::string_view(reinterpret_cast<const char*>(kept.data), text.size()));
    return {};
  }

  std::shared_ptr<const Aggregate> of_;
  std::vector<Type> types_;
  std::size_t own_bytes_;
};

std::string signature_of(const Aggregate& aggregate) {
  std::string text = aggregate.name + "(";
  for (const char letter : aggregate.parameters) text += (text.back() == '(' ? "" : ", ") + type_of(letter).to_string();
  return text + ")";
}

Result<void> add(FunctionCatalogue& functions, const weir_aggregate& given) {
  WEIR_TRY(check(given, "weir_aggregate", 1));
  const std::string what = "weir_aggregate " + std::string(given.name);
  if ((given.lift == nullptr && given.lift_rows == nullptr) || given.combine == nullptr || given.lower == nullptr)
    return invalid(what + " has no lift (or lift_rows), combine or lower");
  if ((given.retract == nullptr && given.retract_rows == nullptr) != (given.subtract == nullptr))
    return invalid(what + " has one of retract (or retract_rows) and subtract: an inverse is both");
  if (given.state_bytes == 0 || given.state_bytes > kStateBytesMax)
    return invalid(what + ".state_bytes is 1 to " + std::to_string(kStateBytesMax));
  const auto aggregate = std::make_shared<Aggregate>();
  aggregate->calls = given;
  aggregate->name = given.name;
  for (char& c : aggregate->name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  aggregate->parameters = given.parameters;
  aggregate->result = static_cast<char>(given.result);
  aggregate->user = std::make_shared<User>(given.user);
  AggregateDefinition definition;
  definition.name = aggregate->name;
  definition.signature = signature_of(*aggregate);
  definition.meaning = given.meaning == nullptr ? "an aggregate of the host" : given.meaning;
  definition.arguments_min = definition.arguments_max = static_cast<std::uint32_t>(aggregate->parameters.size());
  definition.resolve = [aggregate](std::span<const Type> arguments, std::span<const Value>) -> Result<Type> {
    for (std::size_t a = 0; a < arguments.size(); ++a) {
      if (takes(aggregate->parameters[a], arguments[a])) continue;
      return Error(ErrorCode::kSqlType,
                   aggregate->name + " takes no " + arguments[a].to_string() + " as argument " + std::to_string(a + 1))
          .with_hint("CAST(… AS " + type_of(aggregate->parameters[a]).to_string() + ")");
    }
    return type_of(aggregate->result);
  };
  definition.make = [aggregate](const AggregateCallInfo& call) -> Result<AggregateFunctionPtr> {
    return AggregateFunctionPtr(std::make_shared<HostAggregate>(aggregate, call.arguments));
  };
  WEIR_TRY(functions.add_aggregate(std::move(definition)));
  aggregate->user->destroy = given.destroy;
  return {};
}

template <class Struct>
std::int32_t add_to(weir_setup* setup, const Struct* given, const char* name) {
  if (setup == nullptr || given == nullptr) return missing("setup or " + std::string(name));
  return guarded([&] {
    Struct taken = {};
    if (!take_struct(given, &taken)) return too_new(name);
    if (auto added = add(*setup->functions, taken); !added) return failed(added.error());
    return std::int32_t{WEIR_OK};
  });
}

}  // namespace
}  // namespace weir::c

int32_t weir_call_fail(weir_call* call, const char* message) {
  if (call == nullptr) return -1;
  weir::c::guarded([&] {
    call->reason = message == nullptr ? "" : message;
    return int32_t{WEIR_OK};
  });
  return -1;
}

void weir_function_init(weir_function* function, size_t size) {
  weir_function defaults = {};
  defaults.result = 'd';
  weir::c::give_struct(defaults, function, size);
}

int32_t weir_setup_function(weir_setup* setup, const weir_function* function) {
  return weir::c::add_to(setup, function, "weir_function");
}

void weir_aggregate_init(weir_aggregate* aggregate, size_t size) {
  weir_aggregate defaults = {};
  defaults.result = 'd';
  weir::c::give_struct(defaults, aggregate, size);
}

int32_t weir_setup_aggregate(weir_setup* setup, const weir_aggregate* aggregate) {
  return weir::c::add_to(setup, aggregate, "weir_aggregate");
}
