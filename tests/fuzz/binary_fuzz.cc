// binary records with every type: the second byte chooses options.
#include "fuzz/format_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  if (size == 0) return 0;
  const auto [choice, bytes] = FuzzInput(data, size);
  std::map<std::string, std::string> options;
  if ((choice & 1) != 0) options["binary.null-bitmap"] = "true";
  if ((choice & 2) != 0) options["binary.timestamp-unit"] = "ms";
  if ((choice & 4) != 0) options["binary.record-bytes"] = "160";
  check_format(context_of("binary", schema_of_all_types(true), std::move(options)), bytes, true);
  return 0;
}
