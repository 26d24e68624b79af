// Taking rows and partials into slices. See window_aggregate.h.
#include "operators/window_aggregate.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "operators/count_window.h"
#include "operators/session_aggregate.h"
#include "operators/window_update.h"

namespace weir {
namespace {

// Of a batch a slice: where slices have fewer, what a look-up costs a slice outweighs what a dense table saves a row.
constexpr std::size_t kSmallSliceRows = 512;
// Of a slice: with fewer, adding what dense keys allow without their groups saves nothing.
constexpr std::uint32_t kManyRows = 64;

Result<void> check_keys(const WindowAggregateOptions& options) {
  for (const std::uint32_t key : options.keys) {
    if (key >= options.input.size())
      return Error(ErrorCode::kInvalidArgument, "a key names a column that the input does not have");
    const Field& field = options.input.fields[key];
    if (field.type.physical() == Physical::kNested || field.type.id == TypeId::kNull)
      return Error(ErrorCode::kSqlUnsupported,
                   "GROUP BY " + field.name + ": keys of type " + field.type.to_string() + " are not supported yet");
  }
  return {};
}

std::vector<Field> key_fields(const WindowAggregateOptions& options) {
  std::vector<Field> fields;
  for (std::size_t i = 0; i < options.keys.size(); ++i) {
    Field field = options.input.fields[options.keys[i]];
    if (i < options.key_names.size()) field.name = options.key_names[i];
    fields.push_back(std::move(field));
  }
  return fields;
}

Type not_null(Type type) {
  type.nullable = false;
  return type;
}

Result<AggregateLayout> make_layout(const WindowAggregateOptions& options) {
  const int time_column = options.window.has_value() ? static_cast<int>(options.window->time_column) : -1;
  return AggregateLayout::make(options.input, options.aggregates, !options.keys.empty(), time_column);
}

SharedWindows::Setup shared_setup(WindowAggregate::Parts& parts) {
  return {parts.math, &parts.layout, &parts.keys, &parts.arena, parts.options.groups_max};
}

GroupTable::Setup slice_setup(WindowAggregate::Parts& parts, std::optional<SharedWindows>& shared) {
  GroupTable::Setup setup{&parts.keys, &parts.layout, &parts.arena, parts.options.groups_max};
  if (!shared.has_value()) return setup;
  setup.numbers = shared->numbers();
  setup.directory = shared->directory();
  setup.plane_slices = shared->plane_slices();
  setup.dense_range_free = 1024;  // a window walks through the whole range of each of its slices
  return setup;
}

WindowMath math_of(const WindowAggregateOptions& options) {
  WindowSpec one;  // without windows all rows are in one slice, and times are not looked at
  one.size_ns = std::int64_t{1} << 60;
  one.slide_ns = one.size_ns;
  return WindowMath(options.window.value_or(one));
}

}  // namespace

Result<Schema> partial_schema(const WindowAggregateOptions& options) {
  WEIR_TRY(check_keys(options));
  WEIR_ASSIGN(const AggregateLayout layout, make_layout(options));
  Schema schema;
  schema.fields = key_fields(options);
  schema.fields.push_back({"slice_start", not_null(Type::bigint())});
  schema.fields.push_back({"window_end_min", not_null(Type::bigint())});
  for (Field& field : layout.partial_fields()) schema.fields.push_back(std::move(field));
  return schema;
}

Result<Schema> result_schema(const WindowAggregateOptions& options) {
  WEIR_TRY(check_keys(options));
  WEIR_ASSIGN(const AggregateLayout layout, make_layout(options));
  Schema schema;
  schema.fields = key_fields(options);
  if (options.window.has_value()) {
    const Type time = options.input.fields[options.window->time_column].type;
    schema.fields.push_back({"window_start", not_null(Type::timestamp(3))});
    schema.fields.push_back({"window_end", not_null(Type::timestamp(3))});
    schema.fields.push_back({"window_time", not_null(time)});
  }
  for (const AggregateResult& result : layout.results()) schema.fields.push_back({result.name, result.type});
  return schema;
}

Result<std::unique_ptr<WindowAggregateOperator>> WindowAggregateOperator::create(
    FragmentContext& context, const WindowAggregateOptions& options) {
  if (options.window.has_value() && options.window->kind == WindowKind::kSession)
    return make_session_aggregate(context, options);
  if (options.window.has_value() && options.window->kind == WindowKind::kCount)
    return make_count_window(context, options);
  if (options.window.has_value()) {
    WEIR_TRY(check_window(*options.window));
    if (options.window->time_column >= options.input.size() ||
        !options.input.fields[options.window->time_column].type.is_timestamp())
      return Error(ErrorCode::kInvalidArgument, "the time column of a window is not a timestamp of its input");
  }
  if (options.groups_max == 0 || options.groups_max > (1u << 30))
    return Error(ErrorCode::kInvalidArgument, "groups_max must be 1 to 2^30");
  if (options.slices_max == 0 || options.slices_max > (1u << 20))
    return Error(ErrorCode::kInvalidArgument, "slices_max must be 1 to 2^20");
  WEIR_ASSIGN(AggregateLayout layout, make_layout(options));
  WEIR_ASSIGN(Schema partial, partial_schema(options));
  WEIR_ASSIGN(Schema result, result_schema(options));
  WEIR_ASSIGN(StateArena arena, StateArena::create(options.state_bytes_max));
  std::vector<Type> types;
  for (const std::uint32_t key : options.keys) types.push_back(options.input.fields[key].type);
  WindowAggregate::Parts parts{options,
                               options.mode == AggregateMode::kLocal ? partial : std::move(result),
                               partial,
                               std::move(layout),
                               KeyLayout::make(types),
                               std::move(arena),
                               math_of(options)};
  if (options.emit.updates()) return WindowUpdate::make(context, std::move(parts));
  return std::unique_ptr<WindowAggregateOperator>(std::make_unique<WindowAggregate>(context, std::move(parts)));
}

WindowAggregate::WindowAggregate(FragmentContext& context, Parts parts)
    : context_(context),
      parts_(std::move(parts)),
      name_(std::string("window aggregate ") + std::string(aggregate_mode_name(parts_.options.mode))),
      capacity_(context.batch_rows),
      shared_(sharing() ? std::optional<SharedWindows>(std::in_place, shared_setup(parts_)) : std::nullopt),
      store_(windowed() ? parts_.options.slices_max : 1, slice_setup(parts_, shared_)),
      assigner_(parts_.math, capacity_),
      keys_(parts_.keys, capacity_),
      accumulator_(parts_.layout, capacity_),
      probe_(capacity_),
      groups_(std::make_unique<std::uint32_t[]>(capacity_)),
      row_numbers_(std::make_unique<std::uint32_t[]>(capacity_)),
      output_(parts_.output, capacity_) {
  for (const Field& field : parts_.output.fields) gives_strings_ |= field.type.physical() == Physical::kString;
  std::iota(row_numbers_.get(), row_numbers_.get() + capacity_, 0u);
  for (std::uint32_t i = 0; i < parts_.options.keys.size(); ++i) first_columns_.push_back(i);
  if (windowed() && parts_.options.keys.empty()) {
    bounds_ = std::make_unique<std::uint32_t[]>(std::size_t{capacity_} + 1);
    states_ = std::make_unique<std::byte*[]>(capacity_);
  }
  key_columns_ = merging() ? first_columns_ : parts_.options.keys;
  if (sharing() && shared_->numbers() != nullptr) numbers_ = std::make_unique<std::uint32_t[]>(capacity_);
  const std::uint32_t staged = sharing() ? std::min(shared_->stage_rows_max(), capacity_) : 0;
  if (staged != 0) stage_.emplace(staged, shared_->layout().state_bytes());
}

WindowAggregate::~WindowAggregate() = default;

std::size_t WindowAggregate::working_bytes() const noexcept {
  const std::size_t numbers = 2 + (numbers_ != nullptr ? 1 : 0) + (bounds_ != nullptr ? 3 : 0);  // states_ are two
  return sizeof *this + store_.memory_bytes() + assigner_.memory_bytes() + keys_.memory_bytes() +
         accumulator_.memory_bytes() + probe_.memory_bytes() + output_.bytes() +
         numbers * sizeof(std::uint32_t) * capacity_ + (shared_.has_value() ? shared_->memory_bytes() : 0) +
         (stage_.has_value() ? stage_->memory_bytes() : 0);
}

StateCost WindowAggregate::state_cost() const {
  const std::size_t key = parts_.keys.words * sizeof(std::uint64_t);
  const std::size_t slots = parts_.keys.words == 0 ? 0 : 4 * sizeof(std::uint32_t);
  return {key + slots + parts_.layout.state_bytes() + parts_.layout.heap_bytes_max(),
          sizeof(Slice) + StateArena::kBlockMin, working_bytes(), parts_.layout.unbounded()};
}

bool WindowAggregate::crowded() const noexcept {
  if (!windowed()) return false;
  return store_.open_count() >= (parts_.options.slices_max + 1) / 2 ||
         parts_.arena.bytes_in_use() > parts_.arena.bytes_max() / 2 ||
         (shared_.has_value() && shared_->keys().key_count() > parts_.options.groups_max / 2);
}

void WindowAggregate::fail(Error error) {
  failed_ = true;
  context_.fail(std::move(error).with_context(name_));
}

void WindowAggregate::push(Batch& batch) {
  WEIR_DCHECK(accepts());
  const std::uint32_t count = batch.selected_count();
  ledger_.rows_in += count;
  const std::uint64_t settled = ledger_.rows_absorbed + ledger_.dropped_total();
  Result<void> taken = failed_ ? Result<void>() : take(batch);
  if (!taken) fail(std::move(taken).error());
  rejected_ += count - (ledger_.rows_absorbed + ledger_.dropped_total() - settled);
  rows_taken_ += batch.row_count();
}

Result<std::span<const SliceRun>> WindowAggregate::split(const Batch& batch) {
  if (merging()) {
    const auto keys = static_cast<std::uint32_t>(key_columns_.size());
    return assigner_.assign_partials(batch, batch.column(keys), batch.column(keys + 1));
  }
  return assigner_.assign(batch, batch.column(parts_.options.window->time_column), parts_.options.decide_late,
                          watermark_);
}

Result<void> WindowAggregate::take(const Batch& batch) {
  const simd::Rows all{batch.selected_count(), batch.selection(), nullptr};
  if (all.count == 0) return {};
  ingest_min_ = batch.header().ingest_time_min;
  ingest_max_ = batch.header().ingest_time_max;
  const SliceRun whole{0, 0, all};
  std::span<const SliceRun> runs(&whole, 1);
  if (windowed()) {
    WEIR_ASSIGN(runs, split(batch));
    if (!assigner_.late_rows().empty()) count_late(batch);
  }
  keys_.begin(batch, key_columns_, all);
  accumulator_.begin(batch, merging() ? static_cast<int>(key_columns_.size()) + 2 : -1);
  if (runs.size() > 1 && bounds_ != nullptr && accumulator_.takes_pieces() && neighbours(runs))
    return absorb_pieces(runs);
  if (sharing()) shared_->make_number_room(store_, all.count);
  const std::uint32_t* numbers = nullptr;
  if (numbers_at_once(runs.size(), all.count)) {
    WEIR_TRY(shared_->numbers()->find_or_insert(keys_, all, numbers_.get(), probe_));
    numbers = numbers_.get();
  }
  for (const SliceRun& run : runs) {
    // Partials of a slice come before the watermark that closes it: the exchange keeps their order.
    WEIR_DCHECK(!merging() || !windowed() || !parts_.math.fired(run.window_end_min, watermark_));
    WEIR_ASSIGN(Slice * slice, store_.find_or_open(run.start, run.window_end_min));
    WEIR_TRY(absorb(slice->table, run.rows, numbers));
    ledger_.rows_absorbed += run.rows.count;
  }
  return {};
}

/// Whether each run begins where the one before it ends, without a gap.
bool WindowAggregate::neighbours(std::span<const SliceRun> runs) noexcept {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i].rows.contiguous()) return false;
    if (i != 0 && runs[i].rows[0] != runs[i - 1].rows.end()) return false;
  }
  return true;
}

