// Decoding and encoding as tests see it: the rows of an input as text, whatever the cuts, the batch size and the heap.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/batch.h"
#include "weir/io/format.h"
#include "weir/io/text_decimal.h"

namespace weir::testing {

/// A bad record with bytes of its own.
struct BadCopy {
  ErrorCode code;
  std::uint64_t record, byte;
  std::string field, reason, text;
  friend bool operator==(const BadCopy&, const BadCopy&) = default;
};

/// What an input came to.
struct Decoded {
  std::vector<std::string> rows;
  std::vector<BadCopy> bad;
  std::uint64_t records = 0;
  bool stopped = false;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

/// A batch and its memory.
class OwnedBatch {
 public:
  OwnedBatch(const Schema& schema, std::uint32_t capacity, std::size_t heap) {
    for (const Field& field : schema.fields) physical_.push_back(field.type.physical());
    const BatchLayout layout{physical_, capacity, heap, true, false};
    memory_.reset(std::aligned_alloc(64, layout.bytes()));
    batch_ = Batch::create(layout, memory_.get());
  }
  Batch& operator*() noexcept { return *batch_; }
  Batch* operator->() noexcept { return batch_; }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  std::vector<Physical> physical_;
  std::unique_ptr<void, Free> memory_;
  Batch* batch_ = nullptr;
};

inline std::string value_text(const Vector& column, std::uint32_t row) {
  if (!column.is_valid(row)) return "NULL";
  switch (column.physical) {
    case Physical::kInt8:
      return std::to_string(column.values<std::int8_t>()[row]);
    case Physical::kInt16:
      return std::to_string(column.values<std::int16_t>()[row]);
    case Physical::kInt32:
      return std::to_string(column.values<std::int32_t>()[row]);
    case Physical::kInt64:
      return std::to_string(column.values<std::int64_t>()[row]);
    case Physical::kInt128: {
      char text[kDecimalTextMax];
      return std::string(text, format_decimal(column.values<Int128>()[row], 0, text));
    }
    case Physical::kFloat: {
      char text[kDoubleTextMax];
      return std::string(text, format_float(column.values<float>()[row], text));
    }
    case Physical::kDouble: {
      char text[kDoubleTextMax];
      return std::string(text, format_double(column.values<double>()[row], text));
    }
    default:
      return "'" + std::string(column.values<StringRef>()[row].view()) + "'";
  }
}

inline std::string row_text(const Batch& batch, std::uint32_t row) {
  std::string text;
  for (std::uint32_t column = 0; column < batch.column_count(); ++column) {
    if (column != 0) text += "|";
    text += value_text(batch.column(column), row);
  }
  return text;
}

/// One column a type, so that every conversion is reached.
inline Schema all_types() {
  Type time = Type::of(TypeId::kTime);
  time.precision = 3;
  return {{{"a", Type::of(TypeId::kTinyInt)},
           {"b", Type::of(TypeId::kSmallInt)},
           {"c", Type::integer()},
           {"d", Type::bigint()},
           {"e", Type::of(TypeId::kFloat)},
           {"f", Type::float64()},
           {"g", Type::decimal(10, 2)},
           {"h", Type::decimal(38, 10)},
           {"i", Type::boolean()},
           {"j", Type::of(TypeId::kDate)},
           {"k", time},
           {"l", Type::timestamp(6)},
           {"m", Type::timestamp_ltz(3)},
           {"n", Type::string()},
           {"o", Type::of(TypeId::kBytes)}}};
}

inline FormatContext context_of(std::string format, Schema schema, std::map<std::string, std::string> options = {}) {
  FormatContext context;
  context.format = std::move(format);
  context.table = "t";
  context.options = std::move(options);
  for (std::uint32_t i = 0; i < schema.size(); ++i) context.columns.push_back({i, i});
  context.schema = std::move(schema);
  return context;
}

struct DecodePlan {
  std::vector<std::size_t> cuts;  ///< Places where the input is cut, ascending.
  std::uint32_t capacity = 64;
  std::size_t heap = 1 << 16;
  std::size_t stop_after = ~std::size_t{0};  ///< Bad records until the handler says stop.
};

/// Decodes the bytes piece by piece; each piece stands in memory of its own with just the padding asked for.
/// `keep`, where given, receives every batch before it is emptied.
template <typename Keep>
Decoded decode_with(Decoder& decoder, const Schema& schema, std::string_view bytes, const DecodePlan& plan, Keep keep) {
  Decoded decoded;
  OwnedBatch batch(schema, plan.capacity, plan.heap);
  const BadRecordHandler handler = [&](const BadRecord& bad) {
    decoded.bad.push_back(
        {bad.code, bad.record, bad.byte, std::string(bad.field), std::string(bad.reason), std::string(bad.text)});
    return decoded.bad.size() < plan.stop_after;
  };
  const auto take = [&] {
    for (std::uint32_t row = 0; row < batch->row_count(); ++row) decoded.rows.push_back(row_text(*batch, row));
    keep(*batch);
    batch->reset();
  };
  std::size_t from = 0;
  for (std::size_t i = 0; i <= plan.cuts.size() && !decoded.stopped; ++i) {
    const std::size_t to = i < plan.cuts.size() ? plan.cuts[i] : bytes.size();
    const std::size_t size = to - from;
    std::unique_ptr<char[]> piece(new char[size + kReadPadding]);
    std::memcpy(piece.get(), bytes.data() + from, size);
    std::memset(piece.get() + size, 0x5A, kReadPadding);
    for (std::size_t at = 0; at < size && !decoded.stopped;) {
      const DecodeResult result = decoder.decode({piece.get() + at, size - at}, *batch, handler);
      decoded.stopped = result.stopped;
      at += result.consumed;
      if (at < size || batch->full()) take();
    }
    from = to;
  }
  while (!decoded.stopped) {
    const DecodeResult result = decoder.finish(*batch, handler);
    decoded.stopped = result.stopped;
    if (result.consumed != 0) break;
    take();
  }
  take();
  decoded.records = decoder.records();
  return decoded;
}

inline Decoded decode_all(const FormatContext& context, std::string_view bytes, const DecodePlan& plan = {}) {
  auto decoder = make_decoder(context);
  WEIR_CHECK(decoder.has_value());
  return decode_with(*decoder.value(), context.schema, bytes, plan, [](const Batch&) {});
}

/// Encodes every row of the batch, through a buffer of that size, again and again.
inline std::string encode_all(Encoder& encoder, const Batch& batch, std::size_t buffer = 4096) {
  std::string text, out(buffer, '\0');
  for (std::uint32_t next = 0; next < batch.selected_count();) {
    auto written = encoder.encode(batch, &next, out);
    if (!written.has_value()) return "error: " + written.error().to_string();
    text.append(out, 0, written.value());
    if (written.value() == 0) return "error: nothing was written";
  }
  return text;
}

/// decode(encode(rows)) as rows.
inline Decoded round_trip(const FormatContext& context, std::string_view bytes, const DecodePlan& plan,
                          std::string* encoded) {
  auto decoder = make_decoder(context);
  auto encoder = make_encoder(context);
  WEIR_CHECK(decoder.has_value() && encoder.has_value());
  encoded->clear();
  decode_with(*decoder.value(), context.schema, bytes, plan,
              [&](const Batch& batch) { *encoded += encode_all(*encoder.value(), batch, 1 << 20); });
  return decode_all(context, *encoded, plan);
}

}  // namespace weir::testing
