// Weir's own aggregate functions in one list. See catalogue.h.
#include "aggregates/catalogue.h"

#include <algorithm>
#include <array>
#include <memory>
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

/// By name.
std::vector<AggregateDefinitionPtr> sorted() {
  std::vector<AggregateDefinitionPtr> list;
  for (AggregateDefinition& definition : built_in())
    list.push_back(std::make_shared<const AggregateDefinition>(std::move(definition)));
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  const auto same = [](const auto& a, const auto& b) { return a->name == b->name; };
  WEIR_CHECK(std::adjacent_find(list.begin(), list.end(), same) == list.end());
  return list;
}

}  // namespace

bool is_fused_aggregate(std::string_view upper_name) noexcept {
  return std::find(kFused.begin(), kFused.end(), upper_name) != kFused.end();
}

std::span<const AggregateDefinitionPtr> built_in_aggregates() {
  static const std::vector<AggregateDefinitionPtr> list = sorted();
  return list;
}

AggregateDefinitionPtr built_in_aggregate(std::string_view upper_name) {
  const std::span<const AggregateDefinitionPtr> list = built_in_aggregates();
  const auto found =
      std::lower_bound(list.begin(), list.end(), upper_name,
                       [](const auto& definition, std::string_view name) { return definition->name < name; });
  return found == list.end() || (*found)->name != upper_name ? nullptr : *found;
}

}  // namespace weir
