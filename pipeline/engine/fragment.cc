// Driving a chain of operators from readers (fragment.h).
#include "engine/fragment.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "operators/civil_time.h"
#include "operators/sink.h"

namespace weir {
namespace {

/// Counts of one name are one count of their table, however many inputs and shards it has.
void add_counts(const std::string& table, const std::vector<IoCount>& counts, JobLedger& ledger) {
  for (const IoCount& count : counts) {
    const auto known = std::find_if(ledger.counts.begin(), ledger.counts.end(), [&](const TableCount& other) {
      return other.table == table && other.name == count.name;
    });
    if (known == ledger.counts.end())
      ledger.counts.push_back({table, std::string(count.name), count.count});
    else
      known->count += count.count;
  }
}

constexpr std::size_t kMalformedSamplesMax = 5;
constexpr std::int64_t kWaitSliceNs = 20'000'000;
constexpr std::uint32_t kIdleRunsPerLook = 16;  // until a fragment without work looks what its sinks wait for
constexpr int kBatchesPerRun = 4;               // bounds a turn, and so how late the others of the shard are

}  // namespace

void JobState::fail(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.has_value()) failure_.emplace(std::move(error));
  }
  stopping.store(true, std::memory_order_release);
  close_feeds();
  changed_.notify_all();
}

void JobState::close_feeds() noexcept {
  for (const auto& feed : feeds_) feed->close();
}

void JobState::fragment_done() {
  {
    const std::lock_guard lock(mutex_);
    fragments_left_.fetch_sub(1, std::memory_order_acq_rel);  // pairs with all_done
  }
  if (all_done()) close_feeds();
  changed_.notify_all();
}

bool JobState::wait(std::int64_t nanoseconds) {
  // In slices, since a signal handler that stops the job cannot notify.
  const auto over = [this] { return all_done() || stopping.load(std::memory_order_acquire); };
  std::unique_lock lock(mutex_);
  for (std::int64_t left = nanoseconds; left > 0 && !over(); left -= kWaitSliceNs) {
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min(left, kWaitSliceNs)), over);
  }
  return over();
}

std::optional<Error> JobState::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Fragment::Fragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace)
    : state_(state), name_(std::move(name)), context_(std::move(context)), trace_(trace) {
  state_.fragment_made();
}

Fragment::~Fragment() = default;

void Fragment::append(std::unique_ptr<Operator> op) {
  if (!operators_.empty()) operators_.back()->set_next(op.get());
  if (const auto* sink = dynamic_cast<const SinkOperator*>(op.get()); sink != nullptr)
    sinks_.insert(sinks_.begin(), sink);
  operators_.push_back(std::move(op));
}

void Fragment::append_to_branch(std::unique_ptr<Operator> op) {
  auto& branch = branches_.back();
  if (!branch.empty()) branch.back()->set_next(op.get());
  if (const auto* sink = dynamic_cast<const SinkOperator*>(op.get()); sink != nullptr) sinks_.push_back(sink);
  branch.push_back(std::move(op));
}

std::size_t Fragment::run() {
  if (done_ || state_.stopping.load(std::memory_order_acquire)) return 0;
  const TraceSpan span(trace_, "fragment");
  std::size_t work = 0;
  const auto resume = [&work](auto& operators) {
    for (auto op = operators.rbegin(); op != operators.rend(); ++op) work += (*op)->resume();
  };
  rests_ = settled_ && rests_when_settled_;
  if (!rests_) {
    for (auto& branch : branches_) resume(branch);
    resume(operators_);
  }
  settled_ = false;
  if (!context_.failure.has_value()) work += feed();
  if (context_.failure.has_value()) {
    state_.fail(std::move(*context_.failure).with_context("in " + name_));
    return 0;
  }
  bool ended = feed_ended() && head().finished();
  for (const auto& branch : branches_) ended = ended && branch.front()->finished();
  if (work != 0)
    ++unpublished_;
  else if (++idle_runs_ % kIdleRunsPerLook == 0)
    publish_stalled();
  if (unpublished_ >= publish_every_ || ended) {
    unpublished_ = 0;
    publish();
  }
  if (ended) {
    done_ = true;
    state_.fragment_done();
  }
  return work;
}

