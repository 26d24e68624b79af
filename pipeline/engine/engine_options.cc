// Reading the engine's own options (engine_options.h).
#include "engine/engine_options.h"

#include <array>
#include <limits>

#include "weir/io/text_number.h"

namespace weir {
namespace {

constexpr const char* kMalformedRows = "weir.malformed-rows";
constexpr const char* kIdleTimeout = "scan.watermark.idle-timeout";            // Flink's, of a table
constexpr const char* kIdleTimeoutSetting = "table.exec.source.idle-timeout";  // Flink's, of a job
constexpr const char* kJumpMax = "weir.watermark.jump-max";
constexpr const char* kJumpRows = "weir.watermark.jump-rows";
constexpr const char* kEarlyRows = "weir.emit.early-fire.rows";
constexpr std::int64_t kLatenessMax = std::int64_t{366} * 86'400'000'000'000;
constexpr std::int64_t kJumpRowsMax = 1'000'000;

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
constexpr auto kUnits = std::to_array<Unit>({{"", 1'000'000},
                                             {"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"sec", 1'000'000'000},
                                             {"second", 1'000'000'000},
                                             {"seconds", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"min", 60'000'000'000},
                                             {"minute", 60'000'000'000},
                                             {"minutes", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"hour", 3'600'000'000'000},
                                             {"hours", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000},
                                             {"day", 86'400'000'000'000},
                                             {"days", 86'400'000'000'000}});

/// The table's option, else the job's setting; null where there is neither. `name` is set to the one that was found.
const std::string* find(const std::map<std::string, std::string>& table,
                        const std::map<std::string, std::string>& settings, const char* option, const char* setting,
                        const char** name) {
  if (const auto found = table.find(option); found != table.end()) {
    *name = option;
    return &found->second;
  }
  if (const auto found = settings.find(setting); found != settings.end()) {
    *name = setting;
    return &found->second;
  }
  return nullptr;
}

}  // namespace

Result<std::int64_t> parse_duration(std::string_view option, std::string_view text) {
  const auto wrong = [&] {
    return Error(ErrorCode::kSqlInvalidOption,
                 "'" + std::string(option) + "' wants a duration, not '" + std::string(text) + "'")
        .with_hint("such as '500 ms', '10 s', '2 min', '1 h' or '1 d'");
  };
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  std::int64_t count = 0;
  if (digits == 0 || parse_int64(text.substr(0, digits), count) != TextStatus::kOk) return wrong();
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  while (!unit.empty() && unit.back() == ' ') unit.remove_suffix(1);
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    if (count > std::numeric_limits<std::int64_t>::max() / known.ns) return wrong();
    return count * known.ns;
  }
  return wrong();
}

Result<SourceTimeOptions> source_time_options(const std::map<std::string, std::string>& table,
                                              const std::map<std::string, std::string>& settings) {
  SourceTimeOptions out;
  const char* name = nullptr;
  if (const std::string* text = find(table, settings, kIdleTimeout, kIdleTimeoutSetting, &name); text != nullptr) {
    WEIR_ASSIGN(out.idle_timeout_ns, parse_duration(name, *text));
  }
  if (const std::string* text = find(table, settings, kJumpMax, kJumpMax, &name); text != nullptr) {
    WEIR_ASSIGN(out.jump_max_ns, parse_duration(name, *text));
  }
  if (const std::string* text = find(table, settings, kJumpRows, kJumpRows, &name); text != nullptr) {
    std::int64_t rows = 0;
    if (parse_int64(*text, rows) != TextStatus::kOk || rows < 1 || rows > kJumpRowsMax) {
      return Error(ErrorCode::kSqlInvalidOption,
                   std::string("'") + name + "' wants a whole number of 1 to 1000000, not '" + *text + "'");
    }
    out.jump_rows = static_cast<std::uint32_t>(rows);
  }
  return out;
}

Result<EmitOptions> emit_options(const std::map<std::string, std::string>& settings) {
  const auto duration = [&](const char* name, std::int64_t& to) -> Result<void> {
    if (const auto found = settings.find(name); found != settings.end()) {
      WEIR_ASSIGN(to, parse_duration(name, found->second));
    }
    return {};
  };
  const auto boolean = [&](const char* name, bool& to) -> Result<void> {
    const auto found = settings.find(name);
    if (found == settings.end() || parse_boolean(found->second, to) == TextStatus::kOk) return {};
    return Error(ErrorCode::kSqlInvalidOption,
                 std::string("'") + name + "' wants true or false, not '" + found->second + "'");
  };
  EmitOptions out;
  bool late = false;
  std::int64_t late_delay = 0;
  WEIR_TRY(duration("table.exec.emit.allow-lateness", out.lateness_ns));
  WEIR_TRY(boolean("table.exec.emit.early-fire.enabled", out.early));
  WEIR_TRY(duration("table.exec.emit.early-fire.delay", out.early_delay_ns));
  WEIR_TRY(boolean("table.exec.emit.late-fire.enabled", late));
  WEIR_TRY(duration("table.exec.emit.late-fire.delay", late_delay));
  if (late) out.late_delay_ns = late_delay;
  if (out.lateness_ns > kLatenessMax) {
    return Error(ErrorCode::kSqlInvalidOption, "'table.exec.emit.allow-lateness' is more than a year");
  }
  if (const auto found = settings.find(kEarlyRows); found != settings.end()) {
    std::int64_t rows = 0;
    if (parse_int64(found->second, rows) != TextStatus::kOk || rows < 1) {
      return Error(ErrorCode::kSqlInvalidOption,
                   std::string("'") + kEarlyRows + "' wants a whole number from 1 on, not '" + found->second + "'");
    }
    out.early_rows = static_cast<std::uint64_t>(rows);
  }
  return out;
}

void remove_engine_options(std::map<std::string, std::string>& options) {
  for (const char* own : {kMalformedRows, kIdleTimeout, kJumpMax, kJumpRows}) options.erase(own);
}

}  // namespace weir
