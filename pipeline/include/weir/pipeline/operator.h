// Operator: one step of a fragment (a chain of operators on one shard). Batches are pushed through, so a row's whole
// way through a fragment happens while its batch is in L2.
//
// Backpressure is a question, not an exception: accepts() is asked before a push. An operator that turns one batch
// into at most one batch answers what the next answers; one that holds output back (a closing window, an exchange that
// has no empty batch) answers false until resume() has got rid of it. So a source stops by itself when a sink stands
// still.
//
//   source ─push─► filter ─push─► project ─push─► window ─push─► exchange sender ═ ring ═► …
//      ▲ accepts()? ◄──────────────────────────────────────────────┘ no empty batch: false
//
// Changelog rows (Batch::kinds), barriers (Control) and snapshots have their place in this contract; an operator that
// does not take changelog rows says so when the plan is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/clock.h"
#include "weir/core/control.h"
#include "weir/core/result.h"
#include "weir/pipeline/ledger.h"

namespace weir {

/// What the operators of one fragment share. Thread: the owning shard.
struct FragmentContext {
  Clock* clock = nullptr;
  std::uint32_t shard = 0;
  std::uint32_t shard_count = 1;
  std::uint32_t batch_rows = kBatchRowsDefault;
  std::size_t heap_bytes = 0;  ///< Of each batch with strings.
  std::string time_zone = "UTC";
  std::optional<Error> failure;  ///< Set once by fail(); the shard loop ends the job.

  void fail(Error error) {
    if (!failure.has_value()) failure.emplace(std::move(error));
  }
};

class Operator {
 public:
  virtual ~Operator() = default;
  Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// Whether push and control may be called now. Cost: a few loads.
  virtual bool accepts() const noexcept = 0;
  /// Takes the batch's selected rows. The batch belongs to the caller again on return; the operator may change its
  /// columns, selection and header, not its rows' memory. Requires: accepts(). Errors: through FragmentContext::fail.
  virtual void push(Batch& batch) = 0;
  /// Takes a control in its place among the batches and passes it on when everything before it has been passed on.
  /// Requires: accepts().
  virtual void control(const Control& control) = 0;
  /// Gives more of held-back output, at most about one batch a call. Returns the work done; 0 means that nothing is
  /// held back or that the next operator does not accept.
  virtual std::size_t resume() = 0;
  /// A batch stream pauses here (the source has nothing now): pass on what a partly filled batch holds. Called at most
  /// once a turn. Requires: nothing; does nothing where the next operator does not accept.
  virtual void flush() {
    if (next_ != nullptr) next_->flush();
  }
  /// Whether the end of the input has gone through this operator and all behind it, with nothing held back. The last
  /// operator of a fragment (a sink, an exchange sender) overrides it.
  virtual bool finished() const noexcept { return next_ == nullptr || next_->finished(); }
  /// Rows this operator keeps that are neither passed on nor dropped, for the ledger.
  virtual std::uint64_t held_rows() const noexcept { return 0; }
  /// Bytes of state now, and the most that it may take (0 = not bounded by the plan).
  virtual std::size_t state_bytes() const noexcept { return 0; }
  virtual std::size_t state_bytes_max() const noexcept { return 0; }
  /// Whether rows far ahead in event time take up so much here that inputs which are ahead of others should wait for
  /// them. Asks on until an operator that keeps windows open answers. Cost: a few loads.
  virtual bool crowded() const noexcept { return next_ != nullptr && next_->crowded(); }
  virtual std::string_view name() const noexcept = 0;

  void set_next(Operator* next) noexcept { next_ = next; }
  Operator* next() const noexcept { return next_; }
  OperatorLedger& ledger() noexcept { return ledger_; }
  const OperatorLedger& ledger() const noexcept { return ledger_; }

 protected:
  Operator* next_ = nullptr;
  OperatorLedger ledger_;
};

}  // namespace weir
