// ExchangeSender: the end of a fragment whose rows go on in another one: by the hash of their key to the shard that
// owns it, or all to one shard.
//
// Rows are copied into the empty batches (credits) of each destination's exchange. A batch goes when it is full, before
// a control, when the stream pauses (flush), and when the room that is left could not take a whole input batch and no
// other credit is there; so one credit is enough to make progress, and at low rates no row waits for others.
#pragma once

#include <memory>
#include <vector>

#include "weir/core/exchange.h"
#include "weir/pipeline/operator.h"

namespace weir {

class ExchangeSender final : public Operator {
 public:
  /// Requires: one exchange a destination, which outlive this; key_columns empty and one exchange: all rows go there.
  /// `heap_bytes` is what a whole input batch's long strings take at most.
  ExchangeSender(FragmentContext& context, std::vector<Exchange*> destinations, std::vector<std::uint32_t> key_columns,
                 bool has_strings);
  ~ExchangeSender() override;

  bool accepts() const noexcept override;
  void push(Batch& batch) override;
  void control(const Control& control) override;
  std::size_t resume() override;
  void flush() override;
  bool finished() const noexcept override;
  std::uint64_t held_rows() const noexcept override;
  std::string_view name() const noexcept override {
    return key_columns_.empty() ? "exchange to one" : "exchange by key";
  }

 private:
  struct Destination {
    Exchange* exchange = nullptr;
    Batch* current = nullptr;
  };

  bool has_room(const Destination& destination) const noexcept;
  void send_current(Destination& destination);
  void append(Destination& destination, const Batch& batch, const std::uint32_t* rows, std::uint32_t count);
  void partition(const Batch& batch);

  FragmentContext& context_;
  std::vector<Destination> destinations_;
  std::vector<std::uint32_t> key_columns_;
  bool has_strings_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint32_t> order_;  // row numbers, sorted by destination; 0, 1, 2, … where there is one
  std::vector<std::uint32_t> offsets_;
  bool end_sent_ = false;
  std::uint64_t rejected_ = 0;  // not taken since the job failed
};

}  // namespace weir
