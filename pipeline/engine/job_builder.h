// JobBuilder: makes what a JobLayout says: exchanges and batches in one arena, and on each shard the fragments with
// their operators.
#pragma once

#include <memory>
#include <vector>

#include "engine/fragment.h"
#include "engine/layout.h"
#include "engine/receiver_fragment.h"
#include "weir/core/arena.h"

namespace weir {

/// The exchanges of one edge: exchange(s, r) from senders[s] to receivers[r].
struct Edge {
  const EdgeLayout* layout = nullptr;
  std::string name;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  Exchange& exchange(std::size_t sender, std::size_t receiver) const {
    return *exchanges[sender * layout->receivers.size() + receiver];
  }
};

/// What runs on one shard.
struct ShardParts {
  std::vector<std::unique_ptr<Fragment>> fragments;
};

/// Everything that a job runs. Fragments go before edges, edges before the arena.
struct JobParts {
  Arena arena;
  std::vector<Edge> edges;
  std::vector<std::unique_ptr<IdleBoard>> idle_boards;
  std::vector<ShardParts> shards;
};

/// What a shard lends to its fragments.
struct ShardFacilities {
  IoBackend* backend = nullptr;
  Clock* clock = nullptr;
  TraceRecorder* trace = nullptr;
};

/// Requires: layout, state and facilities outlive the parts. Errors: kOutOfMemory, those of the operators.
Result<JobParts> build_job(const JobLayout& layout, const JobOptions& options, JobState& state,
                           std::vector<ShardFacilities>& facilities);

}  // namespace weir
