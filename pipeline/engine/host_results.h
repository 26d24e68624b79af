// HostResults: results of one host table that a reader takes. Each query that writes the table has an exchange of its
// own from the shard that writes to the reader's thread; the exchange's credits are the reader's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/core/arena.h"
#include "weir/core/exchange.h"
#include "weir/io/connector.h"
#include "weir/io/feed.h"

namespace weir {

/// Thread: control plane; the exchanges' ends have their own.
class HostResults final : public HostTaker {
 public:
  struct Lane {
    Arena arena;
    std::unique_ptr<Exchange> exchange;
    Waker* waker = nullptr;  ///< Of the shard that writes.
    bool ended = false;      ///< The reader's.
  };

  /// Errors: kInvalidArgument (batches out of range).
  static Result<std::shared_ptr<HostResults>> create(const ResultOptions& options);
  /// Takes memory where context.clock is set.
  Result<std::unique_ptr<TableSink>> make_sink(const TableContext& context) override;

  const Schema& schema() const noexcept { return schema_; }
  std::vector<std::unique_ptr<Lane>>& lanes() noexcept { return lanes_; }
  bool taken = false;  ///< There is a reader.

 private:
  explicit HostResults(const ResultOptions& options) : options_(options) {}

  ResultOptions options_;
  Schema schema_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace weir
