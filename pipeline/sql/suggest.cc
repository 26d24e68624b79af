// See suggest.h.
#include "suggest.h"

#include "weir/core/suggest.h"

namespace weir::sql {

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> names(candidates.begin(), candidates.end());
  return std::string(nearest_name(name, names));
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string found = nearest(name, candidates);
  return found.empty() ? std::string() : "did you mean `" + found + "`?";
}

}  // namespace weir::sql
