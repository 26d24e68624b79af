// A host's C++ as a scalar function (weir/pipeline/user_function.h).
#include "weir/pipeline/user_function.h"

#include <algorithm>
#include <array>
#include <memory>

#include "expression/functions.h"
#include "expression/host_function.h"
#include "expression/kernel.h"

namespace weir {
namespace {

constexpr std::size_t kParametersMax = 16;
constexpr std::string_view kLetters = "bilds";

/// The definition beside the function, so that the kernel finds it from the call.
struct UserFunction : HostFunction {
  struct Function : ScalarFunction {
    const FunctionDefinition* definition = nullptr;
  };
  FunctionDefinition definition;
  Function function;
};

void user_kernel(KernelCall& call) {
  const auto& function = *static_cast<const UserFunction::Function*>(call.expression->function);
  std::array<FunctionCall::Argument, kParametersMax> arguments;
  for (std::size_t i = 0; i < call.arguments.size(); ++i)
    arguments[i] = {call.arguments[i].data, call.arguments[i].mask};
  FunctionCall user;
  user.arguments = arguments.data();
  user.rows = call.range.rows;
  user.count = call.range.count;
  user.result = call.result;
  user.heap = call.runtime->heap;
  function.definition->loop(user);
  if (!user.failed) return;
  call.failed_row = user.failed_row;
  (void)call.fail(user.code, std::string(function.name) + ": " + user.message);
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

Result<HostFunctionPtr> make_user_function(FunctionDefinition definition) {
  const auto known = [](char c) { return kLetters.find(c) != std::string_view::npos; };
  if (definition.parameters.size() > kParametersMax ||
      !std::all_of(definition.parameters.begin(), definition.parameters.end(), known) || !known(definition.result) ||
      !definition.loop)
    return Error(ErrorCode::kInvalidArgument,
                 "the function " + definition.name + " needs a loop and at most 16 parameters of types b, i, l, d, s");
  auto made = std::make_shared<UserFunction>();
  made->definition = std::move(definition);
  const FunctionDefinition& own = made->definition;
  made->name = own.name;
  made->signature = signature_of(own);
  UserFunction::Function& function = made->function;
  function.name = made->name;
  function.parameters = own.parameters;
  function.result = own.result;
  function.kernel = &user_kernel;
  function.flags = own.may_be_null ? std::uint8_t{kMayBeNull} : std::uint8_t{0};
  function.definition = &own;
  made->entry = {made->name, made->signature, own.meaning,
                 std::span<const ScalarFunction>(static_cast<const ScalarFunction*>(&function), 1)};
  return HostFunctionPtr(std::move(made));
}

}  // namespace weir
