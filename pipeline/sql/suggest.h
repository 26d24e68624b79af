// Suggest: the name that was probably meant, for did-you-mean hints.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sql {

/// The nearest candidate by the rule of core/suggest.h, or "".
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// "did you mean `x`?" or, where none is near, "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace weir::sql
