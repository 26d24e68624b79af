// The workloads of weir-bench, one file each. A workload makes its input, runs Weir in turn with its limit or its
// peers, compares the answer with a naive computation, and only then reports a figure.
#pragma once

#include <string>
#include <vector>

#include "harness/parameters.h"
#include "harness/report.h"

namespace weir::bench {

struct Workload {
  std::string name;
  void (*run)(const Parameters& parameters, Report& report);
};

void run_keyed_dense(const Parameters& parameters, Report& report);
void run_keyed_spread(const Parameters& parameters, Report& report);
void run_count_distinct(const Parameters& parameters, Report& report);
void run_ungrouped(const Parameters& parameters, Report& report);
void run_ring(const Parameters& parameters, Report& report);
void run_exchange(const Parameters& parameters, Report& report);
void run_shards(const Parameters& parameters, Report& report);
void run_duckdb(const Parameters& parameters, Report& report);
void run_csv(const Parameters& parameters, Report& report);
void run_flights(const Parameters& parameters, Report& report);
void run_json(const Parameters& parameters, Report& report);
void run_journal(const Parameters& parameters, Report& report);
void run_allocations(const Parameters& parameters, Report& report);
void run_peak_memory(const Parameters& parameters, Report& report);
/// The child process of peak_memory: runs one case, prints what it took and what explain said.
int peak_memory_child(const std::string& which, const Parameters& parameters);

/// Append to callback (bench/latency).
void run_latency_inline(const Parameters& parameters, Report& report);
void run_latency_shard(const Parameters& parameters, Report& report);

/// Sockets (bench/net).
void run_net_receive(const Parameters& parameters, Report& report);
void run_net_json(const Parameters& parameters, Report& report);
void run_net_latency(const Parameters& parameters, Report& report);
void run_net_windows(const Parameters& parameters, Report& report);
void run_net_idle(const Parameters& parameters, Report& report);
void run_net_park(const Parameters& parameters, Report& report);
/// The child process of net_idle: holds that many silent connections at a job and prints what they take.
int net_idle_child(const char* connections);

/// LightSaber's application queries (lightsaber/).
std::vector<Workload> lightsaber_workloads();

std::vector<Workload> workloads();

}  // namespace weir::bench
