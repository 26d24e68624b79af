// plan_sql and format_sql: the passes of the frontend in a row. See weir/pipeline/sql.h.
#include "weir/pipeline/sql.h"

#include "binder.h"
#include "diagnostics.h"
#include "lexer.h"
#include "parser.h"
#include "printer.h"

namespace weir {
namespace {

/// The first diagnostic as an Error.
Error to_error(const std::vector<Diagnostic>& found) {
  const Diagnostic& first = found.front();
  std::string message = first.message;
  if (found.size() > 1) {
    message += " (and " + std::to_string(found.size() - 1) + (found.size() == 2 ? " more error)" : " more errors)");
  }
  return Error(first.code, std::move(message), Position::at_line(first.line, first.column))
      .with_hint(std::string(first.hint));
}

bool check_text(std::string_view text, std::size_t bytes_max, sql::Diagnostics& diagnostics) {
  if (text.size() > bytes_max || text.size() >= UINT32_MAX) {
    diagnostics.report(ErrorCode::kLimitExceeded, {0, 0},
                       "the text is longer than " + std::to_string(bytes_max) + " bytes (text_bytes_max)");
    return false;
  }
  const std::size_t bad = sql::find_invalid_utf8(text);
  if (bad == std::string_view::npos) return true;
  diagnostics.report(ErrorCode::kInvalidUtf8, {static_cast<std::uint32_t>(bad), static_cast<std::uint32_t>(bad + 1)},
                     "the text is not valid UTF-8");
  return false;
}

}  // namespace

Result<JobPlan> plan_sql(std::string_view text, const SqlOptions& options, std::vector<Diagnostic>* diagnostics) {
  // What is too long is not looked through for its lines.
  const bool too_long = text.size() > options.text_bytes_max;
  sql::Diagnostics found(too_long ? std::string_view() : text, options.errors_max);
  JobPlan plan;
  if (check_text(text, options.text_bytes_max, found)) {
    sql::Script script = sql::parse_script(text, found);
    sql::Binder binder(options, found);
    plan = binder.bind(script);
  }
  if (found.count() == 0) return plan;
  std::vector<Diagnostic> list = found.take();
  Error error = to_error(list);
  if (diagnostics != nullptr) diagnostics->insert(diagnostics->end(), list.begin(), list.end());
  return error;
}

Result<std::string> format_sql(std::string_view text) {
  const SqlOptions limits;
  sql::Diagnostics found(text.size() > limits.text_bytes_max ? std::string_view() : text, limits.errors_max);
  std::string out;
  if (check_text(text, limits.text_bytes_max, found)) out = sql::print(sql::parse_script(text, found));
  if (found.count() == 0) return out;
  return to_error(found.take());
}

}  // namespace weir
