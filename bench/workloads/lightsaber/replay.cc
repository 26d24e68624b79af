// Fills replay buffers and gives them (replay.h).
#include "workloads/lightsaber/replay.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

namespace weir::bench {

std::optional<std::vector<std::string>> sample_lines(const std::string& file) {
  std::ifstream stream(std::string(WEIR_SOURCE_DIR) + "/../shared/data/lightsaber-bench/" + file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::ostringstream all;
  all << stream.rdbuf();
  const std::string packed = all.str();
  const unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  std::string text(size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ? std::size_t{64} << 20 : size,
                   '\0');
  const std::size_t written = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  if (ZSTD_isError(written) != 0) return std::nullopt;
  text.resize(written);
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

namespace {

std::int64_t time_of(const std::byte* row) noexcept {
  std::int64_t time;
  std::memcpy(&time, row, sizeof time);
  return time;
}

}  // namespace

Replay::Replay(const std::vector<std::byte>& sample, std::size_t stride, std::size_t bytes) : stride_(stride) {
  const std::size_t sample_rows = sample.size() / stride;
  const std::int64_t sample_span = time_of(sample.data() + (sample_rows - 1) * stride) + 1;
  const std::size_t loops = std::max<std::size_t>(1, bytes / stride / sample_rows);
  rows_ = loops * sample_rows;
  span_ = static_cast<std::int64_t>(loops) * sample_span;
  memory_ = Column<std::byte>(rows_ * stride);
  for (std::size_t loop = 0; loop < loops; ++loop) {
    std::byte* to = memory_.data() + loop * sample_rows * stride;
    std::memcpy(to, sample.data(), sample_rows * stride);
    for (std::size_t row = 0; row < sample_rows; ++row) {
      const std::int64_t time = time_of(to + row * stride) + static_cast<std::int64_t>(loop) * sample_span;
      std::memcpy(to + row * stride, &time, sizeof time);
    }
  }
  std::size_t row = 0;
  for (std::int64_t at = 0; at <= span_; ++at) {
    while (row < rows_ && unit(row) < at) ++row;
    first_rows_.push_back(row);
  }
}

std::int64_t Replay::unit(std::size_t index) const noexcept {
  return time_of(row(index));
}

ReadStatus StructFeed::read(StructRows& rows, std::uint64_t count_max) noexcept {
  if (given_ == total_) return ReadStatus::kEnd;
  const std::uint64_t pass = given_ / replay_->rows(), at = given_ % replay_->rows();
  const std::uint64_t count = std::min({std::uint64_t{replay_->rows()} - at, total_ - given_, count_max});
  rows.first = replay_->row(at);
  rows.count = count;
  rows.time_shift_ns = static_cast<std::int64_t>(pass) * replay_->span() * unit_ns_;
  given_ += count;
  return ReadStatus::kRows;
}

}  // namespace weir::bench
