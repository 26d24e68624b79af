// Error: the text and place behind the one pointer, and the names of the codes.
#include "weir/core/result.h"

#include <cerrno>
#include <cstring>
#include <vector>

namespace weir {

struct Error::Detail {
  ErrorCode code = ErrorCode::kIo;
  int errno_value = 0;
  Position position;
  std::string message;
  std::string hint;
  std::vector<std::string> contexts;  // innermost first
};

namespace {

ErrorCode code_of_errno(int errno_value) noexcept {
  switch (errno_value) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermission;
    case EISDIR:
      return ErrorCode::kIsDirectory;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kDiskFull;
    case EADDRINUSE:
      return ErrorCode::kAddressInUse;
    case ECONNRESET:
      return ErrorCode::kConnectionReset;
    case EPIPE:
      return ErrorCode::kBrokenPipe;
    case EEXIST:
      return ErrorCode::kExists;
    case ENOMEM:
      return ErrorCode::kOutOfMemory;
    default:
      return ErrorCode::kIo;
  }
}

// strerror_r has two forms; which one is there depends on feature macros. Overloads take either.
[[maybe_unused]] const char* strerror_text(const char* text, const char*) noexcept {
  return text;
}
[[maybe_unused]] const char* strerror_text(int failed, const char* buffer) noexcept {
  return failed == 0 ? buffer : "unknown error";
}

}  // namespace

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
#define WEIR_ERROR_CODE(name, number, meaning) \
  case ErrorCode::name:                        \
    return std::string_view(#name).substr(1);
#include "weir/core/error_code.def"
#undef WEIR_ERROR_CODE
  }
  return "Unknown";
}

std::string_view error_code_meaning(ErrorCode code) noexcept {
  switch (code) {
#define WEIR_ERROR_CODE(name, number, meaning) \
  case ErrorCode::name:                        \
    return meaning;
#include "weir/core/error_code.def"
#undef WEIR_ERROR_CODE
  }
  return "a number that is not in the list";
}

std::string Position::to_string() const {
  switch (kind) {
    case Kind::kNone:
      return {};
    case Kind::kLineColumn:
      return std::to_string(line) + ":" + std::to_string(column);
    case Kind::kByte:
      return "byte " + std::to_string(line);
    case Kind::kRow:
      return "row " + std::to_string(line);
  }
  return {};
}

Error::Error(ErrorCode code, std::string message) : Error(code, std::move(message), Position{}) {}

Error::Error(ErrorCode code, std::string message, Position position) : detail_(std::make_unique<Detail>()) {
  detail_->code = code;
  detail_->message = std::move(message);
  detail_->position = position;
}

Error Error::from_errno(int errno_value, std::string what) {
  char buffer[256] = "";
  what += ": ";
  what += strerror_text(::strerror_r(errno_value, buffer, sizeof(buffer)), buffer);
  Error error(code_of_errno(errno_value), std::move(what));
  error.detail_->errno_value = errno_value;
  return error;
}

Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error::Error(const Error& other) : detail_(std::make_unique<Detail>(*other.detail_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) detail_ = std::make_unique<Detail>(*other.detail_);
  return *this;
}

ErrorCode Error::code() const noexcept {
  return detail_->code;
}
int Error::errno_value() const noexcept {
  return detail_->errno_value;
}
const Position& Error::position() const noexcept {
  return detail_->position;
}
std::string_view Error::message() const noexcept {
  return detail_->message;
}
std::string_view Error::hint() const noexcept {
  return detail_->hint;
}

Error&& Error::with_context(std::string context) && {
  detail_->contexts.push_back(std::move(context));
  return std::move(*this);
}

Error&& Error::with_hint(std::string hint) && {
  detail_->hint = std::move(hint);
  return std::move(*this);
}

Error&& Error::with_position(Position position) && {
  detail_->position = position;
  return std::move(*this);
}

std::string Error::to_string() const {
  std::string text = "W" + std::to_string(static_cast<unsigned>(detail_->code)) + " ";
  text.append(error_code_name(detail_->code)).append(": ").append(detail_->message);
  if (detail_->position.kind != Position::Kind::kNone) text += " (at " + detail_->position.to_string() + ")";
  for (const std::string& context : detail_->contexts) text.append("; while ").append(context);
  if (!detail_->hint.empty()) text.append("\n  hint: ").append(detail_->hint);
  return text;
}

}  // namespace weir
