// A job that is fed from columns in memory: the whole engine, from the reader of a table to the callback that takes the
// results, without a byte being decoded. Batches point at the columns, nothing is copied.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/columns.h"
#include "harness/parameters.h"
#include "weir/pipeline/job.h"

namespace weir::bench {

/// A column of an input, in the order of the table. Row r is value r % period; the period is a multiple of the batch.
struct FedColumn {
  const void* data = nullptr;
  std::size_t width = 0;
  std::size_t period = 0;
};

struct FedInput {
  std::vector<FedColumn> columns;
  std::uint64_t rows = 0;
};

/// Gives an input's rows to the engine, batch after batch.
class Feed {
 public:
  explicit Feed(FedInput input) : input_(std::move(input)) {}
  ReadStatus read(Batch& batch) noexcept;
  void rewind() noexcept { at_ = 0; }

 private:
  FedInput input_;
  std::uint64_t at_ = 0;
};

struct HostJob {
  std::string sql;
  std::string source;  ///< Table that is fed.
  std::string sink;    ///< Table whose rows are taken.
  std::vector<FedInput> inputs;
  /// Takes a batch of results; on shard threads, one at a time.
  std::function<void(const Batch&)> take;
  std::uint32_t shards = 1;
  std::uint32_t batch_rows = 32768;
  std::uint32_t groups_max = 1u << 20;
  /// Called, where set, at each read of a batch with its input's number, and at each batch of results with kResults.
  std::function<void(std::uint32_t input)> observe;
  static constexpr std::uint32_t kResults = ~0u;
};

/// Options and tables of the job; `feeds` must outlive it.
JobOptions host_options(const HostJob& job, std::vector<Feed>& feeds, const Parameters& parameters);

/// Makes the job anew, runs it and returns the seconds from start to end. Any error ends the program, and so does a
/// ledger that does not close or a row that was not read or was late.
double run_host_job(const std::string& workload, const HostJob& job, const Parameters& parameters);

/// Runs and judges a job; returns the seconds of its run.
double run_job(const std::string& workload, const std::string& sql, JobOptions options, std::uint64_t rows,
               TimeKind time);

/// Row numbers of a batch through its selection.
template <typename F>
void for_each_row(const Batch& batch, F take) {
  for (std::uint32_t i = 0; i < batch.selected_count(); ++i) take(batch.has_selection() ? batch.selection()[i] : i);
}

}  // namespace weir::bench
