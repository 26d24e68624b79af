// String functions. Positions and lengths count code points from 1. Pieces of a string share its bytes; only what is
// new goes to the heap.
#include <algorithm>
#include <cstring>

#include "expression/cast.h"
#include "expression/functions.h"

namespace weir {

namespace {

constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

std::size_t code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += is_continuation(c) ? 0 : 1;
  return count;
}

// Takes `bytes` from the heap, lets write(char*) fill them and give the end, and keeps what was written.
template <typename Write>
Outcome build(KernelCall& call, StringRef& out, std::size_t bytes, Write write) {
  StringHeap& heap = *call.runtime->heap;
  const std::size_t before = heap.used();
  char* at = heap.take(bytes);
  if (at == nullptr) return call.fail_heap();
  const char* end = write(at);
  const auto size = static_cast<std::size_t>(end - at);
  out = StringRef(std::string_view(at, size));
  heap.rewind(before + (out.is_inline() ? 0 : size));
  return Outcome::kValue;
}

char* append(char* at, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// ---- Case. ASCII, Latin-1 and the Greek and Cyrillic letters whose two cases are a fixed step apart.

std::uint32_t decode(std::string_view text, std::size_t& at) noexcept {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80 || at >= text.size() || !is_continuation(text[at])) return lead;
  if (lead >= 0xC0 && lead < 0xE0) return (lead & 0x1Fu) << 6 | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  return 0xFFFFFFFFu;  // three and four bytes: passed through as they are
}

std::uint32_t to_upper(std::uint32_t c) noexcept {
  if (c >= 'a' && c <= 'z') return c - 32;
  if ((c >= 0xE0 && c <= 0xFE && c != 0xF7) || (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) || (c >= 0x430 && c <= 0x44F))
    return c - 32;
  if (c >= 0x450 && c <= 0x45F) return c - 80;
  if (c >= 0x100 && c <= 0x17F && c != 0x131 && c != 0x138 && c != 0x149 && c != 0x17F) {
    const bool odd_is_lower = c < 0x139 || c > 0x148;
    if (c == 0x178) return c;
    if (c >= 0x179 && c <= 0x17E) return c % 2 == 0 ? c - 1 : c;
    return (c % 2 == 1) == odd_is_lower ? c - 1 : c;
  }
  return c;
}

std::uint32_t to_lower(std::uint32_t c) noexcept {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x100 && c <= 0x17F && c != 0x130 && c != 0x138 && c != 0x149 && c != 0x178) {
    const bool even_is_upper = c < 0x139 || c > 0x148;
    if (c >= 0x179 && c <= 0x17E) return c % 2 == 1 ? c + 1 : c;
    return (c % 2 == 0) == even_is_upper ? c + 1 : c;
  }
  return c;
}

bool is_ascii(std::string_view text) noexcept {
  unsigned char any = 0;
  for (const char c : text) any = static_cast<unsigned char>(any | static_cast<unsigned char>(c));
  return any < 0x80;
}

// Writes map(code point) for each; one- and two-byte letters keep their size.
template <typename Map>
char* map_letters(std::string_view text, char* at, Map map) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    const std::uint32_t c = decode(text, i);
    if (c == 0xFFFFFFFFu || (i - begin == 1 && c >= 0x80)) {
      *at++ = text[begin];
      i = begin + 1;
      (void)map(0x80u);  // not a letter that changes
      continue;
    }
    const std::uint32_t mapped = map(c);
    if (i - begin == 1 || mapped < 0x80) {
      *at++ = static_cast<char>(mapped);
    } else {
      *at++ = static_cast<char>(0xC0u | (mapped >> 6));
      *at++ = static_cast<char>(0x80u | (mapped & 0x3Fu));
    }
  }
  return at;
}

void upper_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    const std::string_view text = in.view();
    return build(call, out, in.size, [text](char* at) {
      if (!is_ascii(text)) return map_letters(text, at, &to_upper);
      for (const char c : text) *at++ = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
      return at;
    });
  });
}

void lower_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    const std::string_view text = in.view();
    return build(call, out, in.size, [text](char* at) {
      if (!is_ascii(text)) return map_letters(text, at, &to_lower);
      for (const char c : text) *at++ = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      return at;
    });
  });
}

