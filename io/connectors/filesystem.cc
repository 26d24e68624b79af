// filesystem: files and folders, as Flink names them. A source's path is a file, a folder (each file an input) or "-"
// for the standard input; .zst and .gz are decompressed. A sink's path is a folder of part files, one a shard, which
// appear under their names when they are whole; or "-" for the standard output.
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "connectors/connectors.h"
#include "connectors/decoding_reader.h"
#include "connectors/encoding_writer.h"
#include "connectors/journal_start.h"
#include "connectors/options.h"
#include "connectors/paced_reader.h"
#include "connectors/tail_reader.h"
#include "journal/journal_format.h"
#include "weir/io/byte_sink.h"
#include "weir/io/byte_source.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir {
namespace {

constexpr std::uint64_t kInputsMax = 1024;

constexpr OptionHelp kOptions[] = {
    {"path", "", "a file, a folder, or - for the standard input or output"},
    {"weir.inputs-max", "64", "source: files of a folder that are read side by side; more is an error"},
    {"weir.buffer-bytes", "262144", "bytes of each read or write buffer"},
    {"sink.full-disk-timeout", "10 min",
     "sink: how long a full disk may take to have room again before the job fails; until then the job waits"},
    {"sink.rolling-policy.file-size", "", "accepted for Flink; a run writes one part a shard"},
    {"sink.rolling-policy.rollover-interval", "", "accepted for Flink; a run writes one part a shard"},
    {"sink.rolling-policy.check-interval", "", "accepted for Flink; a run writes one part a shard"},
    {"scan.pace", "", "source: seconds of event time that pass in a second, 1.0 as it happened; else at full speed"},
    {"scan.pace-column", "", "source: TIMESTAMP, TIMESTAMP_LTZ or BIGINT (nanoseconds) column that scan.pace goes by"},
    {"scan.from", "",
     "source, journals: a timestamp; frames at the front that hold nothing but earlier rows are not read"},
    {"source.monitor-interval", "",
     "source: look that often for growth and new files, for ever; else files are read once"},
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
  bool bounded() const noexcept override { return interval_ns_ == 0; }

  Result<std::unique_ptr<RowReader>> open(std::uint32_t input, IoBackend& backend,
                                          const ReaderCallbacks& callbacks) override {
    WEIR_ASSIGN(std::unique_ptr<RowReader> reader, open_reader(input, backend, callbacks));
    if (!pace_.has_value()) return reader;
    return make_paced_reader(*pace_, std::move(reader), backend);
  }

  std::string input_name(std::uint32_t input) const override {
    return input < files_.size() ? files_[input] : TableSource::input_name(input);
  }

  std::size_t reader_bytes() const noexcept override {
    const FileSourceConfig config;
    const std::size_t decoder = 4 * context_.record_bytes_max + frame_bytes_;
    const std::size_t paced = pace_.has_value() ? paced_reader_bytes(*pace_) : 0;
    if (interval_ns_ != 0) return files_max_ * (std::size_t{buffer_bytes_} + 4096 + decoder) + paced;
    // Read buffers, the decompressed chunk, the decompressor's window in the common case, the decoder's carry and
    // index.
    return std::size_t{config.read_buffers_max} * buffer_bytes_ + buffer_bytes_ + (std::size_t{16} << 20) + decoder +
           paced;
  }

  /// Gives rows by their event time. The pacer reads a column that the query may not want, behind those it does.
  void pace(PaceConfig pace, std::uint32_t table_column) {
    pace.columns = static_cast<std::uint32_t>(format_.columns.size());
    pace.staged.resize(pace.columns);
    std::optional<std::uint32_t> place;
    for (const DecodedColumn& column : format_.columns) {
      pace.staged[column.batch_column] = context_.schema.fields[column.source_index].type.physical();
      if (column.source_index == table_column) place = column.batch_column;
    }
    if (!place.has_value()) {
      place = pace.columns;
      format_.columns.push_back({table_column, *place});
      pace.staged.push_back(context_.schema.fields[table_column].type.physical());
    }
    pace.time_column = *place;
    pace.heap_bytes = context_.record_bytes_max;
    pace_ = std::move(pace);
  }

  /// Watches the path for growth and new files, as one input. Requires: one path.
  void watch(std::int64_t interval_ns, std::uint32_t files_max) noexcept {
    interval_ns_ = interval_ns;
    files_max_ = files_max;
  }

  /// Each file is read from its own start; one for each.
  void start_from(std::string from, std::vector<JournalStart> starts) {
    from_ = std::move(from);
    starts_ = std::move(starts);
  }

  std::string describe() const override {
    if (interval_ns_ != 0)
      return "filesystem " + files_[0] + ", " + format_.format + ", watched every " +
             std::to_string(interval_ns_ / 1'000'000) + " ms, 1 input";
    return "filesystem " + plain_path(context_.options.at("path")) + ", " + format_.format + ", " +
           std::to_string(files_.size()) + (files_.size() == 1 ? " input" : " inputs") + describe_starts();
  }

 private:
  std::string describe_starts() const {
    if (starts_.empty()) return {};
    JournalStart all;
    for (const JournalStart& start : starts_) {
      all.frames += start.frames;
      all.frames_skipped += start.frames_skipped;
      all.rows_skipped += start.rows_skipped;
    }
    return ", from " + from_ + ": " + std::to_string(all.frames_skipped) + " of " + std::to_string(all.frames) +
           " frames (" + std::to_string(all.rows_skipped) + " rows) are not read";
  }

  Result<std::unique_ptr<RowReader>> open_reader(std::uint32_t input, IoBackend& backend,
                                                 const ReaderCallbacks& callbacks) {
    if (interval_ns_ != 0)
      return make_tail_reader({files_[input], interval_ns_, files_max_, buffer_bytes_}, format_, backend, callbacks);
    FileSourceConfig config;
    config.path = files_[input];
    FormatContext format = format_;
    if (!starts_.empty()) {
      format.rows_left_out = starts_[input].rows_skipped;
      config.skip_from = starts_[input].skip_from;
      config.skip_to = starts_[input].skip_to;
    }
    WEIR_ASSIGN(std::unique_ptr<Decoder> decoder, make_decoder(format));
    config.read_buffer_bytes = buffer_bytes_;
    config.output_chunk_bytes = buffer_bytes_;
    auto reader = std::make_unique<DecodingReader>(std::move(decoder), callbacks);
    WEIR_TRY(reader->open(make_file_source(std::move(config)), backend));
    return std::unique_ptr<RowReader>(std::move(reader));
  }

  TableContext context_;
  FormatContext format_;
  std::vector<std::string> files_;
  std::uint32_t buffer_bytes_;
  std::size_t frame_bytes_ = 0;   // of a journal
  std::int64_t interval_ns_ = 0;  // of looking for growth; 0: read once
  std::uint32_t files_max_ = 0;
  std::optional<PaceConfig> pace_;
  std::string from_;
  std::vector<JournalStart> starts_;  // of journals that are read from a time on; else none
};

/// Where each file begins. Errors: kSqlInvalidOption; those of find_journal_start.
Result<std::vector<JournalStart>> find_starts(const TableContext& context, const OptionReader& options,
                                              const std::vector<std::string>& files) {
  const std::string from = options.text("scan.from", "");
  if (options.text("format", "") != "journal" || options.has("source.monitor-interval")) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'scan.from' of table " + context.table +
                                                   " is for journals that are read once ('format' = 'journal')");
  }
  std::vector<JournalStart> starts;
  if (context.setup_backend == nullptr) return starts;
  for (const std::string& file : files) {
    if (file == kStandardStream || compression_of(file) != Compression::kNone) {
      return Error(ErrorCode::kSqlInvalidOption, "option 'scan.from' of table " + context.table +
                                                     " needs files that are not compressed, not " + file);
    }
    auto start =
        find_journal_start(*context.setup_backend, file, from, fixed_zone_offset(context.time_zone).value_or(0));
    if (!start.has_value()) return std::move(start).error().with_context("opening table " + context.table);
    starts.push_back(*start);
  }
  return starts;
}

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

