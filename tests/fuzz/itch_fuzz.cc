// ITCH in its framings: the second byte chooses one, and the columns.
#include "fuzz/format_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  if (size == 0) return 0;
  const auto [choice, bytes] = FuzzInput(data, size);
  constexpr const char* kFramings[] = {"binary-file", "moldudp64", "pcap", "binary-file"};
  std::map<std::string, std::string> options{{"itch.framing", kFramings[choice & 3]}, {"itch.date", "2024-02-29"}};
  if ((choice & 3) == 3) options["itch.lengths-by-type"] = "true";
  if ((choice & 4) != 0) options["itch.messages"] = "A,E,I,R";
  if ((choice & 8) != 0) options["itch.sequence"] = "ignore";
  Type required = Type::bigint();
  required.nullable = (choice & 16) != 0;
  Schema schema{{{"message_type", Type::string()},
                 {"timestamp", Type::timestamp(6)},
                 {"order_ref", Type::bigint()},
                 {"shares", required},
                 {"stock", Type::string()},
                 {"price", Type::decimal(10, 4)},
                 {"far_price", Type::float64()},
                 {"round_lot_size", Type::of(TypeId::kSmallInt)},
                 {"session", Type::string()},
                 {"sequence", Type::decimal(20, 0)},
                 {"source_address", Type::string()},
                 {"payload", Type::of(TypeId::kBytes)}}};
  FormatContext context = context_of("itch", std::move(schema), std::move(options));
  if ((choice & 32) != 0) context.record_bytes_max = 80;
  check_format(context, bytes, false);
  return 0;
}
