// JSON lines to rows.
#include "formats/json_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "formats/digits.h"
#include "formats/json_text.h"

namespace weir::detail {

// ---- where tokens begin ----

struct JsonIndex::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
};

JsonIndex::JsonIndex() : parser_(new Parser) {}
JsonIndex::~JsonIndex() = default;
JsonIndex::JsonIndex(JsonIndex&&) noexcept = default;

Result<void> JsonIndex::allocate(std::size_t bytes_max) {
  const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      bytes_max, simdjson::DEFAULT_MAX_DEPTH, parser_->stage1);
  if (error == simdjson::SUCCESS) return {};
  return Error(ErrorCode::kOutOfMemory, fmt::format("no memory to index {} bytes of JSON", bytes_max));
}

JsonIndex::Status JsonIndex::build(std::string_view text, std::uint32_t end) noexcept {
  auto& stage1 = *parser_->stage1;
  const auto error =
      stage1.stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  if (error == simdjson::EMPTY) return Status::kEmpty;
  if (error == simdjson::UTF8_ERROR) return Status::kInvalidUtf8;
  if (error != simdjson::SUCCESS) return Status::kMalformed;
  for (std::uint32_t i = 0; i < 3; ++i) stage1.structural_indexes[stage1.n_structural_indexes + i] = end;
  return Status::kOk;
}

const std::uint32_t* JsonIndex::tokens() const noexcept {
  return parser_->stage1->structural_indexes.get();
}
std::uint32_t JsonIndex::count() const noexcept {
  return parser_->stage1->n_structural_indexes;
}

