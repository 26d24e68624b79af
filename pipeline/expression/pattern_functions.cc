// Patterns: LIKE with its own matcher, regular expressions by RE2 (linear time; its syntax has no look-around and no
// back references). Constant patterns are compiled with the program.
#include <re2/re2.h>

#include <array>
#include <cstring>

#include "expression/cast.h"
#include "expression/functions.h"

namespace weir {

namespace {

constexpr char kEscapeDefault = '\\';
constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

std::size_t next_code_point(std::string_view text, std::size_t at) noexcept {
  ++at;
  while (at < text.size() && is_continuation(text[at])) ++at;
  return at;
}

// One element of a LIKE pattern: a byte, or one of the two wildcards.
struct LikeElement {
  enum class Kind : std::uint8_t { kByte, kAnyOne, kAnyMany, kInvalid };
  Kind kind;
  char byte;
  std::size_t next;
};

LikeElement like_element(std::string_view pattern, std::size_t at, char escape) noexcept {
  const char c = pattern[at];
  if (c == escape) {
    if (at + 1 >= pattern.size()) return {LikeElement::Kind::kInvalid, c, at + 1};
    const char escaped = pattern[at + 1];
    const bool valid = escaped == '%' || escaped == '_' || escaped == escape;
    return {valid ? LikeElement::Kind::kByte : LikeElement::Kind::kInvalid, escaped, at + 2};
  }
  if (c == '%') return {LikeElement::Kind::kAnyMany, c, at + 1};
  if (c == '_') return {LikeElement::Kind::kAnyOne, c, at + 1};
  return {LikeElement::Kind::kByte, c, at + 1};
}

bool like_is_valid(std::string_view pattern, char escape) noexcept {
  for (std::size_t at = 0; at < pattern.size();) {
    const LikeElement element = like_element(pattern, at, escape);
    if (element.kind == LikeElement::Kind::kInvalid) return false;
    at = element.next;
  }
  return true;
}

// Greedy with one point to come back to: the last %. Requires: a valid pattern.
bool like_matches(std::string_view text, std::string_view pattern, char escape) noexcept {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t t = 0, p = 0, resume_p = kNone, resume_t = 0;
  while (t < text.size()) {
    if (p < pattern.size()) {
      const LikeElement element = like_element(pattern, p, escape);
      if (element.kind == LikeElement::Kind::kAnyMany) {
        p = resume_p = element.next;
        resume_t = t;
        continue;
      }
      if (element.kind == LikeElement::Kind::kAnyOne) {
        t = next_code_point(text, t);
        p = element.next;
        continue;
      }
      if (element.byte == text[t]) {
        ++t;
        p = element.next;
        continue;
      }
    }
    if (resume_p == kNone) return false;
    resume_t = next_code_point(text, resume_t);
    t = resume_t;
    p = resume_p;
  }
  while (p < pattern.size() && like_element(pattern, p, escape).kind == LikeElement::Kind::kAnyMany) ++p;
  return p == pattern.size();
}

// A constant pattern; the plain forms need no matcher.
struct LikeState final : ScalarFunctionState {
  enum class Form : std::uint8_t { kEqual, kPrefix, kSuffix, kContains, kGeneral };
  Form form = Form::kGeneral;
  std::string pattern;
  std::string literal;
  char escape = kEscapeDefault;

