// 10,000 connections that say nothing, at a source with one busy stream among them; and what a parked job costs.
//
// Expected. A silent connection is a slot of the reader, an op that waits for readiness, a handle and a receiver with
// room for the numbers of its buffers: 1 KiB together. It holds no receive buffer and no decoder, so its memory does
// not depend on theirs. What the system keeps of both its ends (sockets, descriptors, a
// poll) is some KiB, and stands in a note. The busy stream passes by the
// silent ones, since only connections that have something are looked at; the clock looks at 256 of them a turn, every 6
// ms, which is 5 to 20 us. So p99 at 10,000 events a second does not change. Bars: at most 64 KiB a connection, of the
// growth of a process whose only job this is; the usual p99 (net_latency.h) of the busy stream at most 1.5 times that
// without silent ones.
//
// A parked shard wakes when its backend has something, every 250 ms for the silent connections' timeouts (every 6 ms
// where it may have 10,000 of them, a few at a time), and every 100 ms in any case. Going to sleep and waking are 15 to
// 20 us of a virtual processor, so 0.03 % of a core, and 0.3 % with 10,000 connections. Bar: 0.5 %.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "harness/machine.h"
#include "harness/report.h"
#include "latency/distribution.h"
#include "net/idle_peers.h"
#include "net/net_latency.h"
#include "workloads/workloads.h"

namespace weir::bench {
namespace {

constexpr const char* kName = "net_idle";
constexpr std::uint64_t kDescriptorsLeft = 500;  // for everything else

void rest(double seconds) {
  const timespec time{static_cast<time_t>(seconds),
                      static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  ::nanosleep(&time, nullptr);
}

/// Until the job has taken that many connections beside the descriptors that there were.
void await_connections(std::uint64_t before, std::uint32_t connections) {
  for (const double start = wall_seconds(); open_descriptors() < before + connections;) {
    if (wall_seconds() - start > 20) wrong_answer(kName, "not all connections were taken");
    rest(0.005);
  }
  rest(0.3);  // their first looks for something to receive
}

/// Where the silent connections of a run are: nowhere, at a listener of the bench's own in this process, which takes
/// them and leaves them alone, or at the job.
enum class Silent : std::uint8_t { kNone, kBeside, kAtJob };

/// The busy stream of a job that could take all connections.
PingPongRun busy_run(const Parameters& parameters, const PingPong& shape, std::uint32_t connections, Silent silent) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.idle = IdleKind::kBusySpin;
  const std::string sql = event_to_result_sql(connections + 1, silent == Silent::kAtJob ? connections + 1 : 1);
  const std::uint64_t before = open_descriptors();
  LiveJob job(kName, sql, std::move(options));
  PingPongRun run;
  {
    std::vector<Socket> beside;
    std::unique_ptr<IdlePeers> peers;
    if (silent == Silent::kAtJob) {
      peers = std::make_unique<IdlePeers>(job.port("events"), connections);
    } else if (silent == Silent::kBeside) {
      const Socket listener = Socket::listen_here();
      std::thread taker([&] {
        for (std::uint32_t i = 0; i < connections; ++i) beside.push_back(listener.accept());
      });
      peers = std::make_unique<IdlePeers>(listener.port(), connections);
      taker.join();
    }
    await_connections(before, silent == Silent::kNone ? 0 : connections);
    run = ping_pong_job(kName, shape, job);
  }
  job.finish(shape.events);
  return run;
}

struct Memory {
  unsigned long long growth = 0, explained = 0, explained_one = 0;
  long long system = 0;  ///< What the system keeps of both ends; of the whole machine, so it may even shrink.
};

std::size_t explained_bytes(const std::string& sql, const JobOptions& options) {
  const auto plan = plan_job(sql, options);
  if (!plan.has_value()) wrong_answer(kName, plan.error().to_string());
  const auto explained = Job::explain(*plan, options);
  if (!explained.has_value()) wrong_answer(kName, explained.error().to_string());
  return explained->memory_bytes_max;
}

Memory measure_child(std::uint32_t connections) {
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) wrong_answer(kName, "the program does not find itself");
  self[length] = '\0';
  const std::string command = "'" + std::string(self) + "' --net-idle-child " + std::to_string(connections);
  std::FILE* child = popen(command.c_str(), "r");
  Memory memory;
  const bool read = child != nullptr && std::fscanf(child, "%llu %llu %llu %lld", &memory.growth, &memory.explained,
                                                    &memory.explained_one, &memory.system) == 4;
  if (child == nullptr || pclose(child) != 0 || !read) wrong_answer(kName, "the child failed");
  return memory;
}

}  // namespace

int net_idle_child(const char* text) {
  (void)descriptors_max();
  const auto connections = static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
  const std::string sql = event_to_result_sql(connections, connections);
  Memory memory;
  memory.explained = explained_bytes(sql, JobOptions());
  memory.explained_one = explained_bytes(event_to_result_sql(1, 1), JobOptions());
  const std::uint64_t before = open_descriptors();
  const std::size_t resident = resident_memory_bytes();
  const std::size_t system = system_memory_bytes();
  LiveJob job(kName, sql, JobOptions());
  {
    const IdlePeers peers(job.port("events"), connections);
    await_connections(before, connections);
    memory.growth = resident_memory_bytes() - resident;
    memory.system = static_cast<long long>(system_memory_bytes()) - static_cast<long long>(system);
  }
  const Socket subscriber = Socket::connect_to(job.port("results"));
  job.finish(0);
  std::printf("%llu %llu %llu %lld\n", memory.growth, memory.explained, memory.explained_one, memory.system);
  return 0;
}

