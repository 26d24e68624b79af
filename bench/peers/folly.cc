// folly::ProducerConsumerQueue in the ring workload.
#include <folly/ProducerConsumerQueue.h>

#include "peers/peers.h"

namespace weir::bench {
namespace {

class Folly : public OneByOne<Folly> {
 public:
  explicit Folly(std::uint64_t capacity) : queue_(static_cast<std::uint32_t>(capacity + 1)) {}
  bool push(std::uint64_t item) { return queue_.write(item); }
  bool pop(std::uint64_t& item) { return queue_.read(item); }

 private:
  folly::ProducerConsumerQueue<std::uint64_t> queue_;
};

}  // namespace

RingSubject folly_ring() {
  return ring_subject<Folly>("folly");
}

}  // namespace weir::bench
