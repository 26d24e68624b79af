// SinkOperator: the end of a job's chain: rows go out through a RowWriter. What a full writer cannot take is copied
// aside until it can, and until then the operator accepts nothing.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "weir/core/arena.h"
#include "weir/io/connector.h"
#include "weir/pipeline/operator.h"

namespace weir {

class SinkOperator final : public Operator {
 public:
  /// A column of the table that takes no NULL.
  struct NotNull {
    std::uint32_t column = 0;
    std::string name;
  };

  /// `rest` holds the rows that wait: a batch of the same columns. The writer is opened at the first run, on the shard.
  SinkOperator(FragmentContext& context, TableSink& sink, IoBackend& backend, Batch& rest,
               std::vector<NotNull> not_null = {});
  ~SinkOperator() override;

  bool accepts() const noexcept override;
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override;
  void flush() override;
  bool finished() const noexcept override { return finished_; }
  std::uint64_t held_rows() const noexcept override;
  std::string_view name() const noexcept override { return "sink"; }

  void set_table(std::string table) { table_ = std::move(table); }
  const std::string& table() const noexcept { return table_; }
  /// Null before the first run.
  const RowWriter* writer() const noexcept { return writer_.get(); }
  /// Where the writer listens, once it does; "" else. Thread: any.
  std::string listening() const;

 private:
  bool open();
  bool check();
  bool check_nulls(const Batch& batch);

  FragmentContext& context_;
  TableSink& sink_;
  IoBackend& backend_;
  Batch& rest_;
  std::unique_ptr<RowWriter> writer_;
  std::vector<std::uint32_t> order_;
  std::vector<NotNull> not_null_;
  std::uint32_t rest_next_ = 0;
  std::uint64_t given_up_ = 0;  // rows that a failure kept from being written: held, for the ledger
  bool ending_ = false;
  bool finished_ = false;
  std::string table_;
  mutable std::mutex listening_mutex_;
  std::string listening_;
};

}  // namespace weir
