// Suggest: the name that was probably meant, for did-you-mean hints.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sql {

/// Damerau-Levenshtein distance (optimal string alignment: insert, delete, replace, swap neighbours) in bytes without
/// regard to ASCII case; `limit` + 1 as soon as it is above `limit`. Cost: length of left times length of right, both
/// cut off at 128 bytes.
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit);

/// The nearest candidate at a distance of at most 2 (less for short names), or "". The first of equals wins.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// "did you mean `x`?" or, where none is near, "".
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace weir::sql
