// Captures as packets and as IEX DEEP, and IEX-TP segments back to back: the second byte chooses.
#include "fuzz/format_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  if (size == 0) return 0;
  const auto [choice, bytes] = FuzzInput(data, size);
  Schema packet{{{"capture_time", Type::timestamp_ltz(9)},
                 {"captured_bytes", Type::integer()},
                 {"vlan", Type::of(TypeId::kSmallInt)},
                 {"ip_protocol", Type::of(TypeId::kTinyInt)},
                 {"source_address", Type::string()},
                 {"destination_port", Type::integer()},
                 {"payload", Type::of(TypeId::kBytes)},
                 {"frame", Type::of(TypeId::kBytes)}}};
  Schema deep{{{"message_type", Type::string()},
               {"timestamp", Type::timestamp_ltz(3)},
               {"symbol", Type::string()},
               {"size", Type::integer()},
               {"price", Type::decimal(10, 4)},
               {"trade_id", Type::bigint()},
               {"imbalance_side", Type::string()},
               {"sequence", Type::bigint()},
               {"destination_address", Type::string()},
               {"send_time", Type::bigint()}}};
  FormatContext context = (choice & 3) == 0   ? context_of("pcap", packet)
                          : (choice & 3) == 1 ? context_of("iex-deep", deep, {{"iex-deep.framing", "iex-tp"}})
                          : (choice & 3) == 2 ? context_of("iex-deep", deep, {{"iex-deep.messages", "T,8,5"}})
                                              : context_of("iex-deep", deep, {{"iex-deep.udp-port", "26400"}});
  if ((choice & 4) != 0) context.record_bytes_max = 120;
  check_format(context, bytes, false);
  return 0;
}