void initcap_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    return build(call, out, in.size, [&](char* at) {
      bool inside = false;
      return map_letters(in.view(), at, [&inside](std::uint32_t c) {
        const std::uint32_t mapped = inside ? to_lower(c) : to_upper(c);
        inside = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
        return mapped;
      });
    });
  });
}

// ---- Lengths.

void char_length_kernel(KernelCall& call) {
  map_rows<std::int32_t, StringRef>(
      call, [](std::int32_t& out, const StringRef& in) { out = static_cast<std::int32_t>(code_points(in.view())); });
}

void octet_length_kernel(KernelCall& call) {
  map_rows<std::int32_t, StringRef>(
      call, [](std::int32_t& out, const StringRef& in) { out = static_cast<std::int32_t>(in.size); });
}

// ---- Pieces.

// Code points [start, start + count) of the text, start from 1; a negative start counts from the end; 0 is 1.
std::string_view substring(std::string_view text, std::int64_t start, std::int64_t count) noexcept {
  if (count <= 0) return {};
  if (start < 0) {
    const auto length = static_cast<std::int64_t>(code_points(text));
    start += length + 1;
    if (start < 1) {  // begins before the text: what lies before it is not there
      return {};
    }
  }
  if (start == 0) start = 1;
  const std::size_t begin = bytes_of_code_points(text, static_cast<std::size_t>(start - 1));
  text.remove_prefix(begin);
  return text.substr(0, bytes_of_code_points(text, static_cast<std::size_t>(count)));
}

void substring_kernel(KernelCall& call) {
  constexpr std::int64_t kAll = std::int64_t{1} << 40;
  if (call.arguments.size() == 2) {
    map_rows<StringRef, StringRef, std::int32_t>(call,
                                                 [](StringRef& out, const StringRef& in, const std::int32_t& start) {
                                                   out = piece_of(substring(in.view(), start, kAll));
                                                 });
  } else {
    map_rows<StringRef, StringRef, std::int32_t, std::int32_t>(
        call, [](StringRef& out, const StringRef& in, const std::int32_t& start, const std::int32_t& count) {
          out = piece_of(substring(in.view(), start, count));
        });
  }
}

void left_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, std::int32_t>(call,
                                               [](StringRef& out, const StringRef& in, const std::int32_t& count) {
                                                 out = piece_of(substring(in.view(), 1, count));
                                               });
}

void right_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, std::int32_t>(
      call, [](StringRef& out, const StringRef& in, const std::int32_t& count) {
        const auto length = static_cast<std::int64_t>(code_points(in.view()));
        const std::int64_t kept = std::min<std::int64_t>(std::max(count, 0), length);
        out = piece_of(substring(in.view(), length - kept + 1, kept));
      });
}

// Whether the code point at the text's front (or back) is among those of `set`.
std::size_t front_in(std::string_view text, std::string_view set) noexcept {
  const std::size_t size = bytes_of_code_points(text, 1);
  return size != 0 && set.find(text.substr(0, size)) != std::string_view::npos ? size : 0;
}

std::size_t back_in(std::string_view text, std::string_view set) noexcept {
  std::size_t size = 0;
  while (size < text.size() && (size == 0 || is_continuation(text[text.size() - size]))) ++size;
  return size != 0 && set.find(text.substr(text.size() - size)) != std::string_view::npos ? size : 0;
}

std::string_view trimmed(std::string_view text, std::string_view set, bool front, bool back) noexcept {
  if (front)
    while (const std::size_t size = front_in(text, set)) text.remove_prefix(size);
  if (back)
    while (const std::size_t size = back_in(text, set)) text.remove_suffix(size);
  return text;
}

template <bool kFront, bool kBack>
void trim_kernel(KernelCall& call) {
  if (call.arguments.size() == 1) {
    map_rows<StringRef, StringRef>(
        call, [](StringRef& out, const StringRef& in) { out = piece_of(trimmed(in.view(), " ", kFront, kBack)); });
  } else {
    map_rows<StringRef, StringRef, StringRef>(call, [](StringRef& out, const StringRef& in, const StringRef& set) {
      out = piece_of(trimmed(in.view(), set.view(), kFront, kBack));
    });
  }
}

