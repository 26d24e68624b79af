// Suggest: "did you mean …?" for every place where a user gives a name that is not known: SQL names, options, formats.
// One rule for all of them, so that messages sound alike.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Damerau-Levenshtein distance (insert, delete, change, swap neighbours), case-insensitive in ASCII; limit + 1 where
/// it is more than `limit`, or where a name is longer than 128 bytes. Cost: O(|a| * |b|). Source: Damerau 1964, as
/// optimal string alignment.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

/// The known names that are near (1 edit for names of up to 3 letters, 2 up to 8, else 3), nearest first, the earlier
/// of equals first, at most `names_max`.
std::vector<std::string_view> nearest_names(std::string_view name, std::span<const std::string_view> known,
                                            std::size_t names_max = 3);
/// The first of them, or "".
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

/// "a, b and c".
std::string list_names(std::span<const std::string_view> names);

}  // namespace weir
