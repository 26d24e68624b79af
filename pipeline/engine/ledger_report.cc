// The ledger as people and programs read it.
#include <fmt/format.h>

#include "engine/json_text.h"
#include "weir/pipeline/job.h"

namespace weir {
namespace {

std::string line_of(const LedgerEntry& entry) {
  const OperatorLedger& l = entry.ledger;
  std::string text = fmt::format("  {:>2}  {:<24} {:<18} {:>12} {:>12}", entry.shard, entry.fragment,
                                 entry.operator_name, l.rows_in, l.rows_out);
  const auto add = [&text](std::string_view what, std::uint64_t count) {
    if (count != 0) text += fmt::format("  {} {}", what, count);
  };
  add("filtered", l.rows_filtered);
  add("absorbed", l.rows_absorbed);
  add("created", l.rows_created);
  add("dead-lettered", l.dead_lettered);
  add("side output", l.side_output);
  for (std::size_t r = 0; r < l.dropped.size(); ++r) {
    add(fmt::format("dropped {}", drop_reason_name(static_cast<DropReason>(r))), l.dropped[r]);
  }
  add("held", entry.held);
  if (const std::int64_t off = l.imbalance(entry.held); off != 0) text += fmt::format("  DOES NOT CLOSE: {:+}", off);
  return text + "\n";
}

std::string line_of(const InputLedger& input) {
  const InputReport& report = input.report;
  if (report.idle_count == 0 && report.jumps_held == 0 && report.jumps_confirmed == 0) return {};
  std::string text = fmt::format("  input {} of table {}:", input.name, input.table);
  if (report.idle_count != 0)
    text += fmt::format(" idle {} times{}", report.idle_count, report.idle ? ", also now" : "");
  if (report.jumps_held != 0) {
    text += fmt::format("{} {} rows too far ahead to move the watermark, the first at {} ns",
                        report.idle_count != 0 ? ";" : "", report.jumps_held, report.jump_first);
  }
  if (report.jumps_confirmed != 0) text += fmt::format("; it jumped {} times after all", report.jumps_confirmed);
  return text + "\n";
}

}  // namespace

std::string JobLedger::to_text() const {
  std::string text = fmt::format("  sh  {:<24} {:<18} {:>12} {:>12}\n", "fragment", "operator", "rows in", "rows out");
  for (const LedgerEntry& entry : entries) text += line_of(entry);
  for (const InputLedger& input : inputs) text += line_of(input);
  for (const DeliveryLedger& sink : deliveries) {
    const Deliveries& d = sink.counts;
    text += fmt::format("  subscribers of {}: {} came; of {} rows due to them {} delivered", sink.table, d.subscribers,
                        d.offered, d.delivered);
    const auto add = [&text](std::string_view what, std::uint64_t count) {
      if (count != 0) text += fmt::format(", {} {}", count, what);
    };
    add("on their way", d.held);
    add("conflated", d.conflated);
    add("dropped as the oldest", d.dropped);
    add("abandoned", d.abandoned);
    text += "\n";
  }
  for (const TableCount& count : counts) text += fmt::format("  {}: {} {}\n", count.table, count.name, count.count);
  for (const std::string& edge : open_edges) text += "  edge does not close: " + edge + "\n";
  text += fmt::format("  read {}, written {}, filtered {}, late {}, malformed {}", records_read, rows_written, filtered,
                      late, malformed);
  if (side_output != 0) text += fmt::format(", of the late {} to a side output", side_output);
  if (lost != 0) text += fmt::format(", lost before they came {}", lost);
  if (dead_lettered != 0) text += fmt::format(", dead-lettered {}", dead_lettered);
  text += fmt::format("; the ledger {}\n",
                      imbalance == 0 && open_edges.empty() ? "closes" : fmt::format("is off by {:+}", imbalance));
  return text;
}

std::string JobLedger::to_json() const {
  std::string text = fmt::format(
      R"({{"version":1,"records_read":{},"rows_written":{},"filtered":{},"late":{},"malformed":{},"dropped":{},"side_output":{},"dead_lettered":{},"imbalance":{},)",
      records_read, rows_written, filtered, late, malformed, dropped, side_output, dead_lettered, imbalance);
  text += R"("open_edges":[)";
  for (std::size_t i = 0; i < open_edges.size(); ++i) text += (i == 0 ? "" : ",") + json_string(open_edges[i]);
  text += R"(],"malformed_samples":[)";
  for (std::size_t i = 0; i < malformed_samples.size(); ++i) {
    text += (i == 0 ? "" : ",") + json_string(malformed_samples[i]);
  }
  text += R"(],"inputs":[)";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputReport& report = inputs[i].report;
    text += fmt::format(R"({}{{"shard":{},"table":{},"input":{},"idle":{},"jumps_held":{},"jumps_confirmed":{}}})",
                        i == 0 ? "" : ",", inputs[i].shard, json_string(inputs[i].table), json_string(inputs[i].name),
                        report.idle_count, report.jumps_held, report.jumps_confirmed);
  }
  text += fmt::format(R"(],"lost":{},"deliveries":[)", lost);
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    const Deliveries& d = deliveries[i].counts;
    text += fmt::format(
        R"({}{{"table":{},"subscribers":{},"offered":{},"delivered":{},"held":{},"conflated":{},"dropped":{},"abandoned":{}}})",
        i == 0 ? "" : ",", json_string(deliveries[i].table), d.subscribers, d.offered, d.delivered, d.held, d.conflated,
        d.dropped, d.abandoned);
  }
  text += R"(],"counts":[)";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    text += fmt::format(R"({}{{"table":{},"what":{},"count":{}}})", i == 0 ? "" : ",", json_string(counts[i].table),
                        json_string(counts[i].name), counts[i].count);
  }
  text += R"(],"operators":[)";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const LedgerEntry& entry = entries[i];
    const OperatorLedger& l = entry.ledger;
    text += fmt::format(
        R"({}{{"shard":{},"fragment":{},"operator":{},"in":{},"out":{},"filtered":{},"absorbed":{},"created":{},"dead_lettered":{},"side_output":{},"held":{},"dropped":{{)",
        i == 0 ? "" : ",", entry.shard, json_string(entry.fragment), json_string(entry.operator_name), l.rows_in,
        l.rows_out, l.rows_filtered, l.rows_absorbed, l.rows_created, l.dead_lettered, l.side_output, entry.held);
    for (std::size_t r = 0; r < l.dropped.size(); ++r) {
      text +=
          fmt::format(R"({}"{}":{})", r == 0 ? "" : ",", drop_reason_name(static_cast<DropReason>(r)), l.dropped[r]);
    }
    text += "}}";
  }
  return text + "]}";
}

}  // namespace weir