inline std::string_view JsonDecoder::Tokens::view(std::uint32_t token) const noexcept {
  const char* const begin = text + at[token];
  const char* end = text + at[token + 1];
  const auto blank = [](char character) {
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
  };
  while (end != begin && blank(end[-1])) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

inline bool JsonDecoder::Tokens::content(std::uint32_t token, std::string_view& text_out) const noexcept {
  const std::uint32_t begin = at[token], end = at[token + 1];
  if (text[end - 1] == '"' && end - begin >= 2) [[likely]] {
    text_out = {text + begin + 1, end - begin - 2};
    return true;
  }
  const std::string_view whole = view(token);
  if (whole.size() < 2 || whole.back() != '"') return false;
  text_out = whole.substr(1, whole.size() - 2);
  return true;
}

// ---- columns by name ----

JsonDecoder::JsonDecoder(std::vector<FieldTarget> targets, const FormatContext& context, JsonOptions options,
                         JsonIndex lines, JsonIndex line)
    : LineDecoder(std::move(targets), context, options.ignore_errors),
      options_(options),
      lines_(std::move(lines)),
      line_(std::move(line)),
      window_max_(kWindowMax),
      seen_((targets_.size() + 63) / 64),
      all_((targets_.size() + 63) / 64),
      expected_(kExpectedMax + 1),
      scratch_(new char[context.record_bytes_max + kReadPadding]) {
  for (std::size_t i = 0; i < targets_.size(); ++i) all_[i / 64] |= std::uint64_t{1} << (i % 64);
  build_slots();
}

namespace {

std::uint64_t head_of(std::string_view key) noexcept {
  return key.size() >= 8 ? load8(key.data()) : load_partial(key.data(), key.size());
}
/// Requires: 8 bytes behind the text readable.
bool has_backslash(std::string_view text) noexcept {
  if (text.size() > 16) return std::memchr(text.data(), '\\', text.size()) != nullptr;
  // A byte behind the text can only send it the slower way.
  return (bytes_equal(load8(text.data()), '\\') | (text.size() > 8 ? bytes_equal(load8(text.data() + 8), '\\') : 0)) !=
         0;
}
std::size_t slot_of(std::uint64_t head, std::size_t size, std::size_t slots) noexcept {
  return static_cast<std::size_t>(((head + size) * 0x9E3779B97F4A7C15u) >> 32) & (slots - 1);
}

}  // namespace

void JsonDecoder::build_slots() {
  slots_.resize(std::bit_ceil(targets_.size() * 4 + 1));
  for (std::uint32_t i = 0; i < targets_.size(); ++i) {
    const std::string_view name = targets_[i].name;
    plain_names_ &= name.find('\\') == std::string_view::npos;
    std::size_t slot = slot_of(head_of(name), name.size(), slots_.size());
    while (slots_[slot].used) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = {head_of(name), static_cast<std::uint32_t>(name.size()), i, true};
  }
}

inline const FieldTarget* JsonDecoder::find_target(std::string_view key) {
  // Behind a key stand its quote and more: 8 bytes can always be read.
  std::uint64_t head = load8(key.data());
  if (key.size() < 8) head &= (std::uint64_t{1} << (key.size() * 8)) - 1;
  for (std::size_t slot = slot_of(head, key.size(), slots_.size()); slots_[slot].used;
       slot = (slot + 1) & (slots_.size() - 1)) {
    const Slot& candidate = slots_[slot];
    if (candidate.head != head || candidate.size != key.size()) continue;
    const FieldTarget& target = targets_[candidate.target];
    if (key.size() <= 8 || std::memcmp(target.name.data() + 8, key.data() + 8, key.size() - 8) == 0) return &target;
  }
  return nullptr;
}

inline const FieldTarget* JsonDecoder::expected_target(std::string_view key, std::uint32_t place) {
  std::uint64_t head = load8(key.data());
  if (key.size() < 8) head &= (std::uint64_t{1} << (key.size() * 8)) - 1;
  Expected& expected = expected_[place < kExpectedMax ? place : kExpectedMax];
  if (expected.head == head && expected.size == key.size() &&
      (key.size() <= 8 || std::memcmp(expected.target->name.data() + 8, key.data() + 8, key.size() - 8) == 0))
      [[likely]] {
    return expected.target;
  }
  const FieldTarget* const target = find_target(key);
  if (target != nullptr || key.size() <= 8) expect(expected, key, head, target);
  return target;
}

void JsonDecoder::expect(Expected& expected, std::string_view key, std::uint64_t head,
                         const FieldTarget* target) noexcept {
  expected = {head, static_cast<std::uint32_t>(key.size()), target};
  const std::size_t quoted = key.size() + 3;
  if (quoted > 16 || key.find('\\') != std::string_view::npos) return;
  if (target != nullptr) {
    const auto index = static_cast<std::size_t>(target - targets_.data());
    expected.word = static_cast<std::uint32_t>(index / 64);
    expected.bit = std::uint64_t{1} << (index % 64);
    expected.batch_column = target->batch_column;
    expected.id = target->id;
  }
  char text[16] = {'"'}, mask[16] = {};
  std::memcpy(text + 1, key.data(), key.size());
  std::memcpy(text + 1 + key.size(), "\":", 2);
  std::memset(mask, -1, quoted);
  std::memcpy(expected.quoted, text, 16);
  std::memcpy(expected.mask, mask, 16);
}

// ---- one object ----

bool JsonDecoder::skip_value(const Tokens& tokens, std::uint32_t& token) noexcept {
  const char first = tokens.first(token);
  if (first == '{' || first == '[') {
    std::uint64_t braces[kDepthMax / 64];  // a bit a level: 1 for {
    std::uint32_t depth = 0;
    do {
      const char character = tokens.first(token);
      if (character == '{' || character == '[') {
        if (depth == kDepthMax) return false;
        const std::uint64_t bit = std::uint64_t{1} << (depth % 64);
        braces[depth / 64] = (depth % 64 == 0 ? 0 : braces[depth / 64] & (bit - 1)) | (character == '{' ? bit : 0);
        ++depth;
      } else if (character == '}' || character == ']') {
        --depth;
        if (((braces[depth / 64] >> (depth % 64)) & 1) != (character == '}' ? 1u : 0u)) return false;
      }
      ++token;
    } while (depth != 0 && token < tokens.count);
    return depth == 0;
  }
  if (first == '}' || first == ']' || first == ':' || first == ',') return false;
  if (first == '"') {
    ++token;
    return true;
  }
  if (!is_digit(first) && first != '-' && first != 't' && first != 'f' && first != 'n') return false;
  ++token;
  return true;
}

FieldStatus JsonDecoder::store_scalar(const FieldTarget& target, std::string_view value, Vector& column,
                                      std::uint32_t row, StringHeap& heap) {
  if (value == "null") return store_null(target, column, row);
  const bool is_boolean = value == "true" || value == "false";
  if (!is_boolean && !is_json_number(value)) return FieldStatus::kMalformed;
  if (target.id == TypeId::kString) return store_text(target, value, true, column, row, heap);
  if (is_boolean != (target.id == TypeId::kBoolean)) return FieldStatus::kWrongType;
  if (target.id > TypeId::kDecimal) return FieldStatus::kWrongType;
  if (target.id >= TypeId::kTinyInt && target.id <= TypeId::kBigInt && !is_json_integer(value)) {
    return FieldStatus::kWrongType;
  }
  return store_text(target, value, true, column, row, heap);
}

inline bool JsonDecoder::store_fast(const FieldTarget& target, std::string_view value, Vector& column,
                                    std::uint32_t row) noexcept {
  switch (target.id) {
    case TypeId::kInt:
    case TypeId::kBigInt: {
      const bool negative = value.starts_with('-');
      const std::size_t size = value.size() - negative;
      const char* const digits = value.data() + negative;
      std::uint64_t magnitude = 0;
      const std::size_t digits_max = target.id == TypeId::kInt ? 9 : 18;
      if (size - 1 >= digits_max || (digits[0] == '0' && size != 1) || !digit_run<true>(digits, size, magnitude)) {
        return false;
      }
      const auto number = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
      if (target.id == TypeId::kInt) {
        column.values<std::int32_t>()[row] = static_cast<std::int32_t>(number);
      } else {
        column.values<std::int64_t>()[row] = number;
      }
      break;
    }
    case TypeId::kBoolean:
      if (value != "true" && value != "false") return false;
      column.values<std::int8_t>()[row] = value.size() == 4;
      break;
    default:
      return false;
  }
  set_valid(column, row, true);
  return true;
}

FieldStatus JsonDecoder::store_value(const Tokens& tokens, std::uint32_t& token, const FieldTarget& target, Batch& out,
                                     Fault& fault) {
  Vector& column = out.column(target.batch_column);
  const std::uint32_t row = out.row_count();
  const char first = tokens.first(token);
  if (first == '"') {
    if (!tokens.content(token, fault.value)) return FieldStatus::kMalformed;
    ++token;
    // Numbers and times hold no backslash: one makes them fail, and only then it is looked for.
    const bool is_number = target.id >= TypeId::kFloat && target.id <= TypeId::kDecimal;
    if (is_number && store_text(target, fault.value, true, column, row, out.heap()) == FieldStatus::kOk) [[likely]] {
      return FieldStatus::kOk;
    }
    if (has_backslash(fault.value)) [[unlikely]] {
      const auto size = unescape_json(fault.value, scratch_.get());
      if (!size.has_value()) return FieldStatus::kMalformed;
      fault.value = {scratch_.get(), *size};
    }
    return store_text(target, fault.value, true, column, row, out.heap());
  }
  if (first == '{' || first == '[') {
    const char* const begin = tokens.text + tokens.at[token];
    if (!skip_value(tokens, token)) return FieldStatus::kMalformed;
    const char* const end = tokens.text + tokens.at[token - 1] + 1;
    fault.value = {begin, static_cast<std::size_t>(end - begin)};
    if (target.id != TypeId::kString) return FieldStatus::kWrongType;
    return store_text(target, fault.value, true, column, row, out.heap());
  }
  fault.value = tokens.view(token);
  ++token;
  if (store_fast(target, fault.value, column, row)) [[likely]]
    return FieldStatus::kOk;
  return store_scalar(target, fault.value, column, row, out.heap());
}

inline bool JsonDecoder::read_field(const Tokens& tokens, std::uint32_t& token, std::uint32_t place, Batch& out,
                                    Fault& fault) {
  std::string_view key;
  fault.target = nullptr;
  fault.value = {};
  if (tokens.first(token) != '"' || !tokens.content(token, key)) {
    fault.reason = "a key in quotes is missing";
    return false;
  }
  if (tokens.first(token + 1) != ':') {
    fault.reason = "a key has no colon behind it";
    return false;
  }
  token += 2;
  const FieldTarget* target = plain_names_ ? expected_target(key, place) : nullptr;
  if (target == nullptr && has_backslash(key)) [[unlikely]] {
    const auto size = unescape_json(key, scratch_.get());
    if (!size.has_value()) {
      fault.reason = "a key has a wrong escape";
      return false;
    }
    target = find_target({scratch_.get(), *size});
  } else if (!plain_names_) {
    target = find_target(key);
  }
  if (target == nullptr) {
    if (skip_value(tokens, token)) return true;
    fault.reason = "a value is malformed, or nested too deep";
    return false;
  }
  fault.target = target;
  const FieldStatus status = store_value(tokens, token, *target, out, fault);
  if (status != FieldStatus::kOk) {
    fault.status = status;
    return false;
  }
  const auto index = static_cast<std::size_t>(target - targets_.data());
  seen_[index / 64] |= std::uint64_t{1} << (index % 64);
  return true;
}

inline bool JsonDecoder::read_expected(const Tokens& tokens, std::uint32_t& token, std::uint32_t place, Batch& out) {
  const Expected& expected = expected_[place < kExpectedMax ? place : kExpectedMax];
  const char* const key = tokens.text + tokens.at[token];
  if ((((load8(key) ^ expected.quoted[0]) & expected.mask[0]) |
       ((load8(key + 8) ^ expected.quoted[1]) & expected.mask[1])) != 0) {
    return false;
  }
  // The key holds no backslash, so its string ends where it should and the colon is the next token.
  const std::uint32_t colon = tokens.at[token + 1], begin = tokens.at[token + 2], end = tokens.at[token + 3];
  const char* value = tokens.text + begin;
  const char first = *value, last = tokens.text[end - 1];
  const bool near = begin == colon + 1 || (begin == colon + 2 && value[-1] == ' ');
  const bool string = first == '"';
  if (!near || last <= ' ' || (string && (last != '"' || end - begin < 2))) return false;
  if (expected.target == nullptr) {
    if (!string && !is_digit(first) && first != '-' && first != 't' && first != 'f' && first != 'n') return false;
    token += 3;
    return true;
  }
  std::uint64_t& seen = seen_[expected.word];
  if ((seen & expected.bit) != 0) return false;
  // A field that was not seen yet is valid.
  Vector& column = out.column(expected.batch_column);
  const std::uint32_t row = out.row_count();
  std::size_t size = end - begin - (string ? 2 : 0);
  value += string ? 1 : 0;
  const bool negative = *value == '-';
  value += negative ? 1 : 0;
  size -= negative ? 1 : 0;
  if (expected.id == TypeId::kDouble) {
    if (!parse_plain_double(value, size, negative, column.values<double>()[row])) return false;
  } else if (expected.id == TypeId::kBigInt && !string) {
    std::uint64_t magnitude = 0;
    if (size - 1 >= 18 || (*value == '0' && size != 1) || !digit_run<true>(value, size, magnitude)) return false;
    column.values<std::int64_t>()[row] = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  } else if (expected.id == TypeId::kBoolean && !string) {
    const bool is_true = end - begin == 4 && std::memcmp(value, "true", 4) == 0;
    if (!is_true && !(end - begin == 5 && std::memcmp(value, "false", 5) == 0)) return false;
    column.values<std::int8_t>()[row] = static_cast<std::int8_t>(is_true);
  } else if (expected.id == TypeId::kString && string && !negative) {
    if (size > StringRef::kInlineMax || has_backslash({value, size})) return false;
    column.values<StringRef>()[row] = StringRef(std::string_view(value, size));
  } else {
    return false;
  }
  seen |= expected.bit;
  token += 3;
  return true;
}

bool JsonDecoder::read_object(const Tokens& tokens, std::uint32_t& token, Batch& out, Fault& fault, bool& compact) {
  std::fill(seen_.begin(), seen_.end(), 0);
  if (tokens.first(token) != '{') {
    fault.reason = "the line is no JSON object";
    return false;
  }
  ++token;
  if (tokens.first(token) == '}') {
    compact &= tokens.at[token] == tokens.at[token - 1] + 1;
    ++token;
    return finish_row(out, fault);
  }
  for (std::uint32_t place = 0;; ++place) {
    const std::uint32_t before = tokens.at[token - 1], begin = tokens.at[token];
    compact &= begin == before + 1 || (begin == before + 2 && tokens.text[before + 1] == ' ');
    if (!read_expected(tokens, token, place, out)) {
      compact = false;
      if (!read_field(tokens, token, place, out, fault)) return false;
    }
    const char next = tokens.first(token);
    ++token;
    if (next == '}') return finish_row(out, fault);
    if (next != ',') {
      fault.target = nullptr;
      fault.reason = "a comma or a closing brace is missing";
      return false;
    }
  }
}

bool JsonDecoder::finish_row(Batch& out, Fault& fault) {
  if (seen_ == all_) [[likely]]
    return true;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (((seen_[i / 64] >> (i % 64)) & 1) != 0) continue;
    const FieldTarget& target = targets_[i];
    const bool stored = !options_.fail_on_missing &&
                        store_null(target, out.column(target.batch_column), out.row_count()) == FieldStatus::kOk;
    if (stored) continue;
    fault.target = &target;
    fault.status = FieldStatus::kMissing;
    return false;
  }
  return true;
}

