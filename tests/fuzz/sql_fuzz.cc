// Fuzzes the SQL frontend: any bytes are parsed and planned without a crash, errors point into the text and can be
// rendered, and what parses prints to text that parses to the same tree.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "../../pipeline/sql/lexer.h"
#include "../../pipeline/sql/parser.h"
#include "../../pipeline/sql/printer.h"
#include "weir/pipeline/sql.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_round_trip(std::string_view text) {
  weir::sql::Diagnostics diagnostics(text, 10);
  const weir::sql::Script first = weir::sql::parse_script(text, diagnostics);
  if (diagnostics.count() != 0) return;
  const std::string printed = weir::sql::print(first);
  weir::sql::Diagnostics again(printed, 10);
  const weir::sql::Script second = weir::sql::parse_script(printed, again);
  const std::vector<weir::Diagnostic> found = again.take();
  // Text near the limit of nesting may pass it by a pair of parentheses that the printer adds.
  if (!found.empty() && found[0].code == weir::ErrorCode::kLimitExceeded) return;
  require(found.empty());
  require(first == second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<weir::Diagnostic> found;
  const weir::Result<weir::JobPlan> plan = weir::plan_sql(text, {}, &found);
  require(plan.has_value() == found.empty());
  require(found.size() <= 10);
  for (const weir::Diagnostic& diagnostic : found) {
    require(diagnostic.span.begin <= diagnostic.span.end && diagnostic.span.end <= size);
    require(!render(diagnostic, text, "x.sql").empty());
  }
  if (plan.has_value()) {
    for (const weir::QueryPlan& query : plan.value().queries) require(!to_string(query).empty());
  }
  if (weir::sql::find_invalid_utf8(text) == std::string_view::npos) check_round_trip(text);
  return 0;
}
