// Byte sinks: buffers fill in turn and are written in that order, one write in flight, so that what was written is
// always a prefix of what was committed, also when the disk is full.
//
// A full disk is waited for where nothing is lost by it: at open, and at a write, which is tried again from where it
// stopped. A sync that finds it full is final: the system may have dropped the pages that it could not write, and the
// next sync would say that all is well.
#include "weir/io/byte_sink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "sources.h"
#include "weir/core/check.h"

namespace weir {

std::size_t ByteSink::append(std::span<const char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::span<char> room = reserve(0);
    if (room.empty()) break;
    const std::size_t count = std::min(room.size(), bytes.size() - done);
    std::memcpy(room.data(), bytes.data() + done, count);
    commit(count);
    done += count;
  }
  return done;
}

namespace detail {
namespace {

struct WriterConfig {
  std::string name;
  std::uint32_t buffers_max = 2;
  std::uint32_t buffer_bytes = 0;
  bool sync_at_close = false;
  bool positioned = false;  // a file with offsets
  bool socket = false;
  std::int64_t full_disk_timeout_ns = 0;
};

constexpr std::int64_t kNotFull = -1;

bool is_full(std::int32_t result) noexcept {
  return result == -ENOSPC || result == -EDQUOT;
}

/// Opens the file or connection and says how it is written to.
using Opener = std::function<Result<IoHandle>(IoBackend& backend, WriterConfig& config)>;

/// Buffers [head, head + sealed) are full and wait to be written; the next one fills. They fill before the file is
/// there, too, where there was no room for it.
class BufferedWriter final : public OpOwner {
 public:
  /// `error` and `bytes_written` are the sink's; these and `opener` are not used after abandon().
  BufferedWriter(IoBackend& backend, Opener opener, WriterConfig config, std::optional<Error>& error,
                 std::uint64_t& bytes_written)
      : backend_(backend),
        opener_(std::move(opener)),
        config_(std::move(config)),
        error_(error),
        bytes_written_(bytes_written) {}

  /// Opens the file. Where the disk is full and may be waited for, it is tried again later and this says that all is
  /// well.
  Result<void> open() {
    Result<IoHandle> opened = opener_(backend_, config_);
    if (opened.has_value()) {
      handle_ = *opened;
      open_ = true;
      full_since_ns_ = kNotFull;
      return {};
    }
    if (opened.error().code() == ErrorCode::kDiskFull && wait_for_room()) return {};
    return std::move(opened).error();
  }

  bool take_memory() {
    memory_ = take_pages(std::size_t{config_.buffers_max} * config_.buffer_bytes);
    return memory_ != nullptr;
  }

  bool idle() const noexcept override { return in_flight_ == 0; }

  bool writable() const noexcept {
    return !closing_ && !error_.has_value() && sealed_ < config_.buffers_max && filling() < config_.buffer_bytes;
  }

  std::span<char> reserve(std::size_t n) {
    pump();
    if (closing_ || error_.has_value() || n > config_.buffer_bytes || sealed_ == config_.buffers_max) return {};
    if (config_.buffer_bytes - filling() < std::max<std::size_t>(n, 1)) {
      seal();
      pump();
      if (sealed_ == config_.buffers_max) return {};
    }
    return {buffer(sealed_) + filling(), config_.buffer_bytes - filling()};
  }

  void commit(std::size_t n) {
    if (n == 0) return;
    WEIR_CHECK(sealed_ < config_.buffers_max && n <= config_.buffer_bytes - filling());
    filled_[index(sealed_)] += static_cast<std::uint32_t>(n);
    if (filling() != config_.buffer_bytes) return;
    seal();
    pump();
  }

  /// While a write is in flight the buffer goes on filling: it is written when that write has ended.
  void flush() {
    flush_wanted_ = true;
    pump();
  }

  bool drained() noexcept {
    pump();
    return sealed_ == 0 && filling() == 0 && (!closing_ || closed);
  }

