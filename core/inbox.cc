// The inbox on moodycamel's ConcurrentQueue, with a count of its own for the bound.
#include "weir/core/inbox.h"

#if defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic ignored "-Wtsan"  // the queue has fences, which ThreadSanitizer does not follow
#endif
#include <concurrentqueue.h>

#include <atomic>
#include <new>

#include "weir/core/atomics.h"

namespace weir {
namespace {

struct InboxTraits : moodycamel::ConcurrentQueueDefaultTraits {
  // One lane may hold every item of the largest inbox without its index growing: 32 items a block.
  static const size_t EXPLICIT_INITIAL_INDEX_SIZE = 4096;
};
using Queue = moodycamel::ConcurrentQueue<InboxItem, InboxTraits>;

}  // namespace

struct Inbox::State {
  State(const InboxOptions& inbox_options)
      : options(inbox_options), queue(inbox_options.items_max, inbox_options.producers_max, 0) {}

  InboxOptions options;
  Queue queue;
  Waker* waker = nullptr;
  std::uint32_t producers = 0;
  alignas(kSeparation) std::atomic<std::uint64_t> count{0};
  alignas(kSeparation) std::atomic<std::uint64_t> full{0};
};

struct Inbox::Producer::Lane {
  explicit Lane(State& inbox_state) : state(inbox_state), token(inbox_state.queue) {}
  State& state;
  moodycamel::ProducerToken token;
};

Inbox::Producer::Producer(std::unique_ptr<Lane> lane) noexcept : lane_(std::move(lane)) {}
Inbox::Producer::Producer(Producer&&) noexcept = default;
Inbox::Producer& Inbox::Producer::operator=(Producer&&) noexcept = default;
Inbox::Producer::~Producer() = default;

PushResult Inbox::Producer::push(const InboxItem& item) noexcept {
  WEIR_CHECK(lane_ != nullptr);
  State& state = lane_->state;
  // Takes a place first and gives it back where there was none, so that the count never passes items_max by more than
  // the producers that are about to give theirs back. Relaxed: the place is a number, the item travels in the queue.
  if (state.count.fetch_add(1, std::memory_order_relaxed) >= state.options.items_max ||
      !state.queue.try_enqueue(lane_->token, item)) {
    state.count.fetch_sub(1, std::memory_order_relaxed);
    state.full.fetch_add(1, std::memory_order_relaxed);
    return PushResult::kFull;
  }
  if (state.waker != nullptr) state.waker->notify_strong();  // the queue publishes with release only
  return PushResult::kPushed;
}

Inbox::Inbox(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Inbox::~Inbox() = default;

Result<std::unique_ptr<Inbox>> Inbox::create(const InboxOptions& options) {
  if (options.items_max == 0 || options.producers_max == 0)
    return Error(ErrorCode::kInvalidArgument, "an inbox needs at least one item and one producer");
  if (options.items_max > kInboxItemsMax || options.producers_max > kInboxProducersMax)
    return Error(ErrorCode::kLimitExceeded, "an inbox takes at most 65536 items and 1024 producers");
  return std::unique_ptr<Inbox>(new Inbox(std::make_unique<State>(options)));
}

Result<Inbox::Producer> Inbox::make_producer() {
  if (state_->producers == state_->options.producers_max)
    return Error(ErrorCode::kLimitExceeded, "an inbox has producers_max = " +
                                                std::to_string(state_->options.producers_max) + " producers already");
  ++state_->producers;
  return Producer(std::make_unique<Producer::Lane>(*state_));
}

void Inbox::set_waker(Waker* waker) noexcept {
  state_->waker = waker;
}

bool Inbox::pop(InboxItem& out) noexcept {
  if (!state_->queue.try_dequeue(out)) return false;
  state_->count.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

std::uint64_t Inbox::size() const noexcept {
  return state_->count.load(std::memory_order_relaxed);
}

std::uint64_t Inbox::full_count() const noexcept {
  return state_->full.load(std::memory_order_relaxed);
}

}  // namespace weir