bool Fragment::all_accept() const noexcept {
  const auto accepts = [](const auto& op) { return op->accepts(); };
  return std::all_of(operators_.begin(), operators_.end(), accepts) &&
         std::all_of(branches_.begin(), branches_.end(),
                     [&](const auto& branch) { return std::all_of(branch.begin(), branch.end(), accepts); });
}

bool Fragment::writes() const noexcept {
  return !side_ && dynamic_cast<const SinkOperator*>(operators_.back().get()) != nullptr;
}

void Fragment::report(JobLedger& ledger) const {
  const auto enter = [&](const std::string& name, const Operator& op) {
    ledger.entries.push_back({context_.shard, name, std::string(op.name()), op.ledger(), op.held_rows()});
  };
  for (const auto& branch : branches_) {
    for (const auto& op : branch) enter(name_ + ", side", *op);
  }
  for (const auto& op : operators_) {
    enter(name_, *op);
    const LateReport* late = nullptr;
    if (const auto* filter = dynamic_cast<const LateFilterOperator*>(op.get())) late = &filter->late();
    if (const auto* window = dynamic_cast<const WindowAggregateOperator*>(op.get())) late = &window->late();
    if (late != nullptr && late->first.has_value()) {
      if (!ledger.late_first.has_value())
        ledger.late_first = LateSample{late->first->event_time, late->first->watermark};
      ledger.late_last = LateSample{late->last->event_time, late->last->watermark};
    }
  }
  for (const SinkOperator* sink : sinks_) {
    if (sink->writer() == nullptr) continue;
    if (const Deliveries counts = sink->writer()->deliveries(); counts.subscribers != 0)
      ledger.deliveries.push_back({sink->table(), counts});
    add_counts(sink->table(), sink->writer()->counts(), ledger);
  }
  if (writes()) ledger.rows_written += operators_.back()->ledger().rows_out;
}

void Fragment::report_listening(std::map<std::string, std::string>& addresses) const {
  for (const SinkOperator* sink : sinks_) {
    if (std::string address = sink->listening(); !address.empty()) addresses[sink->table()] = std::move(address);
  }
}

void Fragment::publish_stalled() {
  const char* stalled = nullptr;
  for (const SinkOperator* sink : sinks_) {
    if (stalled != nullptr || sink->writer() == nullptr) continue;
    stalled = sink->writer()->stalled();
    if (stalled != nullptr) progress_.stalled_table.store(&sink->table(), std::memory_order_relaxed);
  }
  if (stalled == nullptr && (stalled = input_stalled()) != nullptr)
    progress_.stalled_table.store(input_table(), std::memory_order_relaxed);
  progress_.stalled.store(stalled, std::memory_order_release);
}

void Fragment::publish() {
  publish_stalled();
  std::uint64_t late = 0, dropped = 0;
  for (const SinkOperator* sink : sinks_) {
    if (sink->writer() == nullptr) continue;
    const Deliveries counts = sink->writer()->deliveries();
    dropped += counts.dropped + counts.abandoned;
  }
  for (const auto& op : operators_) {
    late += op->ledger().dropped[static_cast<std::size_t>(DropReason::kLate)] + op->ledger().side_output;
    dropped += op->ledger().dropped_total();
  }
  progress_.late.store(late, std::memory_order_relaxed);
  progress_.dropped.store(dropped, std::memory_order_relaxed);
  progress_.rows_out.store(operators_.back()->ledger().rows_out, std::memory_order_relaxed);
}

SourceFragment::SourceFragment(std::string name, FragmentContext context, JobState& state, TraceRecorder* trace,
                               TableSource& source, std::vector<std::uint32_t> inputs, Batch& batch, IoBackend& backend,
                               MalformedPolicy malformed, std::string table)
    : Fragment(std::move(name), std::move(context), state, trace),
      source_(source),
      batch_(batch),
      backend_(backend),
      malformed_(malformed),
      table_(std::move(table)),
      pending_(inputs.size()) {
  for (std::uint32_t number : inputs) inputs_.emplace_back().number = number;
  samples_.reserve(kMalformedSamplesMax);
}