  void begin_close() {
    closing_ = true;
    flush_wanted_ = true;
    pump();
  }

  /// Gives up what is not written.
  void abandon() noexcept {
    closing_ = abandoned_ = true;
    if (retry_.valid()) backend_.cancel(retry_);
    if (open_ && !close_started_) backend_.close(handle_);
    close_started_ = true;
  }

  void pump() {
    if (in_flight_ != 0 || close_started_ || error_.has_value()) return;
    if (!open_ && !open_again()) return;
    if (sealed_ == 0 && flush_wanted_ && filling() != 0) seal();
    if (sealed_ != 0) return write_head();
    if (filling() == 0) flush_wanted_ = false;
    if (!closing_) return;
    if (config_.sync_at_close && !synced_) {
      if (backend_.sync(handle_, *this, kSync).valid()) ++in_flight_;
      return;
    }
    close_handle();
  }

  void complete(const IoEvent& event) noexcept override {
    --in_flight_;
    if (event.tag == kRetry) retry_ = {};
    if (abandoned_) return;
    if (event.tag == kRetry) return pump();
    if (event.tag == kWrite && is_full(event.result) && wait_for_room()) return;
    if (event.result < 0 || (event.tag == kWrite && event.result == 0)) return fail(event);
    switch (event.tag) {
      case kWrite:
        on_written(static_cast<std::uint32_t>(event.result));
        break;
      case kSync:
        synced_ = true;
        break;
      default:
        closed = !error_.has_value();
        return;
    }
    pump();
  }

  bool disk_full() const noexcept { return full_since_ns_ != kNotFull; }

  bool closed = false;
  std::uint64_t times_full = 0;

 private:
  enum Tag : std::uint64_t { kWrite, kSync, kClose, kRetry };

  std::uint32_t index(std::uint32_t behind_head) const noexcept { return (head_ + behind_head) % config_.buffers_max; }
  char* buffer(std::uint32_t behind_head) noexcept {
    return memory_.get() + std::size_t{index(behind_head)} * config_.buffer_bytes;
  }
  std::uint32_t filling() const noexcept { return sealed_ == config_.buffers_max ? 0 : filled_[index(sealed_)]; }

  void seal() {
    if (filling() != 0) ++sealed_;
  }

  void write_head() {
    const std::span<const char> bytes{buffer(0) + head_written_, filled_[head_] - head_written_};
    const OpId op =
        config_.socket
            ? backend_.send(handle_, bytes, *this, kWrite)
            : backend_.write(handle_, bytes, config_.positioned ? bytes_written_ : kCurrentOffset, *this, kWrite);
    if (op.valid()) ++in_flight_;  // else at ops_max: the next call tries again
  }

  /// A full disk may get room again: whether the write or open is to be tried again later.
  bool wait_for_room() noexcept {
    if (config_.full_disk_timeout_ns == 0) return false;
    const std::int64_t now = backend_.clock().now_ns();
    if (full_since_ns_ == kNotFull) {
      full_since_ns_ = now;
      ++times_full;
    }
    if (now - full_since_ns_ >= config_.full_disk_timeout_ns) return false;
    retry_ = backend_.timeout(kFullDiskRetryNs, *this, kRetry);
    if (retry_.valid()) ++in_flight_;  // else at ops_max: the next call tries again
    return true;
  }

  /// Whether the file that had to wait for room is open now.
  bool open_again() {
    Result<void> opened = open();
    if (!opened.has_value()) error_.emplace(std::move(opened).error().with_context(waited("opening " + config_.name)));
    return open_;
  }

