// The C interface: versions, errors, and what a job is set up with (weir/c.h).
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "c/handles.h"

namespace {

thread_local std::string last_error;  // weir_last_error: of the thread, as errno is
thread_local std::uint32_t last_code = 0;

constexpr std::uint32_t kReaderBatchesMax = 1024;

weir_options default_options() noexcept {
  const weir::JobOptions defaults;
  weir_options options = {};
  options.size = sizeof(options);
  options.shards = defaults.shards;
  options.mode = WEIR_MODE_THREADS;
  options.idle = WEIR_IDLE_BACK_OFF;
  options.batch_rows = defaults.batch_rows;
  options.ring_batches = defaults.ring_batches;
  options.groups_max = defaults.groups_max;
  options.slices_max = defaults.slices_max;
  options.state_bytes_max = defaults.state_bytes_max;
  return options;
}

weir_feed default_feed() noexcept {
  const weir::FeedOptions defaults;
  weir_feed feed = {};
  feed.size = sizeof(feed);
  feed.writers = 1;
  feed.rows_max = defaults.rows_max;
  return feed;
}

std::int32_t set_options(const weir_options& given, weir::JobOptions& out) {
  if (given.mode > WEIR_MODE_INLINE)
    return weir::c::failed(weir::Error(weir::ErrorCode::kInvalidArgument, "weir_options.mode is none of WEIR_MODE_…"));
  if (given.idle > WEIR_IDLE_PARK)
    return weir::c::failed(weir::Error(weir::ErrorCode::kInvalidArgument, "weir_options.idle is none of WEIR_IDLE_…"));
  out.shards = given.shards;
  out.threads = given.mode == WEIR_MODE_THREADS;
  out.inline_append = given.mode == WEIR_MODE_INLINE;
  out.idle = static_cast<weir::IdleKind>(given.idle);
  out.pin = given.pin != 0;
  if (given.cpus != nullptr) out.cpus.assign(given.cpus, given.cpus + given.cpu_count);
  out.batch_rows = given.batch_rows;
  out.ring_batches = given.ring_batches;
  out.groups_max = given.groups_max;
  out.slices_max = given.slices_max;
  out.state_bytes_max = static_cast<std::size_t>(given.state_bytes_max);
  out.malformed_max = given.malformed_max;
  out.fail_on_drop = given.fail_on_drop != 0;
  return WEIR_OK;
}

}  // namespace

namespace weir::c {

std::int32_t failed(const Error& error) noexcept {
  last_code = static_cast<std::uint32_t>(error.code());
  try {
    last_error = error.to_string();
  } catch (...) {
    last_error.clear();  // the code stands
  }
  return -static_cast<std::int32_t>(error.code());
}

std::int32_t missing(std::string_view what) noexcept {
  return guarded([&] { return failed(Error(ErrorCode::kInvalidArgument, std::string(what) + " is NULL")); });
}

std::int32_t too_new(const char* what) {
  return failed(Error(ErrorCode::kInvalidArgument,
                      std::string(what) + ".size is wrong, or the struct says what this library does not know")
                    .with_hint(std::string("fill it with ") + what + "_init first"));
}

Result<StructLayout> struct_layout(std::size_t stride, const weir_field* fields, std::size_t count) {
  StructLayout layout;
  layout.stride = stride;
  if (stride == 0 || (fields == nullptr && count != 0))
    return Error(ErrorCode::kInvalidArgument, "structs have no bytes or no fields");
  for (const weir_field& field : std::span(fields, count)) {
    if (field.column == nullptr || field.form > WEIR_DOUBLE)
      return Error(ErrorCode::kInvalidArgument, "a field has no column, or a form that is none of WEIR_INT8 …");
    layout.fields.push_back({field.column, field.offset, static_cast<FieldForm>(field.form), field.unit_ns});
  }
  return layout;
}

}  // namespace weir::c

using weir::c::failed;
using weir::c::give_struct;
using weir::c::guarded;
using weir::c::guarded_new;
using weir::c::missing;
using weir::c::take_struct;
using weir::c::too_new;

static_assert(static_cast<int>(weir::FieldForm::kDouble) == WEIR_DOUBLE, "forms of fields are numbered as in c.h");
static_assert(static_cast<int>(weir::IdleKind::kPark) == WEIR_IDLE_PARK, "idle strategies are numbered as in c.h");

uint32_t weir_c_abi(void) {
  return WEIR_C_ABI;
}
const char* weir_version(void) {
  return WEIR_VERSION;
}
const char* weir_last_error(void) {
  return last_error.c_str();
}
uint32_t weir_last_error_code(void) {
  return last_code;
}

void weir_options_init(weir_options* options, size_t size) {
  give_struct(default_options(), options, size);
}
void weir_feed_init(weir_feed* feed, size_t size) {
  give_struct(default_feed(), feed, size);
}

weir_setup* weir_setup_new(const weir_options* options) {
  return guarded_new<weir_setup>([&](std::unique_ptr<weir_setup>& out) {
    weir_options given = default_options();
    if (!take_struct(options, &given)) return too_new("weir_options");
    out = std::make_unique<weir_setup>();
    out->options.functions = out->functions;
    return set_options(given, out->options);
  });
}

void weir_setup_free(weir_setup* setup) {
  delete setup;
}

int32_t weir_setup_structs(weir_setup* setup, const char* table, size_t stride, const weir_field* fields,
                           size_t count) {
  if (setup == nullptr || table == nullptr) return missing("setup or table");
  return guarded([&] {
    auto layout = weir::c::struct_layout(stride, fields, count);
    if (!layout) return failed(layout.error());
    setup->options.host_tables[table].structs = std::move(*layout);
    return int32_t{WEIR_OK};
  });
}

int32_t weir_setup_writers(weir_setup* setup, const char* table, const weir_feed* feed) {
  if (setup == nullptr || table == nullptr) return missing("setup or table");
  return guarded([&] {
    weir_feed given = default_feed();
    if (!take_struct(feed, &given)) return too_new("weir_feed");
    weir::FeedOptions& out = setup->options.host_tables[table].feed;
    out.writers = given.writers;
    out.order = given.shared != 0 ? weir::WriterOrder::kShared : weir::WriterOrder::kOwn;
    out.rows_max = given.rows_max;
    return int32_t{WEIR_OK};
  });
}

int32_t weir_setup_arrow(weir_setup* setup, const char* table, struct ArrowArrayStream* stream) {
  if (setup == nullptr || table == nullptr || stream == nullptr) return missing("setup, table or stream");
  return guarded([&] {
    setup->options.host_tables[table].arrow.push_back(stream);
    return int32_t{WEIR_OK};
  });
}

int32_t weir_setup_reader(weir_setup* setup, const char* table, uint32_t batches) {
  if (setup == nullptr || table == nullptr) return missing("setup or table");
  return guarded([&] {
    if (batches == 0 || batches > kReaderBatchesMax)
      return failed(weir::Error(weir::ErrorCode::kInvalidArgument, "batches of a reader are 1 to 1024"));
    setup->options.host_tables[table].results.batches = batches;
    return int32_t{WEIR_OK};
  });
}

int32_t weir_setup_callback(weir_setup* setup, const char* table, weir_result_fn function, void* user) {
  if (setup == nullptr || table == nullptr || function == nullptr) return missing("setup, table or function");
  return guarded([&] {
    setup->callbacks[table] = {function, user};
    return int32_t{WEIR_OK};
  });
}