// ---- lines ----

LineDecoder::Outcome JsonDecoder::decode_one(std::string_view record, std::uint64_t byte, Call& call) {
  const std::size_t heap_mark = call.out.heap().used();
  const auto malformed = [&](ErrorCode code, std::string_view reason) {
    restore_row(targets_, call.out, call.out.row_count());
    call.out.heap().rewind(heap_mark);
    return report(call, code, "", reason, record, byte);
  };
  if (record.empty()) return Outcome::kSkipped;
  switch (line_.build(record, static_cast<std::uint32_t>(record.size()))) {
    case JsonIndex::Status::kEmpty:
      return Outcome::kSkipped;
    case JsonIndex::Status::kInvalidUtf8:
      return malformed(ErrorCode::kInvalidUtf8, "the line is not valid UTF-8");
    case JsonIndex::Status::kMalformed:
      return malformed(ErrorCode::kMalformedRecord, "a string is not closed or holds a control character");
    case JsonIndex::Status::kOk:
      break;
  }
  const Tokens tokens{record.data(), line_.tokens(), line_.count()};
  std::uint32_t token = 0;
  Fault fault;
  bool compact = true;
  if (!read_object(tokens, token, call.out, fault, compact)) {
    if (fault.target == nullptr) return malformed(ErrorCode::kMalformedRecord, fault.reason);
    return refuse(call, fault.status, *fault.target, fault.value, record, byte, heap_mark);
  }
  if (token != tokens.count) return malformed(ErrorCode::kMalformedRecord, "text follows the object on its line");
  count_row(call);
  return Outcome::kRow;
}

