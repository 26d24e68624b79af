// The registry of a host's scalar functions (weir/pipeline/user_function.h).
#include "weir/pipeline/user_function.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "expression/functions.h"
#include "expression/kernel.h"
#include "expression/lookup.h"
#include "weir/pipeline/aggregate.h"

namespace weir {
namespace {

constexpr std::size_t kParametersMax = 16;
constexpr std::string_view kLetters = "bilds";

/// The definition beside the function, so that the kernel finds it from the call.
struct UserFunction : ScalarFunction {
  FunctionDefinition definition;
  std::string signature;
  FunctionEntry entry;
};

void user_kernel(KernelCall& call) {
  const auto& function = *static_cast<const UserFunction*>(call.expression->function);
  std::array<FunctionCall::Argument, kParametersMax> arguments;
  for (std::size_t i = 0; i < call.arguments.size(); ++i)
    arguments[i] = {call.arguments[i].data, call.arguments[i].mask};
  FunctionCall user;
  user.arguments = arguments.data();
  user.rows = call.range.rows;
  user.count = call.range.count;
  user.result = call.result;
  user.heap = call.runtime->heap;
  function.definition.loop(user);
  if (!user.failed) return;
  call.failed_row = user.failed_row;
  (void)call.fail(user.code, std::string(function.name) + ": " + user.message);
}

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<UserFunction>> functions;
};
Registry& registry() {
  static Registry functions;
  return functions;
}

bool is_identifier(std::string_view name) noexcept {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string signature_of(const FunctionDefinition& definition) {
  constexpr std::array<std::string_view, 5> kTypes = {"BOOLEAN", "INT", "BIGINT", "DOUBLE", "STRING"};
  std::string text = definition.name + "(";
  for (std::size_t i = 0; i < definition.parameters.size(); ++i) {
    if (i != 0) text += ", ";
    text += kTypes[kLetters.find(definition.parameters[i])];
  }
  return text + ")";
}

}  // namespace

const FunctionEntry* find_user_function(std::string_view upper_name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& function : all.functions)
    if (function->definition.name == upper_name) return &function->entry;
  return nullptr;
}

Result<void> register_function(FunctionDefinition definition) {
  for (char& c : definition.name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (!is_identifier(definition.name))
    return Error(ErrorCode::kInvalidArgument, "\"" + definition.name + "\" is not a name for a function");
  if (is_scalar_function(definition.name) || is_aggregate_name(definition.name))
    return Error(ErrorCode::kInvalidArgument, "there is a function " + definition.name + " already");
  const auto known = [](char c) { return kLetters.find(c) != std::string_view::npos; };
  if (definition.parameters.size() > kParametersMax ||
      !std::all_of(definition.parameters.begin(), definition.parameters.end(), known) || !known(definition.result) ||
      !definition.loop)
    return Error(ErrorCode::kInvalidArgument,
                 "the function " + definition.name + " needs a loop and at most 16 parameters of types b, i, l, d, s");
  auto made = std::make_unique<UserFunction>();
  made->definition = std::move(definition);
  const FunctionDefinition& own = made->definition;
  made->signature = signature_of(own);
  ScalarFunction& function = *made;
  function.name = own.name;
  function.parameters = own.parameters;
  function.result = own.result;
  function.kernel = &user_kernel;
  function.flags = own.may_be_null ? std::uint8_t{kMayBeNull} : std::uint8_t{0};
  made->entry = {own.name, made->signature, own.meaning, std::span<const ScalarFunction>(&function, 1)};
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.functions.push_back(std::move(made));
  return {};
}

}  // namespace weir
