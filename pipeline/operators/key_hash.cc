// Hashes key columns one after the other (key_hash.h).
#include "operators/key_hash.h"

#include "weir/simd/hash.h"

namespace weir {

void hash_keys(const Batch& batch, std::span<const std::uint32_t> columns, std::uint64_t* hashes) {
  WEIR_CHECK(!columns.empty());
  simd::HashMode mode = simd::HashMode::kStart;
  for (std::uint32_t index : columns) {
    const Vector& column = batch.column(index);
    simd::Rows rows = selected_rows(batch);
    rows.validity = column.validity;
    switch (column.physical) {
      case Physical::kInt8:
        simd::hash_column(column.values<std::int8_t>(), rows, mode, hashes);
        break;
      case Physical::kInt16:
        simd::hash_column(column.values<std::int16_t>(), rows, mode, hashes);
        break;
      case Physical::kInt32:
        simd::hash_column(column.values<std::int32_t>(), rows, mode, hashes);
        break;
      case Physical::kInt64:
        simd::hash_column(column.values<std::int64_t>(), rows, mode, hashes);
        break;
      case Physical::kInt128:
        simd::hash_bytes16(column.data, rows, mode, hashes);
        break;
      case Physical::kFloat:
        simd::hash_floats(column.values<float>(), rows, mode, hashes);
        break;
      case Physical::kDouble:
        simd::hash_doubles(column.values<double>(), rows, mode, hashes);
        break;
      case Physical::kString:
        simd::hash_strings(column.data, rows, mode, hashes);
        break;
      case Physical::kNested:
        WEIR_CHECK(false);
    }
    mode = simd::HashMode::kCombine;
  }
}

}  // namespace weir
