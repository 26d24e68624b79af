// boost::lockfree::spsc_queue in the ring workload.
#include <boost/lockfree/spsc_queue.hpp>

#include "peers/peers.h"

namespace weir::bench {
namespace {

class Boost {
 public:
  explicit Boost(std::uint64_t capacity) : queue_(capacity) {}
  bool push(std::uint64_t item) { return queue_.push(item); }
  bool pop(std::uint64_t& item) { return queue_.pop(item); }
  std::uint32_t push_run(const std::uint64_t* items, std::uint32_t count) {
    return static_cast<std::uint32_t>(queue_.push(items, count));
  }
  std::uint32_t pop_run(std::uint64_t* items, std::uint32_t count) {
    return static_cast<std::uint32_t>(queue_.pop(items, count));
  }

 private:
  boost::lockfree::spsc_queue<std::uint64_t> queue_;
};

}  // namespace

RingSubject boost_ring() {
  return ring_subject<Boost>("boost");
}

}  // namespace weir::bench