// TRIM(mode, characters, text), as the parser gives TRIM(LEADING 'x' FROM s).
void trim_mode_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, StringRef, StringRef>(
      call, [&call](StringRef& out, const StringRef& mode, const StringRef& set, const StringRef& in) {
        const std::string_view name = mode.view();
        if (name != "BOTH" && name != "LEADING" && name != "TRAILING")
          return call.fail(ErrorCode::kInvalidArgument, "TRIM takes BOTH, LEADING or TRAILING");
        out = piece_of(trimmed(in.view(), set.view(), name != "TRAILING", name != "LEADING"));
        return Outcome::kValue;
      });
}

// Field `index` (from 0) of the text cut at every separator; NULL where there is none.
void split_index_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, StringRef, std::int32_t>(
      call, [](StringRef& out, const StringRef& in, const StringRef& separator, const std::int32_t& index) {
        std::string_view text = in.view();
        const std::string_view mark = separator.view();
        if (index < 0 || text.empty()) return Outcome::kNull;
        if (mark.empty()) {
          if (index > 0) return Outcome::kNull;
          out = in;
          return Outcome::kValue;
        }
        for (std::int32_t i = 0; i < index; ++i) {
          const std::size_t at = text.find(mark);
          if (at == std::string_view::npos) return Outcome::kNull;
          text.remove_prefix(at + mark.size());
        }
        out = piece_of(text.substr(0, text.find(mark)));
        return Outcome::kValue;
      });
}

// ---- New strings.

void concat_kernel(KernelCall& call) {
  auto* out = call.result->values<StringRef>();
  for_rows(call.range, call.result->validity, [&](std::uint32_t row) {
    std::size_t bytes = 0;
    for (const Operand& operand : call.arguments) bytes += operand.at<StringRef>(row).size;
    const Outcome outcome = build(call, out[row], bytes, [&](char* at) {
      for (const Operand& operand : call.arguments) at = append(at, operand.at<StringRef>(row).view());
      return at;
    });
    call.failed_row = row;
    return outcome == Outcome::kValue;
  });
}

// NULL texts are left out; a NULL separator gives NULL.
void concat_ws_kernel(KernelCall& call) {
  auto* out = call.result->values<StringRef>();
  const Operand separator = call.arguments[0];
  for_rows(call.range, nullptr, [&](std::uint32_t row) {
    if (!separator.is_valid(row)) {
      call.result->set_valid(row, false);
      return true;
    }
    const std::string_view mark = separator.at<StringRef>(row).view();
    std::size_t bytes = 0;
    for (const Operand& operand : call.arguments.subspan(1))
      if (operand.is_valid(row)) bytes += operand.at<StringRef>(row).size + mark.size();
    const Outcome outcome = build(call, out[row], bytes, [&](char* at) {
      bool first = true;
      for (const Operand& operand : call.arguments.subspan(1)) {
        if (!operand.is_valid(row)) continue;
        if (!first) at = append(at, mark);
        first = false;
        at = append(at, operand.at<StringRef>(row).view());
      }
      return at;
    });
    call.failed_row = row;
    return outcome == Outcome::kValue;
  });
}

void replace_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, StringRef, StringRef>(
      call, [&call](StringRef& out, const StringRef& in, const StringRef& from, const StringRef& to) {
        const std::string_view text = in.view(), old = from.view(), fresh = to.view();
        if (old.empty()) {
          out = in;
          return Outcome::kValue;
        }
        std::size_t hits = 0;
        for (std::size_t at = text.find(old); at != std::string_view::npos; at = text.find(old, at + old.size()))
          ++hits;
        if (hits == 0) {
          out = in;
          return Outcome::kValue;
        }
        return build(call, out, text.size() - hits * old.size() + hits * fresh.size(), [&](char* at) {
          std::size_t begin = 0;
          for (std::size_t hit = text.find(old); hit != std::string_view::npos; hit = text.find(old, begin)) {
            at = append(at, text.substr(begin, hit - begin));
            at = append(at, fresh);
            begin = hit + old.size();
          }
          return append(at, text.substr(begin));
        });
      });
}

