// Framing: how records are told apart in a stream of bytes. By themselves (line ends, fixed sizes, frames of batches),
// or by a length in front of each, which is judged before anything is taken for it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "weir/core/batch.h"
#include "weir/io/format.h"

namespace weir {

enum class Framing : std::uint8_t { kFormat, kU32Big, kU32Little };
inline constexpr std::string_view kFramingNames[] = {"format", "u32-be", "u32-le"};

/// Length-prefixed frames of one stream. A frame's bytes go to the decoder as they come, which keeps them until the
/// record is whole, so a frame takes no memory of its own. Thread: the owning shard. Allocates: never.
class FrameReader {
 public:
  void reset() noexcept { *this = FrameReader(); }
  /// Inside a frame or its length.
  bool partial() const noexcept { return head_bytes_ != 0 || inside_; }
  std::size_t pending_bytes() const noexcept { return head_bytes_; }
  /// Length of the frame that was refused, 0 where none was. The stream cannot go on behind it.
  std::uint64_t refused() const noexcept { return refused_; }

  /// As Decoder::decode, for frames. Stops also where a frame is longer than `frame_bytes_max`: see refused().
  DecodeResult decode(Framing framing, std::size_t frame_bytes_max, std::span<const char> bytes, Decoder& decoder,
                      Batch& out, const BadRecordHandler& bad);

 private:
  bool take_length(Framing framing, std::size_t frame_bytes_max) noexcept;

  std::uint32_t left_ = 0;  // of the frame
  std::uint8_t head_bytes_ = 0;
  bool inside_ = false;
  unsigned char head_[4] = {};
  std::uint64_t refused_ = 0;
};

/// Shows one row of a batch at a time to an encoder, through its selection, and puts the selection back at its end.
class OneRowView {
 public:
  explicit OneRowView(const Batch& batch) noexcept;
  ~OneRowView();
  OneRowView(const OneRowView&) = delete;
  OneRowView& operator=(const OneRowView&) = delete;
  /// `index` counts selected rows.
  const Batch& row(std::uint32_t index) noexcept;
  std::uint32_t rows() const noexcept { return count_; }

 private:
  Batch& batch_;
  const std::uint32_t* selection_;
  std::uint32_t count_;
  std::uint32_t row_ = 0;
};

/// Puts a length in front of what an encoder writes: one record a frame, without its line end.
class FrameWriter {
 public:
  FrameWriter(Framing framing, std::string_view format) noexcept
      : framing_(framing), line_ends_(format == "csv" || format == "json") {}
  /// As Encoder::encode.
  Result<std::size_t> encode(Encoder& encoder, const Batch& batch, std::uint32_t* next, std::span<char> out) const;

 private:
  Framing framing_;
  bool line_ends_;
};

}  // namespace weir
