// Expand: GROUPING SETS as one aggregate. Each batch is pushed once a set, as a view: a key that is not in the set
// points to a vector of NULLs, the number of the set to a constant. A group of one set is never one of another, since
// the number is a key too: a row whose key is NULL and a row whose key was left out stay apart.
//
// Where the next operator stops taking (an exchange without credits), the rows are copied and the sets that are left
// follow later; until then nothing is accepted.
// Invariant: rows_in + rows_created = rows_out + held_rows().
#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "operators/batch_copy.h"
#include "operators/batch_memory.h"
#include "weir/core/check.h"
#include "weir/pipeline/operators.h"

namespace weir {
namespace {

class Expand final : public Operator {
 public:
  Expand(FragmentContext& context, std::vector<std::int64_t> sets, std::vector<std::uint32_t> keys, const Schema& rows)
      : context_(context),
        sets_(std::move(sets)),
        keys_(std::move(keys)),
        output_(rows, context.batch_rows),
        kept_(rows, context.batch_rows, context.heap_bytes, true),
        row_numbers_(context.batch_rows),
        own_(keys_.size()) {
    std::iota(row_numbers_.begin(), row_numbers_.end(), 0u);
    for (std::size_t k = 0; k < keys_.size(); ++k) own_[k] = output_->column(keys_[k]);
    // NULLs: a string that is read in spite of its validity has to be one.
    for (std::size_t k = 0; k + 1 < keys_.size(); ++k) {
      std::fill_n(own_[k].validity, validity_words(context.batch_rows), std::uint64_t{0});
      std::fill_n(static_cast<std::byte*>(own_[k].data), context.batch_rows * physical_size(own_[k].physical),
                  std::byte{0});
    }
    own_.back().validity = nullptr;
  }

  bool accepts() const noexcept override { return next_set_ == sets_.size() && next_->accepts(); }
  void control(const Control& control) override { next_->control(control); }
  std::uint64_t held_rows() const noexcept override {
    return (sets_.size() - next_set_) * kept_->row_count() + rejected_;
  }
  std::string_view name() const noexcept override { return "expand"; }

  void push(Batch& batch) override {
    const std::uint32_t count = batch.selected_count();
    ledger_.rows_in += count;
    ledger_.rows_created += (sets_.size() - 1) * count;
    std::size_t set = 0;
    do push_set(batch, sets_[set++]);
    while (set < sets_.size() && next_->accepts());
    if (set < sets_.size()) keep(batch, set);
  }

  std::size_t resume() override {
    std::size_t work = 0;
    for (; next_set_ < sets_.size() && next_->accepts(); ++next_set_, ++work) push_set(*kept_, sets_[next_set_]);
    return work;
  }

 private:
  void push_set(const Batch& batch, std::int64_t set) {
    Batch& out = *output_;
    const std::uint32_t count = batch.selected_count();
    for (std::uint32_t i = 0; i < out.column_count(); ++i) out.column(i) = batch.column(i);
    for (std::size_t k = 0; k + 1 < keys_.size(); ++k)
      if ((set >> k & 1) != 0) out.column(keys_[k]) = own_[k];
    std::fill_n(own_.back().values<std::int64_t>(), batch.row_count(), set);
    out.column(keys_.back()) = own_.back();
    out.set_row_count(batch.row_count());
    out.set_selection(batch.selection(), batch.has_selection() ? count : 0);
    out.header() = batch.header();
    out.share_kinds(batch);
    ledger_.rows_out += count;
    next_->push(out);
  }

  void keep(const Batch& batch, std::size_t next_set) {
    const std::uint32_t count = batch.selected_count();
    Batch& kept = *kept_;
    kept.reset();
    const std::uint32_t* rows = batch.has_selection() ? batch.selection() : row_numbers_.data();
    const std::uint32_t taken = append_rows(batch, rows, count, kept);
    kept.header() = batch.header();
    kept.header().row_watermarks = nullptr;
    next_set_ = next_set;
    if (taken == count) return;
    rejected_ += (sets_.size() - next_set) * (count - taken);
    context_.fail(Error(ErrorCode::kLimitExceeded, "the strings of one batch take more than heap_bytes (" +
                                                       std::to_string(context_.heap_bytes) + ")")
                      .with_hint("raise heap_bytes, or lower batch_rows"));
  }

  FragmentContext& context_;
  std::vector<std::int64_t> sets_;
  std::vector<std::uint32_t> keys_;
  BatchMemory output_;
  BatchMemory kept_;  // what waits for the sets from next_set_ on
  std::vector<std::uint32_t> row_numbers_;
  std::size_t next_set_ = sets_.size();
  std::uint64_t rejected_ = 0;
  std::vector<Vector> own_;  // a key's NULLs each; last the number of the set
};

}  // namespace

Result<std::unique_ptr<Operator>> make_expand(FragmentContext& context, std::vector<std::int64_t> sets,
                                              std::vector<std::uint32_t> keys, const Schema& rows) {
  if (sets.empty() || keys.empty() || keys.size() > 33)
    return Error(ErrorCode::kInvalidArgument, "an expand needs grouping sets and 1 to 33 keys");
  for (const std::uint32_t key : keys) {
    if (key >= rows.size()) return Error(ErrorCode::kInvalidArgument, "a key of an expand is not in its input");
  }
  if (rows.fields[keys.back()].type.physical() != Physical::kInt64)
    return Error(ErrorCode::kInvalidArgument, "the number of a grouping set is a BIGINT");
  return std::unique_ptr<Operator>(std::make_unique<Expand>(context, std::move(sets), std::move(keys), rows));
}

}  // namespace weir
