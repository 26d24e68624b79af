// What the SQL tests share: planning a text and looking at the plan or the rendered errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/pipeline/sql.h"

namespace weir::test {

/// Tables that most cases read and write.
inline constexpr std::string_view kTables = R"(
CREATE TABLE bids (
  auction BIGINT NOT NULL,
  price DECIMAL(10, 2),
  channel STRING,
  n INT,
  x DOUBLE,
  ok BOOLEAN,
  d DATE,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'bids.csv', 'format' = 'csv');
CREATE TABLE sink (a BIGINT, b STRING) WITH ('connector' = 'print');
)";

/// The plan of the last query, or the rendered diagnostics.
inline std::string plan_text(std::string_view sql, const SqlOptions& options = {}) {
  std::vector<Diagnostic> diagnostics;
  const Result<JobPlan> plan = plan_sql(sql, options, &diagnostics);
  std::string out;
  if (!plan.has_value()) {
    for (const Diagnostic& diagnostic : diagnostics) out += render(diagnostic, sql, "job.sql");
    return out;
  }
  for (const QueryPlan& query : plan.value().queries) out += to_string(query);
  return out;
}

/// The same for a text behind kTables, without the columns of each node.
inline std::string bids_plan(std::string_view sql) {
  const std::string text = plan_text(std::string(kTables) + std::string(sql));
  std::string out;
  std::size_t from = 0;
  while (from < text.size()) {
    std::size_t end = text.find('\n', from);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(from, end - from);
    out += line.substr(0, line.find(" -> [")) + "\n";
    from = end + 1;
  }
  return out;
}

/// The message of the first diagnostic of a text behind kTables, "" where it has none.
inline std::string first_error(std::string_view sql) {
  std::vector<Diagnostic> diagnostics;
  const Result<JobPlan> plan = plan_sql(std::string(kTables) + std::string(sql), {}, &diagnostics);
  return plan.has_value() ? std::string() : diagnostics.front().message;
}

}  // namespace weir::test
