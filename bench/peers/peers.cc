// The list of peers that the build found (peers.h).
#include "peers/peers.h"

#include "harness/report.h"

namespace weir::bench {

std::vector<RingSubject> ring_peers() {
  std::vector<RingSubject> peers;
#ifdef WEIR_BENCH_BOOST
  peers.push_back(boost_ring());
#endif
#ifdef WEIR_BENCH_MOODYCAMEL
  peers.push_back(moodycamel_ring());
#endif
#ifdef WEIR_BENCH_FOLLY
  peers.push_back(folly_ring());
#endif
#ifdef WEIR_BENCH_RIGTORP
  peers.push_back(rigtorp_ring());
#endif
#ifdef WEIR_BENCH_DROGALIS
  peers.push_back(drogalis_ring());
#endif
  return peers;
}

void check_ring_sum(const std::string& name, std::uint64_t items, std::uint64_t sum) {
  expect_equal("ring " + name, "sum", items * (items + 1) / 2, sum);
}

}  // namespace weir::bench