template <bool kLeft>
void pad_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, std::int32_t, StringRef>(
      call, [&call](StringRef& out, const StringRef& in, const std::int32_t& length, const StringRef& with) {
        const std::string_view text = in.view(), pad = with.view();
        if (length < 0) return Outcome::kNull;
        const std::size_t have = code_points(text);
        const auto want = static_cast<std::size_t>(length);
        if (want <= have) {
          out = piece_of(text.substr(0, bytes_of_code_points(text, want)));
          return Outcome::kValue;
        }
        const std::size_t pad_points = code_points(pad);
        if (pad_points == 0) return Outcome::kNull;
        const std::size_t missing = want - have;
        const std::string_view rest = pad.substr(0, bytes_of_code_points(pad, missing % pad_points));
        const std::size_t bytes = text.size() + missing / pad_points * pad.size() + rest.size();
        return build(call, out, bytes, [&](char* at) {
          if (!kLeft) at = append(at, text);
          for (std::size_t i = 0; i < missing / pad_points; ++i) at = append(at, pad);
          at = append(at, rest);
          return kLeft ? append(at, text) : at;
        });
      });
}

void repeat_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef, std::int32_t>(
      call, [&call](StringRef& out, const StringRef& in, const std::int32_t& times) {
        const std::string_view text = in.view();
        if (times <= 0 || text.empty()) {
          out = StringRef();
          return Outcome::kValue;
        }
        return build(call, out, text.size() * static_cast<std::size_t>(times), [&](char* at) {
          for (std::int32_t i = 0; i < times; ++i) at = append(at, text);
          return at;
        });
      });
}

void reverse_kernel(KernelCall& call) {
  map_rows<StringRef, StringRef>(call, [&call](StringRef& out, const StringRef& in) {
    const std::string_view text = in.view();
    return build(call, out, text.size(), [&](char* at) {
      std::size_t end = text.size();
      while (end > 0) {
        std::size_t begin = end - 1;
        while (begin > 0 && is_continuation(text[begin])) --begin;
        at = append(at, text.substr(begin, end - begin));
        end = begin;
      }
      return at;
    });
  });
}

void chr_kernel(KernelCall& call) {
  map_rows<StringRef, std::int64_t>(call, [&call](StringRef& out, const std::int64_t& code) {
    if (code < 0) {
      out = StringRef();
      return Outcome::kValue;
    }
    const auto byte = static_cast<unsigned>(code & 0xFF);  // Latin-1, as in Flink
    const char text[2] = {static_cast<char>(byte < 0x80 ? byte : 0xC0u | byte >> 6),
                          static_cast<char>(0x80u | (byte & 0x3Fu))};
    return call.store(out, {text, byte < 0x80 ? std::size_t{1} : std::size_t{2}});
  });
}

// ---- Finding.

// Position of `needle` in `text` from code point `from`, from 1; 0 where it is not.
std::int32_t position_of(std::string_view needle, std::string_view text, std::int64_t from) noexcept {
  if (from < 1) return 0;
  const std::size_t begin = bytes_of_code_points(text, static_cast<std::size_t>(from - 1));
  const std::size_t at = text.find(needle, begin);
  if (at == std::string_view::npos) return 0;
  return static_cast<std::int32_t>(code_points(text.substr(0, at)) + 1);
}

void position_kernel(KernelCall& call) {
  if (call.arguments.size() == 2) {
    map_rows<std::int32_t, StringRef, StringRef>(call,
                                                 [](std::int32_t& out, const StringRef& needle, const StringRef& text) {
                                                   out = position_of(needle.view(), text.view(), 1);
                                                 });
  } else {
    map_rows<std::int32_t, StringRef, StringRef, std::int32_t>(
        call, [](std::int32_t& out, const StringRef& needle, const StringRef& text, const std::int32_t& from) {
          out = position_of(needle.view(), text.view(), from);
        });
  }
}

void instr_kernel(KernelCall& call) {
  map_rows<std::int32_t, StringRef, StringRef>(call,
                                               [](std::int32_t& out, const StringRef& text, const StringRef& needle) {
                                                 out = position_of(needle.view(), text.view(), 1);
                                               });
}

void starts_with_kernel(KernelCall& call) {
  map_rows<std::int8_t, StringRef, StringRef>(call, [](std::int8_t& out, const StringRef& text, const StringRef& with) {
    out = text.view().starts_with(with.view()) ? 1 : 0;
  });
}

void ends_with_kernel(KernelCall& call) {
  map_rows<std::int8_t, StringRef, StringRef>(call, [](std::int8_t& out, const StringRef& text, const StringRef& with) {
    out = text.view().ends_with(with.view()) ? 1 : 0;
  });
}

