// Decoder and Encoder: bytes to rows and rows to bytes, for one format (csv, json, binary).
//
// A decoder is a push parser. It takes an input's bytes in whatever pieces they arrive, keeps the piece of a record
// that is not whole yet, and appends rows to a batch until the batch is full or the bytes are used up. So the same
// bytes give the same rows however they were cut. A record that does not parse goes to BadRecords with its reason and
// place, and the rows beside it stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/type.h"

namespace weir {

/// Bytes behind the end of every span given to a decoder that may be read (not used): SIMD parsers read ahead.
inline constexpr std::size_t kReadPadding = 64;
inline constexpr std::size_t kRecordBytesMaxDefault = 1u << 20;

/// One column that a decoder fills: field `source_index` of the table's physical schema into column `batch_column`.
/// Fields that nobody asks for are skipped, not converted.
struct DecodedColumn {
  std::uint32_t source_index = 0;
  std::uint32_t batch_column = 0;
  /// The reader may fill it later (Batch::defer), once a filter has said for which rows.
  bool may_defer = false;
};

/// What a format is told. Options are the table's, without the connector's own (`csv.field-delimiter`, …).
struct FormatContext {
  Schema schema;                       ///< The table's physical columns, in order.
  std::vector<DecodedColumn> columns;  ///< Decoders only.
  std::map<std::string, std::string> options;
  std::string format;  ///< "csv", "json", "binary".
  std::string table;   ///< For messages.
  std::size_t record_bytes_max = kRecordBytesMaxDefault;
  std::string time_zone = "UTC";    ///< Of TIMESTAMP_LTZ in text (table.local-time-zone).
  bool may_borrow = false;          ///< The caller heeds DecodeResult::borrowed.
  std::uint64_t rows_left_out = 0;  ///< Journal: rows of frames at its front that the caller does not give.
};

/// A record that was not taken: why, where, and its first bytes.
struct BadRecord {
  ErrorCode code = ErrorCode::kMalformedRecord;
  std::uint64_t record = 0;  ///< 0-based number of the record in its input.
  std::uint64_t byte = 0;    ///< Offset of its first byte in the (decompressed) input.
  std::string_view field;    ///< Column, or "".
  std::string_view reason;   ///< One sentence.
  std::string_view text;     ///< Its bytes, at most the first 256.
};

/// Takes bad records. The views live for the call only. Returns false to make the decoder stop at once (the job fails).
using BadRecordHandler = std::function<bool(const BadRecord&)>;

struct DecodeResult {
  std::size_t consumed = 0;  ///< Bytes of the span that are used up; fewer than given only where the batch is full.
  std::uint32_t rows = 0;    ///< Appended to the batch.
  std::uint32_t bad = 0;     ///< Records given to the handler.
  bool stopped = false;      ///< The handler said stop.
  bool borrowed = false;     ///< The batch points into the span: it must live until the batch is reset.
};

/// What a feed's decoder passed over or missed, beside its bad records.
struct FeedCounts {
  std::uint64_t gaps = 0;           ///< Each a bad record, too.
  std::uint64_t missing = 0;        ///< Messages in the gaps.
  std::uint64_t repeated = 0;       ///< Messages that had come already.
  std::uint64_t other_packets = 0;  ///< Of a capture: TCP, ARP, other ports.

  FeedCounts& operator+=(const FeedCounts& other) noexcept {
    gaps += other.gaps;
    missing += other.missing;
    repeated += other.repeated;
    other_packets += other.other_packets;
    return *this;
  }
};

/// Thread: the owning shard. Allocates: at setup only (the carry buffer is record_bytes_max long).
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Appends rows to `out` behind those already there; out's strings go to its heap. Stops when the batch has no row or
  /// no heap left: call again with the rest of the bytes and an empty batch. Requires: bytes.end() + kReadPadding is
  /// readable.
  virtual DecodeResult decode(std::span<const char> bytes, Batch& out, const BadRecordHandler& bad) = 0;
  /// End of the input: decodes a last record that has no line end; reports a cut one. Call until consumed is true.
  /// Returns rows/bad as above; `consumed` is 1 where nothing is left, 0 where the batch was full (call again).
  virtual DecodeResult finish(Batch& out, const BadRecordHandler& bad) = 0;
  /// Records seen so far, good and bad.
  virtual std::uint64_t records() const noexcept = 0;
  /// Bytes of a record that began and has no end yet.
  virtual std::size_t pending_bytes() const noexcept = 0;
  /// Forgets everything: the next bytes are the start of a new input.
  virtual void reset() noexcept = 0;
  /// Of this input so far; zeros where the format knows none.
  virtual FeedCounts feed_counts() const noexcept { return {}; }
  /// Whether it knows something between two records that another decoder would not (a header): then an input stays with
  /// its decoder; else inputs that pause may share decoders.
  virtual bool keeps_state() const noexcept { return false; }
};

/// Thread: the owning shard.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends the encoded rows [*next, selected_count) of the batch to `out` (through its selection), whole records
  /// only, and moves *next; returns the bytes written. Fewer rows than there are means that `out` is full. Errors:
  /// kRecordTooLarge where one record does not fit an empty `out`; kUnsupported is refused at creation already.
  virtual Result<std::size_t> encode(const Batch& batch, std::uint32_t* next, std::span<char> out) = 0;
  /// Room that finish() needs; 0 where the format has no end of its own.
  virtual std::size_t end_bytes() const noexcept { return 0; }
  /// The end of the output; returns the bytes written. Requires: out holds end_bytes(). Call once, after encode.
  virtual std::size_t finish(std::span<char> out) {
    (void)out;
    return 0;
  }
  /// What every reader of the stream must have before the first record, or nothing. Lives as long as the encoder.
  virtual std::string_view preamble() const noexcept { return {}; }
};

/// Makes the decoder of a format. Errors: kSqlUnknownConnector (lists the known), kSqlUnknownOption, kSqlInvalidOption,
/// kUnsupported (a type that the format cannot carry).
Result<std::unique_ptr<Decoder>> make_decoder(const FormatContext& context);
Result<std::unique_ptr<Encoder>> make_encoder(const FormatContext& context);
/// Names of the formats, sorted; and the options of one, each with its default and meaning, for error messages and
/// docs.
std::vector<std::string_view> format_names();
struct OptionHelp {
  std::string_view name, default_value, meaning;
};
std::span<const OptionHelp> format_options(std::string_view format);

}  // namespace weir
