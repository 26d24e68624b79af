// rigtorp::SPSCQueue in the ring workload.
#include <rigtorp/SPSCQueue.h>

#include "peers/peers.h"

namespace weir::bench {
namespace {

class Rigtorp : public OneByOne<Rigtorp> {
 public:
  explicit Rigtorp(std::uint64_t capacity) : queue_(capacity) {}
  bool push(std::uint64_t item) { return queue_.try_push(item); }
  bool pop(std::uint64_t& item) {
    const std::uint64_t* front = queue_.front();
    if (front == nullptr) return false;
    item = *front;
    queue_.pop();
    return true;
  }

 private:
  rigtorp::SPSCQueue<std::uint64_t> queue_;
};

}  // namespace

RingSubject rigtorp_ring() {
  return ring_subject<Rigtorp>("rigtorp");
}

}  // namespace weir::bench
