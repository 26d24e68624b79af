// CSV to rows.
//
// The fast way takes the records of a block that all have the wanted number of fields and converts them column by
// column: one tight loop a type. A field that such a loop does not take ends the run before its record; that record
// goes the slow way, field by field, which knows every rule and says what is wrong. So the two can never differ in what
// they take, only in speed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/csv_scan.h"
#include "formats/format_options.h"
#include "formats/line_decoder.h"

namespace weir::detail {

struct CsvOptions {
  CsvDialect dialect;
  std::string null_literal;
  bool has_null_literal = false;
  bool ignore_errors = false;
  bool header = false;
};

std::span<const OptionHelp> csv_option_help();
Result<CsvOptions> csv_options(const FormatContext& context);
Result<std::unique_ptr<Decoder>> make_csv_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_csv_encoder(const FormatContext& context);

class CsvDecoder final : public LineDecoder {
 public:
  CsvDecoder(std::vector<FieldTarget> targets, const FormatContext& context, CsvOptions options);
  void reset() noexcept override;
  bool keeps_state() const noexcept override { return options_.header || LineDecoder::keeps_state(); }

 protected:
  std::size_t find_record_end(std::string_view text, bool fresh) override {
    return scanner_.find_end(options_.dialect, text, fresh);
  }
  void save_scan() override { saved_scanner_ = scanner_; }
  void restore_scan() override { scanner_ = saved_scanner_; }
  bool cut_at_end() const override { return scanner_.inside_quotes(); }
  Outcome decode_one(std::string_view record, std::uint64_t byte, Call& call) override;
  std::size_t decode_records(std::string_view text, std::uint64_t byte, Call& call) override;

 private:
  /// A field as it stands in the record, and what is known of it.
  struct RawField {
    std::string_view text;  // without the quotes around it
    bool quoted = false;
    bool escaped = false;  // holds doubled quotes or escapes
  };
  /// Consecutive records with the same number of fields.
  struct Run {
    const char* text;
    const std::uint32_t* ends;  // of the first record
    std::uint32_t rows;
    std::uint32_t first_row;  // in the batch
    bool checked;             // the text is valid UTF-8
  };

  std::size_t decode_slowly(std::string_view text, std::uint64_t byte, Call& call);
  std::uint32_t decode_run(Run run, Batch& out);
  std::uint32_t decode_column(const Run& run, const FieldTarget& target, Batch& out);
  template <typename T>
  std::uint32_t decode_integers(const Run& run, const FieldTarget& target, Vector& column) const;
  std::uint32_t decode_strings(const Run& run, const FieldTarget& target, Vector& column, StringHeap& heap);
  std::uint32_t decode_others(const Run& run, const FieldTarget& target, Vector& column, StringHeap& heap);
  std::uint32_t equal_run(const std::uint32_t* record_ends, std::uint32_t records) const;
  std::string_view field_of(const Run& run, std::uint32_t row, std::uint32_t field) const noexcept;
  bool is_null(std::string_view field) const noexcept;

  /// Takes the field at *at off the record, moving *at behind its delimiter; nothing where its quotes are wrong.
  bool next_field(std::string_view record, std::size_t* at, RawField& field) const;
  std::string_view unescape(const RawField& field);
  FieldStatus store(const FieldTarget& target, const RawField& field, bool checked, Vector& column, std::uint32_t row,
                    StringHeap& heap);
  Outcome take_header(std::string_view record, std::uint64_t byte, Call& call);
  void order_targets();

  CsvOptions options_;
  Schema schema_;
  std::uint32_t field_count_;
  bool header_pending_;
  bool has_strings_ = false;
  CsvRecordScanner scanner_, saved_scanner_;
  std::vector<std::uint32_t> field_of_target_;   // place of each target's field in a record
  std::vector<std::uint32_t> conversion_order_;  // targets: those without strings first
  std::vector<std::uint32_t> target_of_field_;   // or kNoTarget
  std::unique_ptr<CsvIndex> index_;
  std::unique_ptr<char[]> scratch_;  // unescaped text
};

}  // namespace weir::detail
