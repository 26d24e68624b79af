// Inbox: many threads to one shard. Each producer thread has a lane of its own; among lanes there is no order, within a
// lane the order stays. Bounded: at items_max a push says full, and the producer decides what that means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/core/batch.h"
#include "weir/core/control.h"
#include "weir/core/result.h"
#include "weir/core/waker.h"

namespace weir {

inline constexpr std::uint32_t kInboxItemsMax = 65536;
inline constexpr std::uint32_t kInboxProducersMax = 1024;

/// What an inbox carries: a batch, or a control where the batch is null; `source` is the sender's business.
struct InboxItem {
  Batch* batch = nullptr;
  Control control;
  std::uint64_t source = 0;
};

enum class PushResult : std::uint8_t { kPushed, kFull };

struct InboxOptions {
  std::uint32_t items_max = 1024;
  std::uint32_t producers_max = 16;
};

class Inbox {
 public:
  /// One thread's way into the inbox. Thread: one at a time. Must not outlive the inbox.
  class Producer {
   public:
    Producer(Producer&&) noexcept;
    Producer& operator=(Producer&&) noexcept;
    ~Producer();
    /// Allocates: never. Wakes the owner where it is parked.
    PushResult push(const InboxItem& item) noexcept;

   private:
    friend class Inbox;
    struct Lane;
    explicit Producer(std::unique_ptr<Lane> lane) noexcept;
    std::unique_ptr<Lane> lane_;
  };

  /// Takes all memory. Errors: kInvalidArgument where an option is 0, kLimitExceeded where it is above its maximum.
  static Result<std::unique_ptr<Inbox>> create(const InboxOptions& options);
  ~Inbox();

  /// Setup. Thread: any, one at a time. Errors: kLimitExceeded at producers_max (lanes are not used again).
  Result<Producer> make_producer();
  /// Setup: whom a push wakes.
  void set_waker(Waker* waker) noexcept;

  /// Takes one item, or returns false when there is none. Thread: the owner.
  bool pop(InboxItem& out) noexcept;
  /// Items now, for counters. Thread: any.
  std::uint64_t size() const noexcept;
  std::uint64_t full_count() const noexcept;  ///< Pushes that found it full. Thread: any.

 private:
  struct State;
  explicit Inbox(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace weir
