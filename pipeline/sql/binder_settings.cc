// SET and RESET, and SET 'weir.options.<table>.<key>', the spelling of table options that Flink can ignore.
#include <algorithm>

#include "binder.h"
#include "options.h"
#include "suggest.h"

namespace weir::sql {
void Binder::collect_table_options(const Script& script) {
  const auto add = [this](const std::string& key, const std::string& value, Span span) {
    if (!key.starts_with(kTableOptions)) return;
    const std::string rest = key.substr(kTableOptions.size());
    const std::size_t dot = rest.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == rest.size()) {
      if (span.end > 0) {
        error(ErrorCode::kSqlInvalidOption, span, "the setting names no table option",
              "the form is SET 'weir.options.<table>.<key>' = '<value>'");
      }
      return;
    }
    table_options_.push_back({rest.substr(0, dot), rest.substr(dot + 1), value, span, false});
  };
  for (const auto& [key, value] : options_.settings) add(key, value, {});
  for (const Statement& statement : script.statements) {
    const auto* set = std::get_if<Set>(&statement.body);
    if (set != nullptr && !statement.broken) add(set->key, set->value, set->key_span);
  }
}

void Binder::check_table_options() {
  for (const TableOption& option : table_options_) {
    if (option.used || option.span.end == 0 || catalog_.count(option.table) > 0) continue;
    error(ErrorCode::kSqlUnknownName, option.span, "the setting is for the unknown table `" + option.table + "`",
          did_you_mean(option.table, table_names()));
  }
}

bool Binder::refuse_setting(const std::string& key, const SettingAnswer& answer, SourceSpan span) {
  if (answer.kind != SettingKind::kUnknown) return false;
  error(ErrorCode::kSqlUnknownOption, span, "unknown setting '" + key + "'",
        answer.suggestion.empty() ? "settings of Weir: " + settings_of_weir()
                                  : "did you mean '" + answer.suggestion + "'?");
  return true;
}

void Binder::check_given_settings() {
  for (const auto& [key, value] : options_.settings) (void)refuse_setting(key, classify_setting(key), {});
}

void Binder::apply_set(const Set& set) {
  const SettingAnswer answer = classify_setting(set.key);
  switch (answer.kind) {
    case SettingKind::kKept:
      if (set.key == "execution.runtime-mode" && set.value != "streaming" && set.value != "STREAMING") {
        unsupported(set.value_span, "the runtime mode '" + set.value + "' is not supported",
                    "Weir runs streams: 'streaming'");
        return;
      }
      if (set.key == "table.local-time-zone" && (set.value.empty() || set.value == "default")) {
        plan_.settings.erase(set.key);
        return;
      }
      plan_.settings[set.key] = set.value;
      setting_spans_[set.key] = set.value_span;
      return;
    case SettingKind::kIgnored:
      plan_.notes.push_back("the setting '" + set.key + "' of Flink means nothing here");
      return;
    case SettingKind::kForeign:
      plan_.notes.push_back("the setting '" + set.key + "' looks like one of Flink; Weir does not know it");
      return;
    case SettingKind::kUnknown:
      (void)refuse_setting(set.key, answer, set.key_span);
      return;
  }
}

void Binder::apply_reset(const Reset& reset) {
  if (!reset.key) {
    plan_.settings = options_.settings;
    return;
  }
  const auto before = options_.settings.find(*reset.key);
  if (before != options_.settings.end()) {
    plan_.settings[*reset.key] = before->second;
    return;
  }
  const SettingAnswer answer = classify_setting(*reset.key);
  if (refuse_setting(*reset.key, answer, reset.key_span)) return;
  plan_.settings.erase(*reset.key);
}

}  // namespace weir::sql
