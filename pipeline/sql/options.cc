// See options.h. The keys are Flink's own, but those that begin with weir.
#include "options.h"

#include <algorithm>
#include <array>

#include "suggest.h"
#include "weir/core/suggest.h"

namespace weir::sql {
namespace {

constexpr std::array kKept = std::to_array<std::string_view>(
    {"table.local-time-zone", "pipeline.name", "pipeline.auto-watermark-interval", "table.exec.source.idle-timeout",
     "execution.runtime-mode", "parallelism.default", "table.exec.sink.not-null-enforcer",
     "table.exec.emit.allow-lateness", "table.exec.emit.early-fire.enabled", "table.exec.emit.early-fire.delay",
     "table.exec.emit.late-fire.enabled", "table.exec.emit.late-fire.delay", "weir.double-sum",
     "weir.emit.early-fire.rows", "weir.late-rows", "weir.malformed-rows", "weir.watermark.jump-max",
     "weir.watermark.jump-rows"});

constexpr std::array kIgnored = std::to_array<std::string_view>({"table.sql-dialect",
                                                                 "table.dml-sync",
                                                                 "table.plan.force-recompile",
                                                                 "table.builtin-catalog-name",
                                                                 "table.exec.state.ttl",
                                                                 "table.exec.mini-batch.enabled",
                                                                 "table.exec.mini-batch.allow-latency",
                                                                 "table.exec.mini-batch.size",
                                                                 "table.exec.resource.default-parallelism",
                                                                 "table.exec.async-lookup.buffer-capacity",
                                                                 "table.exec.async-lookup.timeout",
                                                                 "table.exec.disabled-operators",
                                                                 "table.exec.sink.upsert-materialize",
                                                                 "table.exec.sink.keyed-shuffle",
                                                                 "table.exec.sink.type-length-enforcer",
                                                                 "table.exec.sink.require-on-conflict",
                                                                 "table.exec.source.cdc-events-duplicate",
                                                                 "table.exec.legacy-cast-behaviour",
                                                                 "table.exec.rank.topn-cache-size",
                                                                 "table.exec.window-agg.buffer-size-limit",
                                                                 "table.optimizer.agg-phase-strategy",
                                                                 "table.optimizer.distinct-agg.split.enabled",
                                                                 "table.optimizer.join-reorder-enabled",
                                                                 "table.optimizer.reuse-source-enabled",
                                                                 "table.optimizer.reuse-sub-plan-enabled",
                                                                 "table.optimizer.source.predicate-pushdown-enabled",
                                                                 "table.optimizer.multiple-input-enabled",
                                                                 "table.display.max-column-width",
                                                                 "execution.checkpointing.interval",
                                                                 "execution.checkpointing.mode",
                                                                 "execution.checkpointing.timeout",
                                                                 "execution.checkpointing.min-pause",
                                                                 "execution.checkpointing.max-concurrent-checkpoints",
                                                                 "execution.checkpointing.unaligned.enabled",
                                                                 "execution.checkpointing.incremental",
                                                                 "execution.checkpointing.dir",
                                                                 "execution.attached",
                                                                 "execution.target",
                                                                 "execution.savepoint.path",
                                                                 "execution.buffer-timeout",
                                                                 "pipeline.object-reuse",
                                                                 "pipeline.operator-chaining",
                                                                 "pipeline.operator-chaining.enabled",
                                                                 "pipeline.max-parallelism",
                                                                 "pipeline.jars",
                                                                 "pipeline.classpaths",
                                                                 "pipeline.generic-types",
                                                                 "state.backend",
                                                                 "state.backend.type",
                                                                 "state.backend.incremental",
                                                                 "state.backend.rocksdb.memory.managed",
                                                                 "state.checkpoints.dir",
                                                                 "state.savepoints.dir",
                                                                 "state.checkpoints.num-retained",
                                                                 "restart-strategy",
                                                                 "restart-strategy.type",
                                                                 "restart-strategy.fixed-delay.attempts",
                                                                 "restart-strategy.fixed-delay.delay",
                                                                 "sql-client.execution.result-mode",
                                                                 "sql-client.execution.max-table-result.rows",
                                                                 "sql-client.verbose",
                                                                 "sql-client.display.max-column-width",
                                                                 "taskmanager.numberOfTaskSlots",
                                                                 "taskmanager.memory.process.size",
                                                                 "jobmanager.memory.process.size",
                                                                 "metrics.latency.interval",
                                                                 "rest.address",
                                                                 "rest.port"});

constexpr std::array kPrefixes = std::to_array<std::string_view>({"table.",       "execution.",
                                                                  "pipeline.",    "state.",
                                                                  "sql-client.",  "sql-gateway.",
                                                                  "parallelism.", "taskmanager.",
                                                                  "jobmanager.",  "restart-strategy.",
                                                                  "rest.",        "metrics.",
                                                                  "cluster.",     "kubernetes.",
                                                                  "yarn.",        "high-availability.",
                                                                  "s3.",          "fs.",
                                                                  "security.",    "env.",
                                                                  "web.",         "classloader.",
                                                                  "akka.",        "pekko.",
                                                                  "blob.",        "heartbeat.",
                                                                  "python.",      "client.",
                                                                  "compiler.",    "job-result-store.",
                                                                  "slotmanager.", "historyserver."});

}  // namespace

SettingAnswer classify_setting(std::string_view key) {
  const auto has = [key](const auto& keys) { return std::find(keys.begin(), keys.end(), key) != keys.end(); };
  if (has(kKept) || key.starts_with(kTableOptions)) return {SettingKind::kKept, {}};
  if (has(kIgnored)) return {SettingKind::kIgnored, {}};
  std::vector<std::string> names;
  for (const std::string_view name : kKept) names.emplace_back(name);
  for (const std::string_view name : kIgnored) names.emplace_back(name);
  SettingAnswer answer;
  answer.suggestion = nearest(key, names);
  const bool foreign = std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                   [key](std::string_view prefix) { return key.starts_with(prefix); });
  if (foreign && answer.suggestion.empty()) answer.kind = SettingKind::kForeign;
  return answer;
}

std::string settings_of_weir() {
  std::vector<std::string_view> names;
  for (const std::string_view name : kKept)
    if (name.starts_with("weir.")) names.push_back(name);
  names.push_back("weir.options.<table>.<key>");
  return list_names(names);
}

}  // namespace weir::sql