void run_net_idle(const Parameters& parameters, Report& report) {
  auto connections = static_cast<std::uint32_t>(parameters.value("net.connections", 10'000, 200));
  const std::uint64_t possible = descriptors_max();
  if (possible < connections + kDescriptorsLeft) {
    connections = static_cast<std::uint32_t>(possible - std::min(possible - 1, kDescriptorsLeft));
    report.note("the system allows this process " + std::to_string(possible) +
                " descriptors: " + std::to_string(connections) + " connections");
  }
  const std::string setting = std::to_string(connections) + " silent connections";
  const Memory memory = measure_child(connections);
  const double each = static_cast<double>(memory.growth) / connections / 1024;
  const double promised = static_cast<double>(memory.explained - memory.explained_one) / connections / 1024;
  const auto judge = [&](const char* what, double kib) {
    const double share = kib / 64;
    report.add({kName, setting + what, "KiB", {kib, kib, kib}, "", {}, {share, share, share}, Bar::kAtMost, 1});
  };
  judge(", memory of each", each);
  judge(", by explain", promised);
  char kept[160];
  std::snprintf(
      kept, sizeof kept,
      "net_idle: the system keeps %.1f KiB of both ends of a silent connection (slabs and socket memory of the "
      "machine, before and after)",
      static_cast<double>(memory.system) / connections / 1024);
  report.note(kept);
  PingPong shape;
  shape.events = parameters.value("net.events", 20'000, 500);
  shape.rate = static_cast<double>(parameters.value("net.rate", 10'000, 10'000));
  shape.cpu = parameters.cpus[1];
  PingPongRuns alone, beside, among;
  for (std::uint32_t run = 0; run < parameters.runs; ++run) {
    alone.add(busy_run(parameters, shape, connections, Silent::kNone));
    beside.add(busy_run(parameters, shape, connections, Silent::kBeside));
    among.add(busy_run(parameters, shape, connections, Silent::kAtJob));
  }
  const std::string elsewhere = "silent ones elsewhere";
  Line judged = usual_p99_line(kName, "busy among them, usual p99", among, "alone", alone);
  judged.kind = Bar::kAtMost;
  judged.bar = 1.5;
  report.add(std::move(judged));
  report.add(usual_p99_line(kName, "busy among them, usual p99", among, elsewhere, beside));
  report.add(percentile_line(kName, "busy among them, p99", 99, among, "alone", alone));
  report.add(percentile_line(kName, "busy among them, p99", 99, among, elsewhere, beside));
  report.add(percentile_line(kName, "busy among them, p50", 50, among, "alone", alone));
  show_distributions(parameters, report, "net_idle",
                     {{"busy stream alone", &alone.merged},
                      {"busy stream, silent ones elsewhere", &beside.merged},
                      {"busy stream among " + setting, &among.merged}});
}

namespace {

/// Percent of one core that the whole process takes while nothing comes.
double parked_percent(const Parameters& parameters, BackendKind backend, std::uint32_t idle) {
  JobOptions options;
  options.cpus = {parameters.cpus[0]};
  options.backend = backend;
  options.idle = IdleKind::kPark;
  const std::uint64_t before = open_descriptors();
  LiveJob job("net_park", event_to_result_sql(idle, idle), std::move(options));
  double percent = 0;
  {
    const IdlePeers peers(job.port("events"), idle);
    await_connections(before, idle);
    const Socket subscriber = Socket::connect_to(job.port("results"));
    rest(parameters.smoke ? 0.02 : 0.3);
    rusage first{}, last{};
    const double start = wall_seconds();
    (void)::getrusage(RUSAGE_SELF, &first);
    rest(parameters.smoke ? 0.1 : 3);
    (void)::getrusage(RUSAGE_SELF, &last);
    const double seconds = wall_seconds() - start;
    const auto used = [](const rusage& usage) {
      return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    };
    percent = 100 * (used(last) - used(first)) / seconds;
  }
  job.finish(0);
  return percent;
}

}  // namespace

void run_net_park(const Parameters& parameters, Report& report) {
  (void)descriptors_max();
  const auto many = static_cast<std::uint32_t>(parameters.value("net.connections", 10'000, 200));
  const auto add = [&](const std::string& setting, BackendKind backend, std::uint32_t idle, Bar kind) {
    std::vector<double> percents;
    for (std::uint32_t run = 0; run < std::min(parameters.runs, 3u); ++run)
      percents.push_back(parked_percent(parameters, backend, idle));
    const Sample sample = Sample::of(percents);
    report.add({"net_park", setting, "% core", sample, "", {}, sample, kind, 0.5});
  };
  add("one silent connection", BackendKind::kAuto, 1, Bar::kAtMost);
  add("the same by epoll", BackendKind::kEpoll, 1, Bar::kAtMost);
  if (descriptors_max() >= many + kDescriptorsLeft)
    add(std::to_string(many) + " silent connections", BackendKind::kAuto, many, Bar::kNone);
}

}  // namespace weir::bench
