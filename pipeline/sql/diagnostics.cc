// Diagnostics and their text form. See diagnostics.h.
#include "diagnostics.h"

#include <algorithm>

namespace weir::sql {
namespace {

constexpr std::uint32_t kLinePointsMax = 160;

bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::uint32_t code_points(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

/// The part of a text line that is shown, and where the caret run stands in it, all in code points.
struct Excerpt {
  std::string line;
  std::string carets;
};

Excerpt cut_line(std::string_view line, std::uint32_t first, std::uint32_t width) {
  std::vector<std::string_view> points;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t next = i + 1;
    while (next < line.size() && is_continuation(line[next])) ++next;
    points.push_back(line.substr(i, next - i));
    i = next;
  }
  const auto total = static_cast<std::uint32_t>(points.size());
  first = std::min(first, total);
  std::uint32_t from = 0;
  std::uint32_t to = total;
  if (total > kLinePointsMax) {
    from = first > kLinePointsMax / 2 ? first - kLinePointsMax / 2 : 0;
    to = std::min(total, from + kLinePointsMax);
  }
  Excerpt excerpt;
  if (from > 0) {
    excerpt.line += "…";
    excerpt.carets += ' ';
  }
  for (std::uint32_t i = from; i < to; ++i) {
    const bool control = points[i].size() == 1 && static_cast<unsigned char>(points[i][0]) < 0x20;
    const bool tab = points[i] == "\t";
    if (control && !tab) {
      excerpt.line += ' ';
    } else {
      excerpt.line += points[i];
    }
    if (i < first) excerpt.carets += tab ? '\t' : ' ';
  }
  if (to < total) excerpt.line += "…";
  const std::uint32_t last = std::min(first + width, to);
  excerpt.carets += '^';
  for (std::uint32_t i = first + 1; i < last; ++i) excerpt.carets += '~';
  return excerpt;
}

struct Place {
  LineColumn at;
  std::string_view line;
  std::uint32_t width = 1;
};

Place place_of(std::string_view text, SourceSpan span) {
  const std::size_t begin = std::min<std::size_t>(span.begin, text.size());
  const std::size_t end = std::clamp<std::size_t>(span.end, begin, text.size());
  const std::string_view before = text.substr(0, begin);
  Place place;
  place.at.line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  place.at.column = code_points(text.substr(line_begin, begin - line_begin)) + 1;
  std::size_t line_end = text.find('\n', begin);
  if (line_end == std::string_view::npos) line_end = text.size();
  if (line_end > line_begin && text[line_end - 1] == '\r') --line_end;
  line_end = std::max(line_end, line_begin);
  place.line = text.substr(line_begin, line_end - line_begin);
  const std::size_t shown_end = std::clamp(end, begin, std::max(begin, line_end));
  place.width = std::max<std::uint32_t>(1, code_points(text.substr(begin, shown_end - begin)));
  return place;
}

void append_excerpt(std::string& out, const Place& place) {
  const std::string number = std::to_string(place.at.line);
  const Excerpt excerpt = cut_line(place.line, place.at.column - 1, place.width);
  const std::size_t pad = number.size() < 6 ? 6 - number.size() : 0;
  out += std::string(pad, ' ') + number + " | " + excerpt.line + '\n';
  out += std::string(pad + number.size(), ' ') + " | " + excerpt.carets + '\n';
}

}  // namespace

Diagnostics::Diagnostics(std::string_view text, std::size_t errors_max)
    : text_(text), errors_max_(std::max<std::size_t>(errors_max, 1)) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

LineColumn Diagnostics::locate(std::uint32_t byte) const noexcept {
  byte = std::min(byte, static_cast<std::uint32_t>(text_.size()));
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), byte);
  const std::uint32_t start = *(next - 1);
  return {static_cast<std::uint32_t>(next - line_starts_.begin()), code_points(text_.substr(start, byte - start)) + 1};
}

Diagnostic& Diagnostics::report(ErrorCode code, SourceSpan span, std::string message, std::string hint) {
  const auto size = static_cast<std::uint32_t>(text_.size());
  span.begin = std::min(span.begin, size);
  span.end = std::clamp(span.end, span.begin, size);
  const bool repeated = std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& other) {
    return other.span.begin == span.begin && other.message == message;
  });
  if (full() || repeated) return dropped_ = Diagnostic{};
  const LineColumn at = locate(span.begin);
  diagnostics_.push_back({code, span, at.line, at.column, std::move(message), std::move(hint), {}});
  return diagnostics_.back();
}

Diagnostic& Diagnostics::report(const Error& error, SourceSpan span) {
  return report(error.code(), span, std::string(error.message()), std::string(error.hint()));
}

std::vector<Diagnostic> Diagnostics::take() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
  return std::move(diagnostics_);
}

}  // namespace weir::sql

namespace weir {

std::string render(const Diagnostic& diagnostic, std::string_view text, std::string_view file) {
  const auto head = [&](const sql::Place& place) {
    return std::string(file) + ':' + std::to_string(place.at.line) + ':' + std::to_string(place.at.column) + ": ";
  };
  const sql::Place place = sql::place_of(text, diagnostic.span);
  std::string out = head(place) + "error WEIR-" + std::to_string(static_cast<unsigned>(diagnostic.code)) + ": " +
                    diagnostic.message + '\n';
  sql::append_excerpt(out, place);
  if (!diagnostic.hint.empty()) out += "   hint: " + diagnostic.hint + '\n';
  for (const Diagnostic::Note& note : diagnostic.notes) {
    if (note.span.end == 0) {
      out += "   note: " + note.message + '\n';
      continue;
    }
    const sql::Place at = sql::place_of(text, note.span);
    out += head(at) + "note: " + note.message + '\n';
    sql::append_excerpt(out, at);
  }
  return out;
}

}  // namespace weir
