// JobLayout: a job's stages laid over shards, before anything is made: which shard reads which input, where a keyed
// exchange and a gathering exchange stand, what their batches look like, and what all of it takes in memory. `explain`
// prints it, Job::create builds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_options.h"
#include "engine/physical_plan.h"
#include "weir/core/batch.h"
#include "weir/core/exchange.h"
#include "weir/io/connector.h"
#include "weir/pipeline/operators.h"

namespace weir {

/// An exchange from every sending shard to every receiving one.
struct EdgeLayout {
  bool present = false;
  std::vector<std::uint32_t> senders, receivers;
  std::vector<std::uint32_t> key_columns;  ///< Empty: everything goes to the one receiver.
  Schema schema;
  std::vector<Physical> physical;
  bool has_strings = false;
  bool kinds = false;
  std::size_t exchange_bytes = 0;  ///< Of one exchange.
  std::size_t bytes() const noexcept { return exchange_bytes * senders.size() * receivers.size(); }
};

/// Where rows go that leave the source stage on the side.
struct SideLayout {
  std::shared_ptr<TableSink> sink;
  std::shared_ptr<const TableDefinition> table;
  Schema schema;
  EdgeLayout gather;
};

/// An aggregate stage: its operators, and the exchange by key that stands before them or between them.
struct StageLayout {
  WindowAggregateOptions aggregate;  ///< mode and decide_late are set for each instance.
  EdgeLayout keyed;
  std::vector<std::uint32_t> shards;  ///< Where its results are given out.
  StateCost state_cost;
  std::size_t state_bytes_bound = 0;  ///< Of one instance: state_bytes_max, or less where the other limits imply it.
};

struct QueryLayout {
  PhysicalQuery plan;
  std::shared_ptr<TableSource> source;
  std::shared_ptr<TableSink> sink;
  std::vector<std::vector<std::uint32_t>> inputs_of_shard;
  SourceTimeOptions time;
  std::vector<Physical> read_physical;
  EmitOptions emit;
  std::vector<StageLayout> stages;  ///< One for each of plan.aggregates.
  EdgeLayout gather;
  std::optional<SideLayout> late, malformed;
  Schema result_schema;   ///< Of the rows that reach the sink.
  bool updating = false;  ///< Results change earlier ones: batches of them have kinds.

  /// Of results and of what goes to the side.
  std::vector<const TableSink*> sinks() const {
    std::vector<const TableSink*> all{sink.get()};
    for (const auto* side : {&late, &malformed})
      if (side->has_value()) all.push_back((*side)->sink.get());
    return all;
  }
};

struct JobLayout {
  std::vector<QueryLayout> queries;
  std::uint32_t shards = 1;
  std::uint32_t batch_rows = kBatchRowsDefault;
  std::uint32_t credits = 16;
  std::size_t heap_bytes = 0;
  std::string time_zone = "UTC";
  std::uint32_t sinks = 0;
  std::vector<std::string> notes;

  std::size_t exchange_bytes = 0, batch_bytes = 0, reader_bytes = 0, writer_bytes = 0, aggregate_bytes = 0,
              state_bytes_max = 0, backend_bytes = 0;
  std::size_t memory_bytes_max() const noexcept {
    return exchange_bytes + batch_bytes + reader_bytes + writer_bytes + aggregate_bytes + state_bytes_max +
           backend_bytes;
  }
};

/// What the batches of one edge or reader look like. The layout's spans point into `physical`.
BatchLayout batch_layout(const std::vector<Physical>& physical, const JobLayout& layout, bool kinds = false);

/// Plans every query and makes its tables' sources and sinks. With a backend, files are looked at and folders made;
/// without one (explain), nothing outside is touched. Errors: those of make_physical_query, the connectors and the
/// operators; kInvalidArgument for options out of range.
Result<JobLayout> lay_out_job(const JobPlan& plan, const JobOptions& options, IoBackend* backend, Clock* clock);

/// Text and JSON of a layout.
JobExplanation explain_layout(const JobPlan& plan, const JobLayout& layout, const JobOptions& options);

}  // namespace weir
