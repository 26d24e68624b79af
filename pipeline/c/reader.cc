// The C interface: readers, and readers as Arrow streams (weir/c.h).
#include <algorithm>
#include <cerrno>
#include <utility>

#include "c/handles.h"

namespace weir::c {
namespace {

constexpr std::int64_t kLookNs = 20'000'000;  // between two looks at whether the job has ended

/// The next batch as an array of the caller's own, or why there is none.
std::int32_t next_array(JobState& state, Reader& reader, const Schema& schema, std::int64_t timeout_ns,
                        ArrowArray* out) {
  if (state.options.threads && !state.started)
    return failed(Error(ErrorCode::kInvalidArgument, "the job was not started").with_hint("call weir_job_start first"));
  Deadline deadline(timeout_ns);
  for (;;) {
    const bool over = state.job->wait_for(0);  // before the look, so that nothing comes between the two
    const Batch* batch =
        state.options.threads && !over ? reader.next_wait(std::min(kLookNs, deadline.left_ns())) : reader.next();
    if (batch != nullptr) {
      auto exported = export_batch(*batch, schema, true, ArrowMemory::kCopied, out);
      reader.release();
      return exported ? std::int32_t{WEIR_OK} : failed(exported.error());
    }
    if (over || reader.ended()) {
      if (!state.job->wait_for(0)) return WEIR_END;
      const std::int32_t outcome = state.outcome();
      return outcome == WEIR_OK ? std::int32_t{WEIR_END} : outcome;
    }
    if (deadline.over()) return WEIR_NOTHING;
    if (!state.options.threads) state.job->poll();
  }
}

/// What a stream of results stands on.
struct ResultStream {
  std::shared_ptr<JobState> state;
  std::shared_ptr<Reader> reader;
  const Schema* schema;
  std::string error;

  static ResultStream& of(ArrowArrayStream* stream) noexcept {
    return *static_cast<ResultStream*>(stream->private_data);
  }
  int failed_call() noexcept {
    try {
      error = weir_last_error();
    } catch (...) {
      error.clear();
    }
    return EIO;
  }
};

int stream_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  ResultStream& self = ResultStream::of(stream);
  const std::int32_t status = guarded([&] {
    auto done = export_schema(*self.schema, true, out);
    return done ? std::int32_t{WEIR_OK} : failed(done.error());
  });
  return status == WEIR_OK ? 0 : self.failed_call();
}

int stream_next(ArrowArrayStream* stream, ArrowArray* out) {
  ResultStream& self = ResultStream::of(stream);
  *out = {};
  const std::int32_t status = guarded([&] { return next_array(*self.state, *self.reader, *self.schema, -1, out); });
  return status >= WEIR_OK ? 0 : self.failed_call();  // at the end the array stays released
}

const char* stream_error(ArrowArrayStream* stream) {
  return ResultStream::of(stream).error.c_str();
}

void release_stream(ArrowArrayStream* stream) {
  delete &ResultStream::of(stream);
  stream->release = nullptr;
}

}  // namespace
}  // namespace weir::c

using weir::c::failed;
using weir::c::guarded;
using weir::c::guarded_new;
using weir::c::missing;

weir_reader* weir_job_reader(weir_job* job, const char* table) {
  if (job == nullptr || table == nullptr) return missing("job or table"), nullptr;
  return guarded_new<weir_reader>([&](std::unique_ptr<weir_reader>& out) {
    auto reader = job->state->job->reader(table);
    if (!reader) return failed(reader.error());
    out = std::make_unique<weir_reader>(
        weir_reader{job->state, std::make_shared<weir::Reader>(std::move(*reader)), &job->state->results.at(table)});
    return int32_t{WEIR_OK};
  });
}

void weir_reader_free(weir_reader* reader) {
  delete reader;
}

int32_t weir_reader_schema(weir_reader* reader, struct ArrowSchema* schema) {
  if (reader == nullptr || schema == nullptr) return missing("reader or schema");
  return guarded([&] {
    auto done = weir::export_schema(*reader->schema, true, schema);
    return done ? int32_t{WEIR_OK} : failed(done.error());
  });
}

int32_t weir_reader_next(weir_reader* reader, int64_t timeout_ns, struct ArrowArray* array) {
  if (reader == nullptr || array == nullptr) return missing("reader or array");
  return guarded([&] {
    *array = {};
    return weir::c::next_array(*reader->state, *reader->reader, *reader->schema, timeout_ns, array);
  });
}

int32_t weir_reader_structs(weir_reader* reader, size_t stride, const weir_field* fields, size_t count) {
  if (reader == nullptr) return missing("reader");
  return guarded([&] {
    auto layout = weir::c::struct_layout(stride, fields, count);
    if (!layout) return failed(layout.error());
    auto done = reader->reader->set_structs(*layout);
    return done ? int32_t{WEIR_OK} : failed(done.error());
  });
}

int32_t weir_reader_read(weir_reader* reader, void* structs, size_t room, size_t* rows) {
  if (rows != nullptr) *rows = 0;
  if (reader == nullptr || (structs == nullptr && room != 0)) return missing("reader or structs");
  return guarded([&] {
    auto done = reader->reader->read_structs(structs, room);
    if (!done) return failed(done.error());
    if (rows != nullptr) *rows = *done;
    return int32_t{WEIR_OK};
  });
}

int32_t weir_reader_stream(weir_reader* reader, struct ArrowArrayStream* stream) {
  if (reader == nullptr || stream == nullptr) return missing("reader or stream");
  return guarded([&] {
    auto self = std::make_unique<weir::c::ResultStream>(
        weir::c::ResultStream{reader->state, reader->reader, reader->schema, {}});
    *stream = {};
    stream->get_schema = weir::c::stream_schema;
    stream->get_next = weir::c::stream_next;
    stream->get_last_error = weir::c::stream_error;
    stream->release = weir::c::release_stream;
    stream->private_data = self.release();
    return int32_t{WEIR_OK};
  });
}
