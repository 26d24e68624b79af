// Names of a host's functions, and what stands behind them. See function_catalogue.h.
#include "weir/pipeline/function_catalogue.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "expression/host_function.h"
#include "sql/known_functions.h"
#include "weir/pipeline/aggregate.h"

namespace weir {
namespace {

std::string upper(std::string name) {
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

bool is_identifier(std::string_view name) noexcept {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Error refused(std::string_view name, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument,
               "a function cannot be called '" + std::string(name) + "': " + std::string(why));
}

/// Whether a function of the host may have the name, in upper case.
Result<void> check_name(const std::string& name) {
  if (!is_identifier(name)) return refused(name, "a name is letters, digits and _, and starts with no digit");
  if (is_scalar_function(name) || is_aggregate_name(name)) return refused(name, "Weir has a function of that name");
  if (sql::has_own_syntax(name)) return refused(name, "the word has a meaning of its own in SQL");
  return {};
}

}  // namespace

struct FunctionCatalogue::Impl {
  /// One of the two.
  struct Entry {
    HostFunctionPtr function;
    AggregateDefinitionPtr aggregate;
  };

  Result<void> add(const std::string& name, Entry entry) {
    const std::lock_guard lock(mutex);
    if (!entries.emplace(name, std::move(entry)).second)
      return refused(name, "the catalogue has a function of that name already");
    return {};
  }
  Entry find(std::string_view name) const {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(name);
    return found == entries.end() ? Entry() : found->second;
  }

  mutable std::mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;
};

FunctionCatalogue::FunctionCatalogue() : impl_(std::make_unique<Impl>()) {}
FunctionCatalogue::~FunctionCatalogue() = default;

Result<void> FunctionCatalogue::add_function(FunctionDefinition definition) {
  definition.name = upper(std::move(definition.name));
  const std::string name = definition.name;
  WEIR_TRY(check_name(name));
  WEIR_ASSIGN(HostFunctionPtr function, make_user_function(std::move(definition)));
  return impl_->add(name, {std::move(function), nullptr});
}

Result<void> FunctionCatalogue::add_aggregate(AggregateDefinition definition) {
  definition.name = upper(std::move(definition.name));
  const std::string name = definition.name;
  WEIR_TRY(check_name(name));
  if (definition.resolve == nullptr || definition.make == nullptr)
    return Error(ErrorCode::kInvalidArgument, "the aggregate " + name + " has no resolve or no make");
  if (definition.constants_max > definition.arguments_max || definition.arguments_min > definition.arguments_max)
    return Error(ErrorCode::kInvalidArgument, "the aggregate " + name + " contradicts its argument counts");
  return impl_->add(name, {nullptr, std::make_shared<const AggregateDefinition>(std::move(definition))});
}

Result<void> FunctionCatalogue::add_lookup(std::string name, const LookupEntries& entries) {
  name = upper(std::move(name));
  WEIR_TRY(check_name(name));
  WEIR_ASSIGN(HostFunctionPtr function, make_lookup(name, entries));
  return impl_->add(name, {std::move(function), nullptr});
}

std::shared_ptr<const HostFunction> FunctionCatalogue::function(std::string_view upper_name) const {
  return impl_->find(upper_name).function;
}

AggregateDefinitionPtr FunctionCatalogue::aggregate(std::string_view upper_name) const {
  return impl_->find(upper_name).aggregate;
}

std::vector<std::string> FunctionCatalogue::names() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::string> list;
  for (const auto& [name, entry] : impl_->entries) list.push_back(name);
  return list;
}

}  // namespace weir
