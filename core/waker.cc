// Parking on a futex.
#include "weir/core/waker.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace weir {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the system reads the word itself");

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) noexcept {
  return ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG, value, timeout,
                   nullptr, 0);
}

}  // namespace

void FutexPoller::park(std::int64_t timeout_ns) noexcept {
  if (token_.exchange(0, std::memory_order_seq_cst) != 0) return;  // pairs with wake: it came first
  if (timeout_ns <= 0) return;
  const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                         static_cast<long>(timeout_ns % 1'000'000'000)};
  futex(token_, FUTEX_WAIT, 0, &timeout);         // returns at once where the token is no longer 0
  token_.exchange(0, std::memory_order_seq_cst);  // pairs with wake
}

void FutexPoller::wake() noexcept {
  if (token_.exchange(1, std::memory_order_seq_cst) == 0) futex(token_, FUTEX_WAKE, 1, nullptr);  // pairs with park
}

}  // namespace weir
