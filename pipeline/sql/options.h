// Options: what each key of SET means here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::sql {

enum class SettingKind {
  kKept,     // has an effect; stands in JobPlan::settings
  kIgnored,  // Flink knows it, here it means nothing; noted
  kForeign,  // has the form of a Flink key, not in the table; noted
  kUnknown,  // an error
};

struct SettingAnswer {
  SettingKind kind = SettingKind::kUnknown;
  std::string suggestion;  ///< A near known key, or "".
};

/// Before "<table>.<key>": an option of a table, in the spelling that Flink can ignore.
inline constexpr std::string_view kTableOptions = "weir.options.";

SettingAnswer classify_setting(std::string_view key);
/// The names of those settings that Flink does not have, for a message.
std::string settings_of_weir();

}  // namespace weir::sql
