// Decompression as a byte source on a byte source: zstd and gzip, frame after frame, through one output chunk of fixed
// size, so that a small file that unfolds to a huge one costs time but no memory.
#define ZSTD_STATIC_LINKING_ONLY  // for its custom memory
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

#include "codec_heap.h"
#include "sources.h"
#include "weir/core/check.h"
#include "weir/io/format.h"

namespace weir {
namespace detail {
namespace {

/// One step of a decompressor: what it took, what it gave, how it stands.
struct Step {
  std::size_t taken = 0;
  std::size_t given = 0;
  bool frame_ended = false;
  const char* damage = nullptr;  // what is wrong with the input
  bool too_large = false;        // the damage is a window beyond the limit
};

class Decompressor {
 public:
  virtual ~Decompressor() = default;
  virtual Step step(std::span<const char> in, std::span<char> out) = 0;
};

class ZstdDecompressor final : public Decompressor {
 public:
  explicit ZstdDecompressor(std::uint32_t window_log_max)
      : stream_(ZSTD_createDStream_advanced({&CodecHeap::zstd_allocate, &CodecHeap::zstd_release, &heap_})) {
    if (stream_ != nullptr)
      (void)ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, static_cast<int>(window_log_max));
  }
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }
  bool valid() const noexcept { return stream_ != nullptr; }

  Step step(std::span<const char> in, std::span<char> out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(stream_, &output, &input);
    Step step;
    step.taken = input.pos;
    step.given = output.pos;
    if (ZSTD_isError(result) != 0) {
      step.damage = ZSTD_getErrorName(result);
      step.too_large = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
    }
    step.frame_ended = result == 0;
    return step;
  }

 private:
  CodecHeap heap_;
  ZSTD_DStream* stream_;
};

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() {
    stream_.zalloc = &CodecHeap::zlib_allocate;
    stream_.zfree = &CodecHeap::zlib_release;
    stream_.opaque = &heap_;
    valid_ = ::inflateInit2(&stream_, 15 + 16) == Z_OK;
  }
  ~GzipDecompressor() override {
    if (valid_) ::inflateEnd(&stream_);
  }
  bool valid() const noexcept { return valid_; }

  Step step(std::span<const char> in, std::span<char> out) override {
    Step step;
    if (between_members_) {
      // Some writers fill the file up with zeros (tape blocks); they end the input.
      while (members_ != 0 && step.taken < in.size() && in[step.taken] == '\0') ++step.taken;
      if (step.taken == in.size()) {
        step.frame_ended = true;
        return step;
      }
      (void)::inflateReset(&stream_);
      between_members_ = false;
    }
    const auto in_bytes = static_cast<uInt>(std::min<std::size_t>(in.size() - step.taken, 1u << 30));
    const auto out_bytes = static_cast<uInt>(std::min<std::size_t>(out.size(), 1u << 30));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data() + step.taken));
    stream_.avail_in = in_bytes;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = out_bytes;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    step.taken += in_bytes - stream_.avail_in;
    step.given = out_bytes - stream_.avail_out;
    if (result == Z_STREAM_END) {
      step.frame_ended = true;
      between_members_ = true;
      ++members_;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      step.damage = stream_.msg != nullptr ? stream_.msg : "not a gzip stream";
    }
    return step;
  }

 private:
  CodecHeap heap_;
  z_stream stream_{};
  bool valid_ = false;
  bool between_members_ = true;
  std::uint64_t members_ = 0;
};

class DecompressingSource final : public ByteSource {
 public:
  DecompressingSource(std::unique_ptr<ByteSource> input, Compression compression, std::uint32_t chunk_bytes,
                      std::uint32_t window_log_max)
      : input_(std::move(input)),
        compression_(compression),
        chunk_bytes_(chunk_bytes),
        window_log_max_(window_log_max) {}

  Result<void> open(IoBackend& backend) override {
    if (chunk_bytes_ < 1) return Error(ErrorCode::kInvalidArgument, "output_chunk_bytes must be at least 1");
    if (window_log_max_ < 10 || window_log_max_ > 31)
      return Error(ErrorCode::kInvalidArgument, "zstd_window_log_max must be from 10 to 31");
    WEIR_TRY(make_decompressor());
    chunk_ = take_pages(chunk_bytes_ + kReadPadding);
    if (chunk_ == nullptr || decompressor_ == nullptr)
      return Error(ErrorCode::kOutOfMemory, "no memory to decompress " + std::string(name()));
    return input_->open(backend);
  }

