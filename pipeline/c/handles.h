// What the opaque handles of weir/c.h are, and how a call ends: every function of the C interface is a body that gives
// a status, run by `guarded`, which lets no exception out and keeps the thread's last error.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "engine/host_wait.h"
#include "weir/c.h"
#include "weir/core/clock.h"
#include "weir/io/arrow.h"
#include "weir/pipeline/function_catalogue.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/reader.h"
#include "weir/pipeline/writer.h"

struct weir_setup {
  weir::JobOptions options;
  /// options.functions. A job keeps what its SQL calls, so that more may be added afterwards.
  std::shared_ptr<weir::FunctionCatalogue> functions = std::make_shared<weir::FunctionCatalogue>();
  struct Callback {
    weir_result_fn function = nullptr;
    void* user = nullptr;
  };
  std::map<std::string, Callback> callbacks;
};

namespace weir::c {

/// A job and what its handles share. Freed with the last of them.
struct JobState {
  ~JobState();
  /// The job ends for a reason of the host's. Thread: any.
  void fail(Error error);
  /// What the run came to: the host's own failure before the job's.
  std::int32_t outcome();

  std::map<std::string, Schema> results;  ///< Columns of the tables that are written to.
  JobOptions options;
  std::unique_ptr<Job> job;
  bool started = false;  ///< Its threads.
  std::string ledger;    ///< What weir_job_ledger gave last.
  std::mutex failure_mutex;
  std::optional<Error> failure;
};

/// Keeps the error as the thread's last one; returns its status.
std::int32_t failed(const Error& error) noexcept;
/// The same for a pointer that must not be null.
std::int32_t missing(std::string_view what) noexcept;

template <class Body>
std::int32_t guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return failed(Error(ErrorCode::kOutOfMemory, "memory ran out"));
  } catch (...) {
    return failed(Error(ErrorCode::kUserFunction, "a function of the host threw an exception"));
  }
}

/// A point in time that a call waits for at most; negative: none. The system's clock: it is the host that waits.
class Deadline {
 public:
  explicit Deadline(std::int64_t timeout_ns) noexcept
      : bounded_(timeout_ns >= 0), end_ns_(bounded_ ? deadline_ns(clock_.now_ns(), timeout_ns) : 0) {}
  bool over() noexcept { return bounded_ && clock_.now_ns() >= end_ns_; }
  std::int64_t left_ns() noexcept {
    return bounded_ ? std::max<std::int64_t>(0, end_ns_ - clock_.now_ns()) : std::numeric_limits<std::int64_t>::max();
  }

 private:
  SystemClock clock_;
  bool bounded_;
  std::int64_t end_ns_;
};

/// Copies as much of the caller's struct as it has over one with all defaults. False where it is newer than this
/// library and says something that this library does not know.
template <class Struct>
bool take_struct(const Struct* given, Struct* out) noexcept {
  if (given == nullptr) return true;
  const std::size_t size = given->size;
  if (size < sizeof(std::size_t)) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::size_t i = sizeof(Struct); i < size; ++i)
    if (bytes[i] != 0) return false;
  std::memcpy(out, given, std::min(size, sizeof(Struct)));
  out->size = sizeof(Struct);
  return true;
}

/// Writes the defaults over the caller's struct, as long as it is.
template <class Struct>
void give_struct(const Struct& defaults, Struct* out, std::size_t size) noexcept {
  if (out == nullptr || size < sizeof(std::size_t)) return;
  std::memset(static_cast<void*>(out), 0, size);
  std::memcpy(static_cast<void*>(out), &defaults, std::min(size, sizeof(Struct)));
  std::memcpy(static_cast<void*>(out), &size, sizeof(size));
}

/// The error where take_struct gave false.
std::int32_t too_new(const char* what);

/// What structs of the C interface say, as a layout. Errors: kInvalidArgument.
Result<StructLayout> struct_layout(std::size_t stride, const weir_field* fields, std::size_t count);

/// For functions that make a handle: null where the body failed.
template <class Handle, class Body>
Handle* guarded_new(const Body& body) noexcept {
  std::unique_ptr<Handle> made;
  const std::int32_t status = guarded([&] { return body(made); });
  return status == WEIR_OK ? made.release() : nullptr;
}

}  // namespace weir::c

struct weir_job {
  std::shared_ptr<weir::c::JobState> state;
};

struct weir_writer {
  std::shared_ptr<weir::c::JobState> state;
  weir::Writer writer;
};

struct weir_reader {
  std::shared_ptr<weir::c::JobState> state;
  std::shared_ptr<weir::Reader> reader;  ///< Shared with a stream that was made of it.
  const weir::Schema* schema = nullptr;  ///< In state->results.
};
