// What the byte sources share.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "weir/core/check.h"
#include "weir/io/backend.h"
#include "weir/io/byte_source.h"

namespace weir::detail {

/// How long after a full disk was found it is tried again.
inline constexpr std::int64_t kFullDiskRetryNs = 250'000'000;

struct FreeMemory {
  void operator()(char* memory) const noexcept { std::free(memory); }
};
using PageMemory = std::unique_ptr<char, FreeMemory>;
/// Page-aligned, zeroed. Null where there is none.
PageMemory take_pages(std::size_t bytes) noexcept;

/// A source over a reader that owns ops, and so may have to outlive it.
template <class Reader>
class ReaderSource : public ByteSource {
 public:
  ~ReaderSource() override { ReaderSource::close(); }

  ReadState poll(std::span<const char>& bytes) override {
    bytes = {};
    if (error_.has_value()) return ReadState::kError;
    if (reader_ == nullptr) return ReadState::kEnd;
    const ReadState state = reader_->poll(bytes, error_, name());
    bytes_read_ = reader_->bytes_read;
    ingest_wall_ns_ = reader_->ingest_wall_ns;
    return state;
  }
  void consume(std::size_t n) override {
    if (n == 0) return;
    WEIR_CHECK(reader_ != nullptr);
    reader_->consume(n);
    bytes_consumed_ += n;
  }
  void close() noexcept override {
    if (reader_ == nullptr) return;
    reader_->close();
    backend_->retire(std::move(reader_));
  }

 protected:
  void read_by(IoBackend& backend, std::unique_ptr<Reader> reader) noexcept {
    backend_ = &backend;
    reader_ = std::move(reader);
  }
  bool open_before() const noexcept { return reader_ != nullptr; }

 private:
  IoBackend* backend_ = nullptr;
  std::unique_ptr<Reader> reader_;
};

/// The source behind make_file_source, without decompression.
std::unique_ptr<ByteSource> make_plain_file_source(const FileSourceConfig& config);
/// `open` counts the connection down when it is gone.
std::unique_ptr<ByteSource> make_counted_tcp_source(IoHandle connection, std::string name,
                                                    std::shared_ptr<std::uint32_t> open);

}  // namespace weir::detail
