// drogalis SPSC-Queue in the ring workload.
#include <dro/spsc-queue.hpp>

#include "peers/peers.h"

namespace weir::bench {
namespace {

class Drogalis : public OneByOne<Drogalis> {
 public:
  explicit Drogalis(std::uint64_t capacity) : queue_(capacity) {}
  bool push(std::uint64_t item) { return queue_.try_push(item); }
  bool pop(std::uint64_t& item) { return queue_.try_pop(item); }

 private:
  dro::SPSCQueue<std::uint64_t> queue_;
};

}  // namespace

RingSubject drogalis_ring() {
  return ring_subject<Drogalis>("drogalis");
}

}  // namespace weir::bench
