// EncodingWriter: batches through an encoder into a byte sink.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/io/byte_sink.h"
#include "weir/io/connector.h"
#include "weir/io/format.h"

namespace weir {

/// Thread: the owning shard.
class EncodingWriter final : public RowWriter {
 public:
  /// The file is opened at the first row where `open_late` is set, so that a shard without results leaves no file. When
  /// `rename_to` is not empty, the closed file gets that name.
  EncodingWriter(std::unique_ptr<Encoder> encoder, std::unique_ptr<ByteSink> sink, IoBackend& backend, bool open_late,
                 std::string path = {}, std::string rename_to = {});
  /// Errors: as IoBackend::open.
  Result<void> open_now();
  bool begin();

  bool accepts() const noexcept override;
  bool write(const Batch& batch, std::uint32_t* next) override;
  void flush() override;
  void close() override;
  bool finished() const noexcept override { return finished_; }
  bool failed() const noexcept override { return error_.has_value() || sink_->failed(); }
  const Error& error() const noexcept override { return error_.has_value() ? *error_ : sink_->error(); }
  std::uint64_t bytes() const noexcept override { return sink_->bytes_committed(); }
  const char* stalled() const noexcept override { return sink_->disk_full() ? "the disk is full" : nullptr; }
  std::vector<IoCount> counts() const override {
    if (sink_->times_full() == 0) return {};
    return {{"times the disk was full", sink_->times_full()}};
  }

 private:
  void finish_if_closed();

  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<ByteSink> sink_;
  IoBackend& backend_;
  std::string path_;
  std::string rename_to_;
  std::optional<Error> error_;
  bool open_ = false;
  bool begun_ = false;  // the format's preamble is in
  bool closing_ = false;
  bool ended_ = false;  // the format's end is in the sink, which closes
  bool finished_ = false;
};

}  // namespace weir
