// Reader: a host's thread takes the results of a table with connector 'host' when it likes.
//
//   shard: sink ═ ring of batches ═► Reader::next()  …use…  Reader::release()        a credit goes back
//
// A reader that does not come holds all credits: the sink stops, and with it the job, up to the writers. Where a
// callback serves, HostTable::write gets each batch on the shard's thread without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/io/feed.h"
#include "weir/io/row_structs.h"

namespace weir {

/// Thread: one at a time. Allocates: never after it was made. It must not outlive the job.
class Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  /// The next batch, or null where there is none now (see ended()). All its rows count (it has no selection); on an
  /// updating query it has kinds. It is the reader's until release() or the next call of next().
  const Batch* next() noexcept;
  void release() noexcept;
  /// next(), waiting: spins, yields, then sleeps for at most 1 ms a time, until `timeout_ns` are over.
  const Batch* next_wait(std::int64_t timeout_ns) noexcept;
  /// All results have been given: the job's sink has ended and next() has returned its last batch.
  bool ended() const noexcept;
  std::uint64_t rows() const noexcept;  ///< Given so far.

  /// Says how rows become structs for read_structs: each field's column is one of the result's, of a form that holds
  /// all its values; a time is divided by unit_ns, down. Errors: kInvalidArgument, kUnsupported.
  Result<void> set_structs(const StructLayout& layout);
  /// Writes up to `room` rows as structs and returns how many. Bytes between fields are left as they are. NULL becomes
  /// NaN in a float or double field. Errors: kNullNotAllowed for NULL in any other field; the row before it was the
  /// last one. Requires: set_structs.
  Result<std::size_t> read_structs(void* first, std::size_t room) noexcept;

 private:
  friend class Job;
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
