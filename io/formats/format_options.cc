// Options of one format.
#include "formats/format_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "weir/core/suggest.h"
#include "weir/io/text_number.h"

namespace weir::detail {
namespace {

Error invalid(std::string_view name, std::string_view value, std::string_view wanted) {
  return Error(ErrorCode::kSqlInvalidOption,
               fmt::format("option '{}' has the value '{}'; it takes {}", name, value, wanted));
}

}  // namespace

Result<FormatOptions> FormatOptions::create(const FormatContext& context, std::span<const OptionHelp> known) {
  std::vector<std::string_view> names;
  for (const OptionHelp& help : known) names.push_back(help.name);
  for (const auto& [name, value] : context.options) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string_view near = nearest_name(name, names);
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
