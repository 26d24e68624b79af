// Column-wise row copies by the gather kernels (batch_copy.h).
#include "operators/batch_copy.h"

#include <algorithm>

#include "weir/simd/gather.h"

namespace weir {
namespace {

/// How many of the rows have long strings that fit into the heap together.
std::uint32_t rows_that_fit(const Batch& from, const std::uint32_t* rows, std::uint32_t count, std::size_t heap_bytes) {
  bool strings = false;
  for (std::uint32_t c = 0; c < from.column_count(); ++c)
    strings = strings || from.column(c).physical == Physical::kString;
  if (!strings) return count;
  std::size_t used = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::uint32_t c = 0; c < from.column_count(); ++c) {
      const Vector& column = from.column(c);
      if (column.physical != Physical::kString || !column.is_valid(rows[i])) continue;
      const StringRef& text = column.values<StringRef>()[rows[i]];
      if (!text.is_inline()) used += text.size;
    }
    if (used > heap_bytes) return i;
  }
  return count;
}

void append_strings(const Vector& from, const std::uint32_t* rows, std::uint32_t count, Vector& to, std::uint32_t at,
                    StringHeap& heap) {
  const StringRef* in = from.values<StringRef>();
  StringRef* out = to.values<StringRef>() + at;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!from.is_valid(rows[i])) {
      out[i] = StringRef();
    } else if (const StringRef& text = in[rows[i]]; text.is_inline()) {
      out[i] = text;
    } else {
      const bool stored = heap.store(text.view(), out[i]);
      WEIR_CHECK(stored);  // rows_that_fit has counted it
    }
  }
}

void append_values(const Vector& from, const std::uint32_t* rows, std::uint32_t count, Vector& to, std::uint32_t at) {
  const std::size_t size = physical_size(from.physical);
  void* out = static_cast<char*>(to.data) + at * size;
  switch (size) {
    case 1:
      simd::gather1(from.data, rows, count, out);
      return;
    case 2:
      simd::gather2(from.data, rows, count, out);
      return;
    case 4:
      simd::gather4(from.data, rows, count, out);
      return;
    case 8:
      simd::gather8(from.data, rows, count, out);
      return;
    default:
      simd::gather16(from.data, rows, count, out);
      return;
  }
}

void append_header(const BatchHeader& from, BatchHeader& to) {
  to.event_time_min = std::min(to.event_time_min, from.event_time_min);
  to.event_time_max = std::max(to.event_time_max, from.event_time_max);
  to.ingest_time_min = std::min(to.ingest_time_min, from.ingest_time_min);
  to.ingest_time_max = std::max(to.ingest_time_max, from.ingest_time_max);
}

}  // namespace

std::uint32_t append_rows(const Batch& from, const std::uint32_t* rows, std::uint32_t count, Batch& to) {
  WEIR_CHECK_EQ(from.column_count(), to.column_count());
  const std::uint32_t at = to.row_count();
  count = std::min(count, to.capacity() - at);
  count = rows_that_fit(from, rows, count, to.heap().available());
  if (count == 0) return 0;
  for (std::uint32_t c = 0; c < from.column_count(); ++c) {
    const Vector& in = from.column(c);
    Vector& out = to.column(c);
    WEIR_CHECK(in.physical == out.physical);
    if (in.physical == Physical::kString) {
      append_strings(in, rows, count, out, at, to.heap());
    } else {
      append_values(in, rows, count, out, at);
    }
    if (in.validity != nullptr) {
      WEIR_CHECK(out.validity != nullptr);
      simd::gather_bits(in.validity, rows, count, out.validity, at);
    }
  }
  if (to.kinds() != nullptr) {
    for (std::uint32_t i = 0; i < count; ++i) {
      to.kinds()[at + i] = from.kinds() == nullptr ? RowKind::kInsert : from.kinds()[rows[i]];
    }
  }
  append_header(from.header(), to.header());
  to.set_row_count(at + count);
  return count;
}

}  // namespace weir
