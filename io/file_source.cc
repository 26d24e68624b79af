// Files as byte sources: a regular file is read ahead into a few buffers at once, up to the size that it had when it
// was opened (what is appended later is a later run's input); pipes and terminals are read one buffer after another.
#include <algorithm>
#include <cstring>

#include "sources.h"
#include "weir/core/check.h"
#include "weir/io/format.h"

namespace weir::detail {

PageMemory take_pages(std::size_t bytes) noexcept {
  const std::size_t rounded = (bytes + 4095) / 4096 * 4096;
  auto* memory = static_cast<char*>(std::aligned_alloc(4096, rounded));
  if (memory != nullptr) std::memset(memory, 0, rounded);
  return PageMemory(memory);
}

namespace {

/// The buffers of one open file and the reads into them. Buffers are used in turn, so their order is the file's.
class FileReader final : public OpOwner {
 public:
  FileReader(IoBackend& backend, const FileSourceConfig& config) : backend_(backend), config_(config) {}
  ~FileReader() override {
    for (std::uint32_t i = 0; i < config_.read_buffers_max; ++i)
      if (slots_[i].registered >= 0) backend_.unregister_buffer(slots_[i].registered);
  }

  Result<void> open() {
    WEIR_ASSIGN(handle_, backend_.open(config_.path, OpenMode::kRead));
    auto status = backend_.status(handle_);
    if (!status.has_value()) {
      backend_.close(handle_);
      return std::move(status).error();
    }
    bounded_ = status->kind == FileKind::kRegular && status->size != 0 && config_.path != kStandardStream;
    size_ = status->size;
    // It may have got shorter since somebody chose what to skip.
    skipped_ = bounded_ && config_.skip_to <= size_ ? config_.skip_to - config_.skip_from : 0;
    stride_ = (config_.read_buffer_bytes + kReadPadding + 4095) / 4096 * 4096;
    memory_ = take_pages(stride_ * config_.read_buffers_max);
    if (memory_ == nullptr) {
      backend_.close(handle_);
      return Error(ErrorCode::kOutOfMemory, "no memory to read " + config_.path);
    }
    for (std::uint32_t i = 0; i < config_.read_buffers_max; ++i) {
      slots_[i].memory = memory_.get() + i * stride_;
      if (bounded_) slots_[i].registered = backend_.register_buffer({slots_[i].memory, config_.read_buffer_bytes});
    }
    start_reads();
    return {};
  }

  bool idle() const noexcept override { return in_flight_ == 0; }

  void complete(const IoEvent& event) noexcept override {
    Slot& slot = slots_[event.tag];
    --in_flight_;
    if (closed_) return;
    if (event.result < 0) {
      slot.error = event.result;
      slot.ready = true;
      return;
    }
    slot.filled += static_cast<std::uint32_t>(event.result);
    bytes_read += static_cast<std::uint64_t>(event.result);
    slot.ingest_wall_ns = backend_.clock().wall_ns();
    if (event.result == 0) {
      slot.end = true;
      slot.ready = true;
    } else if (!bounded_ || slot.filled == slot.wanted) {
      slot.ready = true;
    } else {
      slot.submitted = false;  // a short read: the rest follows
    }
    start_reads();
  }

  ReadState poll(std::span<const char>& bytes, std::optional<Error>& error, std::string_view name) {
    start_reads();
    Slot& slot = slots_[head_];
    if (slot.ready && slot.given < slot.filled) {
      bytes = {slot.memory + slot.given, slot.filled - slot.given};
      ingest_wall_ns = slot.ingest_wall_ns;
      return ReadState::kData;
    }
    if (slot.ready && slot.error != 0) {
      error.emplace(Error::from_errno(-slot.error, "cannot read " + std::string(name))
                        .with_position(Position::at_byte(consumed_)));
      return ReadState::kError;
    }
    if (slot.ready && slot.end) {
      if (!bounded_) return ReadState::kEnd;
      error.emplace(Error(
          ErrorCode::kTruncated,
          std::string(name) + " got shorter while it was read: " + std::to_string(size_) + " bytes were there at first",
          Position::at_byte(consumed_)));
      return ReadState::kError;
    }
    if (bounded_ && consumed_ + skipped_ == size_) return ReadState::kEnd;
    return ReadState::kPending;
  }

  void consume(std::size_t n) {
    Slot& slot = slots_[head_];
    WEIR_CHECK(n <= slot.filled - slot.given);
    slot.given += static_cast<std::uint32_t>(n);
    consumed_ += n;
    if (slot.given != slot.filled || slot.end || slot.error != 0 || n == 0) return;
    slot.used = slot.ready = slot.submitted = false;
    head_ = (head_ + 1) % config_.read_buffers_max;
    start_reads();
  }

  void close() noexcept {
    if (closed_) return;
    closed_ = true;
    backend_.close(handle_);
  }

  std::uint64_t bytes_read = 0;
  std::int64_t ingest_wall_ns = 0;

