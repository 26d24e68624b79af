// The table of connectors: finding one by name, checking options, making sources and sinks.
#include "weir/io/connector.h"

#include <algorithm>
#include <array>

#include "connectors/connectors.h"
#include "connectors/options.h"
#include "weir/core/suggest.h"

namespace weir {
namespace {

std::array<const ConnectorEntry*, 8> entries() {
  return {&blackhole_connector(), &datagen_connector(), &filesystem_connector(), &host_connector(),
          &print_connector(),     &socket_connector(),  &tcp_connector(),        &udp_connector()};
}

Result<const ConnectorEntry*> find_entry(const TableContext& context) {
  const std::vector<std::string_view> names = connector_names();
  const auto option = context.options.find("connector");
  if (option == context.options.end()) {
    return Error(ErrorCode::kSqlUnknownConnector, "table " + context.table + " has no option 'connector'")
        .with_hint("the connectors are " + list_names(names));
  }
  for (const ConnectorEntry* entry : entries()) {
    if (entry->name == option->second) return entry;
  }
  std::string hint = "the connectors are " + list_names(names);
  if (const std::string_view near = nearest_name(option->second, names); !near.empty()) {
    hint = "did you mean '" + std::string(near) + "'? " + hint;
  }
  return Error(ErrorCode::kSqlUnknownConnector, "unknown connector '" + option->second + "' for option 'connector'")
      .with_hint(std::move(hint));
}

bool is_format_option(const std::string& name) {
  for (std::string_view format : format_names()) {
    for (const OptionHelp& help : format_options(format)) {
      if (help.name == name) return true;
    }
  }
  return false;
}

/// Options that name a known format's prefix go to the format, which judges them itself.
bool has_format_prefix(const std::string& name) {
  for (std::string_view format : format_names()) {
    if (name.starts_with(std::string(format) + ".") || name.starts_with("weir." + std::string(format) + "."))
      return true;
  }
  return is_format_option(name);
}

Result<const ConnectorEntry*> checked_entry(const TableContext& context) {
  WEIR_ASSIGN(const ConnectorEntry* entry, find_entry(context));
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : context.options) {
    if (entry->has_format && (name == "format" || has_format_prefix(name))) continue;
    own.emplace(name, value);
  }
  std::vector<OptionHelp> known(entry->options.begin(), entry->options.end());
  if (entry->has_format) known.push_back({"format", "", "how bytes become rows"});
  WEIR_TRY(refuse_unknown_options(own, entry->name, known));
  if (entry->has_format && context.options.count("format") == 0) {
    const std::vector<std::string_view> formats = format_names();
    return Error(ErrorCode::kSqlInvalidOption, "table " + context.table + " with connector '" +
                                                   std::string(entry->name) + "' needs the option 'format'")
        .with_hint("the formats are " + list_names(formats));
  }
  return entry;
}

}  // namespace

std::vector<std::string_view> connector_names() {
  std::vector<std::string_view> names;
  for (const ConnectorEntry* entry : entries()) names.push_back(entry->name);
  return names;
}

std::span<const OptionHelp> connector_options(std::string_view connector) {
  for (const ConnectorEntry* entry : entries()) {
    if (entry->name == connector) return entry->options;
  }
  return {};
}

FormatContext format_context(const TableContext& context, const ConnectorEntry& entry) {
  FormatContext format;
  format.schema = context.schema;
  format.columns = context.columns;
  for (const auto& [name, value] : context.options) {
    const bool own = name == "connector" || name == "format" ||
                     std::any_of(entry.options.begin(), entry.options.end(),
                                 [&](const OptionHelp& help) { return help.name == name; });
    if (!own) format.options.emplace(name, value);
  }
  if (const auto found = context.options.find("format"); found != context.options.end()) format.format = found->second;
  format.table = context.table;
  format.record_bytes_max = context.record_bytes_max;
  format.time_zone = context.time_zone;
  return format;
}

Result<std::unique_ptr<TableSource>> make_source(const TableContext& context) {
  WEIR_ASSIGN(const ConnectorEntry* entry, checked_entry(context));
  if (entry->make_source == nullptr) {
    return Error(ErrorCode::kSqlSemantic, "table " + context.table + " cannot be read: connector '" +
                                              std::string(entry->name) + "' is a sink only");
  }
  return entry->make_source(context);
}

Result<std::unique_ptr<TableSink>> make_sink(const TableContext& context) {
  WEIR_ASSIGN(const ConnectorEntry* entry, checked_entry(context));
  if (entry->make_sink == nullptr) {
    return Error(ErrorCode::kSqlSemantic, "table " + context.table + " cannot be written: connector '" +
                                              std::string(entry->name) + "' is a source only");
  }
  return entry->make_sink(context);
}

Result<void> check_table_options(const TableContext& context) {
  WEIR_ASSIGN(const ConnectorEntry* entry, checked_entry(context));
  if (!entry->has_format) return {};
  // A format is judged by making it: for reading where the connector reads, else for writing.
  FormatContext format = format_context(context, *entry);
  for (std::uint32_t i = 0; i < context.schema.size(); ++i) format.columns.push_back({i, i});
  if (entry->make_source != nullptr) {
    if (auto decoder = make_decoder(format); !decoder.has_value()) return std::move(decoder).error();
    return {};
  }
  if (auto encoder = make_encoder(format); !encoder.has_value()) return std::move(encoder).error();
  return {};
}

}  // namespace weir