struct PaceOptions {
  double pace = 1;
  std::uint32_t column = 0;
};

Result<PaceOptions> read_pace(const TableContext& context, const OptionReader& options) {
  PaceOptions out;
  const std::string text = options.text("scan.pace", "1.0");
  if (parse_double(text, out.pace) != TextStatus::kOk || !(out.pace >= 1e-6 && out.pace <= 1e9)) {
    return Error(ErrorCode::kSqlInvalidOption, "option 'scan.pace' of table " + context.table +
                                                   " wants a number of 0.000001 to 1000000000, not '" + text + "'");
  }
  const std::string name = options.text("scan.pace-column", "");
  const int column = context.schema.find(name);
  if (column < 0) {
    return Error(ErrorCode::kSqlInvalidOption, name.empty()
                                                   ? "option 'scan.pace' of table " + context.table +
                                                         " needs 'scan.pace-column', the column of the event time"
                                                   : "option 'scan.pace-column' of table " + context.table +
                                                         " names '" + name + "', which is none of its columns");
  }
  out.column = static_cast<std::uint32_t>(column);
  const Type& type = context.schema.fields[out.column].type;
  if (type.is_timestamp() || type.id == TypeId::kBigInt) return out;
  return Error(ErrorCode::kSqlInvalidOption, "option 'scan.pace-column' of table " + context.table + " names '" + name +
                                                 "', which is " + type.to_string() +
                                                 "; it takes TIMESTAMP, TIMESTAMP_LTZ or BIGINT (nanoseconds)");
}

