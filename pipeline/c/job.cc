// The C interface: jobs and writers (weir/c.h).
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "c/handles.h"
#include "weir/core/check.h"
#include "weir/pipeline/sql.h"

namespace weir::c {
namespace {

/// Columns of the tables that the plan writes to.
std::map<std::string, Schema> result_schemas(const JobPlan& plan) {
  std::map<std::string, Schema> schemas;
  for (const auto& [name, table] : plan.tables) {
    Schema schema = table->schema;
    schema.fields.resize(table->physical_count);
    schemas[name] = std::move(schema);
  }
  return schemas;
}

/// Gives a batch to the callback; its first failure ends the job.
void give_batch(JobState& state, const weir_setup::Callback& callback, const Schema& schema, const Batch& batch) {
  {
    const std::lock_guard lock(state.failure_mutex);
    if (state.failure) return;
  }
  ArrowSchema columns = {};
  ArrowArray rows = {};
  std::optional<Error> error;
  if (auto done = export_schema(schema, true, &columns); !done) {
    error = std::move(done.error());
  } else if (auto exported = export_batch(batch, schema, true, ArrowMemory::kBorrowed, &rows); !exported) {
    error = std::move(exported.error());
  } else if (const std::int32_t answer = callback.function(callback.user, &columns, &rows); answer != 0) {
    error = Error(ErrorCode::kUserFunction, "the host's function for results gave " + std::to_string(answer));
  }
  if (rows.release != nullptr) rows.release(&rows);
  if (columns.release != nullptr) columns.release(&columns);
  if (error) state.fail(std::move(*error));
}

std::int32_t make(const weir_setup& setup, std::string_view sql, std::string_view name,
                  std::unique_ptr<weir_job>& out) {
  auto state = std::make_shared<JobState>();
  state->options = setup.options;
  for (const auto& [table, callback] : setup.callbacks) {
    // The job is gone before the state is, so a plain pointer serves.
    state->options.host_tables[table].write = [&state = *state, callback, name = table](std::uint32_t, const Batch& b) {
      give_batch(state, callback, state.results.at(name), b);
    };
  }
  auto plan = plan_job(sql, state->options, name);
  if (!plan) return failed(plan.error());
  state->results = result_schemas(*plan);
  for (const auto& [table, callback] : setup.callbacks) {
    if (state->results.contains(table)) continue;
    return failed(Error(ErrorCode::kNotFound, "there is a function for results of table " + table +
                                                  ", and the SQL text declares no such table"));
  }
  auto job = Job::create(std::move(*plan), state->options);
  if (!job) return failed(job.error());
  state->job = std::move(*job);
  out = std::make_unique<weir_job>(weir_job{std::move(state)});
  return WEIR_OK;
}

/// One call of the writer: what became of it, as a status.
std::int32_t status_of(const Writer& writer, Appended state) {
  switch (state) {
    case Appended::kDone:
      return WEIR_OK;
    case Appended::kFull:
      return WEIR_FULL;
    case Appended::kClosed:
      return WEIR_CLOSED;
    case Appended::kRefused:
      return failed(*writer.error());
  }
  return WEIR_OK;
}

}  // namespace

JobState::~JobState() {
  if (job != nullptr && started) {
    job->stop();
    (void)job->wait();  // its failure was asked for, or nobody will
  }
}

void JobState::fail(Error error) {
  {
    const std::lock_guard lock(failure_mutex);
    if (!failure) failure = std::move(error);
  }
  job->stop();
}

std::int32_t JobState::outcome() {
  auto done = job->wait();
  const std::lock_guard lock(failure_mutex);
  if (failure) return failed(*failure);
  return done ? std::int32_t{WEIR_OK} : failed(done.error());
}

}  // namespace weir::c

using weir::c::failed;
using weir::c::guarded;
using weir::c::guarded_new;
using weir::c::missing;

weir_job* weir_job_new(const weir_setup* setup, const char* sql, const char* name) {
  if (setup == nullptr || sql == nullptr) return missing("setup or sql"), nullptr;
  return guarded_new<weir_job>([&](std::unique_ptr<weir_job>& out) {
    return weir::c::make(*setup, sql, name == nullptr ? "job.sql" : name, out);
  });
}

void weir_job_free(weir_job* job) {
  if (job == nullptr) return;
  guarded([&] {
    job->state->job->stop();
    return int32_t{WEIR_OK};
  });
  delete job;
}

int32_t weir_job_start(weir_job* job) {
  if (job == nullptr) return missing("job");
  return guarded([&] {
    weir::c::JobState& state = *job->state;
    if (!state.options.threads || state.started) return int32_t{WEIR_OK};
    if (auto started = state.job->start(); !started) return failed(started.error());
    state.started = true;
    return int32_t{WEIR_OK};
  });
}

int32_t weir_job_drain(weir_job* job) {
  if (job == nullptr) return missing("job");
  job->state->job->drain();
  return WEIR_OK;
}

