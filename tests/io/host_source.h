// A source over a host table as tests read it: structs, Arrow streams.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/format_rows.h"
#include "weir/core/clock.h"
#include "weir/io/connector.h"
#include "weir/io/sim.h"

namespace weir::testing {

/// A source over a host table; its inputs are read through a backend that nothing uses.
class HostSource {
 public:
  explicit HostSource(HostTable host, Schema schema, bool may_defer = false)
      : host_(std::move(host)), schema_(std::move(schema)), world_(clock_, 1) {
    TableContext context;
    context.table = "t";
    context.schema = schema_;
    context.options = {{"connector", "host"}};
    context.host = &host_;
    for (std::uint32_t i = 0; i < schema_.size(); ++i) context.columns.push_back({i, i, may_defer && i % 2 == 1});
    auto source = make_source(context);
    if (!source.has_value()) {
      error_ = source.error().to_string();
      return;
    }
    source_ = std::move(*source);
    backend_ = std::move(*make_sim_backend(world_));
    reader_ = std::move(*source_->open(0, *backend_, {}));
  }
  const std::string& error() const { return error_; }
  RowReader& reader() { return *reader_; }
  TableSource& source() { return *source_; }
  const Schema& schema() const { return schema_; }

 private:
  HostTable host_;
  Schema schema_;
  std::string error_;
  ManualClock clock_;
  SimWorld world_;
  std::unique_ptr<TableSource> source_;
  std::unique_ptr<IoBackend> backend_;
  std::unique_ptr<RowReader> reader_;
};

inline std::vector<std::string> row_texts(const Batch& batch) {
  std::vector<std::string> rows;
  for (std::uint32_t row = 0; row < batch.row_count(); ++row) {
    std::string text;
    for (std::uint32_t c = 0; c < batch.column_count(); ++c)
      text += (c == 0 ? "" : " ") + value_text(batch.column(c), row);
    rows.push_back(text);
  }
  return rows;
}

}  // namespace weir::testing
