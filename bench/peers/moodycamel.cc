// moodycamel::ReaderWriterQueue in the ring workload.
#include <readerwriterqueue.h>

#include "peers/peers.h"

namespace weir::bench {
namespace {

class Moodycamel : public OneByOne<Moodycamel> {
 public:
  explicit Moodycamel(std::uint64_t capacity) : queue_(capacity) {}
  bool push(std::uint64_t item) { return queue_.try_enqueue(item); }
  bool pop(std::uint64_t& item) { return queue_.try_dequeue(item); }

 private:
  moodycamel::ReaderWriterQueue<std::uint64_t> queue_;
};

}  // namespace

RingSubject moodycamel_ring() {
  return ring_subject<Moodycamel>("moodycamel");
}

}  // namespace weir::bench
