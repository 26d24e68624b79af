// The list of formats.
#include "weir/io/format.h"
#include "weir/core/suggest.h"

#include <fmt/format.h>

#include "formats/batches_format.h"
#include "formats/binary_format.h"
#include "formats/csv_decoder.h"
#include "formats/feed_decoder.h"
#include "formats/format_options.h"
#include "formats/json_decoder.h"
#include "formats/pcap_decoder.h"
#include "journal/journal_format.h"

namespace weir {
namespace {

struct FormatEntry {
  std::string_view name;
  Result<std::unique_ptr<Decoder>> (*make_decoder)(const FormatContext&);
  Result<std::unique_ptr<Encoder>> (*make_encoder)(const FormatContext&);
  std::span<const OptionHelp> (*options)();
};

constexpr FormatEntry kFormats[] = {
    {"batches", detail::make_batches_decoder, detail::make_batches_encoder, detail::batches_option_help},
    {"binary", detail::make_binary_decoder, detail::make_binary_encoder, detail::binary_option_help},
    {"csv", detail::make_csv_decoder, detail::make_csv_encoder, detail::csv_option_help},
    {"iex-deep", detail::make_iex_deep_decoder, detail::make_iex_deep_encoder, detail::iex_deep_option_help},
    {"itch", detail::make_itch_decoder, detail::make_itch_encoder, detail::itch_option_help},
    {"journal", detail::make_journal_decoder, detail::make_journal_encoder, detail::journal_option_help},
    {"json", detail::make_json_decoder, detail::make_json_encoder, detail::json_option_help},
    {"pcap", detail::make_pcap_decoder, detail::make_pcap_encoder, detail::pcap_option_help},
};

const FormatEntry* find_format(std::string_view name) {
  for (const FormatEntry& entry : kFormats) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Error unknown_format(const FormatContext& context) {
  const std::vector<std::string_view> names = format_names();
  const std::string_view near = nearest_name(context.format, names);
  std::string hint = near.empty() ? std::string() : fmt::format("did you mean '{}'? ", near);
  hint += fmt::format("Known formats: {}", fmt::join(names, ", "));
  return Error(ErrorCode::kSqlUnknownConnector,
               fmt::format("table '{}' has the format '{}', which is not known", context.table, context.format))
      .with_hint(std::move(hint));
}

}  // namespace

Result<std::unique_ptr<Decoder>> make_decoder(const FormatContext& context) {
  const FormatEntry* const entry = find_format(context.format);
  if (entry == nullptr) return unknown_format(context);
  return entry->make_decoder(context);
}

Result<std::unique_ptr<Encoder>> make_encoder(const FormatContext& context) {
  const FormatEntry* const entry = find_format(context.format);
  if (entry == nullptr) return unknown_format(context);
  return entry->make_encoder(context);
}

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const FormatEntry& entry : kFormats) names.push_back(entry.name);
  return names;
}

std::span<const OptionHelp> format_options(std::string_view format) {
  const FormatEntry* const entry = find_format(format);
  return entry == nullptr ? std::span<const OptionHelp>() : entry->options();
}

}  // namespace weir
