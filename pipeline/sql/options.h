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

SettingAnswer classify_setting(std::string_view key);

}  // namespace weir::sql
