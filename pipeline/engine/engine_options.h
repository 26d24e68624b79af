// Options of tables and settings of jobs that are the engine's own, whatever the connector.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/pipeline/operators.h"
#include "weir/pipeline/plan.h"

namespace weir {

/// A duration as Flink writes one: "10 s", "500ms", "1 h", "2 min", "1 d"; a number alone is milliseconds.
/// Errors: kSqlInvalidOption, naming the option.
Result<std::int64_t> parse_duration(std::string_view option, std::string_view text);

/// What the engine does with a source table's time.
struct SourceTimeOptions {
  std::int64_t idle_timeout_ns = 0;  ///< 0: an input is never idle.
  std::int64_t jump_max_ns = 0;      ///< 0: a row moves the watermark as far as it says.
  std::uint32_t jump_rows = 3;       ///< Rows in a row that confirm a jump.
};

/// Errors: kSqlInvalidOption, naming the option.
Result<SourceTimeOptions> source_time_options(const std::map<std::string, std::string>& table,
                                              const std::map<std::string, std::string>& settings);

/// When windows give results besides their completion, by Flink's settings table.exec.emit.* and weir.emit.*.
/// Errors: kSqlInvalidOption, naming the setting.
Result<EmitOptions> emit_options(const std::map<std::string, std::string>& settings);

/// Takes the engine's own options out of a table's, so that the connector is not asked about them.
void remove_engine_options(std::map<std::string, std::string>& options);

}  // namespace weir