  ReadState poll(std::span<const char>& bytes) override {
    bytes = {};
    while (true) {
      if (given_ < filled_) {
        bytes = {chunk_.get() + given_, filled_ - given_};
        return ReadState::kData;
      }
      if (error_.has_value()) return ReadState::kError;
      if (closed_) return ReadState::kEnd;
      given_ = filled_ = 0;
      if (out_was_full_ && unfold({})) continue;  // what the decompressor still holds comes first
      if (error_.has_value()) return ReadState::kError;
      out_was_full_ = false;
      std::span<const char> in;
      const ReadState state = input_->poll(in);
      bytes_read_ = input_->bytes_read();
      if (state == ReadState::kPending) return state;
      if (state == ReadState::kError) {
        error_.emplace(input_->error());
        return state;
      }
      if (state == ReadState::kEnd) return at_end();
      ingest_wall_ns_ = input_->ingest_wall_ns();
      (void)unfold(in);
    }
  }

  void consume(std::size_t n) override {
    WEIR_CHECK(n <= filled_ - given_);
    given_ += n;
    bytes_consumed_ += n;
  }

  void close() noexcept override {
    closed_ = true;
    given_ = filled_ = 0;
    out_was_full_ = false;
    input_->close();
  }
  std::string_view name() const noexcept override { return input_->name(); }

 private:
  Result<void> make_decompressor() {
    if (compression_ == Compression::kZstd) {
      auto zstd = std::make_unique<ZstdDecompressor>(window_log_max_);
      if (zstd->valid()) decompressor_ = std::move(zstd);
    } else if (compression_ == Compression::kGzip) {
      auto gzip = std::make_unique<GzipDecompressor>();
      if (gzip->valid()) decompressor_ = std::move(gzip);
    } else {
      return Error(ErrorCode::kInvalidArgument, "there is nothing to decompress in " + std::string(name()));
    }
    return {};
  }

  /// Decompresses into the empty chunk and consumes what was taken. Returns whether the chunk holds bytes now.
  bool unfold(std::span<const char> in) {
    const Step step = decompressor_->step(in, {chunk_.get(), chunk_bytes_});
    if (step.taken != 0) input_->consume(step.taken);
    if (step.frame_ended)
      in_frame_ = false;
    else if (step.taken != 0 || step.given != 0)
      in_frame_ = true;
    filled_ = step.given;
    out_was_full_ = step.given == chunk_bytes_ && !step.frame_ended;
    if (step.damage == nullptr) return filled_ != 0;
    const char* kind = compression_ == Compression::kZstd ? "zstd" : "gzip";
    if (step.too_large)
      error_.emplace(Error(ErrorCode::kLimitExceeded,
                           std::string(name()) + " needs a zstd window beyond zstd_window_log_max (" +
                               std::to_string(window_log_max_) + ")",
                           Position::at_byte(input_->bytes_consumed())));
    else
      error_.emplace(
          Error(ErrorCode::kCorrupt,
                std::string(name()) + " is damaged: its " + kind + " bytes do not decompress (" + step.damage + ")",
                Position::at_byte(input_->bytes_consumed())));
    return filled_ != 0;
  }

  ReadState at_end() {
    if (!in_frame_) return ReadState::kEnd;
    error_.emplace(Error(ErrorCode::kTruncated, std::string(name()) + " ends in the middle of a compressed frame",
                         Position::at_byte(input_->bytes_consumed())));
    return ReadState::kError;
  }

  std::unique_ptr<ByteSource> input_;
  const Compression compression_;
  const std::uint32_t chunk_bytes_;
  const std::uint32_t window_log_max_;
  std::unique_ptr<Decompressor> decompressor_;
  PageMemory chunk_;
  std::size_t filled_ = 0;
  std::size_t given_ = 0;
  bool out_was_full_ = false;
  bool in_frame_ = false;
  bool closed_ = false;
};

}  // namespace
}  // namespace detail

std::unique_ptr<ByteSource> make_decompressing_source(std::unique_ptr<ByteSource> input, Compression compression,
                                                      std::uint32_t output_chunk_bytes,
                                                      std::uint32_t zstd_window_log_max) {
  return std::make_unique<detail::DecompressingSource>(std::move(input), compression, output_chunk_bytes,
                                                       zstd_window_log_max);
}

}  // namespace weir
