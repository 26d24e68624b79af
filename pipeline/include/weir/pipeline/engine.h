// Engine: the jobs of an embedding process by name. An object without globals of its own: two engines stand side by
// side, each with its clock, its jobs and their threads.
//
//   Engine engine;
//   Job* job = *engine.create_job("bars", sql, options);
//   job->start();  …  job->drain();  job->wait();
//   job = *engine.create_again("bars");                       // the same plan anew, with fresh writers and readers
//
// Functions that a host adds to functions() are known to SQL of this engine's jobs and to no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/pipeline/function_catalogue.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/plan.h"

namespace weir {

struct EngineOptions {
  Clock* clock = nullptr;  ///< Of jobs that name none; null: the system's. Must outlive the engine.
  /// Of jobs whose options name none; null: one of the engine's own. Engines may share one.
  std::shared_ptr<FunctionCatalogue> functions = nullptr;
  std::uint32_t jobs_max = 256;
};

/// Thread: one at a time; the jobs it gives have their own rules.
class Engine {
 public:
  explicit Engine(const EngineOptions& options = {});
  /// Stops every job that still runs.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// The functions that SQL of this engine's jobs knows beside Weir's own. Jobs that are there already keep theirs.
  /// Thread: any. Good as long as the engine.
  FunctionCatalogue& functions() const noexcept;

  /// Makes a job, which is not started. The pointer is good until remove() or create_again() of that name.
  /// Errors: kInvalidArgument (a name that is taken, or empty), kLimitExceeded (jobs_max), those of make_job and
  /// Job::create.
  Result<Job*> create_job(std::string name, std::string_view sql, JobOptions options);
  Result<Job*> create_job(std::string name, JobPlan plan, JobOptions options);
  /// The job of that name again, of the same plan and options, in place of one that has ended or never started.
  /// Errors: kNotFound, kInvalidArgument (it runs), those of Job::create.
  Result<Job*> create_again(std::string_view name);
  /// Null where there is none.
  Job* job(std::string_view name) const noexcept;
  std::vector<std::string> job_names() const;
  /// Stops the job where it runs and forgets it; its writers and readers must be gone. Errors: kNotFound.
  Result<void> remove(std::string_view name);

  /// Of all jobs.
  void drain() noexcept;
  void stop() noexcept;
  /// Waits for all jobs that were started. Errors: the first failure, by order of names.
  Result<void> wait();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