Result<void> SourceFragment::open() {
  opened_ = true;
  for (Input& input : inputs_) {
    const auto index = static_cast<std::size_t>(&input - inputs_.data());
    ReaderCallbacks callbacks;
    callbacks.bad_record = [this, index](const BadRecord& record) { return take_bad_record(record, index); };
    callbacks.lost = [this](LossReason reason, std::uint64_t records) { take_loss(reason, records); };
    callbacks.pause = [this] { return dead_letters_ != nullptr && !context().failure.has_value(); };
    WEIR_ASSIGN(input.reader, source_.open(input.number, backend_, callbacks));
    if (std::string address = input.reader->listening(); !address.empty()) {
      const std::lock_guard lock(listening_mutex_);
      listening_.push_back(std::move(address));
    }
  }
  return {};
}

void SourceFragment::report_listening(std::map<std::string, std::string>& addresses) const {
  Fragment::report_listening(addresses);
  const std::lock_guard lock(listening_mutex_);
  for (const std::string& address : listening_) addresses[table_] = address;
}

void SourceFragment::report(JobLedger& ledger) const {
  const std::uint64_t held =
      (dead_letters_ == nullptr ? 0 : dead_letters_->held()) + (returning_ == nullptr ? 0 : batch_.row_count());
  ledger.entries.push_back({context().shard, name(), "source", ledger_, held});
  ledger.records_read += ledger_.rows_in;
  ledger.lost += ledger_.dropped[static_cast<std::size_t>(DropReason::kKernelDrop)] +
                 ledger_.dropped[static_cast<std::size_t>(DropReason::kSequenceGap)];
  for (const Input& input : inputs_) {
    if (input.reader != nullptr) add_counts(table_, input.reader->counts(), ledger);
  }
  ledger.malformed_samples.insert(ledger.malformed_samples.end(), samples_.begin(), samples_.end());
  for (std::size_t i = 0; watermark_ != nullptr && i < inputs_.size(); ++i) {
    ledger.inputs.push_back({context().shard, table_, source_.input_name(inputs_[i].number),
                             watermark_->input_report(static_cast<std::uint32_t>(i))});
  }
  Fragment::report(ledger);
}

std::string SourceFragment::input_text(int input) const {
  if (input < 0 || static_cast<std::size_t>(input) >= inputs_.size()) return {};
  return source_.input_name(inputs_[static_cast<std::size_t>(input)].number) + " of table " + table_;
}

bool SourceFragment::take_bad_record(const BadRecord& record, std::size_t input) {
  std::uint64_t& malformed = ledger_.dropped[static_cast<std::size_t>(DropReason::kMalformed)];
  ++ledger_.rows_in;
  if (samples_.size() < kMalformedSamplesMax) {
    std::string text = "record " + std::to_string(record.record) + " at byte " + std::to_string(record.byte);
    if (!record.field.empty()) text += ", column " + std::string(record.field);
    samples_.push_back(text + ": " + std::string(record.reason));
  }
  if (dead_letters_ != nullptr) {
    if (dead_letters_->take(record, input)) return !dead_letters_->wants_pause();
    context().fail(
        Error(ErrorCode::kLimitExceeded, "more malformed records at once than the queue of dead letters holds"));
  }
  ++malformed;
  return dead_letters_ == nullptr && (malformed_.ignore || malformed <= malformed_.malformed_max);
}

/// Records that were sent and never came: in and dropped, so that they are in the balance.
void SourceFragment::take_loss(LossReason reason, std::uint64_t records) {
  const bool gap = reason == LossReason::kSequenceGap;
  ledger_.rows_in += records;
  ledger_.dropped[static_cast<std::size_t>(gap ? DropReason::kSequenceGap : DropReason::kKernelDrop)] += records;
  if (!malformed_.fail_at_loss) return;
  context().fail(
      Error(ErrorCode::kLossPolicy, std::to_string(records) + " records of table " + table_ +
                                        (gap ? " are missing in the feed's numbers" : " found no room in the system") +
                                        ", and the job was told to fail at a drop")
          .with_hint(gap ? "look for loss in the network, or run without --fail-on-drop"
                         : "raise receive-buffer-bytes and net.core.rmem_max, or run without "
                           "--fail-on-drop"));
}

