// json lines with every type: the second byte chooses options.
#include "fuzz/format_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  if (size == 0) return 0;
  const auto [choice, text] = FuzzInput(data, size);
  std::map<std::string, std::string> options;
  if ((choice & 1) != 0) options["json.fail-on-missing-field"] = "true";
  if ((choice & 2) != 0) options["json.timestamp-format.standard"] = "ISO-8601";
  Schema schema = schema_of_all_types(false);
  schema.fields[0].type.nullable = (choice & 4) == 0;
  FormatContext context = context_of("json", std::move(schema), std::move(options));
  context.record_bytes_max = (choice & 64) != 0 ? 40 : 4096;
  check_format(context, text, (choice & 64) == 0);
  return 0;
}