void ascii_kernel(KernelCall& call) {
  map_rows<std::int32_t, StringRef>(call, [](std::int32_t& out, const StringRef& in) {
    out = in.size == 0 ? 0 : static_cast<signed char>(in.view()[0]);
  });
}

// What is not a string is cast to one.
Result<ExpressionPtr> resolve_as_strings(const FunctionEntry& entry, Arguments arguments, SourceSpan span) {
  for (ExpressionPtr& argument : arguments) {
    if (argument->type.id == TypeId::kString || argument->type.id == TypeId::kNull) continue;
    WEIR_ASSIGN(argument, make_cast(std::move(argument), Type::string()));
  }
  return resolve_overload(entry, std::move(arguments), span);
}

constexpr ScalarFunction kUpper[] = {{"UPPER", "s", 's', &upper_kernel}};
constexpr ScalarFunction kLower[] = {{"LOWER", "s", 's', &lower_kernel}};
constexpr ScalarFunction kInitcap[] = {{"INITCAP", "s", 's', &initcap_kernel}};
constexpr ScalarFunction kCharLength[] = {{"CHAR_LENGTH", "s", 'i', &char_length_kernel}};
constexpr ScalarFunction kOctetLength[] = {{"OCTET_LENGTH", "s", 'i', &octet_length_kernel},
                                           {"OCTET_LENGTH", "x", 'i', &octet_length_kernel}};
constexpr ScalarFunction kSubstring[] = {{"SUBSTRING", "si", 's', &substring_kernel},
                                         {"SUBSTRING", "sii", 's', &substring_kernel}};
constexpr ScalarFunction kLeft[] = {{"LEFT", "si", 's', &left_kernel}};
constexpr ScalarFunction kRight[] = {{"RIGHT", "si", 's', &right_kernel}};
constexpr ScalarFunction kTrim[] = {{"TRIM", "s", 's', &trim_kernel<true, true>},
                                    {"TRIM", "sss", 's', &trim_mode_kernel}};
constexpr ScalarFunction kBtrim[] = {{"BTRIM", "s", 's', &trim_kernel<true, true>},
                                     {"BTRIM", "ss", 's', &trim_kernel<true, true>}};
constexpr ScalarFunction kLtrim[] = {{"LTRIM", "s", 's', &trim_kernel<true, false>},
                                     {"LTRIM", "ss", 's', &trim_kernel<true, false>}};
constexpr ScalarFunction kRtrim[] = {{"RTRIM", "s", 's', &trim_kernel<false, true>},
                                     {"RTRIM", "ss", 's', &trim_kernel<false, true>}};
constexpr ScalarFunction kSplitIndex[] = {{"SPLIT_INDEX", "ssi", 's', &split_index_kernel, kMayBeNull}};
constexpr ScalarFunction kJoin[] = {{"||", "ss", 's', &concat_kernel}};
constexpr ScalarFunction kConcat[] = {{"CONCAT", "ss*", 's', &concat_kernel}};
constexpr ScalarFunction kConcatWs[] = {{"CONCAT_WS", "ss*", 's', &concat_ws_kernel, kNotStrict | kMayBeNull}};
constexpr ScalarFunction kReplace[] = {{"REPLACE", "sss", 's', &replace_kernel}};
constexpr ScalarFunction kLpad[] = {{"LPAD", "sis", 's', &pad_kernel<true>, kMayBeNull}};
constexpr ScalarFunction kRpad[] = {{"RPAD", "sis", 's', &pad_kernel<false>, kMayBeNull}};
constexpr ScalarFunction kRepeat[] = {{"REPEAT", "si", 's', &repeat_kernel}};
constexpr ScalarFunction kReverse[] = {{"REVERSE", "s", 's', &reverse_kernel}};
constexpr ScalarFunction kChr[] = {{"CHR", "l", 's', &chr_kernel}};
constexpr ScalarFunction kPosition[] = {{"POSITION", "ss", 'i', &position_kernel}};
constexpr ScalarFunction kLocate[] = {{"LOCATE", "ss", 'i', &position_kernel},
                                      {"LOCATE", "ssi", 'i', &position_kernel}};
