// Binary market-data messages as rows: a protocol is a table (columns, message types, which field of which message is
// which column), and one piece of code reads every protocol by its table.
//
//   WireProtocol (constant) + a table's schema ──► MessageRows: for each message type, the steps that fill a row
//
// Columns are chosen by name. A column that a message type does not have is NULL in its rows. What surrounds a message
// (the packet's time and addresses, the feed's sequence) comes as WireContext and fills columns in the same way.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "formats/decoded_field.h"
#include "weir/io/format.h"

namespace weir::detail {

/// What the bytes of a field are, and so which SQL types can hold them.
enum class WireKind : std::uint8_t {
  kText,      // padded with blanks or zeros: STRING, CHAR(n), VARCHAR(n)
  kBytes,     // BYTES
  kUnsigned,  // integers, DECIMAL
  kPrice,     // value * 10^scale: DECIMAL with at least that scale, DOUBLE
  kClock,     // nanoseconds since midnight of the option's date: TIMESTAMP, TIMESTAMP_LTZ, TIME, BIGINT
  kInstant,   // nanoseconds since the epoch: TIMESTAMP_LTZ, TIMESTAMP (of UTC), BIGINT
};

/// Columns that a packet, not a message, fills.
enum class Around : std::uint8_t {
  kNothing,
  kCaptureTime,
  kCapturedBytes,
  kWireBytes,
  kEtherType,
  kVlan,
  kIpProtocol,
  kSourceAddress,
  kSourcePort,
  kDestinationAddress,
  kDestinationPort,
  kPayload,
  kFrame,
  kSession,
  kChannel,
  kSequence,
  kSendTime,
  kCount,
};

/// A packet's values, by Around. Those not set are NULL.
struct WireContext {
  struct Value {
    bool present = false;
    std::uint64_t number = 0;
    std::string_view text;
  };
  std::array<Value, static_cast<std::size_t>(Around::kCount)> values;

  Value& operator[](Around which) noexcept { return values[static_cast<std::size_t>(which)]; }
  const Value& operator[](Around which) const noexcept { return values[static_cast<std::size_t>(which)]; }
  void set(Around which, std::uint64_t number) noexcept { (*this)[which] = {true, number, {}}; }
  void set(Around which, std::string_view text) noexcept { (*this)[which] = {true, 0, text}; }
};

struct WireColumn {
  std::string_view name;
  WireKind kind = WireKind::kUnsigned;
  std::uint8_t scale = 0;  ///< kPrice.
  Around around = Around::kNothing;
};

/// Where a column stands in a message.
struct WireField {
  std::string_view column;
  std::uint8_t offset = 0;
  std::uint8_t bytes = 0;  ///< Numbers: 1 … 8.
};

struct WireMessage {
  char type = 0;
  std::uint16_t bytes = 0;
  std::string_view name;
  std::span<const WireField> fields;  ///< Beside those that every message has.
};

struct WireProtocol {
  std::string_view format;
  bool big_endian = true;
  bool may_grow = false;  ///< Later versions append fields to a message; what is not known is passed over.
  std::span<const WireColumn> columns;  ///< Beside those of the packet around a message.
  std::span<const WireField> every_message;
  std::span<const WireMessage> messages;

  const WireMessage* find(char type) const noexcept;
};

class MessageRows {
 public:
  /// `message_types`: "A,F,E"; empty takes all. `date`: days since the epoch, for kClock.
  /// Errors: kSqlUnknownName (a column, with the known ones), kUnsupported (its type), kSqlInvalidOption.
  static Result<MessageRows> create(const FormatContext& context, const WireProtocol& protocol,
                                    std::string_view message_types, std::optional<std::int32_t> date);

  enum class Shape : std::uint8_t { kRow, kPassedOver, kUnknownType, kWrongSize, kEmpty };
  /// Whether the message makes a row. Cost: two loads.
  Shape shape(std::span<const char> message) const noexcept;
  /// Fills row out.row_count() and leaves the count. On anything but kOk the row is undone, and `failed` is the
  /// column. Requires: shape() is kRow; 8 bytes behind the message are readable.
  FieldStatus fill(std::span<const char> message, const WireContext& around, Batch& out,
                   const FieldTarget** failed) const noexcept;
  /// A row of a packet alone. Requires: the protocol has no messages.
  FieldStatus fill_packet(const WireContext& around, Batch& out, const FieldTarget** failed) const noexcept;
  bool wants(Around which) const noexcept { return wanted_[static_cast<std::size_t>(which)]; }
  const WireProtocol& protocol() const noexcept { return *protocol_; }
  /// One sentence about a message that makes no row. Returns its size.
  std::size_t describe_shape(Shape shape, std::span<const char> message, char* out, std::size_t room) const noexcept;

 private:
  struct Step {
    std::uint32_t target = 0;
    WireKind kind = WireKind::kUnsigned;
    Around around = Around::kNothing;
    bool null = false;
    std::uint8_t offset = 0;
    std::uint8_t bytes = 0;
    std::int64_t factor = 1;  // DECIMAL: 10^(scale of the column - scale of the field)
    double divisor = 1;       // DOUBLE: 10^scale of the field
  };
  struct Plan {
    std::uint16_t bytes = 0;  // 0: unknown type
    bool wanted = false;
    std::uint32_t first = 0, count = 0;  // of steps_
  };

  explicit MessageRows(const WireProtocol& protocol) : protocol_(&protocol), plans_(new Plan[256]) {}
  Result<void> choose_types(std::string_view message_types);
  Result<void> add_steps(const FormatContext& context, const std::vector<const WireColumn*>& columns);
  FieldStatus fill_steps(const Plan& plan, const char* message, const WireContext& around, Batch& out,
                         const FieldTarget** failed) const noexcept;
  FieldStatus store(const Step& step, const char* message, const WireContext& around, Vector& vector, std::uint32_t row,
                    StringHeap& heap) const noexcept;
  FieldStatus store_number(const Step& step, std::uint64_t raw, Vector& vector, std::uint32_t row) const noexcept;
  FieldStatus store_time(const Step& step, std::uint64_t raw, Vector& vector, std::uint32_t row) const noexcept;

  const WireProtocol* protocol_;
  std::vector<FieldTarget> targets_;
  std::vector<Step> steps_;
  std::unique_ptr<Plan[]> plans_;  // by message type
  Plan packet_;
  std::array<bool, static_cast<std::size_t>(Around::kCount)> wanted_{};
  std::optional<std::int64_t> midnight_ns_;
};

}  // namespace weir::detail
