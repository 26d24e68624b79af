// Connector: where a table's rows come from and go to. A connector is a row in a table of functions (connectors/), not
// a class that registers itself.
//
//   TableSource ─ one a table, on the control plane: checks options, says how many inputs there are
//      └► RowReader ─ one an input, on the shard that owns the input: fills batches
//   TableSink
//      └► RowWriter ─ one a shard: takes batches
//
// An input is an ordered stream with a watermark of its own: a file, a listening socket, a generator split. How many
// there are is a property of the table, never of the number of shards, so that late rows are the same whatever the
// shards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/core/batch.h"
#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/io/backend.h"
#include "weir/io/feed.h"
#include "weir/io/format.h"
#include "weir/io/row_structs.h"

struct ArrowArrayStream;

namespace weir {

enum class ReadStatus : std::uint8_t {
  kRows,     // the batch has rows; there may be more at once
  kPending,  // nothing now (the batch may still have rows)
  kEnd,      // the input has ended (the batch may still have rows)
  kFailed,   // see error()
};

struct TableContext;
class TableSink;

/// Makes the sink of a host's table whose results a reader takes.
class HostTaker {
 public:
  virtual ~HostTaker() = default;
  virtual Result<std::unique_ptr<TableSink>> make_sink(const TableContext& context) = 0;
};

/// Rows from the embedding process for a table with connector 'host'. Thread: `read`, `read_structs` and `write` run on
/// shard threads.
struct HostTable {
  std::uint32_t inputs = 1;
  bool parallel = false;  ///< `write` may be called by several shards at the same time.
  /// Fills an empty batch of input `input`: writes into its columns or points them to memory that lives until the next
  /// call.
  std::function<ReadStatus(std::uint32_t input, Batch& batch)> read;
  /// Where structs.stride is set, rows come as structs: `read_structs` is called in place of `read`, once the rows that
  /// it gave before are used up, and names the next ones, any number of them.
  StructLayout structs;
  std::function<ReadStatus(std::uint32_t input, StructRows& rows)> read_structs;
  /// Where not empty, rows come as Arrow streams (weir/io/arrow.h), one an input, which are taken over: each is moved
  /// away when its input is opened and released with the job. They are bounded, and `inputs` is not asked. A stream
  /// that waits holds up its shard. What it points to outlives the job's start.
  std::vector<ArrowArrayStream*> arrow;
  /// Takes a batch of results (through its selection); the batch is valid for the call only.
  std::function<void(std::uint32_t shard, const Batch& batch)> write;
  /// In place of `read`: rows that writers append (Job::writer); `structs` says what their rows look like.
  FeedOptions feed;
  /// In place of `write`: results that a reader takes (Job::reader).
  ResultOptions results;
  /// The job's own, made in Job::create; a host leaves them null.
  std::shared_ptr<HostFeed> fed;
  std::shared_ptr<HostTaker> taken;
};

/// A table as its connector sees it.
struct TableContext {
  std::string table;
  Schema schema;                       ///< Physical columns.
  std::vector<DecodedColumn> columns;  ///< Those wanted; sources only.
  std::map<std::string, std::string> options;
  std::string time_zone = "UTC";
  std::size_t record_bytes_max = kRecordBytesMaxDefault;
  Clock* clock = nullptr;              ///< null while only checking.
  IoBackend* setup_backend = nullptr;  ///< To look at files with; null while only checking.
  bool make_folders = true;            ///< A sink may make its folder; false where files live in a simulated world.
  const HostTable* host = nullptr;
  std::uint32_t batch_rows = kBatchRowsDefault;  ///< Of the batches that sinks are given.
  std::size_t heap_bytes = 0;                    ///< Of their strings.
  bool updating = false;                         ///< Sinks: batches have kinds.
  std::uint32_t sink_number = 0;  ///< Among the sinks of the job, so that two of one table write different files.
};

/// Why records that a peer sent never came to a reader.
enum class LossReason : std::uint8_t {
  kKernelDrop,   ///< The system had no room for a datagram.
  kSequenceGap,  ///< A number is missing in a feed that numbers its messages.
};

/// A count that a reader or writer keeps, for the ledger: "connections closed, too slow".
struct IoCount {
  std::string_view name;  ///< Lives as long as the process.
  std::uint64_t count = 0;
};

/// Copies of rows that a sink with several subscribers owes them: offered = delivered + held + conflated + dropped +
/// abandoned.
struct Deliveries {
  std::uint64_t subscribers = 0;  ///< That came, those that left included.
  std::uint64_t offered = 0;      ///< Rows given to the sink while a subscriber was there, once for each.
  std::uint64_t delivered = 0;    ///< Handed to the system.
  std::uint64_t held = 0;         ///< On their way.
  std::uint64_t conflated = 0;    ///< Replaced by a newer row of the same key before they were sent.
  std::uint64_t dropped = 0;      ///< The oldest ones, where a subscriber was too slow.
  std::uint64_t abandoned = 0;    ///< Waited for a subscriber that went away, or was sent away.
};

/// What a reader does with a bad record; returns false to end the job.
struct ReaderCallbacks {
  BadRecordHandler bad_record;
  /// Told of records that were lost before they came to the reader. Null: nobody wants to know.
  std::function<void(LossReason reason, std::uint64_t records)> lost;
  /// Asked when bad_record has said false: whether the reader should return what it has and go on at the next read.
  /// Null: false always means that the job ends.
  std::function<bool()> pause;
};

/// Thread: the owning shard. Allocates: at open only.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// Fills an empty batch as far as there are rows now.
  virtual ReadStatus read(Batch& batch) = 0;
  /// The input's promise after what read() has given: no row with event time <= it follows that is not late.
  Watermark promised() const noexcept { return promised_; }
  /// Whether read() sets data and validity of every column, so that the batch's own memory is not touched.
  bool gives_views() const noexcept { return gives_views_; }
  /// Stops taking from outside: what has arrived is still given, then kEnd.
  virtual void drain() = 0;
  virtual const Error& error() const noexcept = 0;
  virtual std::uint64_t bytes() const noexcept = 0;    ///< Taken from outside so far.
  virtual std::uint64_t records() const noexcept = 0;  ///< Good and bad.
  virtual std::string listening() const { return {}; }
  /// What else happened, for the ledger: connections closed and why. Requires: the shard has stopped, or its thread.
  virtual std::vector<IoCount> counts() const { return {}; }
  /// What it waits for where it gives no rows for a reason of its own, for people: "there is no connection". Lives as
  /// long as the process.
  virtual const char* stalled() const noexcept { return nullptr; }

