// Part of arithmetic.cc, compiled once for every target, where the compiler turns the loops into vector code, and once
// for the plain loops.

/// The result, wrapped around where an integer overflows.
template <ArithmeticOp kOp, class T>
inline T wrapped(T left, T right) {
  if constexpr (std::is_floating_point_v<T>) {
    switch (kOp) {
      case ArithmeticOp::kAdd:
        return left + right;
      case ArithmeticOp::kSubtract:
        return left - right;
      case ArithmeticOp::kMultiply:
        return left * right;
      case ArithmeticOp::kDivide:
        return left / right;
    }
    return T{};
  } else {
    // Narrow types would be promoted to int, whose products can overflow: 32 bits unsigned are enough for them.
    using Wide = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    const Wide a = static_cast<Wide>(left), b = static_cast<Wide>(right);
    switch (kOp) {
      case ArithmeticOp::kAdd:
        return static_cast<T>(a + b);
      case ArithmeticOp::kSubtract:
        return static_cast<T>(a - b);
      default:
        return static_cast<T>(a * b);
    }
  }
}

/// Not 0 when the integer result does not fit.
template <ArithmeticOp kOp, class T>
inline std::uint64_t overflows(T left, T right) {
  if constexpr (kOp == ArithmeticOp::kMultiply) {
    if constexpr (sizeof(T) == 8) {
      T result;
      return __builtin_mul_overflow(left, right, &result) ? 1 : 0;
    } else {
      using Wide = std::conditional_t<sizeof(T) == 4, std::int64_t, std::int32_t>;
      const Wide product = static_cast<Wide>(left) * right;
      return product != static_cast<Wide>(static_cast<T>(product)) ? 1 : 0;
    }
  } else {
    const T result = wrapped<kOp>(left, right);
    const T sign = kOp == ArithmeticOp::kAdd ? static_cast<T>((left ^ result) & (right ^ result))
                                             : static_cast<T>((left ^ right) & (left ^ result));
    return sign < 0 ? 1 : 0;
  }
}

template <ArithmeticOp kOp, Form kForm, class T>
std::uint32_t arithmetic_kernel(const T* left, const T* right, const Rows& rows, T* out) {
  constexpr bool kLeft = kForm != Form::kLeftConstant, kRight = kForm != Form::kRightConstant;
  constexpr bool kChecked = std::is_integral_v<T>;
  constexpr std::uint32_t kBlock = 256;
  std::uint32_t failed = kNoRow;
  const T left_constant = kLeft ? T{} : *left, right_constant = kRight ? T{} : *right;
  const auto a = [&](std::uint32_t row) { return kLeft ? left[row] : left_constant; };
  const auto b = [&](std::uint32_t row) { return kRight ? right[row] : right_constant; };
  const std::uint32_t end = rows.end();
  if (rows.selection != nullptr && rows.count < end / 4) {
    for (std::uint32_t i = 0; i < rows.count; ++i) {
      const std::uint32_t row = rows.selection[i];
      if constexpr (kChecked) {
        if (failed == kNoRow && overflows<kOp>(a(row), b(row)) != 0 && rows.valid(row)) failed = row;
      }
      out[row] = wrapped<kOp>(a(row), b(row));
    }
    return failed;
  }
  std::uint32_t position = 0;  // in the selection
  for (std::uint32_t block = 0; block < end; block += kBlock) {
    const std::uint32_t stop = end - block < kBlock ? end : block + kBlock;
    if constexpr (kChecked) {
      std::uint64_t any = 0;
      for (std::uint32_t row = block; row < stop; ++row) any |= overflows<kOp>(a(row), b(row));
      if (any != 0 && failed == kNoRow) {
        // Some row overflows; find out whether it is one that counts.
        if (rows.selection == nullptr) {
          for (std::uint32_t row = block; row < stop && failed == kNoRow; ++row) {
            if (overflows<kOp>(a(row), b(row)) != 0 && rows.valid(row)) failed = row;
          }
        } else {
          while (position < rows.count && rows.selection[position] < block) ++position;
          for (; position < rows.count && rows.selection[position] < stop && failed == kNoRow; ++position) {
            const std::uint32_t row = rows.selection[position];
            if (overflows<kOp>(a(row), b(row)) != 0 && rows.valid(row)) failed = row;
          }
        }
      }
    }
    for (std::uint32_t row = block; row < stop; ++row) out[row] = wrapped<kOp>(a(row), b(row));
  }
  return failed;
}

template <ArithmeticOp kOp, class T>
constexpr void fill_entry(ArithmeticEntry<T>& entry) {
  auto& run = entry.run[static_cast<std::size_t>(kOp)];
  run[static_cast<std::size_t>(Form::kVectors)] = &arithmetic_kernel<kOp, Form::kVectors, T>;
  run[static_cast<std::size_t>(Form::kRightConstant)] = &arithmetic_kernel<kOp, Form::kRightConstant, T>;
  run[static_cast<std::size_t>(Form::kLeftConstant)] = &arithmetic_kernel<kOp, Form::kLeftConstant, T>;
}
template <class T>
constexpr ArithmeticEntry<T> make_entry() {
  ArithmeticEntry<T> entry{};
  fill_entry<ArithmeticOp::kAdd>(entry);
  fill_entry<ArithmeticOp::kSubtract>(entry);
  fill_entry<ArithmeticOp::kMultiply>(entry);
  if constexpr (std::is_floating_point_v<T>) fill_entry<ArithmeticOp::kDivide>(entry);
  return entry;
}

const ArithmeticTable* arithmetic_table() {
  static constexpr ArithmeticTable kTable = {make_entry<std::int8_t>(),  make_entry<std::int16_t>(),
                                             make_entry<std::int32_t>(), make_entry<std::int64_t>(),
                                             make_entry<float>(),        make_entry<double>()};
  return &kTable;
}