constexpr ScalarFunction kInstr[] = {{"INSTR", "ss", 'i', &instr_kernel}};
constexpr ScalarFunction kStartsWith[] = {{"STARTSWITH", "ss", 'b', &starts_with_kernel}};
constexpr ScalarFunction kEndsWith[] = {{"ENDSWITH", "ss", 'b', &ends_with_kernel}};
constexpr ScalarFunction kAscii[] = {{"ASCII", "s", 'i', &ascii_kernel}};

constexpr FunctionEntry kEntries[] = {
    {"UPPER", "UPPER(STRING)", "Upper case.", kUpper},
    {"LOWER", "LOWER(STRING)", "Lower case.", kLower},
    {"INITCAP", "INITCAP(STRING)", "The first letter of each word in upper case, the rest in lower case.", kInitcap},
    {"CHAR_LENGTH", "CHAR_LENGTH(STRING)", "Number of code points.", kCharLength},
    {"CHARACTER_LENGTH", "CHARACTER_LENGTH(STRING)", "Number of code points.", kCharLength},
    {"LENGTH", "LENGTH(STRING)", "Number of code points.", kCharLength},
    {"OCTET_LENGTH", "OCTET_LENGTH(STRING or BYTES)", "Number of bytes.", kOctetLength},
    {"SUBSTRING", "SUBSTRING(STRING, INT start [, INT length])", "Piece from a position; negative counts from the end.",
     kSubstring},
    {"SUBSTR", "SUBSTR(STRING, INT start [, INT length])", "As SUBSTRING.", kSubstring},
    {"LEFT", "LEFT(STRING, INT)", "The first code points.", kLeft},
    {"RIGHT", "RIGHT(STRING, INT)", "The last code points.", kRight},
    {"TRIM", "TRIM([BOTH | LEADING | TRAILING] [characters FROM] STRING)", "Without the characters at its ends.",
     kTrim},
    {"BTRIM", "BTRIM(STRING [, STRING characters])", "Without the characters at both ends.", kBtrim},
    {"LTRIM", "LTRIM(STRING [, STRING characters])", "Without the characters at its start.", kLtrim},
    {"RTRIM", "RTRIM(STRING [, STRING characters])", "Without the characters at its end.", kRtrim},
    {"SPLIT_INDEX", "SPLIT_INDEX(STRING, STRING separator, INT index)", "Field from 0, or NULL where there is none.",
     kSplitIndex},
    {"||", "STRING || STRING", "Both in a row; what is not a string is cast to one.", kJoin, &resolve_as_strings},
    {"CONCAT", "CONCAT(a, b, …)", "All in a row; NULL where one is NULL.", kConcat, &resolve_as_strings},
    {"CONCAT_WS", "CONCAT_WS(STRING separator, a, b, …)", "All that are not NULL, with the separator between.",
     kConcatWs, &resolve_as_strings},
    {"REPLACE", "REPLACE(STRING, STRING old, STRING new)", "Every occurrence replaced.", kReplace},
    {"LPAD", "LPAD(STRING, INT length, STRING pad)", "Padded at its start, or cut, to a length.", kLpad},
    {"RPAD", "RPAD(STRING, INT length, STRING pad)", "Padded at its end, or cut, to a length.", kRpad},
    {"REPEAT", "REPEAT(STRING, INT)", "The string that many times.", kRepeat},
    {"REVERSE", "REVERSE(STRING)", "Code points from the last to the first.", kReverse},
    {"CHR", "CHR(BIGINT)", "The Latin-1 character of a code.", kChr},
    {"POSITION", "POSITION(STRING needle IN STRING)", "Where it is first, from 1, or 0.", kPosition},
    {"LOCATE", "LOCATE(STRING needle, STRING [, INT from])", "Where it is first, from 1, or 0.", kLocate},
    {"INSTR", "INSTR(STRING, STRING needle)", "Where it is first, from 1, or 0.", kInstr},
    {"STARTSWITH", "STARTSWITH(STRING, STRING)", "Whether the first starts with the second.", kStartsWith},
    {"ENDSWITH", "ENDSWITH(STRING, STRING)", "Whether the first ends with the second.", kEndsWith},
    {"ASCII", "ASCII(STRING)", "Code of the first byte, or 0.", kAscii},
};

}  // namespace

std::span<const FunctionEntry> string_entries() {
  return kEntries;
}

}  // namespace weir