std::size_t SourceFragment::push_dead_letters() {
  if (dead_letters_ == nullptr || dead_letters_->empty()) return 0;
  const std::size_t given = dead_letters_->push(*dead_letters_to_);
  ledger_.dead_lettered += given;
  return given;
}

int SourceFragment::next_input() noexcept {
  if (inputs_.size() == 1) return inputs_[0].ended || pending_[0] ? -1 : 0;
  int best = -1;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].ended || pending_[i]) continue;
    if (best < 0 || inputs_[i].watermark < inputs_[static_cast<std::size_t>(best)].watermark)
      best = static_cast<int>(i);
  }
  if (best < 0 || watermark_ == nullptr) return best;
  // An input that is ahead of one that waits for rows is left alone while there is little room for slices.
  const int holder = watermark_->holding_input();
  const bool waits =
      holder >= 0 && pending_[static_cast<std::size_t>(holder)] &&
      inputs_[static_cast<std::size_t>(holder)].watermark < inputs_[static_cast<std::size_t>(best)].watermark;
  return waits && head().crowded() ? -1 : best;
}

std::size_t SourceFragment::feed() {
  if (end_sent_) return 0;
  if (!opened_) {
    if (auto result = open(); !result.has_value()) {
      context().fail(std::move(result).error());
      return 0;
    }
  }
  if (!draining_ && state_.draining.load(std::memory_order_acquire)) {
    draining_ = true;
    for (Input& input : inputs_) input.reader->drain();
  }
  if (returning_ != nullptr && finish_return() == 0) return 0;
  std::size_t work = 0;
  std::fill(pending_.begin(), pending_.end(), std::uint8_t{0});
  work += push_dead_letters();
  if (idle_clocks_) watermark_->blocked(!head().accepts());
  for (int batch = 0; batch < kBatchesPerRun && head().accepts(); ++batch) {
    const int next = next_input();
    if (next < 0 || (dead_letters_ != nullptr && dead_letters_->wants_pause())) break;
    work += read(inputs_[static_cast<std::size_t>(next)]);
    if (context().failure.has_value() || returning_ != nullptr) return work;
    work += push_dead_letters();
  }
  work += tell_ends();
  if (rests_ && work == 0) {
    settled_ = true;
  } else if (!end_sent_ && next_input() < 0) {  // every input pauses
    head().flush();
    if (dead_letters_to_ != nullptr) dead_letters_to_->flush();
    settled_ = !any_ended_ && dead_letters_ == nullptr && all_accept();
  }
  return work;
}

std::size_t SourceFragment::read(Input& input) {
  const auto index = static_cast<std::size_t>(&input - inputs_.data());
  if (input.reader->gives_views()) {
    batch_.reset_rows();
  } else {
    batch_.reset();
  }
  const std::uint64_t records_before = ledger_.rows_in;
  const ReadStatus status = input.reader->read(batch_);
  if (status == ReadStatus::kFailed) {
    context().fail(Error(input.reader->error()));
    return 0;
  }
  const std::uint32_t rows = batch_.row_count();
  if (rows != 0) {
    ledger_.rows_in += rows;
    batch_.header().input = static_cast<std::uint32_t>(index);
    batch_.header().arrival = (std::uint64_t{input.number} << 40) + input.rows;
    input.rows += rows;
    if (watermark_ != nullptr && watermark_->all_idle()) {
      returning_ = &input;
      ++returns_;
      watermark_->begin_return();
    } else {
      push_rows(input);
    }
  }
  const bool promised = returning_ == nullptr && take_promise(input);
  if (status == ReadStatus::kPending) {
    pending_[index] = 1;
    if (rows == 0 && watermark_ != nullptr && head().accepts() &&
        watermark_->input_waits(static_cast<std::uint32_t>(index)))
      return 1;
  }
  if (status == ReadStatus::kEnd) input.ended = any_ended_ = true;
  // Bad records and promises are work too, and kRows without a row: the reader wants to go on at once.
  return static_cast<std::size_t>(ledger_.rows_in - records_before) +
         (status == ReadStatus::kPending && !promised ? 0 : 1);
}

