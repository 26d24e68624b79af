// The limit of reading JSON lines: simdjson's own on-demand pass over the same bytes and fields, into sums.
#include <simdjson.h>

#include "limits/limits.h"

namespace weir::bench {

TradeSums json_pass(std::string_view text) {
  static_assert(simdjson::SIMDJSON_PADDING <= 64);
  TradeSums sums;
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document_stream lines;
  if (parser.iterate_many(text.data(), text.size(), std::size_t{1} << 20).get(lines) != simdjson::SUCCESS) return sums;
  for (auto line : lines) {
    simdjson::ondemand::object trade;
    std::string_view symbol;
    std::uint64_t id = 0, time = 0;
    double price = 0, quantity = 0;
    bool maker = false;
    if (line.get_object().get(trade) != simdjson::SUCCESS || trade["s"].get_string().get(symbol) != simdjson::SUCCESS ||
        trade["t"].get_uint64().get(id) != simdjson::SUCCESS ||
        trade["p"].get_double_in_string().get(price) != simdjson::SUCCESS ||
        trade["q"].get_double_in_string().get(quantity) != simdjson::SUCCESS ||
        trade["T"].get_uint64().get(time) != simdjson::SUCCESS || trade["m"].get_bool().get(maker) != simdjson::SUCCESS)
      return sums;
    ++sums.lines;
    sums.ids += id;
    sums.makers += maker ? 1 : 0;
    sums.prices += price;
    sums.quantities += quantity;
    keep(time + symbol.size());
  }
  return sums;
}

}  // namespace weir::bench
