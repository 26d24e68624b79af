// Diagnostics: where the frontend's complaints are collected. It turns byte spans into lines and columns, stops at the
// most errors that one run shows, and gives them back in the order of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/pipeline/sql.h"

namespace weir::sql {

/// Line and column (1-based, in code points) of a byte offset.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

class Diagnostics {
 public:
  Diagnostics(std::string_view text, std::size_t errors_max);

  /// Adds a diagnostic unless errors_max are there or the same place has one with the same message. The returned
  /// reference is valid until the next report and may be given notes.
  Diagnostic& report(ErrorCode code, SourceSpan span, std::string message, std::string hint = {});
  /// An error of another layer, shown at `span`.
  Diagnostic& report(const Error& error, SourceSpan span);

  std::size_t count() const noexcept { return diagnostics_.size(); }
  bool full() const noexcept { return diagnostics_.size() >= errors_max_; }
  LineColumn locate(std::uint32_t byte) const noexcept;
  /// Sorted by place.
  std::vector<Diagnostic> take();

 private:
  std::string_view text_;
  std::size_t errors_max_;
  std::vector<std::uint32_t> line_starts_;
  std::vector<Diagnostic> diagnostics_;
  Diagnostic dropped_;
};

}  // namespace weir::sql
