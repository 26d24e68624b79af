// The registry of aggregate functions. See weir/pipeline/aggregate_function.h and catalogue.h.
#include "aggregates/catalogue.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "weir/core/check.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 5> kFused = {"COUNT", "SUM", "AVG", "MIN", "MAX"};

std::vector<AggregateDefinition> built_in() {
  std::vector<AggregateDefinition> definitions;
  add_approx_count_distinct(definitions);
  add_approx_quantile(definitions);
  add_bits(definitions);
  add_bool_and_or(definitions);
  add_collect(definitions);
  add_decay(definitions);
  add_histogram(definitions);
  add_lists(definitions);
  add_market(definitions);
  add_mode(definitions);
  add_moments(definitions);
  add_ordered(definitions);
  add_quantile(definitions);
  add_reservoir_sample(definitions);
  add_time_series(definitions);
  add_top_k(definitions);
  return definitions;
}

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  const auto part = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), part);
}

/// Definitions by name; an entry stays where it is. Thread: any.
class Registry {
 public:
  Registry() {
    for (AggregateDefinition& definition : built_in()) {
      const Result<void> added = add(std::move(definition), true);
      WEIR_CHECK(added.has_value());
    }
  }

  Result<void> add(AggregateDefinition definition, bool own) {
    definition.name = upper(definition.name);
    if (!is_identifier(definition.name))
      return Error(ErrorCode::kInvalidArgument, "an aggregate cannot be called '" + definition.name + "'")
          .with_hint("a name is letters, digits and _, and starts with no digit");
    if (definition.resolve == nullptr || definition.make == nullptr)
      return Error(ErrorCode::kInvalidArgument, "the aggregate " + definition.name + " has no resolve or no make");
    if (definition.constants_max > definition.arguments_max || definition.arguments_min > definition.arguments_max)
      return Error(ErrorCode::kInvalidArgument,
                   "the aggregate " + definition.name + " contradicts its argument counts");
    const std::lock_guard lock(mutex_);
    const bool taken = is_fused_aggregate(definition.name) || by_name_.contains(definition.name);
    if (taken)
      return Error(ErrorCode::kInvalidArgument, "there is an aggregate called " + definition.name + " already");
    std::string name = definition.name;
    by_name_.emplace(std::move(name), Entry{std::make_unique<const AggregateDefinition>(std::move(definition)), own});
    return {};
  }

  const AggregateDefinition* find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(upper(name));
    return found == by_name_.end() ? nullptr : found->second.definition.get();
  }

  std::vector<const AggregateDefinition*> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<const AggregateDefinition*> list;
    for (const bool own : {true, false}) {
      for (const auto& [name, entry] : by_name_)
        if (entry.own == own) list.push_back(entry.definition.get());
    }
    return list;
  }

 private:
  struct Entry {
    std::unique_ptr<const AggregateDefinition> definition;
    bool own;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> by_name_;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

bool is_fused_aggregate(std::string_view upper_name) noexcept {
  return std::find(kFused.begin(), kFused.end(), upper_name) != kFused.end();
}

Result<void> register_aggregate(AggregateDefinition definition) {
  return registry().add(std::move(definition), false);
}

const AggregateDefinition* find_aggregate(std::string_view name) noexcept {
  return registry().find(name);
}

std::vector<const AggregateDefinition*> registered_aggregates() {
  return registry().all();
}

}  // namespace weir
