// EncodingWriter: batches through an encoder into a byte sink.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/alarm.h"
#include "weir/io/byte_sink.h"
#include "weir/io/connector.h"
#include "weir/io/format.h"

namespace weir {

/// Thread: the owning shard.
class EncodingWriter final : public RowWriter {
 public:
  /// The file is opened at the first row where `open_late` is set, so that a shard without results leaves no file.
  EncodingWriter(std::unique_ptr<Encoder> encoder, std::unique_ptr<ByteSink> sink, IoBackend& backend, bool open_late);
  ~EncodingWriter() override;
  /// The file gets the name `to` when it is closed. Where the disk has no room for a name, it is tried again for so
  /// long.
  void rename_at_end(std::string from, std::string to, std::int64_t full_disk_timeout_ns);
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
  const char* stalled() const noexcept override {
    return sink_->disk_full() || full_since_ns_ >= 0 ? "the disk is full" : nullptr;
  }
  std::vector<IoCount> counts() const override {
    const std::uint64_t times = sink_->times_full() + times_full_;
    if (times == 0) return {};
    return {{"times the disk was full", times}};
  }

 private:
  void finish_if_closed();
  bool rename();

  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<ByteSink> sink_;
  IoBackend& backend_;
  std::string rename_from_;
  std::string rename_to_;
  std::int64_t full_disk_timeout_ns_ = 0;
  std::int64_t full_since_ns_ = -1;  // there is no room for the new name; -1: there is
  std::uint64_t times_full_ = 0;
  std::unique_ptr<Alarm> alarm_;  // for the next try
  std::optional<Error> error_;
  bool open_ = false;
  bool begun_ = false;  // the format's preamble is in
  bool closing_ = false;
  bool ended_ = false;  // the format's end is in the sink, which closes
  bool finished_ = false;
};

}  // namespace weir