std::size_t JsonDecoder::decode_records(std::string_view text, std::uint64_t byte, Call& call) {
  std::size_t used = 0;
  while (used < text.size() && !call.out.full() && !no_room_ && !call.result.stopped) {
    const std::size_t room = call.out.capacity() - call.out.row_count();
    const std::size_t wanted = std::clamp(room * line_bytes_ + room * line_bytes_ / 16, kWindowMin, window_max_);
    std::string_view window = text.substr(used, wanted);
    const std::size_t last = window.rfind('\n');
    std::size_t done = 0;
    if (last == std::string_view::npos) {  // a line longer than the window, or the end of the text
      const std::size_t end = text.substr(used, record_bytes_max_ + 1).find('\n');
      if (end == std::string_view::npos) return used;
      done = decode_lines(text.substr(used, end + 1), byte + used, call);
    } else {
      window = window.substr(0, last + 1);
      const auto rows = call.result.rows + call.result.bad;
      done = decode_window(window, byte + used, call);
      const auto taken = call.result.rows + call.result.bad - rows;
      if (taken != 0) line_bytes_ = std::clamp<std::size_t>(done / taken, 1, record_bytes_max_);
    }
    if (done == 0) return used;
    used += done;
  }
  return used;
}

std::size_t JsonDecoder::decode_lines(std::string_view text, std::uint64_t byte, Call& call) {
  std::size_t used = 0;
  while (used < text.size() && !call.out.full() && !call.result.stopped) {
    const std::size_t end = text.find('\n', used);
    if (end - used > record_bytes_max_) return used;
    const Outcome outcome = decode_one(text.substr(used, end - used), byte + used, call);
    if (outcome == Outcome::kNoRoom) {
      no_room_ = true;
      return used;
    }
    used = end + 1;
  }
  return used;
}