  bool matches(std::string_view text) const noexcept {
    switch (form) {
      case Form::kEqual:
        return text == literal;
      case Form::kPrefix:
        return text.starts_with(literal);
      case Form::kSuffix:
        return text.ends_with(literal);
      case Form::kContains:
        return text.find(literal) != std::string_view::npos;
      case Form::kGeneral:
        break;
    }
    return like_matches(text, pattern, escape);
  }
};

// Sorts the pattern into a form: % only at its ends, no _.
void classify(LikeState& state) {
  bool front = false, back = false;
  std::string literal;
  const std::string_view pattern = state.pattern;
  for (std::size_t at = 0; at < pattern.size();) {
    const LikeElement element = like_element(pattern, at, state.escape);
    if (element.kind == LikeElement::Kind::kAnyOne) return;
    if (element.kind == LikeElement::Kind::kAnyMany) {
      (literal.empty() ? front : back) = true;
    } else {
      if (back) return;  // % inside
      literal.push_back(element.byte);
    }
    at = element.next;
  }
  using Form = LikeState::Form;
  if (literal.empty() && front) back = true;
  state.form = front ? (back ? Form::kContains : Form::kSuffix) : (back ? Form::kPrefix : Form::kEqual);
  state.literal = std::move(literal);
}

Error pattern_error(std::string_view pattern, std::string_view why) {
  return Error(ErrorCode::kInvalidPattern,
               "the pattern '" + std::string(pattern) + "' is not valid: " + std::string(why));
}

Result<std::unique_ptr<ScalarFunctionState>> prepare_like(const Expression& call) {
  char escape = kEscapeDefault;
  if (call.arguments.size() == 3) {
    const Expression& argument = *call.arguments[2];
    if (!is_literal(argument)) return Error(ErrorCode::kUnsupported, "ESCAPE takes a literal");
    const auto& text = std::get<std::string>(argument.literal.data);
    if (text.size() != 1) return pattern_error(text, "ESCAPE takes one ASCII character");
    escape = text[0];
  }
  auto state = std::make_unique<LikeState>();
  state->escape = escape;
  const Expression& pattern = *call.arguments[1];
  if (is_literal(pattern)) {
    state->pattern = std::get<std::string>(pattern.literal.data);
    if (!like_is_valid(state->pattern, escape))
      return pattern_error(state->pattern, "the escape character stands before something that is not %, _ or itself");
    classify(*state);
  }
  return std::unique_ptr<ScalarFunctionState>(std::move(state));
}

template <bool kNegated>
void like_kernel(KernelCall& call) {
  const auto& state = *static_cast<const LikeState*>(call.state);
  if (call.arguments[1].is_constant() && is_literal(*call.expression->arguments[1])) {
    map_rows<std::int8_t, StringRef>(call, [&state](std::int8_t& out, const StringRef& text) {
      out = state.matches(text.view()) != kNegated ? 1 : 0;
    });
    return;
  }
  map_rows<std::int8_t, StringRef, StringRef>(call, [&call, &state](std::int8_t& out, const StringRef& text,
                                                                    const StringRef& pattern) {
    if (!like_is_valid(pattern.view(), state.escape))
      return call.fail(ErrorCode::kInvalidPattern, "the pattern '" + std::string(pattern.view()) + "' is not valid");
    out = like_matches(text.view(), pattern.view(), state.escape) != kNegated ? 1 : 0;
    return Outcome::kValue;
  });
}

// ---- Regular expressions.

constexpr int kGroupsMax = 32;

struct RegexState final : ScalarFunctionState {
  explicit RegexState(std::string_view pattern, const RE2::Options& options)
      : regex(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 regex;
};

Result<std::unique_ptr<ScalarFunctionState>> prepare_regex(const Expression& call) {
  const Expression& pattern = *call.arguments[1];
  if (!is_literal(pattern))
    return Error(ErrorCode::kUnsupported, std::string(call.function->name) + " takes a literal as its pattern");
  RE2::Options options;
  options.set_log_errors(false);
  const auto& text = std::get<std::string>(pattern.literal.data);
  auto state = std::make_unique<RegexState>(text, options);
  if (!state->regex.ok()) return pattern_error(text, state->regex.error());
  if (state->regex.NumberOfCapturingGroups() >= kGroupsMax)
    return Error(ErrorCode::kLimitExceeded, "a regular expression has more than regex_groups_max = 31 groups");
  return std::unique_ptr<ScalarFunctionState>(std::move(state));
}

re2::StringPiece piece(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

void regexp_kernel(KernelCall& call) {
  const RE2& regex = static_cast<const RegexState*>(call.state)->regex;
  map_rows<std::int8_t, StringRef>(call, [&regex](std::int8_t& out, const StringRef& text) {
    out = regex.Match(piece(text.view()), 0, text.size, RE2::UNANCHORED, nullptr, 0) ? 1 : 0;
  });
}

void regexp_extract_kernel(KernelCall& call) {
  const RE2& regex = static_cast<const RegexState*>(call.state)->regex;
  const int groups = regex.NumberOfCapturingGroups();
  const auto extract = [&regex, groups](StringRef& out, const StringRef& text, int group) {
    if (group < 0 || group > groups) return Outcome::kNull;
    std::array<re2::StringPiece, kGroupsMax> found;
    if (!regex.Match(piece(text.view()), 0, text.size, RE2::UNANCHORED, found.data(), group + 1)) return Outcome::kNull;
    const re2::StringPiece& hit = found[static_cast<std::size_t>(group)];
    if (hit.data() == nullptr) return Outcome::kNull;  // the group took no part
    out = piece_of({hit.data(), hit.size()});
    return Outcome::kValue;
  };
  if (call.arguments.size() == 2) {
    map_rows<StringRef, StringRef, StringRef>(
        call, [&](StringRef& out, const StringRef& text, const StringRef&) { return extract(out, text, 0); });
  } else {
    map_rows<StringRef, StringRef, StringRef, std::int32_t>(
        call, [&](StringRef& out, const StringRef& text, const StringRef&, const std::int32_t& group) {
          return extract(out, text, group);
        });
  }
}

// Bytes written to memory that may run out.
struct BoundedText {
  char* at;
  char* end;
  bool full = false;

  void append(std::string_view text) noexcept {
    if (text.size() > static_cast<std::size_t>(end - at)) {
      full = true;
      return;
    }
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
};

// The replacement with $1 … for groups, $0 for the match and \ before what is meant as it stands, as in Java.
void append_replacement(BoundedText& out, std::string_view replacement,
                        std::span<const re2::StringPiece> groups) noexcept {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const char c = replacement[i];
    if (c == '\\' && i + 1 < replacement.size()) {
      out.append(replacement.substr(++i, 1));
    } else if (c == '$' && i + 1 < replacement.size() && replacement[i + 1] >= '0' && replacement[i + 1] <= '9') {
      const auto group = static_cast<std::size_t>(replacement[++i] - '0');
      if (group < groups.size() && groups[group].data() != nullptr)
        out.append({groups[group].data(), groups[group].size()});
    } else {
      out.append(replacement.substr(i, 1));
    }
  }
}

void regexp_replace_kernel(KernelCall& call) {
  const RE2& regex = static_cast<const RegexState*>(call.state)->regex;
  const int groups = regex.NumberOfCapturingGroups() + 1;
  StringHeap& heap = *call.runtime->heap;
  map_rows<StringRef, StringRef, StringRef, StringRef>(
      call, [&](StringRef& out, const StringRef& in, const StringRef&, const StringRef& replacement) {
        std::array<re2::StringPiece, kGroupsMax> found;
        const std::string_view text = in.view();
        const std::size_t before = heap.used();
        const std::size_t room = heap.available();
        char* begin = heap.take(room);
        BoundedText result{begin, begin + room};
        std::size_t at = 0;
        while (at <= text.size() && regex.Match(piece(text), at, text.size(), RE2::UNANCHORED, found.data(), groups)) {
          const auto hit = static_cast<std::size_t>(found[0].data() - text.data());
          result.append(text.substr(at, hit - at));
          append_replacement(result, replacement.view(), {found.data(), static_cast<std::size_t>(groups)});
          at = hit + found[0].size();
          if (found[0].empty()) {  // step over one code point, or stand still for ever
            const std::size_t next = at < text.size() ? next_code_point(text, at) : at + 1;
            if (at < text.size()) result.append(text.substr(at, next - at));
            at = next;
          }
        }
        if (at < text.size()) result.append(text.substr(at));
        if (result.full) return call.fail_heap();
        const auto size = static_cast<std::size_t>(result.at - begin);
        out = StringRef(std::string_view(begin, size));
        heap.rewind(before + (out.is_inline() ? 0 : size));
        return Outcome::kValue;
      });
}

constexpr ScalarFunction kLike[] = {{"LIKE", "ss", 'b', &like_kernel<false>, 0, nullptr, &prepare_like},
                                    {"LIKE", "sss", 'b', &like_kernel<false>, 0, nullptr, &prepare_like}};
constexpr ScalarFunction kNotLike[] = {{"NOT LIKE", "ss", 'b', &like_kernel<true>, 0, nullptr, &prepare_like},
                                       {"NOT LIKE", "sss", 'b', &like_kernel<true>, 0, nullptr, &prepare_like}};
constexpr ScalarFunction kRegexp[] = {{"REGEXP", "ss", 'b', &regexp_kernel, 0, nullptr, &prepare_regex}};
constexpr ScalarFunction kRegexpExtract[] = {
    {"REGEXP_EXTRACT", "ss", 's', &regexp_extract_kernel, kMayBeNull, nullptr, &prepare_regex},
    {"REGEXP_EXTRACT", "ssi", 's', &regexp_extract_kernel, kMayBeNull, nullptr, &prepare_regex}};
constexpr ScalarFunction kRegexpReplace[] = {
    {"REGEXP_REPLACE", "sss", 's', &regexp_replace_kernel, 0, nullptr, &prepare_regex}};

constexpr FunctionEntry kEntries[] = {
    {"LIKE", "STRING LIKE STRING pattern [ESCAPE character]",
     "% stands for any characters, _ for one; the escape is \\ unless named.", kLike},
    {"NOT LIKE", "STRING NOT LIKE STRING pattern [ESCAPE character]", "The negation of LIKE.", kNotLike},
    {"REGEXP", "REGEXP(STRING, STRING pattern)", "Whether the pattern (RE2 syntax) is found in the string.", kRegexp},
    {"REGEXP_EXTRACT", "REGEXP_EXTRACT(STRING, STRING pattern [, INT group])",
     "The first match or a group of it; NULL where there is none.", kRegexpExtract},
    {"REGEXP_REPLACE", "REGEXP_REPLACE(STRING, STRING pattern, STRING replacement)",
     "Every match replaced; $1 stands for a group.", kRegexpReplace},
};

}  // namespace

std::span<const FunctionEntry> pattern_entries() {
  return kEntries;
}

}  // namespace weir
