// Values to text.
#include "formats/encoded_field.h"

#include "weir/io/text_decimal.h"
#include "weir/io/text_number.h"
#include "weir/io/text_time.h"

namespace weir::detail {

static_assert(kPlainTextMax > kTimestampTextMax && kPlainTextMax > kDecimalTextMax && kPlainTextMax > kDoubleTextMax);

char* format_plain(const Type& type, const Vector& column, std::uint32_t row, TimestampStyle style,
                   char* out) noexcept {
  switch (type.id) {
    case TypeId::kBoolean:
      return format_boolean(column.values<std::int8_t>()[row] != 0, out);
    case TypeId::kTinyInt:
      return format_int64(column.values<std::int8_t>()[row], out);
    case TypeId::kSmallInt:
      return format_int64(column.values<std::int16_t>()[row], out);
    case TypeId::kInt:
      return format_int64(column.values<std::int32_t>()[row], out);
    case TypeId::kBigInt:
      return format_int64(column.values<std::int64_t>()[row], out);
    case TypeId::kFloat:
      return format_float(column.values<float>()[row], out);
    case TypeId::kDouble:
      return format_double(column.values<double>()[row], out);
    case TypeId::kDecimal: {
      const bool wide = column.physical == Physical::kInt128;
      return format_decimal(wide ? column.values<Int128>()[row] : column.values<std::int64_t>()[row], type.scale, out);
    }
    case TypeId::kDate:
      return format_date(column.values<std::int32_t>()[row], out);
    case TypeId::kTime:
      return format_time(column.values<std::int64_t>()[row], kDigitsAsNeeded, out);
    case TypeId::kTimestamp:
      return format_timestamp(column.values<std::int64_t>()[row], kDigitsAsNeeded, style.separator, out);
    case TypeId::kTimestampLtz:
      out = format_timestamp(column.values<std::int64_t>()[row], kDigitsAsNeeded, style.separator, out);
      *out++ = 'Z';
      return out;
    default:
      return out;
  }
}

}  // namespace weir::detail