std::size_t JsonDecoder::decode_window(std::string_view text, std::uint64_t byte, Call& call) {
  const auto last = static_cast<std::uint32_t>(text.size() - 1);  // a line end: no token looks like it
  const JsonIndex::Status status = lines_.build(text, last);
  if (status == JsonIndex::Status::kEmpty) return text.size();
  if (status != JsonIndex::Status::kOk) return decode_lines(text, byte, call);
  const Tokens tokens{text.data(), lines_.tokens(), lines_.count()};
  std::uint32_t token = 0;
  std::size_t line = 0;  // where the line of `token` begins
  const auto line_end_of = [&text](std::size_t begin) {
    return static_cast<std::size_t>(
        static_cast<const char*>(std::memchr(text.data() + begin, '\n', text.size() - begin)) - text.data());
  };
  while (token < tokens.count && !call.out.full() && !call.result.stopped) {
    bool compact = tokens.at[token] == line;
    if (!compact) {
      if (const std::size_t end = line_end_of(line); tokens.at[token] > end) {  // an empty line
        line = end + 1;
        continue;
      }
    }
    const std::uint32_t first = token;
    const std::size_t heap_mark = call.out.heap().used();
    Fault fault;
    const bool read = read_object(tokens, token, call.out, fault, compact);
    const std::size_t behind = read ? tokens.at[token - 1] + std::size_t{1} : 0;
    const std::size_t line_end = read && compact && text[behind] == '\n' ? behind : line_end_of(line);
    if (line_end - line > record_bytes_max_) {
      call.out.heap().rewind(heap_mark);
      restore_row(targets_, call.out, call.out.row_count());
      return line;
    }
    // The object is whole, all of it stands on this line, and nothing stands behind it.
    const bool good = read && tokens.at[token - 1] < line_end && tokens.at[token] >= line_end;
    if (good) [[likely]] {
      count_row(call);
    } else {
      call.out.heap().rewind(heap_mark);
      restore_row(targets_, call.out, call.out.row_count());
      if (decode_one(text.substr(line, line_end - line), byte + line, call) == Outcome::kNoRoom) {
        no_room_ = true;
        return line;
      }
      for (token = first; token < tokens.count && tokens.at[token] < line_end;) ++token;
    }
    line = line_end + 1;
  }
  return call.out.full() || call.result.stopped ? line : text.size();
}

}  // namespace weir::detail