  std::string waited(std::string what) const {
    if (!disk_full()) return what;
    return what + ", having waited " + std::to_string(config_.full_disk_timeout_ns / 1'000'000'000) + " s for room";
  }

  void on_written(std::uint32_t bytes) {
    full_since_ns_ = kNotFull;
    bytes_written_ += bytes;
    head_written_ += bytes;
    if (head_written_ < filled_[head_]) return;
    filled_[head_] = 0;
    head_written_ = 0;
    head_ = (head_ + 1) % config_.buffers_max;
    --sealed_;
  }

  void fail(const IoEvent& event) {
    const char* action = event.tag == kSync ? "cannot sync " : event.tag == kClose ? "cannot close " : "cannot write ";
    const std::string what = waited(action + config_.name + " after " + std::to_string(bytes_written_) + " bytes");
    if (!error_.has_value())
      error_.emplace(event.result == 0 ? Error(ErrorCode::kIo, what + ": the system takes no bytes")
                                       : Error::from_errno(-event.result, what));
    close_handle();
  }

  void close_handle() {
    if (close_started_) return;
    close_started_ = true;
    if (backend_.close(handle_, this, kClose).valid()) ++in_flight_;
  }

  IoBackend& backend_;
  const Opener opener_;
  IoHandle handle_;
  WriterConfig config_;
  std::optional<Error>& error_;
  std::uint64_t& bytes_written_;
  PageMemory memory_;
  std::uint32_t filled_[16] = {};
  std::uint32_t head_ = 0;
  std::uint32_t sealed_ = 0;
  std::uint32_t head_written_ = 0;
  OpId retry_;
  std::int64_t full_since_ns_ = kNotFull;
  std::uint32_t in_flight_ = 0;
  bool open_ = false;
  bool flush_wanted_ = false;
  bool closing_ = false;
  bool abandoned_ = false;
  bool close_started_ = false;
  bool synced_ = false;
};

/// A sink on a BufferedWriter; the file or connection is opened by `open_handle`.
class BufferedSink : public ByteSink {
 public:
  BufferedSink(std::string name, std::uint32_t buffers_max, std::uint32_t buffer_bytes)
      : name_(std::move(name)), buffers_max_(buffers_max), buffer_bytes_(buffer_bytes) {}
  ~BufferedSink() override {
    if (writer_ == nullptr) return;
    writer_->abandon();
    backend_->retire(std::move(writer_));
  }

  Result<void> open(IoBackend& backend) override {
    WEIR_CHECK(writer_ == nullptr);
    if (buffers_max_ < 2 || buffers_max_ > 16)
      return Error(ErrorCode::kInvalidArgument, "a sink's buffers_max must be from 2 to 16");
    if (buffer_bytes_ < 1 || buffer_bytes_ > 1u << 28)
      return Error(ErrorCode::kInvalidArgument, "a sink's buffer_bytes must be from 1 to 256 MiB");
    WriterConfig config;
    config.name = name_;
    config.buffers_max = buffers_max_;
    config.buffer_bytes = buffer_bytes_;
    backend_ = &backend;
    Opener opener = [this](IoBackend& from, WriterConfig& into) { return open_handle(from, into); };
    writer_ = std::make_unique<BufferedWriter>(backend, std::move(opener), std::move(config), error_, bytes_written_);
    Result<void> opened = writer_->open();
    if (opened.has_value() && !writer_->take_memory())
      opened = Error(ErrorCode::kOutOfMemory, "no memory to write " + name_);
    if (opened.has_value()) return {};
    writer_->abandon();
    backend_->retire(std::move(writer_));
    return opened;
  }

  bool writable() const noexcept override { return writer_ != nullptr && writer_->writable(); }
  std::span<char> reserve(std::size_t n) override {
    if (writer_ == nullptr) return {};
    return writer_->reserve(n);
  }
  void commit(std::size_t n) override {
    WEIR_CHECK(writer_ != nullptr);
    writer_->commit(n);
    bytes_committed_ += n;
  }
  void flush() override {
    if (writer_ == nullptr) return;
    writer_->flush();
  }
  void close() override {
    if (writer_ == nullptr) return;
    writer_->begin_close();
  }
  bool drained() const noexcept override { return writer_ == nullptr || writer_->drained(); }
  bool closed() const noexcept override {
    if (writer_ != nullptr) writer_->pump();
    return writer_ == nullptr || writer_->closed;
  }
  std::size_t buffer_bytes() const noexcept override { return buffer_bytes_; }
  std::string_view name() const noexcept override { return name_; }
  bool disk_full() const noexcept override { return writer_ != nullptr && writer_->disk_full(); }
  std::uint64_t times_full() const noexcept override { return writer_ == nullptr ? 0 : writer_->times_full; }

