// Running a job: a loop with its io backend on each shard, threads or turns, the end, and the ledger.
#include "weir/pipeline/job.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "engine/host_handles.h"
#include "engine/host_results.h"
#include "engine/host_wait.h"
#include "engine/inline_run.h"
#include "engine/job_builder.h"
#include "weir/core/random.h"
#include "weir/core/shard.h"
#include "weir/core/trace.h"
#include "weir/io/sim.h"
#include "weir/pipeline/sql.h"
#include "weir/simd/target.h"

namespace weir {
namespace {

struct Shard {
  std::unique_ptr<IoBackend> backend;
  FutexPoller futex;         // where no table of the job needs io
  Poller* poller = nullptr;  // the one or the other
  std::unique_ptr<TraceRecorder> trace;
  std::unique_ptr<ShardLoop> loop;
};

IdleOptions idle_options(IdleKind kind) {
  IdleOptions idle;
  switch (kind) {
    case IdleKind::kBusySpin:
      idle.mode = IdleMode::kBusySpin;
      break;
    case IdleKind::kYield:
      idle.mode = IdleMode::kYield;
      break;
    case IdleKind::kBackOff:
      idle.mode = IdleMode::kBackOff;
      break;
    case IdleKind::kPark:
      idle.mode = IdleMode::kPark;
      break;
  }
  return idle;
}

constexpr std::int64_t kLongParkNs = 100'000'000;  // where whatever brings work wakes the shard
constexpr std::int64_t kIdleParkNs = 200'000;      // of a whole idle round without threads
constexpr std::uint32_t kReceiveSetsMax = 64;      // of one table's connections: connectors share them likewise
constexpr std::int64_t kSimulatedIdleNs = 1'000'000;
constexpr std::uint64_t kIdleRoundsMax = 100'000;  // of a simulation in which nothing can happen any more
constexpr std::uint32_t kInlinePublishEvery = 64;

/// The lanes of the host's tables, made anew for this job, so that options may serve many.
Result<void> make_host_ports(JobOptions& options,
                             std::map<std::string, std::shared_ptr<HostResults>, std::less<>>* results) {
  for (auto& [name, table] : options.host_tables) {
    table.fed = nullptr;
    table.taken = nullptr;
    if (table.feed.writers != 0) {
      auto fed = HostFeed::create(table.feed, table.structs);
      if (!fed.has_value()) return std::move(fed).error().with_context("table " + name);
      table.fed = std::move(fed).value();
    }
    if (table.results.batches == 0) continue;
    auto taken = HostResults::create(table.results);
    if (!taken.has_value()) return std::move(taken).error().with_context("table " + name);
    if (results != nullptr) (*results)[name] = taken.value();
    table.taken = std::move(taken).value();
  }
  return {};
}

}  // namespace

struct Job::Impl {
  JobPlan plan;
  JobOptions options;
  SystemClock system_clock;
  Clock* clock = nullptr;
  std::unique_ptr<IoBackend> setup_backend;
  JobLayout layout;
  JobState state;
  std::deque<Shard> shards;
  JobParts parts;
  std::vector<std::unique_ptr<ShardThread>> threads;
  std::vector<std::string> notes;
  Random random{1};
  std::map<std::string, std::shared_ptr<HostResults>, std::less<>> results;  // that readers take
  InlineRun inline_run;
  bool needs_backend = true;
  bool rests_when_settled = false;
  std::int64_t park_ns_max = IdleOptions().park_ns_max;
  bool started = false;
  bool waits_for_host = false;  // a simulated peer or host may bring work at any time
  std::uint64_t idle_rounds = 0;