/// Rows without keys, a piece of the batch for each slice: an accumulator after another over all of them.
Result<void> WindowAggregate::absorb_pieces(std::span<const SliceRun> runs) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    WEIR_ASSIGN(Slice * slice, store_.find_or_open(runs[i].start, runs[i].window_end_min));
    WEIR_TRY(slice->table.find_or_insert(keys_, runs[i].rows, groups_.get(), probe_));
    states_[i] = slice->table.state(0);
    bounds_[i] = runs[i].rows[0];
  }
  bounds_[runs.size()] = runs.back().rows.end();
  WEIR_TRY(accumulator_.add_pieces({bounds_.get(), runs.size() + 1}, row_numbers_.get(), states_.get()));
  ledger_.rows_absorbed += bounds_[runs.size()] - bounds_[0];
  return {};
}

/// Whether the keys of a batch are looked up together: of many small slices. Late rows have no slice that would forget
/// their keys again.
bool WindowAggregate::numbers_at_once(std::size_t runs, std::uint32_t rows) const noexcept {
  return numbers_ != nullptr && assigner_.late_rows().empty() && rows < runs * kSmallSliceRows;
}

Result<void> WindowAggregate::absorb(GroupTable& table, const simd::Rows& all, const std::uint32_t* numbers) {
  if (numbers != nullptr && table.takes_numbers()) {
    WEIR_ASSIGN(const std::uint32_t* groups, table.find_numbers(numbers, all, groups_.get()));
    return accumulator_.add(groups, all, {table.state_rows(), &table.strings(), &parts_.arena, &table.heap()});
  }
  const Vector* sum = accumulator_.fused_vector();
  const std::size_t sum_offset =
      sum == nullptr ? 0 : parts_.layout.accumulators()[static_cast<std::size_t>(parts_.layout.fused_sum())].offset;
  const bool only_first = accumulator_.only_first();
  simd::Rows rows = all;
  if (only_first && !accumulator_.partials() && sum != nullptr && rows.selection == nullptr) {
    const std::uint32_t added = table.add_dense_head(keys_, rows.count, *sum, sum_offset);
    if (added == rows.count) return {};
    if (added != 0) rows = {rows.count - added, row_numbers_.get() + added, nullptr};
  }
  // The groups of a few rows are looked up once, for all that is added.
  const bool adds_first = only_first || rows.count >= kManyRows;
  const bool first_done = adds_first && !accumulator_.partials() && table.add_dense(keys_, rows, sum, sum_offset);
  if (first_done && only_first) return {};
  WEIR_TRY(table.find_or_insert(keys_, rows, groups_.get(), probe_));
  return accumulator_.add(groups_.get(), rows, {table.state_rows(), &table.strings(), &parts_.arena, &table.heap()},
                          first_done);
}

void WindowAggregate::count_late(const Batch& batch) {
  const Vector& times = batch.column(parts_.options.window->time_column);
  for (const std::uint32_t row : assigner_.late_rows()) {
    const LateRow sample{times.values<std::int64_t>()[row], batch.header().row_watermarks[row], batch.header().input,
                         rows_taken_ + row};
    if (late_.count++ == 0) late_.first = sample;
    late_.last = sample;
  }
  ledger_.dropped[static_cast<std::size_t>(DropReason::kLate)] += assigner_.late_rows().size();
}

}  // namespace weir