 protected:
  virtual Result<IoHandle> open_handle(IoBackend& backend, WriterConfig& config) = 0;

 private:
  std::string name_;
  std::uint32_t buffers_max_;
  std::uint32_t buffer_bytes_;
  IoBackend* backend_ = nullptr;
  std::unique_ptr<BufferedWriter> writer_;
};

class FileSink final : public BufferedSink {
 public:
  explicit FileSink(const FileSinkConfig& config)
      : BufferedSink(config.path, config.buffers_max, config.buffer_bytes), config_(config) {}

 protected:
  Result<IoHandle> open_handle(IoBackend& backend, WriterConfig& writer) override {
    writer.full_disk_timeout_ns = config_.full_disk_timeout_ns;  // a file that cannot be made would be a regular one
    WEIR_ASSIGN(const IoHandle handle, backend.open(config_.path, config_.mode));
    const auto status = backend.status(handle);
    const bool regular = status.has_value() && status->kind == FileKind::kRegular;
    writer.positioned = regular && config_.path != kStandardStream && config_.mode != OpenMode::kAppend;
    writer.sync_at_close = regular && config_.sync_at_close;
    if (!regular) writer.full_disk_timeout_ns = 0;
    return handle;
  }

 private:
  FileSinkConfig config_;
};

class TcpSink final : public BufferedSink {
 public:
  TcpSink(IoHandle connection, std::string name, std::uint32_t buffers_max, std::uint32_t buffer_bytes)
      : BufferedSink(std::move(name), buffers_max, buffer_bytes), connection_(connection) {}

 protected:
  Result<IoHandle> open_handle(IoBackend&, WriterConfig& writer) override {
    writer.socket = true;
    return connection_;
  }

 private:
  IoHandle connection_;
};

class BlackholeSink final : public ByteSink {
 public:
  explicit BlackholeSink(std::uint32_t buffer_bytes) : buffer_(buffer_bytes) {}
  Result<void> open(IoBackend&) override { return {}; }
  bool writable() const noexcept override { return !closed_; }
  std::span<char> reserve(std::size_t n) override {
    if (closed_ || n > buffer_.size()) return {};
    return buffer_;
  }
  void commit(std::size_t n) override { bytes_written_ = bytes_committed_ += n; }
  void flush() override {}
  bool drained() const noexcept override { return true; }
  void close() override { closed_ = true; }
  bool closed() const noexcept override { return closed_; }
  std::size_t buffer_bytes() const noexcept override { return buffer_.size(); }
  std::string_view name() const noexcept override { return "blackhole"; }

 private:
  std::vector<char> buffer_;
  bool closed_ = false;
};

}  // namespace
}  // namespace detail

std::unique_ptr<ByteSink> make_file_sink(FileSinkConfig config) {
  return std::make_unique<detail::FileSink>(config);
}
std::unique_ptr<ByteSink> make_blackhole_sink(std::uint32_t buffer_bytes) {
  return std::make_unique<detail::BlackholeSink>(std::max<std::uint32_t>(buffer_bytes, 1));
}
std::unique_ptr<ByteSink> make_tcp_sink(IoHandle connection, std::string name, std::uint32_t buffers_max,
                                        std::uint32_t buffer_bytes) {
  return std::make_unique<detail::TcpSink>(connection, std::move(name), buffers_max, buffer_bytes);
}

}  // namespace weir
