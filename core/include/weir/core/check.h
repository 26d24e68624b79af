// Checks: what must hold or Weir has a bug.
//
// Three channels for what goes wrong, and none of them overlaps another:
//   1. expected flow (ring full, nothing to read) is a value;
//   2. operating errors (a file, a peer, SQL, a record) are weir::Result (result.h);
//   3. bugs abort here, with both values, the place and the thread's context.
// Input from outside never reaches a check. WEIR_CHECK is always on and stands once a batch at most;
// WEIR_DCHECK is for rows and is on in the dev and sanitizer presets (WEIR_DCHECK_ENABLED).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::detail {

/// Prints `file:line: check failed: text` to stderr and aborts. Never returns, never throws.
[[noreturn]] void check_failed(const char* file, int line, const char* text) noexcept;

/// The same with the two values of a comparison, as signed numbers.
[[noreturn]] void check_failed_values(const char* file, int line, const char* text, std::int64_t left,
                                      std::int64_t right) noexcept;

}  // namespace weir::detail

namespace weir {

inline constexpr std::size_t kCheckContextBytesMax = 128;

/// Says what this thread is doing, for the message of a check that fails: "shard 3". Longer text is cut at
/// kCheckContextBytesMax. Null clears it. Thread: the calling one only. Allocates: never.
void set_check_context(const char* text) noexcept;
/// What was set last, or "".
const char* check_context() noexcept;

}  // namespace weir

#define WEIR_CHECK(condition)                                       \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::weir::detail::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)

#define WEIR_CHECK_COMPARE(left, op, right)                                             \
  do {                                                                                  \
    const auto weir_left = (left);                                                      \
    const auto weir_right = (right);                                                    \
    if (!(weir_left op weir_right)) [[unlikely]]                                        \
      ::weir::detail::check_failed_values(__FILE__, __LINE__, #left " " #op " " #right, \
                                          static_cast<std::int64_t>(weir_left),         \
                                          static_cast<std::int64_t>(weir_right));       \
  } while (false)

#define WEIR_CHECK_EQ(left, right) WEIR_CHECK_COMPARE(left, ==, right)
#define WEIR_CHECK_NE(left, right) WEIR_CHECK_COMPARE(left, !=, right)
#define WEIR_CHECK_LT(left, right) WEIR_CHECK_COMPARE(left, <, right)
#define WEIR_CHECK_LE(left, right) WEIR_CHECK_COMPARE(left, <=, right)
#define WEIR_CHECK_GT(left, right) WEIR_CHECK_COMPARE(left, >, right)
#define WEIR_CHECK_GE(left, right) WEIR_CHECK_COMPARE(left, >=, right)

#if defined(WEIR_DCHECK_ENABLED)
#define WEIR_DCHECK(condition) WEIR_CHECK(condition)
#else
#define WEIR_DCHECK(condition) \
  do {                         \
    if (false) {               \
      (void)(condition);       \
    }                          \
  } while (false)
#endif
