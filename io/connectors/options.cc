// Typed options and the errors about them (options.h).
#include "connectors/options.h"

#include <vector>

#include "weir/core/suggest.h"
#include "weir/io/text_number.h"

namespace weir {

std::string OptionReader::text(const std::string& name, std::string_view fallback) const {
  const auto found = options_.find(name);
  return found == options_.end() ? std::string(fallback) : found->second;
}

Result<std::uint64_t> OptionReader::number(const std::string& name, std::uint64_t fallback, std::uint64_t min,
                                           std::uint64_t max) const {
  const auto found = options_.find(name);
  if (found == options_.end()) return fallback;
  std::int64_t value = 0;
  if (parse_int64(found->second, value) != TextStatus::kOk || value < 0 || static_cast<std::uint64_t>(value) < min ||
      static_cast<std::uint64_t>(value) > max) {
    return Error(ErrorCode::kSqlInvalidOption, "option '" + name + "' of table " + std::string(table_) +
                                                   " wants a whole number of " + std::to_string(min) + " to " +
                                                   std::to_string(max) + ", not '" + found->second + "'");
  }
  return static_cast<std::uint64_t>(value);
}

Result<bool> OptionReader::boolean(const std::string& name, bool fallback) const {
  const auto found = options_.find(name);
  if (found == options_.end()) return fallback;
  bool value = false;
  if (parse_boolean(found->second, value) != TextStatus::kOk) {
    return Error(ErrorCode::kSqlInvalidOption, "option '" + name + "' of table " + std::string(table_) +
                                                   " wants true or false, not '" + found->second + "'");
  }
  return value;
}

Result<std::string> OptionReader::required(const std::string& name, std::string_view connector) const {
  const auto found = options_.find(name);
  if (found == options_.end() || found->second.empty()) {
    return Error(ErrorCode::kSqlInvalidOption, "table " + std::string(table_) + " with connector '" +
                                                   std::string(connector) + "' needs the option '" + name + "'");
  }
  return found->second;
}

namespace {

/// A known name may hold one '#', which stands for a column's name.
bool matches(std::string_view name, std::string_view known) {
  const std::size_t hash = known.find('#');
  if (hash == std::string_view::npos) return name == known;
  const std::string_view head = known.substr(0, hash), tail = known.substr(hash + 1);
  return name.size() > head.size() + tail.size() && name.starts_with(head) && name.ends_with(tail);
}

}  // namespace

Result<void> refuse_unknown_options(const std::map<std::string, std::string>& options, std::string_view connector,
                                    std::span<const OptionHelp> known) {
  std::vector<std::string_view> names{"connector"};
  for (const OptionHelp& help : known) names.push_back(help.name);
  for (const auto& [name, value] : options) {
    bool found = false;
    for (std::string_view candidate : names) found = found || matches(name, candidate);
    if (found) continue;
    std::string hint = "connector '" + std::string(connector) + "' knows " + list_names(names);
    if (const std::string_view near = nearest_name(name, names); !near.empty()) {
      hint = "did you mean '" + std::string(near) + "'? " + hint;
    }
    return Error(ErrorCode::kSqlUnknownOption, "unknown option '" + name + "'").with_hint(std::move(hint));
  }
  return {};
}

}  // namespace weir