 protected:
  Watermark promised_ = kWatermarkNone;
  bool gives_views_ = false;
};

/// Thread: control plane; open runs on the shard.
class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual std::uint32_t input_count() const noexcept = 0;
  /// For people: "input 3", or a file's path.
  virtual std::string input_name(std::uint32_t input) const { return "input " + std::to_string(input); }
  virtual bool bounded() const noexcept = 0;
  /// Connections of one reader at once: streams that its backend must have buffers for.
  virtual std::uint32_t connections_max() const noexcept { return 0; }
  /// Whether its readers need the shard's io backend to be polled.
  virtual bool needs_backend() const noexcept { return true; }
  /// Whether a reader with nothing to give wakes its shard when that changes; else it is asked again every now and
  /// then.
  virtual bool wakes() const noexcept { return false; }
  /// Before any reader is opened: whom the input wakes when rows have come. Not called where the shard never parks.
  virtual void set_waker(std::uint32_t /*input*/, Waker& /*waker*/) {}
  virtual Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend& backend,
                                                  const ReaderCallbacks& callbacks) = 0;
  /// Bytes that one opened reader takes, for explain.
  virtual std::size_t reader_bytes() const noexcept = 0;
  virtual std::string describe() const = 0;  ///< "filesystem flights.csv.zst, csv, 1 input"
};

/// Thread: the owning shard.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  /// Whether write may be called: false while all buffers are on their way out.
  virtual bool accepts() const noexcept = 0;
  /// Writes the selected rows from *next on; returns false where it has to go on later (accepts() is false then).
  virtual bool write(const Batch& batch, std::uint32_t* next) = 0;
  virtual void flush() = 0;
  /// Starts the end; poll finished().
  virtual void close() = 0;
  virtual bool finished() const noexcept = 0;
  virtual bool failed() const noexcept = 0;
  virtual const Error& error() const noexcept = 0;
  virtual std::uint64_t bytes() const noexcept = 0;
  /// Where it takes subscribers: the address, once known.
  virtual std::string listening() const { return {}; }
  virtual Deliveries deliveries() const noexcept { return {}; }
  virtual std::vector<IoCount> counts() const { return {}; }
  /// What it waits for where it writes nothing now, for people: "the disk is full". Lives as long as the process.
  virtual const char* stalled() const noexcept { return nullptr; }
};

class TableSink {
 public:
  virtual ~TableSink() = default;
  /// Whether it takes rows that change others (Batch::kinds); else only rows that are appended.
  virtual bool takes_updates() const noexcept { return false; }
  /// Whether each shard may write on its own; else all rows go to one shard.
  virtual bool parallel() const noexcept = 0;
  /// Connections of one writer at once.
  virtual std::uint32_t connections_max() const noexcept { return 0; }
  virtual bool needs_backend() const noexcept { return true; }
  /// Before any writer is opened: whom to wake when a writer of that shard accepts again.
  virtual void set_waker(std::uint32_t /*shard*/, Waker& /*waker*/) {}
  virtual Result<std::unique_ptr<RowWriter>> open(std::uint32_t shard, IoBackend& backend) = 0;
  virtual std::size_t writer_bytes() const noexcept = 0;
  virtual std::string describe() const = 0;
  virtual std::string guarantee() const = 0;  ///< "at most once (a crash loses what was not flushed)", for explain.
};

/// Errors: kSqlUnknownConnector, kSqlUnknownOption, kSqlInvalidOption (each lists what there is), those of the format;
/// kNotFound and such for what must already be there.
Result<std::unique_ptr<TableSource>> make_source(const TableContext& context);
Result<std::unique_ptr<TableSink>> make_sink(const TableContext& context);
/// Checks a table's options without opening anything: names, values, format.
Result<void> check_table_options(const TableContext& context);
std::vector<std::string_view> connector_names();
std::span<const OptionHelp> connector_options(std::string_view connector);

}  // namespace weir
