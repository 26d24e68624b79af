// See suggest.h.
#include "suggest.h"

#include <algorithm>
#include <array>

#include "lexer.h"

namespace weir::sql {

std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
  constexpr std::size_t kLengthMax = 128;
  if (left.size() > kLengthMax || right.size() > kLengthMax) return limit + 1;
  const std::size_t longer = std::max(left.size(), right.size());
  if (longer - std::min(left.size(), right.size()) > limit) return limit + 1;
  const std::string a = to_upper(left);
  const std::string b = to_upper(right);
  std::array<std::size_t, kLengthMax + 1> before_last{};
  std::array<std::size_t, kLengthMax + 1> last{};
  std::array<std::size_t, kLengthMax + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return std::min(last[b.size()], limit + 1);
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  const std::size_t limit = name.size() <= 2 ? 1 : 2;
  std::size_t best = limit + 1;
  std::string found;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate, limit);
    // A distance as long as the name replaces all of it: that is not the same word.
    if (distance < best && distance < std::min(name.size(), candidate.size())) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string found = nearest(name, candidates);
  return found.empty() ? std::string() : "did you mean `" + found + "`?";
}

}  // namespace weir::sql