void SourceFragment::push_rows(Input& input) {
  ledger_.rows_out += batch_.row_count();
  head().push(batch_);
  if (watermark_ != nullptr)
    input.watermark = watermark_->input_watermark(static_cast<std::uint32_t>(&input - inputs_.data()));
}

/// A host may say how far an input's time has come without a row that says so. Returns whether it did.
bool SourceFragment::take_promise(Input& input) {
  const Watermark promised = input.reader->promised();
  if (watermark_ == nullptr || promised <= input.watermark) return false;
  input.watermark = promised;
  watermark_->input_promises(static_cast<std::uint32_t>(&input - inputs_.data()), promised);
  return true;
}

/// All inputs were idle and one has rows: they go on once no receiver lets its watermark pass them. Returns the work.
std::size_t SourceFragment::finish_return() {
  const std::optional<Watermark> merged =
      board_ == nullptr ? std::optional(kWatermarkNone) : board_->returned(board_sender_, returns_);
  if (!merged.has_value() || !head().accepts()) return 0;
  watermark_->finish_return(board_zone_ == nullptr ? *merged : instant_of_civil(*board_zone_, *merged));
  Input& input = *std::exchange(returning_, nullptr);
  push_rows(input);
  (void)take_promise(input);
  return 1;
}

std::size_t SourceFragment::tell_ends() {
  if (!any_ended_ && !inputs_.empty()) return 0;
  std::size_t work = 0;
  bool all = true;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Input& input = inputs_[i];
    if (input.ended && !input.end_told && head().accepts()) {
      input.end_told = true;
      ++work;
      if (watermark_ != nullptr) watermark_->input_ended(static_cast<std::uint32_t>(i));
    }
    all = all && input.end_told;
  }
  if (!all || end_sent_) return work;
  if (dead_letters_ != nullptr && (!dead_letters_->empty() || !dead_letters_to_->accepts())) return work;
  if (watermark_ == nullptr) {
    if (!head().accepts()) return work;
    head().control({Control::Kind::kEndOfInput, kWatermarkEnd});
  }
  if (dead_letters_ != nullptr) dead_letters_to_->control({Control::Kind::kEndOfInput, kWatermarkEnd});
  end_sent_ = true;
  return work + 1;
}

const char* SourceFragment::input_stalled() const noexcept {
  for (const Input& input : inputs_) {
    if (input.reader == nullptr || input.ended) continue;
    if (const char* stalled = input.reader->stalled(); stalled != nullptr) return stalled;
  }
  return nullptr;
}

void SourceFragment::publish() {
  Fragment::publish();
  std::uint64_t bytes = 0;
  for (const Input& input : inputs_) bytes += input.reader == nullptr ? 0 : input.reader->bytes();
  progress_.bytes_in.store(bytes, std::memory_order_relaxed);
  progress_.rows_in.store(ledger_.rows_in, std::memory_order_relaxed);
  progress_.malformed.store(ledger_.dropped[static_cast<std::size_t>(DropReason::kMalformed)],
                            std::memory_order_relaxed);
  progress_.dead_lettered.store(ledger_.dead_lettered, std::memory_order_relaxed);
  progress_.dropped.fetch_add(ledger_.dropped[static_cast<std::size_t>(DropReason::kKernelDrop)] +
                                  ledger_.dropped[static_cast<std::size_t>(DropReason::kSequenceGap)],
                              std::memory_order_relaxed);
  if (watermark_ == nullptr) return;
  progress_.watermark.store(watermark_->merged_watermark(), std::memory_order_relaxed);
  progress_.holder.store(watermark_->holding_input(), std::memory_order_relaxed);
  progress_.idle_inputs.store(watermark_->idle_inputs(), std::memory_order_relaxed);
}

}  // namespace weir
