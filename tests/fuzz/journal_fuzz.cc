// Journals: the bytes as they are, and as damage to a journal that was written (so that what lies behind the check sums
// is reached: the fuzzer's bytes become a payload with the right sums around it).
#include "fuzz/format_property.h"
#include "journal/journal_index.h"

namespace weir::testing {
namespace {

Schema columns() {
  return {{{"n", Type::bigint()},
           {"b", Type::of(TypeId::kBoolean)},
           {"s", Type::string()},
           {"d", Type::decimal(10, 2)},
           {"x", Type::of(TypeId::kBytes)}}};
}

/// A journal with one frame of rows whose payload is made of the bytes.
std::string sealed(std::string_view payload) {
  std::string bytes = detail::write_journal_header({columns(), std::nullopt}).value();
  std::uint32_t rows = 3;
  if (payload.size() >= 2) {
    rows = static_cast<unsigned char>(payload[0]);
    payload.remove_prefix(1);
  }
  std::string frame(sizeof(detail::JournalFrameHeader) + detail::journal_round(payload.size()), '\0');
  std::memcpy(frame.data() + sizeof(detail::JournalFrameHeader), payload.data(), payload.size());
  detail::JournalFrameHeader header;
  header.kind = static_cast<std::uint32_t>(detail::FrameKind::kRows);
  header.rows = rows;
  detail::seal_frame(header, frame);
  return bytes + frame;
}

/// Pointed at, the rows are those that copying gives; and the index reader keeps to its bounds.
void check_borrowed_and_index(std::string_view bytes) {
  FormatContext context = context_of("journal", columns());
  const Decoded copied = decode_all(context, bytes);
  std::unique_ptr<char, void (*)(void*)> memory(
      static_cast<char*>(std::aligned_alloc(64, (bytes.size() + kReadPadding + 63) / 64 * 64)), std::free);
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  context.may_borrow = true;
  auto decoder = make_decoder(context);
  OwnedBatch batch(columns(), 64, 1 << 16);
  std::vector<std::string> rows;
  bool stopped = false;
  const BadRecordHandler any = [](const BadRecord&) { return true; };
  for (std::size_t at = 0; at < bytes.size() && !stopped;) {
    batch->reset();
    const DecodeResult result = (*decoder)->decode({memory.get() + at, bytes.size() - at}, *batch, any);
    for (std::uint32_t row = 0; row < batch->row_count(); ++row) rows.push_back(row_text(*batch, row));
    at += result.consumed;
    stopped = result.stopped;
  }
  expect(rows == copied.rows, "rows that are pointed at are those that are copied", printed(copied));
  const detail::ReadAt read = [&](std::uint64_t place, std::span<char> into) -> Result<void> {
    expect(place + into.size() <= bytes.size(), "the index reader keeps to the file", "");
    std::memcpy(into.data(), bytes.data() + place, into.size());
    return {};
  };
  (void)detail::read_journal_index(read, bytes.size());
}

}  // namespace
}  // namespace weir::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() < 2) return 0;
  const unsigned choice = static_cast<unsigned char>(bytes[1]);
  const FormatContext context = context_of("journal", columns());
  const std::string input = (choice & 1) == 0 ? std::string(bytes.substr(2)) : sealed(bytes.substr(2));
  check_format(context, std::string(1, bytes[0]) + input, false);
  check_borrowed_and_index(input);
  return 0;
}
