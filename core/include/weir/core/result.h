// Result<T>: the value of an operation that can fail for a reason outside Weir, or the Error.
//
// The member names are those of std::expected, which libstdc++ 12 has only for C++23; Weir does not switch between the
// two by language mode, since that would split the ABI. An Error is one pointer (null never occurs): a stable code, the
// errno where there was one, a position in the input, a message, and context that callers append on the way up.
// Everything here is noexcept but for std::bad_alloc while an error text is made; nothing prints or exits.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/core/check.h"

namespace weir {

/// Stable codes of operating errors; the list and the numbers stand in error_code.def.
enum class ErrorCode : std::uint16_t {
#define WEIR_ERROR_CODE(name, number, meaning) name = number,
#include "weir/core/error_code.def"
#undef WEIR_ERROR_CODE
};

/// The code's name without its k, such as "DiskFull". Never fails: an unknown number gives "Unknown".
std::string_view error_code_name(ErrorCode code) noexcept;
/// The sentence beside the code in error_code.def.
std::string_view error_code_meaning(ErrorCode code) noexcept;

/// Where in an input something stands. Lines and columns are 1-based (columns in code points), bytes and rows 0-based.
struct Position {
  enum class Kind : std::uint8_t { kNone, kLineColumn, kByte, kRow };
  Kind kind = Kind::kNone;
  std::uint64_t line = 0;    // or the byte, or the row
  std::uint64_t column = 0;  // kLineColumn only

  static Position at_line(std::uint64_t line, std::uint64_t column) noexcept {
    return {Kind::kLineColumn, line, column};
  }
  static Position at_byte(std::uint64_t byte) noexcept { return {Kind::kByte, byte, 0}; }
  static Position at_row(std::uint64_t row) noexcept { return {Kind::kRow, row, 0}; }
  /// "12:3", "byte 77", "row 5" or "".
  std::string to_string() const;
};

/// An operating error. Movable, one pointer wide. Thread: any, one at a time.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message);
  Error(ErrorCode code, std::string message, Position position);
  /// Makes an error from an errno value: picks the code (ENOENT → kNotFound, ENOSPC → kDiskFull, …) and says strerror's
  /// text behind `what`, which names the action and the object: "cannot open in.csv".
  static Error from_errno(int errno_value, std::string what);

  Error(Error&&) noexcept;
  Error& operator=(Error&&) noexcept;
  Error(const Error&);
  Error& operator=(const Error&);
  ~Error();

  ErrorCode code() const noexcept;
  int errno_value() const noexcept;  ///< 0 where none was involved.
  const Position& position() const noexcept;
  std::string_view message() const noexcept;  ///< One sentence without the code and the hint.
  std::string_view hint() const noexcept;     ///< What to do about it; empty where unknown.

  /// Appends what the caller was doing, innermost first. Returns itself so that it can stand in a return statement.
  Error&& with_context(std::string context) &&;
  Error&& with_hint(std::string hint) &&;
  Error&& with_position(Position position) &&;

  /// "W2004 DiskFull: message (at row 5); while context; …\n  hint: …", without a newline at the end.
  std::string to_string() const;

 private:
  struct Detail;
  std::unique_ptr<Detail> detail_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
      : has_value_(true) {  // NOLINT: implicit, as std::expected
    ::new (static_cast<void*>(&value_)) T(std::move(value));
  }
  Result(Error error) noexcept : has_value_(false) {  // NOLINT: implicit, so that `return Error(…)` works
    ::new (static_cast<void*>(&error_)) Error(std::move(error));
  }
  Result(Result&& other) noexcept : has_value_(other.has_value_) { take(std::move(other)); }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      destroy();
      has_value_ = other.has_value_;
      take(std::move(other));
    }
    return *this;
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() { destroy(); }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// Requires: has_value().
  T& value() & noexcept {
    WEIR_CHECK(has_value_);
    return value_;
  }
  const T& value() const& noexcept {
    WEIR_CHECK(has_value_);
    return value_;
  }
  T&& value() && noexcept {
    WEIR_CHECK(has_value_);
    return std::move(value_);
  }
  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return value(); }
  T&& operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

  /// Requires: !has_value().
  Error& error() & noexcept {
    WEIR_CHECK(!has_value_);
    return error_;
  }
  const Error& error() const& noexcept {
    WEIR_CHECK(!has_value_);
    return error_;
  }
  Error&& error() && noexcept {
    WEIR_CHECK(!has_value_);
    return std::move(error_);
  }

  template <typename U>
  T value_or(U&& other) && {
    return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
  }

 private:
  void take(Result&& other) noexcept {
    if (has_value_)
      ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    else
      ::new (static_cast<void*>(&error_)) Error(std::move(other.error_));
  }
  void destroy() noexcept {
    if (has_value_)
      value_.~T();
    else
      error_.~Error();
  }
  bool has_value_;
  union {
    T value_;
    Error error_;
  };
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;
  Result() noexcept = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {}  // NOLINT: implicit, as above
  bool has_value() const noexcept { return error_ == nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  Error& error() & noexcept {
    WEIR_CHECK(error_ != nullptr);
    return *error_;
  }
  const Error& error() const& noexcept {
    WEIR_CHECK(error_ != nullptr);
    return *error_;
  }
  Error&& error() && noexcept {
    WEIR_CHECK(error_ != nullptr);
    return std::move(*error_);
  }

 private:
  std::unique_ptr<Error> error_;
};

}  // namespace weir

/// Returns the error of a Result<void> expression from the enclosing function, if there is one.
#define WEIR_TRY(expression)                                                    \
  do {                                                                          \
    if (auto weir_result = (expression); !weir_result.has_value()) [[unlikely]] \
      return std::move(weir_result).error();                                    \
  } while (false)

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)
/// Declares or assigns `target` from a Result<T> expression, or returns its error.
#define WEIR_ASSIGN(target, expression) WEIR_ASSIGN_INNER(WEIR_CONCAT(weir_result_, __LINE__), target, expression)
#define WEIR_ASSIGN_INNER(result, target, expression) \
  auto result = (expression);                         \
  if (!result.has_value()) [[unlikely]]               \
    return std::move(result).error();                 \
  target = std::move(result).value()