Result<std::unique_ptr<TableSource>> make_filesystem_source(const TableContext& context) {
  const OptionReader options(context.options, context.table);
  WEIR_ASSIGN(std::string path, options.required("path", "filesystem"));
  path = plain_path(std::move(path));
  WEIR_ASSIGN(const std::uint64_t inputs_max, options.number("weir.inputs-max", 64, 1, kInputsMax));
  WEIR_ASSIGN(const std::uint64_t buffer_bytes, options.number("weir.buffer-bytes", 262144, 4096, 16u << 20));
  WEIR_ASSIGN(const std::int64_t interval_ns, options.duration("source.monitor-interval", 0));
  if (interval_ns != 0 && path == kStandardStream) {
    return Error(ErrorCode::kSqlInvalidOption, "source.monitor-interval of table " + context.table +
                                                   " is for files; the standard input ends when its writer closes it");
  }
  std::vector<std::string> files{path};
  if (interval_ns == 0) {
    WEIR_ASSIGN(files, find_files(context, path));
  }
  if (files.size() > inputs_max) {
    return Error(ErrorCode::kLimitExceeded, "folder " + path + " holds " + std::to_string(files.size()) +
                                                " files; weir.inputs-max of table " + context.table + " is " +
                                                std::to_string(inputs_max));
  }
  std::vector<JournalStart> starts;
  if (options.has("scan.from")) {
    WEIR_ASSIGN(starts, find_starts(context, options, files));
  }
  FormatContext format = format_context(context, filesystem_connector());
  format.may_borrow = true;
  auto source = std::make_unique<FilesystemSource>(context, std::move(format), std::move(files),
                                                   static_cast<std::uint32_t>(buffer_bytes));
  if (!starts.empty()) source->start_from(options.text("scan.from", ""), std::move(starts));
  if (interval_ns != 0) source->watch(interval_ns, static_cast<std::uint32_t>(inputs_max));
  if (options.has("scan.pace") || options.has("scan.pace-column")) {
    WEIR_ASSIGN(const PaceOptions pace, read_pace(context, options));
    PaceConfig config;
    config.pace = pace.pace;
    source->pace(std::move(config), pace.column);
  }
  return std::unique_ptr<TableSource>(std::move(source));
}

class FilesystemSink final : public TableSink {
 public:
  FilesystemSink(FormatContext format, std::string path, std::string run, std::uint32_t buffer_bytes,
                 std::uint32_t sink_number, std::int64_t full_disk_timeout_ns)
      : format_(std::move(format)),
        path_(std::move(path)),
        run_(std::move(run)),
        buffer_bytes_(buffer_bytes),
        sink_number_(sink_number),
        full_disk_timeout_ns_(full_disk_timeout_ns) {}

  bool parallel() const noexcept override { return path_ != kStandardStream; }

  Result<std::unique_ptr<RowWriter>> open(std::uint32_t shard, IoBackend& backend) override {
    WEIR_ASSIGN(std::unique_ptr<Encoder> encoder, make_encoder(format_));
    FileSinkConfig config;
    config.buffer_bytes = buffer_bytes_;
    config.full_disk_timeout_ns = full_disk_timeout_ns_;
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
    config.path = path_ + "/." + name + ".inprogress";
    const std::string written_path = config.path;
    auto writer =
        std::make_unique<EncodingWriter>(std::move(encoder), make_file_sink(std::move(config)), backend, true);
    writer->rename_at_end(written_path, final_path, full_disk_timeout_ns_);
    return std::unique_ptr<RowWriter>(std::move(writer));
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
  std::int64_t full_disk_timeout_ns_;
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
  WEIR_ASSIGN(const std::int64_t full_disk_timeout_ns,
              options.duration("sink.full-disk-timeout", std::int64_t{600} * 1'000'000'000, 0));
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
                                                                     context.sink_number, full_disk_timeout_ns));
}

}  // namespace

const ConnectorEntry& filesystem_connector() {
  static constexpr ConnectorEntry kEntry{"filesystem", kOptions, true, make_filesystem_source, make_filesystem_sink};
  return kEntry;
}

}  // namespace weir
