// Values to text: what the csv and json encoders share.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/io/format.h"

namespace weir::detail {

/// Appends to a span until something does not fit; from then on it only remembers that.
class TextWriter {
 public:
  explicit TextWriter(std::span<char> out) noexcept : begin_(out.data()), at_(begin_), end_(begin_ + out.size()) {}
  bool overflowed() const noexcept { return overflowed_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  void rewind(std::size_t size) noexcept {
    at_ = begin_ + size;
    overflowed_ = false;
  }
  void put(char character) noexcept {
    if (at_ == end_) {
      overflowed_ = true;
    } else {
      *at_++ = character;
    }
  }
  void put(std::string_view text) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) {
      overflowed_ = true;
      at_ = end_;
    } else {
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
  }
  /// Room for `bytes` at the end, or null. What `write` returns of it counts.
  template <typename Write>
  void put_with(std::size_t bytes, Write write) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < bytes) {
      overflowed_ = true;
      at_ = end_;
    } else {
      at_ = write(at_);
    }
  }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool overflowed_ = false;
};

struct TimestampStyle {
  char separator = ' ';  // ' ' of SQL, 'T' of ISO-8601
};

/// Text of a value that is neither NULL nor a string: numbers, booleans, dates and times. Requires: room for
/// kPlainTextMax characters. Returns the end.
inline constexpr std::size_t kPlainTextMax = 64;
char* format_plain(const Type& type, const Vector& column, std::uint32_t row, TimestampStyle style, char* out) noexcept;

/// Rows of a batch into a span by `write_row(row, writer)`, whole records only: the loop of every encoder.
template <typename WriteRow>
Result<std::size_t> encode_rows(const Batch& batch, std::uint32_t* next, TextWriter& writer, WriteRow write_row) {
  const std::uint32_t count = batch.selected_count();
  while (*next < count) {
    const std::uint32_t row = batch.has_selection() ? batch.selection()[*next] : *next;
    const std::size_t before = writer.size();
    WEIR_TRY(write_row(row, writer));
    if (writer.overflowed()) {
      writer.rewind(before);
      if (before == 0) {
        return Error(ErrorCode::kRecordTooLarge, "an encoded record is longer than the buffer for it",
                     Position::at_row(row));
      }
      break;
    }
    ++*next;
  }
  return writer.size();
}

}  // namespace weir::detail
