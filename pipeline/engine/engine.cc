// Jobs by name (engine.h).
#include "weir/pipeline/engine.h"

#include <map>
#include <optional>
#include <utility>

#include "weir/pipeline/sql.h"

namespace weir {

struct Engine::Impl {
  struct Entry {
    JobPlan plan;
    JobOptions options;
    std::unique_ptr<Job> job;
  };
  EngineOptions options;
  std::map<std::string, Entry, std::less<>> jobs;

  Result<void> check(std::string_view name) const {
    if (name.empty()) return Error(ErrorCode::kInvalidArgument, "a job needs a name");
    if (jobs.find(name) != jobs.end())
      return Error(ErrorCode::kInvalidArgument, "there is a job " + std::string(name) + " already")
          .with_hint("create_again() makes it anew, remove() forgets it");
    if (jobs.size() >= options.jobs_max)
      return Error(ErrorCode::kLimitExceeded,
                   "the engine has jobs_max = " + std::to_string(options.jobs_max) + " jobs already");
    return {};
  }
};

Engine::Engine(const EngineOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  if (impl_->options.functions == nullptr) impl_->options.functions = std::make_shared<FunctionCatalogue>();
}

Engine::~Engine() {
  stop();
}

FunctionCatalogue& Engine::functions() const noexcept {
  return *impl_->options.functions;
}

Result<Job*> Engine::create_job(std::string name, std::string_view sql, JobOptions options) {
  WEIR_TRY(impl_->check(name));
  if (options.functions == nullptr) options.functions = impl_->options.functions;
  WEIR_ASSIGN(JobPlan plan, plan_job(sql, options, name));
  return create_job(std::move(name), std::move(plan), std::move(options));
}

Result<Job*> Engine::create_job(std::string name, JobPlan plan, JobOptions options) {
  WEIR_TRY(impl_->check(name));
  if (options.clock == nullptr) options.clock = impl_->options.clock;
  WEIR_ASSIGN(std::unique_ptr<Job> job, Job::create(plan, options));
  Impl::Entry& entry = impl_->jobs[std::move(name)];
  entry = {std::move(plan), std::move(options), std::move(job)};
  return entry.job.get();
}

Result<Job*> Engine::create_again(std::string_view name) {
  const auto found = impl_->jobs.find(name);
  if (found == impl_->jobs.end()) return Error(ErrorCode::kNotFound, "there is no job " + std::string(name));
  Impl::Entry& entry = found->second;
  if (entry.job->started() && !entry.job->progress().finished)
    return Error(ErrorCode::kInvalidArgument, "the job " + std::string(name) + " still runs");
  // The old one goes first: its files and addresses are wanted again.
  entry.job.reset();
  auto job = Job::create(entry.plan, entry.options);
  if (!job.has_value()) {
    impl_->jobs.erase(found);
    return std::move(job).error();
  }
  entry.job = std::move(job).value();
  return entry.job.get();
}

Job* Engine::job(std::string_view name) const noexcept {
  const auto found = impl_->jobs.find(name);
  return found == impl_->jobs.end() ? nullptr : found->second.job.get();
}

std::vector<std::string> Engine::job_names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : impl_->jobs) names.push_back(name);
  return names;
}

Result<void> Engine::remove(std::string_view name) {
  const auto found = impl_->jobs.find(name);
  if (found == impl_->jobs.end()) return Error(ErrorCode::kNotFound, "there is no job " + std::string(name));
  impl_->jobs.erase(found);
  return {};
}

void Engine::drain() noexcept {
  for (auto& [name, entry] : impl_->jobs) entry.job->drain();
}

void Engine::stop() noexcept {
  for (auto& [name, entry] : impl_->jobs) entry.job->stop();
}

Result<void> Engine::wait() {
  Result<void> first;
  for (auto& [name, entry] : impl_->jobs) {
    if (!entry.job->started()) continue;
    auto result = entry.job->wait();
    if (!result.has_value() && first.has_value()) first = std::move(result).error().with_context("job " + name);
  }
  return first;
}

}  // namespace weir