 private:
  struct Slot {
    char* memory = nullptr;
    int registered = -1;
    bool used = false;       // part of the file belongs to it
    bool submitted = false;  // a read is in flight
    bool ready = false;      // holds what it will hold
    bool end = false;
    std::int32_t error = 0;
    std::uint64_t offset = 0;
    std::uint32_t wanted = 0;
    std::uint32_t filled = 0;
    std::uint32_t given = 0;
    std::int64_t ingest_wall_ns = 0;
  };

  bool submit(std::uint32_t index) {
    Slot& slot = slots_[index];
    const std::uint64_t offset = bounded_ ? slot.offset + slot.filled : kCurrentOffset;
    const OpId op = backend_.read(handle_, {slot.memory + slot.filled, slot.wanted - slot.filled}, offset, *this, index,
                                  slot.registered);
    if (!op.valid()) return false;  // at ops_max; the next poll tries again
    slot.submitted = true;
    ++in_flight_;
    return true;
  }

  void start_reads() {
    if (closed_) return;
    for (std::uint32_t i = 0; i < config_.read_buffers_max; ++i) {
      const std::uint32_t index = (head_ + i) % config_.read_buffers_max;
      Slot& slot = slots_[index];
      if (slot.ready) {
        if (slot.end || slot.error != 0) return;
        continue;
      }
      if (!slot.used) {
        if (skipped_ != 0 && next_offset_ == config_.skip_from) next_offset_ = config_.skip_to;
        if (bounded_ && next_offset_ == size_) return;
        slot.offset = next_offset_;
        slot.wanted = config_.read_buffer_bytes;
        const std::uint64_t end = skipped_ != 0 && next_offset_ < config_.skip_from ? config_.skip_from : size_;
        if (bounded_)
          slot.wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(slot.wanted, end - next_offset_));
        slot.filled = slot.given = 0;
        slot.used = true;
        next_offset_ += slot.wanted;
      }
      if (!slot.submitted && !submit(index)) return;
      if (!bounded_) return;  // one at a time keeps the order
    }
  }

  IoBackend& backend_;
  const FileSourceConfig config_;
  IoHandle handle_;
  PageMemory memory_;
  std::size_t stride_ = 0;
  Slot slots_[16];
  std::uint32_t head_ = 0;
  std::uint32_t in_flight_ = 0;
  bool bounded_ = false;
  bool closed_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t next_offset_ = 0;
  std::uint64_t consumed_ = 0;
};

class FileSource final : public ReaderSource<FileReader> {
 public:
  explicit FileSource(FileSourceConfig config) : config_(std::move(config)) {}

  Result<void> open(IoBackend& backend) override {
    WEIR_CHECK(!open_before());
    if (config_.read_buffers_max < 1 || config_.read_buffers_max > 16)
      return Error(ErrorCode::kInvalidArgument, "read_buffers_max must be from 1 to 16");
    if (config_.read_buffer_bytes < 1 || config_.read_buffer_bytes > 1u << 28)
      return Error(ErrorCode::kInvalidArgument, "read_buffer_bytes must be from 1 to 256 MiB");
    auto reader = std::make_unique<FileReader>(backend, config_);
    WEIR_TRY(reader->open());
    read_by(backend, std::move(reader));
    return {};
  }
  std::string_view name() const noexcept override { return config_.path; }

 private:
  FileSourceConfig config_;
};

}  // namespace

std::unique_ptr<ByteSource> make_plain_file_source(const FileSourceConfig& config) {
  return std::make_unique<FileSource>(config);
}

}  // namespace weir::detail

namespace weir {

Compression compression_of(std::string_view path) noexcept {
  if (path.ends_with(".gz")) return Compression::kGzip;
  if (path.ends_with(".zst") || path.ends_with(".zstd")) return Compression::kZstd;
  return Compression::kNone;
}

std::unique_ptr<ByteSource> make_file_source(FileSourceConfig config) {
  const Compression compression = config.compression.value_or(compression_of(config.path));
  auto plain = detail::make_plain_file_source(config);
  if (compression == Compression::kNone) return plain;
  return make_decompressing_source(std::move(plain), compression, config.output_chunk_bytes,
                                   config.zstd_window_log_max);
}

namespace {

Result<void> add_input_files(IoBackend& backend, const std::string& path, int depth, std::vector<std::string>& files) {
  constexpr int kDepthMax = 64;  // a folder that contains itself by a link
  if (depth > kDepthMax)
    return Error(ErrorCode::kLimitExceeded, path + " lies deeper than " + std::to_string(kDepthMax) + " folders");
  WEIR_ASSIGN(const FileStatus status, backend.status(path));
  if (status.kind != FileKind::kDirectory) {
    files.push_back(path);
    return {};
  }
  WEIR_ASSIGN(const std::vector<std::string> names, backend.list(path));
  for (const std::string& name : names) {
    if (name.empty() || name[0] == '.' || name[0] == '_') continue;
    WEIR_TRY(add_input_files(backend, path.ends_with('/') ? path + name : path + "/" + name, depth + 1, files));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> list_input_files(IoBackend& backend, const std::string& path) {
  std::vector<std::string> files;
  WEIR_TRY(add_input_files(backend, path, 0, files));
  return files;
}

}  // namespace weir
