// What happens when a check fails: one message on stderr without allocation, then abort. The heap may be what is
// broken, so nothing here takes memory or a lock.
#include "weir/core/check.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace weir {
namespace {

// constinit: no guard and no allocation when a thread touches it first.
constinit thread_local char context_text[kCheckContextBytesMax + 1] = {};

/// Text of bounded length put together on the stack.
class Message {
 public:
  Message& add(const char* text) noexcept {
    for (; *text != '\0' && size_ < sizeof(text_); ++text) text_[size_++] = *text;
    return *this;
  }
  Message& add(std::int64_t value) noexcept {
    char digits[24];
    std::size_t at = sizeof(digits);
    digits[--at] = '\0';
    // The magnitude as unsigned, so that the smallest value has one too.
    std::uint64_t rest = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    do {
      digits[--at] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (value < 0) digits[--at] = '-';
    return add(digits + at);
  }
  Message& add_context() noexcept {
    if (context_text[0] == '\0') return *this;
    return add(" [").add(context_text).add("]");
  }
  [[noreturn]] void print_and_abort() noexcept {
    add("\n");
    for (std::size_t written = 0; written < size_;) {
      const ssize_t count = ::write(STDERR_FILENO, text_ + written, size_ - written);
      if (count <= 0) break;
      written += static_cast<std::size_t>(count);
    }
    std::abort();
  }

 private:
  char text_[1024];
  std::size_t size_ = 0;
};

}  // namespace

void set_check_context(const char* text) noexcept {
  if (text == nullptr) text = "";
  std::size_t size = 0;
  while (size < kCheckContextBytesMax && text[size] != '\0') ++size;
  std::memmove(context_text, text, size);
  context_text[size] = '\0';
}

const char* check_context() noexcept {
  return context_text;
}

namespace detail {

void check_failed(const char* file, int line, const char* text) noexcept {
  Message message;
  message.add(file).add(":").add(line).add(": check failed: ").add(text).add_context().print_and_abort();
}

void check_failed_values(const char* file, int line, const char* text, std::int64_t left, std::int64_t right) noexcept {
  Message message;
  message.add(file).add(":").add(line).add(": check failed: ").add(text);
  message.add(" (").add(left).add(" against ").add(right).add(")").add_context().print_and_abort();
}

}  // namespace detail
}  // namespace weir
