// What a Writer and a Reader hold: made by Job, used by writer.cc and reader.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/host_results.h"
#include "engine/inline_run.h"
#include "weir/io/host_feed.h"
#include "weir/pipeline/reader.h"
#include "weir/pipeline/writer.h"

namespace weir {

struct Writer::Impl {
  std::unique_ptr<FeedWriter> feed;
  InlineRun* run = nullptr;  ///< Of an inline job.
  std::size_t struct_bytes = 0;
  std::size_t columns = 0;  ///< Physical ones of the table.
};

/// How a value becomes a struct's field.
struct ResultField {
  using Store = void (*)(const Vector& from, std::uint32_t row, std::int64_t unit_ns, std::byte* field);
  std::uint32_t column = 0;
  std::uint32_t offset = 0;
  std::int64_t unit_ns = 1;
  Store store = nullptr;
  Store store_null = nullptr;  ///< Null where the field has no value for NULL.
};

struct Reader::Impl {
  explicit Impl(HostResults& from) : results(from) {}
  HostResults& results;
  std::size_t turn = 0;  ///< The lane that is asked next.
  HostResults::Lane* lane = nullptr;
  Batch* batch = nullptr;  ///< Shown; of `lane`.
  std::uint32_t row = 0;   ///< Next of it, for read_structs.
  std::uint64_t rows = 0;
  std::size_t stride = 0;
  std::vector<ResultField> fields;
};

}  // namespace weir
