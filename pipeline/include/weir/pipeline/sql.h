// SQL: text in Flink's streaming dialect becomes a JobPlan, or a list of diagnostics that each point at the text.
//
//   text ─► lexer ─► tokens ─► parser ─► syntax tree ─► binder ─► JobPlan (plan.h)
//                      └──────────────────┴───────────────┴─► Diagnostic (code, span, reason, hint, notes)
//
// The frontend knows no connector: the host says by a callback whether a table's options are right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/result.h"
#include "weir/pipeline/plan.h"

namespace weir {

class FunctionCatalogue;

/// Something wrong with the SQL text. Shape: `span` in bytes of the text; lines and columns from 1, columns in code
/// points.
struct Diagnostic {
  struct Note {
    std::string message;
    SourceSpan span;  ///< 0, 0 where the note points nowhere.
  };
  ErrorCode code = ErrorCode::kSqlSyntax;
  SourceSpan span;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string message;      ///< One line, no full stop.
  std::string hint;         ///< What to do; empty where unknown.
  std::vector<Note> notes;  ///< "declared here", schemas side by side, …
};

/// What the host gives the frontend besides the text.
struct SqlOptions {
  /// Set before the text's own SET statements, which win.
  std::map<std::string, std::string> settings;
  /// Tables that the host provides (its own sources and sinks); a CREATE TABLE of the same name is an error.
  std::vector<std::shared_ptr<const TableDefinition>> tables;
  /// Judges connector, format and options of each CREATE TABLE. The error's code, message and hint are shown at the
  /// option whose key the message names in quotes ('key' or `key`), or at the byte of the text that its position names
  /// (Position::at_byte of an option_spans entry), else at the table's name.
  std::function<Result<void>(const TableDefinition&)> validate_table;
  /// The host's functions, beside Weir's own. What the text calls is kept by the plan.
  std::shared_ptr<const FunctionCatalogue> functions = nullptr;
  std::size_t text_bytes_max = std::size_t{4} << 20;  ///< Longer text is refused: kLimitExceeded.
  std::size_t errors_max = 10;                        ///< Diagnostics given; later ones are left out.
};

/// Parses and binds a script. On failure the Error is the first diagnostic (position line:column); all of them, in
/// order of the text, are appended to `diagnostics` where that is not null. Without a table.local-time-zone the
/// setting is added as UTC. Thread: any. Errors: kSqlSyntax, kSqlUnknownName, kSqlType, kSqlUnknownOption,
/// kSqlInvalidOption, kSqlUnknownConnector, kSqlSemantic, kSqlUnsupported, kLimitExceeded, kInvalidUtf8, and what
/// folding a constant may give (kDivisionByZero, kOverflow, kInvalidCast).
Result<JobPlan> plan_sql(std::string_view text, const SqlOptions& options = {},
                         std::vector<Diagnostic>* diagnostics = nullptr);

/// The diagnostic as people read it, with the line and a caret run under the span:
///
///   job.sql:3:7: error WEIR-4002: unknown column `dely`
///        3 |   SUM(dely)
///          |       ^~~~
///      hint: did you mean `delay`?
///
/// Ends in a newline. Lines longer than 160 code points are cut around the caret.
std::string render(const Diagnostic& diagnostic, std::string_view text, std::string_view file);

/// The script in its canonical form: keywords in upper case, names in backticks, one clause a line. Comments are lost.
/// Errors: as plan_sql, the syntax ones.
Result<std::string> format_sql(std::string_view text);

}  // namespace weir
