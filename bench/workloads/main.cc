// weir-bench: see bench/README.md.
#include <cstdio>
#include <cstring>

#include "harness/allocation_count.h"
#include "net/idle_peers.h"
#include "workloads/workloads.h"

namespace weir::bench {

std::vector<Workload> workloads() {
  std::vector<Workload> all = {{"keyed_dense", run_keyed_dense},
                               {"keyed_spread", run_keyed_spread},
                               {"count_distinct", run_count_distinct},
                               {"ungrouped", run_ungrouped},
                               {"shards", run_shards},
                               {"ring", run_ring},
                               {"exchange", run_exchange},
                               {"duckdb", run_duckdb},
                               {"csv", run_csv},
                               {"flights", run_flights},
                               {"journal", run_journal},
                               {"json", run_json},
                               {"allocations", run_allocations},
                               {"peak_memory", run_peak_memory},
                               {"latency_inline", run_latency_inline},
                               {"latency_shard", run_latency_shard},
                               {"net_receive", run_net_receive},
                               {"net_json", run_net_json},
                               {"net_latency", run_net_latency},
                               {"net_windows", run_net_windows},
                               {"net_idle", run_net_idle},
                               {"net_park", run_net_park}};
  for (Workload& workload : lightsaber_workloads()) all.push_back(std::move(workload));
  return all;
}

}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  if (argc == 3 && std::strcmp(argv[1], "--peak-memory-child") == 0)
    return peak_memory_child(argv[2], read_parameters(1, argv));
  if (argc == 4 && std::strcmp(argv[1], "--idle-peers-child") == 0) return idle_peers_child(argv[2], argv[3]);
  if (argc == 3 && std::strcmp(argv[1], "--net-idle-child") == 0) return net_idle_child(argv[2]);
  const Parameters parameters = read_parameters(argc, argv);
  Report report(parameters);
  report.header();
  for (const Workload& workload : workloads()) {
    if (parameters.wants(workload.name)) workload.run(parameters, report);
  }
  report.summary();
  return 0;
}
