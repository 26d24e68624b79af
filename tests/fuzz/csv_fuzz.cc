// csv with every type, in several dialects: the second byte chooses one.
#include "fuzz/format_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::testing;
  if (size == 0) return 0;
  const auto [dialect, text] = FuzzInput(data, size);
  std::map<std::string, std::string> options;
  if ((dialect & 1) != 0) options["csv.escape-character"] = "\\";
  if ((dialect & 2) != 0) options["csv.allow-comments"] = "true";
  if ((dialect & 4) != 0) options["csv.field-delimiter"] = ";";
  if ((dialect & 8) != 0) options["csv.null-literal"] = "null";
  if ((dialect & 16) != 0) options["weir.csv.header"] = "true";
  const bool strings = (dialect & 32) != 0;
  Schema schema = strings ? Schema{{{"x", Type::string()}, {"y", Type::integer()}}} : schema_of_all_types(false);
  FormatContext context = context_of("csv", std::move(schema), std::move(options));
  context.record_bytes_max = (dialect & 64) != 0 ? 40 : 4096;
  check_format(context, text, (dialect & 64) == 0);
  return 0;
}
