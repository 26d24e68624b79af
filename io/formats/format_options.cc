// Options of one format.
#include "formats/format_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "weir/io/text_number.h"

namespace weir::detail {
namespace {

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (left[i] == right[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

Error invalid(std::string_view name, std::string_view value, std::string_view wanted) {
  return Error(ErrorCode::kSqlInvalidOption,
               fmt::format("option '{}' has the value '{}'; it takes {}", name, value, wanted));
}

}  // namespace

std::string_view nearest_word(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 2;  // farther is no likely slip
  for (const std::string_view word : known) {
    const std::size_t distance = edit_distance(name, word);
    if (distance < best_distance) {
      best = word;
      best_distance = distance;
    }
  }
  return best;
}

Result<FormatOptions> FormatOptions::create(const FormatContext& context, std::span<const OptionHelp> known) {
  std::vector<std::string_view> names;
  for (const OptionHelp& help : known) names.push_back(help.name);
  for (const auto& [name, value] : context.options) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string_view near = nearest_word(name, names);
    std::string hint = near.empty() ? std::string() : fmt::format("did you mean '{}'? ", near);
    hint += fmt::format("Format '{}' knows: {}", context.format, fmt::join(names, ", "));
    return Error(ErrorCode::kSqlUnknownOption,
                 fmt::format("format '{}' of table '{}' has no option '{}'", context.format, context.table, name))
        .with_hint(std::move(hint));
  }
  return FormatOptions(context.options, known);
}

std::string_view FormatOptions::text(std::string_view name) const {
  if (const auto found = values_->find(std::string(name)); found != values_->end()) return found->second;
  for (const OptionHelp& help : known_) {
    if (help.name == name) return help.default_value;
  }
  return {};
}

Result<bool> FormatOptions::boolean(std::string_view name) const {
  bool value = false;
  if (parse_boolean(text(name), value) != TextStatus::kOk) return invalid(name, text(name), "true or false");
  return value;
}

Result<std::optional<char>> FormatOptions::character(std::string_view name) const {
  const std::string_view value = text(name);
  if (value.empty() && !has(name)) return std::optional<char>();
  if (value == "\\t") return std::optional<char>('\t');
  if (value.size() != 1 || value[0] == '\n' || value[0] == '\r' || value[0] == '\0' ||
      static_cast<unsigned char>(value[0]) >= 0x80) {
    return invalid(name, value, "one ASCII character that is no line end");
  }
  return std::optional<char>(value[0]);
}

Result<std::size_t> FormatOptions::size(std::string_view name, std::size_t limit) const {
  if (!has(name)) return std::size_t{0};
  std::int64_t value = 0;
  if (parse_int64(text(name), value) != TextStatus::kOk || value < 1 || static_cast<std::uint64_t>(value) > limit) {
    return invalid(name, text(name), fmt::format("a number from 1 to {}", limit));
  }
  return static_cast<std::size_t>(value);
}

Result<std::size_t> FormatOptions::choice(std::string_view name, std::span<const std::string_view> words) const {
  const auto found = std::find(words.begin(), words.end(), text(name));
  if (found == words.end()) return invalid(name, text(name), fmt::format("one of {}", fmt::join(words, ", ")));
  return static_cast<std::size_t>(found - words.begin());
}

}  // namespace weir::detail
