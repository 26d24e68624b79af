// Decompression through every backend: whole, in many frames, cut anywhere, damaged, and bombs.
#include <zlib.h>
#include <zstd.h>

#include "io/backend_fixture.h"

namespace weir {
namespace {

std::string zstd(std::string_view bytes, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  if (window_log != 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(ZSTD_compressBound(bytes.size()) + 64, '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // Streamed, so that the frame is not known to be small and keeps the window that was asked for.
  while (in.pos < in.size) ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  while (ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class CompressionTest : public BackendTest {
 protected:
  ReadState read(const std::string& name, std::string_view compressed, std::string& all, FileSourceConfig config = {}) {
    world_->write_file(name, compressed);
    config.path = world_->path(name);
    source_ = make_file_source(config);
    const auto opened = source_->open(*backend_);
    EXPECT_TRUE(opened.has_value());
    all.clear();
    return read_all(*source_, all);
  }
  std::unique_ptr<ByteSource> source_;
  void TearDown() override {
    source_.reset();
    BackendTest::TearDown();
  }
};
WEIR_ON_ALL_BACKENDS(CompressionTest);

TEST_P(CompressionTest, FramesFollowOneAnother) {
  const std::string one = pattern(100000, 1);
  const std::string two = pattern(70001, 2);
  std::string all;
  for (const std::uint32_t chunk : {1u, 17u, 65536u, 262144u}) {
    if (chunk == 1 && GetParam() != std::string("sim")) continue;  // once is enough for the slow one
    FileSourceConfig config;
    config.read_buffer_bytes = 1000;
    config.output_chunk_bytes = chunk;
    EXPECT_EQ(read("a.zst", zstd(one) + zstd("") + zstd(two), all, config), ReadState::kEnd);
    EXPECT_TRUE(all == one + two) << chunk;
    EXPECT_EQ(source_->bytes_consumed(), all.size());
    EXPECT_EQ(read("a.gz", gzip(one) + gzip("") + gzip(two) + std::string(512, '\0'), all, config), ReadState::kEnd);
    EXPECT_TRUE(all == one + two) << chunk;
  }
}

TEST_P(CompressionTest, SuffixesDecideUnlessTold) {
  const std::string text = "plain";
  std::string all;
  EXPECT_EQ(read("a.zstd", zstd(text), all), ReadState::kEnd);
  EXPECT_EQ(all, text);
  EXPECT_EQ(read("a.txt", gzip(text), all), ReadState::kEnd);
  EXPECT_EQ(all, gzip(text));
  FileSourceConfig config;
  config.compression = Compression::kGzip;
  EXPECT_EQ(read("b.txt", gzip(text), all, config), ReadState::kEnd);
  EXPECT_EQ(all, text);
  EXPECT_EQ(read("empty.zst", "", all), ReadState::kEnd);
  EXPECT_EQ(all, "");
}

TEST_P(CompressionTest, InputCutAnywhereIsTruncatedAndGivesWhatWasWhole) {
  const std::string text = pattern(300);
  for (const bool use_zstd : {true, false}) {
    const std::string compressed = use_zstd ? zstd(text) : gzip(text);
    for (std::size_t cut = 1; cut < compressed.size(); cut += 7) {
      std::string all;
      EXPECT_EQ(read(use_zstd ? "t.zst" : "t.gz", compressed.substr(0, cut), all), ReadState::kError) << cut;
      EXPECT_EQ(source_->error().code(), ErrorCode::kTruncated) << source_->error().to_string();
      EXPECT_EQ(source_->error().position().line, cut);
      EXPECT_TRUE(text.starts_with(all)) << cut;
    }
  }
}

TEST_P(CompressionTest, DamageIsFoundAndItsPlaceTold) {
  const std::string text = pattern(50000);
  for (const bool use_zstd : {true, false}) {
    std::string compressed = use_zstd ? zstd(text) : gzip(text);
    for (const std::size_t at : {std::size_t{0}, compressed.size() / 2, compressed.size() - 1}) {
      std::string damaged = compressed;
      // The last byte of gzip is the length, of zstd the checksum.
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      std::string all;
      ASSERT_EQ(read(use_zstd ? "d.zst" : "d.gz", damaged, all), ReadState::kError) << at;
      EXPECT_EQ(source_->error().code(), ErrorCode::kCorrupt);
      EXPECT_EQ(source_->error().position().kind, Position::Kind::kByte);
      EXPECT_NE(source_->error().message().find(use_zstd ? "d.zst" : "d.gz"), std::string_view::npos);
    }
    std::string all;
    ASSERT_EQ(read(use_zstd ? "g.zst" : "g.gz", compressed + "garbage behind it", all), ReadState::kError);
    EXPECT_EQ(source_->error().code(), ErrorCode::kCorrupt);
    EXPECT_TRUE(all == text) << "what was whole is given first";
  }
}

TEST_P(CompressionTest, ABombUnfoldsThroughOneChunk) {
  const std::string zeros(64 << 20, 'z');
  const std::string compressed = zstd(zeros);
  ASSERT_LT(compressed.size(), zeros.size() / 1000);
  world_->write_file("bomb.zst", compressed);
  auto source = make_file_source({.path = world_->path("bomb.zst"), .output_chunk_bytes = 4096});
  ASSERT_TRUE(source->open(*backend_).has_value());
  std::size_t total = 0;
  ReadState state = ReadState::kPending;
  ASSERT_TRUE(drive([&] {
    std::span<const char> bytes;
    while ((state = source->poll(bytes)) == ReadState::kData) {
      EXPECT_LE(bytes.size(), 4096u);
      total += bytes.size();
      source->consume(bytes.size());
    }
    return state != ReadState::kPending;
  }));
  EXPECT_EQ(state, ReadState::kEnd);
  EXPECT_EQ(total, zeros.size());
}

TEST_P(CompressionTest, AWindowBeyondTheLimitIsRefused) {
  FileSourceConfig config;
  config.zstd_window_log_max = 20;
  std::string all;
  const std::string text = pattern(1000);
  EXPECT_EQ(read("w.zst", zstd(text, 20), all, config), ReadState::kEnd);
  EXPECT_EQ(all, text);
  EXPECT_EQ(read("w.zst", zstd(text, 24), all, config), ReadState::kError);
  EXPECT_EQ(source_->error().code(), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace weir
