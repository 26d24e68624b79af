// Suggest: "did you mean …?" for every place where a user gives a name that is not known: SQL names, options, formats.
// One rule for all of them, so that messages sound alike.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Damerau-Levenshtein distance (insert, delete, change, swap neighbours), case-insensitive in ASCII; gives limit + 1
/// where it is more than `limit`. Cost: O(|a| * |b|). Source: Damerau 1964; optimal string alignment.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit = 2);

/// The nearest known name within a distance of 2 (and below the name's own length), or "" where none is near.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// "a, b and c".
std::string list_names(std::span<const std::string_view> names);

}  // namespace weir
