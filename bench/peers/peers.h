// The rings of others that Weir's is compared with: those whose headers the build found.
#pragma once

#include <vector>

#include "peers/ring_run.h"

namespace weir::bench {

RingSubject boost_ring();
RingSubject moodycamel_ring();
RingSubject folly_ring();
RingSubject rigtorp_ring();
RingSubject drogalis_ring();

std::vector<RingSubject> ring_peers();

}  // namespace weir::bench
