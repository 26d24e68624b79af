// The connectors, one file each, and the table that names them (connector.cc).
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "weir/io/connector.h"

namespace weir {

/// One row of the table of connectors. A null function means that the connector has no such side.
struct ConnectorEntry {
  std::string_view name;
  std::span<const OptionHelp> options;  ///< Without those of formats.
  bool has_format = false;              ///< Takes 'format' and the format's options.
  Result<std::unique_ptr<TableSource>> (*make_source)(const TableContext&) = nullptr;
  Result<std::unique_ptr<TableSink>> (*make_sink)(const TableContext&) = nullptr;
};

const ConnectorEntry& filesystem_connector();
const ConnectorEntry& print_connector();
const ConnectorEntry& blackhole_connector();
const ConnectorEntry& datagen_connector();
const ConnectorEntry& tcp_connector();
const ConnectorEntry& socket_connector();
const ConnectorEntry& udp_connector();
const ConnectorEntry& host_connector();

/// What a format is told of a table: the context without the connector's own options.
FormatContext format_context(const TableContext& context, const ConnectorEntry& entry);

}  // namespace weir
