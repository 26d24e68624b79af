// Journals: the bytes as they are, and as damage to a journal that was written (so that what lies behind the check sums
// is reached: the fuzzer's bytes become a payload with the right sums around it).
#include "fuzz/format_property.h"
#include "journal/journal_layout.h"

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

}  // namespace
}  // namespace weir::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() < 2) return 0;
  const unsigned choice = static_cast<unsigned char>(bytes[1]);
  const FormatContext context = context_of("journal", columns());
  if ((choice & 1) == 0) {
    check_format(context, std::string(1, bytes[0]).append(bytes.substr(2)), false);
  } else {
    check_format(context, std::string(1, bytes[0]) + sealed(bytes.substr(2)), false);
  }
  return 0;
}