  void judge_waiting();
  Result<void> check_inline() const;
  Result<void> make_backends();
  Result<void> make_loops();
  Result<void> build();
  void set_host_wakers();
  std::size_t turn_all();
  bool over() const;
  void idle_round();
  Result<void> result() const;
  void check_edges(JobLedger& ledger) const;
};

Result<void> Job::Impl::make_backends() {
  for (std::uint32_t s = 0; s < options.shards; ++s) {
    Shard& shard = shards.emplace_back();
    BackendConfig config;
    config.clock = clock;
    config.receive_streams_max = 0;  // inputs with connections stand on the shards that own them
    std::uint32_t connections = 0;
    // Connections share sets of receive buffers; each table has its own share.
    const auto count = [&](std::uint32_t each, std::uint32_t readers, std::uint32_t sets_max) {
      config.receive_streams_max += readers * std::min(each, sets_max);
      connections += readers * each;
    };
    for (const QueryLayout& query : layout.queries) {
      count(query.source->connections_max(), static_cast<std::uint32_t>(query.inputs_of_shard[s].size()),
            kReceiveSetsMax);
      if (s != 0) continue;  // sinks of connections write on the first shard
      for (const TableSink* sink : query.sinks()) count(sink->connections_max(), 1, 1);
    }
    // An op that receives, one that sends, and one that closes.
    config.ops_max = std::min<std::uint32_t>(config.ops_max + 2 * connections, 1u << 16);
    config.handles_max += 2 * connections;
    if (options.world != nullptr) {
      WEIR_ASSIGN(shard.backend, make_sim_backend(*options.world, config));
      continue;
    }
    std::string note;
    WEIR_ASSIGN(shard.backend, make_backend(options.backend, config, &note));
    if (!note.empty() && s == 0) notes.push_back(note);
  }
  return {};
}

Result<void> Job::Impl::make_loops() {
  for (std::uint32_t s = 0; s < options.shards; ++s) {
    Shard& shard = shards[s];
    shard.poller = needs_backend ? static_cast<Poller*>(shard.backend.get()) : &shard.futex;
    if (options.trace_spans_max != 0) {
      const auto spans = static_cast<std::uint32_t>(std::min<std::size_t>(options.trace_spans_max, kTraceEventsMax));
      shard.trace = std::make_unique<TraceRecorder>(*clock, "shard " + std::to_string(s), s, spans);
      shard.trace->set_enabled(true);
    }
    ShardLoopOptions loop;
    loop.shard = s;
    loop.idle = idle_options(options.idle);
    loop.idle.park_ns_max = park_ns_max;
    shard.loop = std::make_unique<ShardLoop>(loop, *clock, *shard.poller, shard.trace.get());
  }
  return {};
}

Result<void> Job::Impl::build() {
  std::vector<ShardFacilities> facilities;
  for (Shard& shard : shards) facilities.push_back({shard.backend.get(), clock, shard.trace.get()});
  auto built = build_job(layout, options, state, facilities);
  if (!built.has_value()) return std::move(built).error();
  parts = std::move(built).value();
  for (const Edge& edge : parts.edges) {
    for (std::size_t s = 0; s < edge.layout->senders.size(); ++s) {
      for (std::size_t r = 0; r < edge.layout->receivers.size(); ++r) {
        edge.exchange(s, r).set_wakers(&shards[edge.layout->receivers[r]].loop->waker(),
                                       &shards[edge.layout->senders[s]].loop->waker());
      }
    }
  }
  for (std::uint32_t s = 0; s < options.shards; ++s) {
    for (const auto& fragment : parts.shards[s].fragments) {
      WEIR_TRY(shards[s].loop->add(*fragment));
      if (options.inline_append) inline_run.add(*fragment);
      if (rests_when_settled) fragment->set_rests_when_settled();
      fragment->set_publish_every(options.inline_append ? kInlinePublishEvery : 1);
    }
  }
  set_host_wakers();
  return {};
}

/// Tells the host's lanes whom to wake, where a shard may park at all.
void Job::Impl::set_host_wakers() {
  if (!options.threads || options.idle == IdleKind::kBusySpin || options.idle == IdleKind::kYield) return;
  for (const QueryLayout& query : layout.queries) {
    for (std::uint32_t s = 0; s < options.shards; ++s) {
      for (const std::uint32_t input : query.inputs_of_shard[s])
        query.source->set_waker(input, shards[s].loop->waker());
    }
    query.sink->set_waker(0, shards[0].loop->waker());
    if (query.late.has_value()) query.late->sink->set_waker(0, shards[0].loop->waker());
    if (query.malformed.has_value()) query.malformed->sink->set_waker(0, shards[0].loop->waker());
  }
}

/// What a shard waits for: io or wakers, and how long it may park.
void Job::Impl::judge_waiting() {
  bool all_wake = true;
  std::int64_t timer_ns = kLongParkNs;
  needs_backend = options.world != nullptr;
  bool timers = false;
  const auto take_timer = [&](std::int64_t ns) {
    timers = timers || ns > 0;
    if (ns > 0) timer_ns = std::min(timer_ns, ns / 8);
  };
  for (const QueryLayout& query : layout.queries) {
    needs_backend |= query.source->needs_backend();
    for (const TableSink* sink : query.sinks()) needs_backend |= sink->needs_backend();
    all_wake = all_wake && query.source->wakes();
    take_timer(query.time.idle_timeout_ns);
    take_timer(query.emit.early_delay_ns);
    take_timer(query.emit.late_delay_ns);
  }
  rests_when_settled = options.shards == 1 && !needs_backend && !timers;
  if (all_wake) park_ns_max = std::max(park_ns_max, timer_ns);
}

Result<void> Job::Impl::check_inline() const {
  if (!options.inline_append) return {};
  if (options.shards != 1 || options.world != nullptr)
    return Error(ErrorCode::kInvalidArgument, "a job that runs in append() has one shard, in this thread");
  for (const QueryLayout& query : layout.queries) {
    if (query.source->wakes() && !query.source->needs_backend()) continue;
    return Error(ErrorCode::kInvalidArgument, "a job that runs in append() reads only tables that writers feed, and " +
                                                  query.plan.source.table->name +
                                                  " is not one: " + query.source->describe());
  }
  return {};
}

Job::Job(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Job::~Job() {
  stop();
  for (auto& thread : impl_->threads) thread->join();
  // Loops and fragments name each other's parts: fragments go first, then backends.
  impl_->parts.shards.clear();
}

Result<std::unique_ptr<Job>> Job::create(JobPlan plan, JobOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->plan = std::move(plan);
  // EXPLAIN is shown, not run.
  const std::size_t explained = std::erase_if(impl->plan.queries, [](const QueryPlan& query) { return query.explain; });
  if (explained != 0 && impl->plan.queries.empty())
    return Error(ErrorCode::kInvalidArgument, "there is nothing to run: every query stands behind EXPLAIN")
        .with_hint("Job::explain shows what they would do");
  impl->options = std::move(options);
  JobOptions& o = impl->options;
  impl->clock = o.clock != nullptr ? o.clock : &impl->system_clock;
  if (o.world != nullptr) {
    impl->clock = &o.world->clock();
    o.threads = false;
  }
  if (o.inline_append) o.threads = false;
  impl->random = Random(o.seed);
  WEIR_TRY(make_host_ports(o, &impl->results));
  for (const auto& [name, table] : o.host_tables) {
    if (table.fed != nullptr) impl->state.add_feed(table.fed);
  }
  BackendConfig config;  // of the setup: looks at files only
  config.clock = impl->clock;
  config.receive_streams_max = 0;
  if (o.world != nullptr) {
    WEIR_ASSIGN(impl->setup_backend, make_sim_backend(*o.world, config));
  } else {
    WEIR_ASSIGN(impl->setup_backend, make_backend(BackendKind::kEpoll, config));
  }
  if (!simd::set_target(o.simd == SimdKind::kScalar ? "scalar" : "best")) {
    return Error(ErrorCode::kUnavailable, "this machine has no such SIMD target");
  }
  WEIR_ASSIGN(impl->layout, lay_out_job(impl->plan, o, impl->setup_backend.get(), impl->clock));
  impl->notes = impl->layout.notes;
  for (const QueryLayout& query : impl->layout.queries) {
    impl->waits_for_host = impl->waits_for_host || !query.source->bounded();
    for (const TableSink* sink : query.sinks()) impl->waits_for_host |= sink->connections_max() != 0;
  }
  impl->judge_waiting();
  WEIR_TRY(impl->check_inline());
  WEIR_TRY(impl->make_backends());
  WEIR_TRY(impl->make_loops());
  WEIR_TRY(impl->build());
  return std::unique_ptr<Job>(new Job(std::move(impl)));
}

Result<JobExplanation> Job::explain(const JobPlan& plan, const JobOptions& options) {
  SystemClock clock;
  BackendConfig config;
  config.clock = &clock;
  config.receive_streams_max = 0;
  WEIR_ASSIGN(std::unique_ptr<IoBackend> backend, make_backend(BackendKind::kEpoll, config));
  JobOptions own = options;  // with lanes of this explanation
  WEIR_TRY(make_host_ports(own, nullptr));
  WEIR_ASSIGN(JobLayout layout, lay_out_job(plan, own, backend.get(), nullptr));
  return explain_layout(plan, layout, own);
}

Result<void> Job::start() {
  Impl& impl = *impl_;
  WEIR_CHECK(!impl.started);
  if (!impl.options.threads) {
    return Error(ErrorCode::kInvalidArgument, "a job without threads is driven by run() or poll()");
  }
  impl.started = true;
  const auto cpus = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (std::uint32_t s = 0; s < impl.options.shards; ++s) {
    ShardThreadOptions thread;
    thread.name = "weir-" + std::to_string(s);
    if (impl.options.pin) {
      thread.cpu = impl.options.cpus.empty() ? static_cast<int>(s) % cpus : impl.options.cpus[s];
    }
    auto& made = impl.threads.emplace_back(std::make_unique<ShardThread>());
    if (auto result = made->start(*impl.shards[s].loop, thread); !result.has_value()) {
      Error error = std::move(result).error().with_context("starting shard " + std::to_string(s));
      impl.state.fail(error);
      stop();
      return error;
    }
  }
  return {};
}

void Job::drain() noexcept {
  impl_->state.draining.store(true, std::memory_order_release);
  for (Shard& shard : impl_->shards) {
    if (shard.loop != nullptr) shard.loop->waker().notify_strong();
  }
}

void Job::stop() noexcept {
  impl_->state.stopping.store(true, std::memory_order_release);
  impl_->state.close_feeds();
  for (Shard& shard : impl_->shards) {
    if (shard.loop != nullptr) shard.loop->stop();
  }
}

Result<void> Job::wait() {
  if ((!impl_->options.threads || !impl_->started) && !impl_->over()) {
    return Error(ErrorCode::kInvalidArgument, "nothing runs that could be waited for")
        .with_hint("start() the job first; one without threads is driven by run() or poll()");
  }
  while (!wait_for(std::int64_t{1'000'000'000})) {
  }
  return impl_->result();
}

bool Job::wait_for(std::int64_t nanoseconds) {
  Impl& impl = *impl_;
  if (!impl.options.threads || !impl.started) return impl.over();
  if (!impl.state.wait(nanoseconds)) return false;
  if (!impl.state.all_done()) stop();
  for (auto& thread : impl.threads) thread->join();
  return true;
}

Result<void> Job::run() {
  Impl& impl = *impl_;
  if (impl.options.threads) {
    WEIR_TRY(start());
    return wait();
  }
  while (!impl.over()) poll();
  return impl.result();
}

std::size_t Job::poll() {
  Impl& impl = *impl_;
  WEIR_CHECK(!impl.options.threads);
  if (impl.over()) return 0;
  const std::size_t work = impl.turn_all();
  if (work != 0) {
    impl.idle_rounds = 0;
  } else if (!impl.over()) {
    impl.idle_round();
  }
  return work;
}

std::size_t Job::poll(const PollBudget& budget) {
  Impl& impl = *impl_;
  WEIR_CHECK(!impl.options.threads);
  const std::int64_t end_ns = budget.nanoseconds > 0 ? deadline_ns(impl.clock->now_ns(), budget.nanoseconds) : 0;
  std::size_t work = 0;
  for (std::uint32_t turn = 0; turn < budget.turns && !impl.over(); ++turn) {
    const std::size_t done = impl.turn_all();
    work += done;
    if (done == 0 || (end_ns != 0 && impl.clock->now_ns() >= end_ns)) break;
  }
  return work;
}

bool Job::started() const noexcept {
  return impl_->started;
}

Result<Writer> Job::writer(std::string_view table, std::uint32_t number) {
  Impl& impl = *impl_;
  const auto found = impl.options.host_tables.find(std::string(table));
  if (found == impl.options.host_tables.end() || found->second.fed == nullptr)
    return Error(ErrorCode::kNotFound, "no writers feed a table " + std::string(table))
        .with_hint("set JobOptions::host_tables[…].feed.writers");
  auto made = std::make_unique<Writer::Impl>();
  WEIR_ASSIGN(made->feed, found->second.fed->open_writer(number));
  made->run = impl.options.inline_append ? &impl.inline_run : nullptr;
  made->struct_bytes = found->second.structs.stride;
  if (const auto known = impl.plan.tables.find(std::string(table)); known != impl.plan.tables.end())
    made->columns = known->second->physical_count;
  return Writer(std::move(made));
}

Result<Reader> Job::reader(std::string_view table) {
  const auto found = impl_->results.find(table);
  if (found == impl_->results.end())
    return Error(ErrorCode::kNotFound, "no reader takes the results of a table " + std::string(table))
        .with_hint("set JobOptions::host_tables[…].results.batches");
  if (std::exchange(found->second->taken, true))
    return Error(ErrorCode::kInvalidArgument, "table " + std::string(table) + " has its reader already");
  return Reader(std::make_unique<Reader::Impl>(*found->second));
}

bool Job::Impl::over() const {
  return state.all_done() || state.stopping.load(std::memory_order_acquire);
}

/// One turn of every shard, in an order that the seed decides.
std::size_t Job::Impl::turn_all() {
  std::size_t work = 0;
  const auto first = static_cast<std::size_t>(random.next() % shards.size());
  for (std::size_t i = 0; i < shards.size(); ++i) work += shards[(first + i) % shards.size()].loop->turn();
  return work;
}

/// Nothing to do anywhere: waits for the outside, or lets simulated time pass.
void Job::Impl::idle_round() {
  if (options.world == nullptr) {
    shards[0].poller->park(kIdleParkNs / static_cast<std::int64_t>(shards.size()));
    return;
  }
  if (options.world->next_event_ns().has_value()) {
    shards[0].backend->park(kSimulatedIdleNs);
    idle_rounds = 0;
    return;
  }
  options.world->clock().advance(kSimulatedIdleNs);
  if (++idle_rounds > kIdleRoundsMax && !waits_for_host) {
    state.fail(Error(ErrorCode::kUnavailable, "the simulated job makes no progress and nothing can happen any more"));
  }
}

Result<void> Job::Impl::result() const {
  if (auto failure = state.failure(); failure.has_value()) return std::move(*failure);
  if (!state.all_done()) return Error(ErrorCode::kCancelled, "the job was stopped before its end");
  if (options.fail_on_drop) {
    std::uint64_t dropped = 0;
    for (const ShardParts& shard : parts.shards) {
      for (const auto& fragment : shard.fragments) {
        dropped += fragment->progress().dropped.load() + fragment->progress().malformed.load();
      }
    }
    if (dropped != 0) {
      return Error(ErrorCode::kLossPolicy,
                   std::to_string(dropped) + " rows were dropped, and the job was told to fail then")
          .with_hint("the ledger says which and why");
    }
  }
  return {};
}

JobProgress Job::progress() const {
  JobProgress sum;
  std::uint64_t dead_lettered = 0;
  bool any = false;
  Watermark least = kWatermarkEnd;
  for (const ShardParts& shard : impl_->parts.shards) {
    for (const auto& fragment : shard.fragments) {
      const FragmentProgress& p = fragment->progress();
      sum.rows_in += p.rows_in.load(std::memory_order_relaxed);
      sum.bytes_in += p.bytes_in.load(std::memory_order_relaxed);
      sum.late += p.late.load(std::memory_order_relaxed);
      sum.malformed += p.malformed.load(std::memory_order_relaxed);
      dead_lettered += p.dead_lettered.load(std::memory_order_relaxed);
      sum.dropped += p.dropped.load(std::memory_order_relaxed);
      if (const char* stalled = p.stalled.load(std::memory_order_acquire); stalled != nullptr && sum.stalled.empty())
        sum.stalled = *p.stalled_table.load(std::memory_order_relaxed) + ": " + stalled;
      if (fragment->writes()) sum.rows_out += p.rows_out.load(std::memory_order_relaxed);
      if (fragment->reads()) {
        const Watermark watermark = p.watermark.load(std::memory_order_relaxed);
        const int holder = p.holder.load(std::memory_order_relaxed);
        sum.idle_inputs += p.idle_inputs.load(std::memory_order_relaxed);
        if (holder >= 0 && (sum.held_by.empty() || watermark < least)) sum.held_by = fragment->input_text(holder);
        any = true;
        least = std::min(least, watermark);
      }
    }
  }
  sum.dropped += sum.malformed;
  sum.malformed += dead_lettered;
  sum.watermark = any ? least : kWatermarkNone;
  sum.finished = impl_->over();
  return sum;
}

JobLedger Job::ledger() const {
  JobLedger out;
  for (std::uint32_t s = 0; s < impl_->parts.shards.size(); ++s) {
    for (const auto& fragment : impl_->parts.shards[s].fragments) fragment->report(out);
  }
  impl_->check_edges(out);
  for (const DeliveryLedger& sink : out.deliveries) {
    const Deliveries& d = sink.counts;
    out.imbalance += static_cast<std::int64_t>(d.offered) -
                     static_cast<std::int64_t>(d.delivered + d.held + d.conflated + d.dropped + d.abandoned);
  }
  for (const LedgerEntry& entry : out.entries) {
    const OperatorLedger& l = entry.ledger;
    out.imbalance += l.imbalance(entry.held);
    out.filtered += l.rows_filtered;
    out.late += l.dropped[static_cast<std::size_t>(DropReason::kLate)] + l.side_output;
    out.side_output += l.side_output;
    out.dead_lettered += l.dead_lettered;
    out.malformed += l.dropped[static_cast<std::size_t>(DropReason::kMalformed)] + l.dead_lettered;
    out.dropped += l.dropped_total();
  }
  return out;
}

/// What each edge's senders gave out must be what its receivers took.
void Job::Impl::check_edges(JobLedger& ledger) const {
  for (const Edge& edge : parts.edges) {
    std::uint64_t sent = 0, received = 0;
    for (const auto& exchange : edge.exchanges) {
      sent += exchange->rows_sent();
      received += exchange->rows_received();
    }
    if (sent != received && state.all_done()) {
      ledger.open_edges.push_back(edge.name + ": sent " + std::to_string(sent) + ", received " +
                                  std::to_string(received));
    }
  }
}

const std::vector<std::string>& Job::notes() const noexcept {
  return impl_->notes;
}

std::size_t Job::memory_bytes() const noexcept {
  return impl_->parts.arena.capacity();
}

std::string Job::trace_json() const {
  std::vector<const TraceRecorder*> recorders;
  for (const Shard& shard : impl_->shards) recorders.push_back(shard.trace.get());
  return write_perfetto_json(recorders);
}

std::map<std::string, std::string> Job::listening() const {
  std::map<std::string, std::string> addresses;
  for (const ShardParts& shard : impl_->parts.shards) {
    for (const auto& fragment : shard.fragments) fragment->report_listening(addresses);
  }
  return addresses;
}

Result<JobPlan> plan_job(std::string_view sql, const JobOptions& options, std::string_view file_name) {
  SqlOptions frontend;
  frontend.functions = options.functions;
  frontend.validate_table = [&options](const TableDefinition& table) { return validate_table(table, options); };
  std::vector<Diagnostic> diagnostics;
  auto plan = plan_sql(sql, frontend, &diagnostics);
  if (!plan.has_value()) {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics) text += render(diagnostic, sql, file_name);
    if (text.empty()) return std::move(plan).error();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return Error(plan.error().code(), std::move(text));
  }
  return plan;
}

Result<std::unique_ptr<Job>> make_job(std::string_view sql, JobOptions options, std::string_view file_name) {
  WEIR_ASSIGN(JobPlan plan, plan_job(sql, options, file_name));
  return Job::create(std::move(plan), std::move(options));
}

}  // namespace weir
