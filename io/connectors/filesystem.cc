// filesystem: files and folders, as Flink names them. A source's path is a file, a folder (each file an input) or "-"
// for the standard input; .zst and .gz are decompressed. A sink's path is a folder of part files, one a shard, which
// appear under their names when they are whole; or "-" for the standard output.
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/decoding_reader.h"
#include "connectors/encoding_writer.h"
#include "connectors/options.h"
#include "journal/journal_format.h"
#include "weir/io/byte_sink.h"
#include "weir/io/byte_source.h"

namespace weir {
namespace {

constexpr std::uint64_t kInputsMax = 1024;

constexpr OptionHelp kOptions[] = {
    {"path", "", "a file, a folder, or - for the standard input or output"},
    {"weir.inputs-max", "64", "source: files of a folder that are read side by side; more is an error"},
    {"weir.buffer-bytes", "262144", "bytes of each read or write buffer"},
    {"sink.rolling-policy.file-size", "", "accepted for Flink; a run writes one part a shard"},
    {"sink.rolling-policy.rollover-interval", "", "accepted for Flink; a run writes one part a shard"},
    {"sink.rolling-policy.check-interval", "", "accepted for Flink; a run writes one part a shard"},
    {"source.monitor-interval", "", "accepted for Flink; files are read once"},
};

/// "file:///a/b" and "file:/a/b" as Flink writes paths.
std::string plain_path(std::string path) {
  if (path.starts_with("file://")) return path.substr(7);
  if (path.starts_with("file:/")) return path.substr(5);
  return path;
}

class FilesystemSource final : public TableSource {
 public:
  FilesystemSource(TableContext context, FormatContext format, std::vector<std::string> files,
                   std::uint32_t buffer_bytes)
      : context_(std::move(context)),
        format_(std::move(format)),
        files_(std::move(files)),
        buffer_bytes_(buffer_bytes) {
    if (format_.format == "journal") frame_bytes_ = detail::journal_frame_bytes_max(format_).value_or(0);
  }

  std::uint32_t input_count() const noexcept override { return static_cast<std::uint32_t>(files_.size()); }
  bool bounded() const noexcept override { return true; }

  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend& backend,
                                          const ReaderCallbacks& callbacks) override {
    WEIR_ASSIGN(std::unique_ptr<Decoder> decoder, make_decoder(format_));
    FileSourceConfig config;
    config.path = files_[input];
    config.read_buffer_bytes = buffer_bytes_;
    config.output_chunk_bytes = buffer_bytes_;
    auto reader = std::make_unique<DecodingReader>(std::move(decoder), callbacks);
    WEIR_TRY(reader->open(make_file_source(std::move(config)), backend));
    return std::unique_ptr<RowReader>(std::move(reader));
  }

  std::string input_name(std::uint32_t input) const override {
    return input < files_.size() ? files_[input] : TableSource::input_name(input);
  }

  std::size_t reader_bytes() const noexcept override {
    const FileSourceConfig config;
    // Read buffers, the decompressed chunk, the decompressor's window in the common case, the decoder's carry and
    // index.
    return std::size_t{config.read_buffers_max} * buffer_bytes_ + buffer_bytes_ + (std::size_t{16} << 20) +
           4 * context_.record_bytes_max + frame_bytes_;
  }

  std::string describe() const override {
    return "filesystem " + plain_path(context_.options.at("path")) + ", " + format_.format + ", " +
           std::to_string(files_.size()) + (files_.size() == 1 ? " input" : " inputs");
  }

 private:
  TableContext context_;
  FormatContext format_;
  std::vector<std::string> files_;
  std::uint32_t buffer_bytes_;
  std::size_t frame_bytes_ = 0;  // of a journal
};

Result<std::vector<std::string>> find_files(const TableContext& context, const std::string& path) {
  if (path == kStandardStream || context.setup_backend == nullptr) return std::vector<std::string>{path};
  auto files = list_input_files(*context.setup_backend, path);
  if (!files.has_value()) return std::move(files).error().with_context("opening table " + context.table);
  if (files->empty()) {
    return Error(ErrorCode::kNotFound, "folder " + path + " holds no file that can be read")
        .with_context("opening table " + context.table);
  }
  return files;
}

Result<std::unique_ptr<TableSource>> make_filesystem_source(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  WEIR_ASSIGN(std::string path, options.required("path", "filesystem"));
  path = plain_path(std::move(path));
  WEIR_ASSIGN(const std::uint64_t inputs_max, options.number("weir.inputs-max", 64, 1, kInputsMax));
  WEIR_ASSIGN(const std::uint64_t buffer_bytes, options.number("weir.buffer-bytes", 262144, 4096, 16u << 20));
  WEIR_ASSIGN(std::vector<std::string> files, find_files(context, path));
  if (files.size() > inputs_max) {
    return Error(ErrorCode::kLimitExceeded, "folder " + path + " holds " + std::to_string(files.size()) +
                                                " files; weir.inputs-max of table " + context.table + " is " +
                                                std::to_string(inputs_max));
  }
  FormatContext format = format_context(context, filesystem_connector());
  format.may_borrow = true;
  return std::unique_ptr<TableSource>(std::make_unique<FilesystemSource>(context, std::move(format), std::move(files),
                                                                         static_cast<std::uint32_t>(buffer_bytes)));
}

class FilesystemSink final : public TableSink {
 public:
  FilesystemSink(FormatContext format, std::string path, std::string run, std::uint32_t buffer_bytes,
                 std::uint32_t sink_number)
      : format_(std::move(format)),
        path_(std::move(path)),
        run_(std::move(run)),
        buffer_bytes_(buffer_bytes),
        sink_number_(sink_number) {}

