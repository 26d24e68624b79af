// Length-prefixed frames (framing.h).
#include "connectors/framing.h"

#include <algorithm>
#include <cstring>

namespace weir {

bool FrameReader::take_length(Framing framing, std::size_t frame_bytes_max) noexcept {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t at = framing == Framing::kU32Big ? i : 3 - i;
    length = (length << 8) | head_[at];
  }
  head_bytes_ = 0;
  if (length > frame_bytes_max) {
    refused_ = length;
    return false;
  }
  left_ = length;
  inside_ = length != 0;  // an empty frame says that the peer is alive
  return true;
}

DecodeResult FrameReader::decode(Framing framing, std::size_t frame_bytes_max, std::span<const char> bytes,
                                 Decoder& decoder, Batch& out, const BadRecordHandler& bad) {
  DecodeResult sum;
  const auto add = [&sum](const DecodeResult& result) {
    sum.rows += result.rows;
    sum.bad += result.bad;
    sum.stopped = sum.stopped || result.stopped;
  };
  while (!sum.stopped && refused_ == 0) {
    if (inside_ && left_ == 0) {  // the record is whole
      const DecodeResult result = decoder.finish(out, bad);
      add(result);
      if (result.consumed == 0) break;  // the batch is full
      inside_ = false;
      continue;
    }
    const std::size_t rest = bytes.size() - sum.consumed;
    if (rest == 0 || out.full()) break;
    if (inside_) {
      const std::span<const char> part = bytes.subspan(sum.consumed, std::min<std::size_t>(left_, rest));
      const DecodeResult result = decoder.decode(part, out, bad);
      add(result);
      sum.consumed += result.consumed;
      left_ -= static_cast<std::uint32_t>(result.consumed);
      if (result.consumed < part.size()) break;
      continue;
    }
    head_[head_bytes_++] = static_cast<unsigned char>(bytes[sum.consumed++]);
    if (head_bytes_ == 4 && !take_length(framing, frame_bytes_max)) break;
  }
  return sum;
}

// A batch that is given to a writer is only lent, and nobody else looks at it meanwhile.
OneRowView::OneRowView(const Batch& batch) noexcept
    : batch_(const_cast<Batch&>(batch)),
      selection_(batch.has_selection() ? batch.selection() : nullptr),
      count_(batch.selected_count()) {}
OneRowView::~OneRowView() {
  batch_.set_selection(selection_, count_);
}
const Batch& OneRowView::row(std::uint32_t index) noexcept {
  row_ = selection_ == nullptr ? index : selection_[index];
  batch_.set_selection(&row_, 1);
  return batch_;
}

Result<std::size_t> FrameWriter::encode(Encoder& encoder, const Batch& batch, std::uint32_t* next,
                                        std::span<char> out) const {
  if (framing_ == Framing::kFormat) return encoder.encode(batch, next, out);
  OneRowView view(batch);
  std::size_t done = 0;
  while (*next < view.rows() && out.size() - done > 4) {
    std::uint32_t none = 0;
    auto written = encoder.encode(view.row(*next), &none, out.subspan(done + 4));
    if (!written.has_value()) {
      if (written.error().code() == ErrorCode::kRecordTooLarge && done != 0) break;
      return std::move(written).error();
    }
    std::size_t bytes = *written;
    if (line_ends_ && bytes != 0 && out[done + 4 + bytes - 1] == '\n') --bytes;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t shift = framing_ == Framing::kU32Big ? 24 - 8 * i : 8 * i;
      out[done + i] = static_cast<char>(bytes >> shift);
    }
    done += 4 + bytes;
    ++*next;
  }
  if (done == 0 && *next < view.rows())
    return Error(ErrorCode::kRecordTooLarge, "an encoded record is longer than the buffer for it");
  return done;
}

}  // namespace weir
