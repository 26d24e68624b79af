// JSON lines to rows: one object a line.
//
// simdjson finds where the tokens of many lines begin (its stage 1, with the best code for this processor); the walk
// over them is ours, since it knows the columns: a field that nobody asks for costs one probe and one step. A line that
// is wrong in any way is looked at again alone, with an index of its own, so that what is said about it does not depend
// on its neighbours. Source: Langdale, Lemire, "Parsing Gigabytes of JSON per Second", VLDB Journal 28, 2019.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/format_options.h"
#include "formats/line_decoder.h"

namespace weir::detail {

struct JsonOptions {
  bool ignore_errors = false;
  bool fail_on_missing = false;
  bool iso_timestamps = false;
  bool skip_null_fields = false;
};

std::span<const OptionHelp> json_option_help();
Result<JsonOptions> json_options(const FormatContext& context);
Result<std::unique_ptr<Decoder>> make_json_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_json_encoder(const FormatContext& context);

/// Where the tokens of some text begin. Owns its memory; grows never.
class JsonIndex {
 public:
  JsonIndex();
  ~JsonIndex();
  JsonIndex(JsonIndex&&) noexcept;
  /// Errors: kOutOfMemory.
  Result<void> allocate(std::size_t bytes_max);
  enum class Status : std::uint8_t { kOk, kEmpty, kInvalidUtf8, kMalformed };
  /// Requires: text.size() <= bytes_max, kReadPadding bytes behind the text readable. The place behind the last token
  /// is made to be `end`.
  Status build(std::string_view text, std::uint32_t end) noexcept;
  const std::uint32_t* tokens() const noexcept;
  std::uint32_t count() const noexcept;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

class JsonDecoder final : public LineDecoder {
 public:
  JsonDecoder(std::vector<FieldTarget> targets, const FormatContext& context, JsonOptions options, JsonIndex lines,
              JsonIndex line);

  static constexpr std::size_t kWindowMin = 4096;
  static constexpr std::size_t kWindowMax = 256 * 1024;
  static constexpr std::uint32_t kDepthMax = 1024;

 protected:
  std::size_t find_record_end(std::string_view text, bool) override {
    const std::size_t end = text.find('\n');
    return end == std::string_view::npos ? kNone : end + 1;
  }
  void save_scan() override {}
  void restore_scan() override {}
  bool cut_at_end() const override { return false; }
  Outcome decode_one(std::string_view record, std::uint64_t byte, Call& call) override;
  std::size_t decode_records(std::string_view text, std::uint64_t byte, Call& call) override;

 private:
  /// A text and the places of its tokens.
  struct Tokens {
    const char* text;
    const std::uint32_t* at;
    std::uint32_t count;
    char first(std::uint32_t token) const noexcept { return text[at[token]]; }
    /// The token without the blanks behind it.
    std::string_view view(std::uint32_t token) const noexcept;
    /// Content between the quotes of a string token; nothing where it does not end in a quote.
    bool content(std::uint32_t token, std::string_view& text_out) const noexcept;
  };
  /// What went wrong in a line.
  struct Fault {
    FieldStatus status = FieldStatus::kOk;
    const FieldTarget* target = nullptr;  // null: the line as a whole
    std::string_view value;
    std::string_view reason;
  };
  /// A column's name, found by its first 8 bytes and its size.
  struct Slot {
    std::uint64_t head = 0;
    std::uint32_t size = 0;
    std::uint32_t target = 0;
    bool used = false;
  };

  /// The key that stood at a place of the last object: most streams repeat themselves, so it is tried first. Only keys
  /// that are columns' or no longer than 8 bytes are kept.
  struct Expected {
    std::uint64_t head = 0;
    std::uint32_t size = ~std::uint32_t{0};
    const FieldTarget* target = nullptr;
    /// "key": as it stands in the text, and which of its 16 bytes count. No text matches before a short key is known.
    std::uint64_t quoted[2] = {1, 0};
    std::uint64_t mask[2] = {~std::uint64_t{0}, 0};
    // Of the target, where `quoted` is set.
    std::uint64_t bit = 0;
    std::uint32_t word = 0;
    std::uint32_t batch_column = 0;
    TypeId id = TypeId::kNull;
  };
  static constexpr std::uint32_t kExpectedMax = 64;

  std::size_t decode_window(std::string_view text, std::uint64_t byte, Call& call);
  std::size_t decode_lines(std::string_view text, std::uint64_t byte, Call& call);
  /// Reads the object whose { is `token` into the row; leaves `token` behind its }.
  /// `compact` stays true where nothing but single blanks stood between its tokens, so that it has no line end in it.
  bool read_object(const Tokens& tokens, std::uint32_t& token, Batch& out, Fault& fault, bool& compact);
  /// Reads one field of an expected key and a usual value; false where either is not so, and nothing has changed then.
  [[gnu::always_inline]] bool read_expected(const Tokens& tokens, std::uint32_t& token, std::uint32_t place,
                                            Batch& out);
  void expect(Expected& expected, std::string_view key, std::uint64_t head, const FieldTarget* target) noexcept;
  [[gnu::always_inline]] bool read_field(const Tokens& tokens, std::uint32_t& token, std::uint32_t place, Batch& out,
                                         Fault& fault);
  [[gnu::always_inline]] const FieldTarget* expected_target(std::string_view key, std::uint32_t place);
  FieldStatus store_value(const Tokens& tokens, std::uint32_t& token, const FieldTarget& target, Batch& out,
                          Fault& fault);
  /// The usual forms of the usual types; false sends the value the way that knows all forms.
  static bool store_fast(const FieldTarget& target, std::string_view value, Vector& column, std::uint32_t row) noexcept;
  FieldStatus store_scalar(const FieldTarget& target, std::string_view value, Vector& column, std::uint32_t row,
                           StringHeap& heap);
  bool finish_row(Batch& out, Fault& fault);
  static bool skip_value(const Tokens& tokens, std::uint32_t& token) noexcept;
  const FieldTarget* find_target(std::string_view key);
  void build_slots();

  JsonOptions options_;
  JsonIndex lines_, line_;
  std::size_t window_max_;
  std::size_t line_bytes_ = 128;  // of a line, on average, as seen lately
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> seen_;  // a bit a target, of the row being read
  std::vector<std::uint64_t> all_;
  std::vector<Expected> expected_;
  bool plain_names_ = true;  // no column's name holds a backslash: a raw key that equals one is that one
  std::unique_ptr<char[]> scratch_;
};

}  // namespace weir::detail