int32_t weir_job_stop(weir_job* job) {
  if (job == nullptr) return missing("job");
  job->state->job->stop();
  return WEIR_OK;
}

int32_t weir_job_poll(weir_job* job, uint32_t turns, uint64_t* work) {
  if (job == nullptr) return missing("job");
  return guarded([&] {
    weir::c::JobState& state = *job->state;
    if (state.options.threads)
      return failed(weir::Error(weir::ErrorCode::kInvalidArgument, "the job has threads of its own: it is not polled"));
    const std::size_t done = state.job->poll(weir::PollBudget{.turns = turns});
    if (work != nullptr) *work = done;
    if (!state.job->wait_for(0)) return int32_t{WEIR_OK};
    const int32_t outcome = state.outcome();
    return outcome == WEIR_OK ? int32_t{WEIR_END} : outcome;
  });
}

int32_t weir_job_wait(weir_job* job, int64_t timeout_ns) {
  if (job == nullptr) return missing("job");
  return guarded([&] {
    weir::c::JobState& state = *job->state;
    if (state.options.threads) {
      if (!state.started)
        return failed(weir::Error(weir::ErrorCode::kInvalidArgument, "the job was not started")
                          .with_hint("call weir_job_start first"));
      if (timeout_ns >= 0 && !state.job->wait_for(timeout_ns)) return int32_t{WEIR_NOTHING};
      return state.outcome();
    }
    weir::c::Deadline deadline(timeout_ns);
    while (!state.job->wait_for(0)) {
      if (deadline.over()) return int32_t{WEIR_NOTHING};
      state.job->poll();
    }
    return state.outcome();
  });
}

int32_t weir_job_progress(weir_job* job, weir_progress* progress) {
  if (job == nullptr || progress == nullptr) return missing("job or progress");
  return guarded([&] {
    const weir::JobProgress now = job->state->job->progress();
    weir_progress out = {};
    out.rows_in = now.rows_in;
    out.bytes_in = now.bytes_in;
    out.rows_out = now.rows_out;
    out.late = now.late;
    out.malformed = now.malformed;
    out.dropped = now.dropped;
    out.watermark = now.watermark;
    out.finished = now.finished ? 1 : 0;
    out.size = progress->size;
    std::memcpy(static_cast<void*>(progress), &out, std::min(progress->size, sizeof(out)));
    return int32_t{WEIR_OK};
  });
}

const char* weir_job_ledger(weir_job* job) {
  if (job == nullptr) return missing("job"), nullptr;
  const int32_t status = guarded([&] {
    weir::c::JobState& state = *job->state;
    if (!state.job->wait_for(0))
      return failed(
          weir::Error(weir::ErrorCode::kInvalidArgument, "the job has not ended: its counts do not agree yet"));
    state.ledger = state.job->ledger().to_json();
    return int32_t{WEIR_OK};
  });
  return status == WEIR_OK ? job->state->ledger.c_str() : nullptr;
}

weir_writer* weir_job_writer(weir_job* job, const char* table, uint32_t number) {
  if (job == nullptr || table == nullptr) return missing("job or table"), nullptr;
  return guarded_new<weir_writer>([&](std::unique_ptr<weir_writer>& out) {
    auto writer = job->state->job->writer(table, number);
    if (!writer) return failed(writer.error());
    out = std::make_unique<weir_writer>(weir_writer{job->state, std::move(*writer)});
    return int32_t{WEIR_OK};
  });
}

void weir_writer_free(weir_writer* writer) {
  delete writer;
}

int32_t weir_writer_append(weir_writer* writer, const void* structs, size_t count, size_t* taken) {
  if (taken != nullptr) *taken = 0;
  if (writer == nullptr || (structs == nullptr && count != 0)) return missing("writer or structs");
  return guarded([&] {
    const weir::AppendedRows done = writer->writer.append_structs(structs, count);
    if (taken != nullptr) *taken = done.rows;
    return weir::c::status_of(writer->writer, done.state);
  });
}

int32_t weir_writer_append_wait(weir_writer* writer, const void* structs, size_t count, int64_t timeout_ns,
                                size_t* taken) {
  if (taken != nullptr) *taken = 0;
  if (writer == nullptr || (structs == nullptr && count != 0)) return missing("writer or structs");
  return guarded([&] {
    const weir::AppendedRows done = writer->writer.append_structs_wait(
        structs, count, timeout_ns < 0 ? std::numeric_limits<int64_t>::max() : timeout_ns);
    if (taken != nullptr) *taken = done.rows;
    return weir::c::status_of(writer->writer, done.state);
  });
}

int32_t weir_writer_heartbeat(weir_writer* writer, int64_t watermark) {
  if (writer == nullptr) return missing("writer");
  return guarded([&] { return weir::c::status_of(writer->writer, writer->writer.heartbeat(watermark)); });
}

int32_t weir_writer_end(weir_writer* writer) {
  if (writer == nullptr) return missing("writer");
  writer->writer.end();
  return WEIR_OK;
}
