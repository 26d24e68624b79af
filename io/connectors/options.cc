// Typed options and the errors about them (options.h).
#include "connectors/options.h"

#include <algorithm>
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

Result<std::int64_t> OptionReader::duration(const std::string& name, std::int64_t fallback,
                                            std::int64_t least_ns) const {
  const auto found = options_.find(name);
  if (found == options_.end()) return fallback;
  std::string_view text = found->second;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view unit = text.substr(digits);
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  constexpr std::int64_t kMillisecond = 1'000'000, kDay = 86'400'000 * kMillisecond;
  const std::int64_t factor = unit.empty() || unit == "ms"   ? kMillisecond
                              : unit == "s" || unit == "sec" ? 1000 * kMillisecond
                              : unit == "min" || unit == "m" ? 60'000 * kMillisecond
                              : unit == "h"                  ? 3'600'000 * kMillisecond
                              : unit == "d"                  ? kDay
                                                             : 0;
  std::int64_t count = 0, nanos = 0;
  const bool fits = factor != 0 && parse_int64(text.substr(0, digits), count) == TextStatus::kOk &&
                    !__builtin_mul_overflow(count, factor, &nanos) && nanos >= least_ns && nanos <= kDay;
  if (fits) return nanos;
  return Error(ErrorCode::kSqlInvalidOption, "option '" + name + "' of table " + std::string(table_) +
                                                 " wants a duration of " + (least_ns == 0 ? "0" : "1 ms") +
                                                 " to 1 d, such as '500 ms' or '10 s', not '" + found->second + "'");
}

Result<std::size_t> OptionReader::choice(const std::string& name, std::size_t fallback,
                                         std::span<const std::string_view> names) const {
  const auto found = options_.find(name);
  if (found == options_.end()) return fallback;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == found->second) return i;
  return Error(ErrorCode::kSqlInvalidOption,
               "option '" + name + "' of table " + std::string(table_) + " cannot be '" + found->second + "'")
      .with_hint("it can be " + list_names(std::vector<std::string_view>(names.begin(), names.end())));
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