  bool parallel() const noexcept override { return path_ != kStandardStream; }

  Result<std::unique_ptr<RowWriter>> open(std::uint32_t shard, IoBackend& backend) override {
    WEIR_ASSIGN(std::unique_ptr<Encoder> encoder, make_encoder(format_));
    FileSinkConfig config;
    config.buffer_bytes = buffer_bytes_;
    if (path_ == kStandardStream) {
      config.path = path_;
      auto writer =
          std::make_unique<EncodingWriter>(std::move(encoder), make_file_sink(std::move(config)), backend, false);
      WEIR_TRY(writer->open_now());
      return std::unique_ptr<RowWriter>(std::move(writer));
    }
    const std::string name =
        "part-" + run_ + "-" + std::to_string(shard) + "-" + std::to_string(sink_number_) + "." + format_.format;
    const std::string final_path = path_ + "/" + name;
    const bool simulated = backend.name() == "sim";  // its files appear on the host when they are closed
    config.path = simulated ? final_path : path_ + "/." + name + ".inprogress";
    const std::string written_path = config.path;
    return std::unique_ptr<RowWriter>(
        std::make_unique<EncodingWriter>(std::move(encoder), make_file_sink(std::move(config)), backend, true,
                                         written_path, simulated ? std::string() : final_path));
  }

  std::size_t writer_bytes() const noexcept override { return std::size_t{2} * buffer_bytes_; }
  std::string describe() const override { return "filesystem " + path_ + ", " + format_.format; }
  std::string guarantee() const override {
    return path_ == kStandardStream ? "at most once: a crash loses what was not yet written"
                                    : "whole files or none: a part file gets its name when it is complete";
  }

 private:
  FormatContext format_;
  std::string path_;
  std::string run_;
  std::uint32_t buffer_bytes_;
  std::uint32_t sink_number_;
};

/// Makes the sink's folder. A path that stands for a file, or under one, is refused.
Result<void> make_folder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_directory(path, error)) {
    return Error(ErrorCode::kExists, path + " is a file; a filesystem sink's path is a folder of part files")
        .with_hint("name another path, or write to '-' (the standard output) and redirect it");
  }
  std::filesystem::create_directories(path, error);
  if (error) return Error::from_errno(error.value(), "cannot make the folder " + path);
  return {};
}

Result<std::unique_ptr<TableSink>> make_filesystem_sink(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  WEIR_ASSIGN(std::string path, options.required("path", "filesystem"));
  path = plain_path(std::move(path));
  WEIR_ASSIGN(const std::uint64_t buffer_bytes, options.number("weir.buffer-bytes", 262144, 4096, 16u << 20));
  FormatContext format = format_context(context, filesystem_connector());
  if (auto encoder = make_encoder(format); !encoder.has_value()) return std::move(encoder).error();
  if (format.format == "journal" && buffer_bytes < detail::kJournalBufferBytesMin) {
    return Error(ErrorCode::kSqlInvalidOption, "weir.buffer-bytes of table " + context.table + " is " +
                                                   std::to_string(buffer_bytes) + "; a journal is written with " +
                                                   std::to_string(detail::kJournalBufferBytesMin) + " at least");
  }
  std::string run = "0";
  if (context.clock != nullptr) {
    char text[24];
    std::snprintf(text, sizeof text, "%" PRIx64, static_cast<std::uint64_t>(context.clock->wall_ns()));
    run = text;
    if (path != kStandardStream && context.make_folders) WEIR_TRY(make_folder(path));
  }
  return std::unique_ptr<TableSink>(std::make_unique<FilesystemSink>(std::move(format), std::move(path), std::move(run),
                                                                     static_cast<std::uint32_t>(buffer_bytes),
                                                                     context.sink_number));
}

}  // namespace

const ConnectorEntry& filesystem_connector() {
  static constexpr ConnectorEntry kEntry{"filesystem", kOptions, true, make_filesystem_source, make_filesystem_sink};
  return kEntry;
}

}  // namespace weir
