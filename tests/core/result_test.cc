// Errors and checks.
#include "weir/core/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <set>

namespace weir {
namespace {

TEST(ErrorCode, NamesAndNumbersAreDistinct) {
  std::set<unsigned> numbers;
  std::set<std::string_view> names;
  std::size_t count = 0;
#define WEIR_ERROR_CODE(name, number, meaning)             \
  numbers.insert(number);                                  \
  names.insert(error_code_name(ErrorCode::name));          \
  EXPECT_EQ(error_code_meaning(ErrorCode::name), meaning); \
  ++count;
#include "weir/core/error_code.def"
#undef WEIR_ERROR_CODE
  EXPECT_EQ(numbers.size(), count);
  EXPECT_EQ(names.size(), count);
  EXPECT_EQ(error_code_name(ErrorCode::kDiskFull), "DiskFull");
  EXPECT_EQ(error_code_name(static_cast<ErrorCode>(9)), "Unknown");
}

TEST(Error, FromErrnoPicksTheCode) {
  const std::pair<int, ErrorCode> cases[] = {
      {ENOENT, ErrorCode::kNotFound},
      {EACCES, ErrorCode::kPermission},
      {EPERM, ErrorCode::kPermission},
      {EISDIR, ErrorCode::kIsDirectory},
      {ENOSPC, ErrorCode::kDiskFull},
      {EDQUOT, ErrorCode::kDiskFull},
      {EADDRINUSE, ErrorCode::kAddressInUse},
      {ECONNRESET, ErrorCode::kConnectionReset},
      {EPIPE, ErrorCode::kBrokenPipe},
      {EEXIST, ErrorCode::kExists},
      {ENOMEM, ErrorCode::kOutOfMemory},
      {EIO, ErrorCode::kIo},
      {EBADF, ErrorCode::kIo},
      {123456, ErrorCode::kIo},
  };
  for (const auto& [errno_value, code] : cases) {
    const Error error = Error::from_errno(errno_value, "cannot open x");
    EXPECT_EQ(error.code(), code) << errno_value;
    EXPECT_EQ(error.errno_value(), errno_value);
    EXPECT_THAT(std::string(error.message()), testing::StartsWith("cannot open x: "));
  }
  EXPECT_EQ(Error::from_errno(ENOENT, "cannot open x").message(), "cannot open x: No such file or directory");
}

TEST(Error, TextHasCodePositionContextAndHint) {
  Error error = Error(ErrorCode::kDiskFull, "message", Position::at_row(5))
                    .with_context("writing a")
                    .with_context("running b")
                    .with_hint("delete something");
  EXPECT_EQ(error.to_string(),
            "W2004 DiskFull: message (at row 5); while writing a; while running b\n  hint: delete something");
  EXPECT_EQ(error.hint(), "delete something");
  Error copy = error;
  error = Error(ErrorCode::kIo, "other");
  EXPECT_EQ(copy.code(), ErrorCode::kDiskFull);
  EXPECT_EQ(error.to_string(), "W2007 Io: other");
  copy = error;
  EXPECT_EQ(copy.message(), "other");
}

TEST(Position, SpeaksOfItsKind) {
  EXPECT_EQ(Position().to_string(), "");
  EXPECT_EQ(Position::at_line(12, 3).to_string(), "12:3");
  EXPECT_EQ(Position::at_byte(77).to_string(), "byte 77");
  EXPECT_EQ(Position::at_row(5).to_string(), "row 5");
}

Result<int> half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  WEIR_ASSIGN(const int first, half(value));
  return half(first);
}
Result<void> check_quarter(int value) {
  auto result = quarter(value);
  if (!result) return std::move(result).error();
  return {};
}
Result<int> via_try(int value) {
  WEIR_TRY(check_quarter(value));
  return 1;
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_FALSE(quarter(6).has_value());
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_EQ(quarter(7).value_or(-1), -1);
  EXPECT_TRUE(via_try(4).has_value());
  EXPECT_FALSE(via_try(3).has_value());
}

TEST(Result, MovesBetweenValueAndError) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(4);
  EXPECT_EQ(**result, 4);
  result = Result<std::unique_ptr<int>>(Error(ErrorCode::kIo, "gone"));
  EXPECT_FALSE(result.has_value());
  result = Result<std::unique_ptr<int>>(std::make_unique<int>(5));
  EXPECT_EQ(**result, 5);
}

TEST(ResultDeathTest, TheWrongSideIsABug) {
  EXPECT_DEATH((void)quarter(6).value(), "check failed: has_value_");
  EXPECT_DEATH((void)quarter(8).error(), "check failed: !has_value_");
}

TEST(CheckDeathTest, NamesBothValuesAndTheContext) {
  set_check_context("shard 3");
  EXPECT_DEATH(WEIR_CHECK_EQ(1 + 1, 3),
               "result_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3 \\(2 against 3\\) \\[shard 3\\]");
  EXPECT_DEATH(WEIR_CHECK_GT(std::numeric_limits<std::int64_t>::min(), std::int64_t{0}),
               "\\(-9223372036854775808 against 0\\)");
  EXPECT_DEATH(WEIR_CHECK(1 > 2), "check failed: 1 > 2 \\[shard 3\\]");
  set_check_context(nullptr);
  EXPECT_DEATH(WEIR_CHECK(1 > 2), "check failed: 1 > 2\n");
}

TEST(Check, ContextIsCutAtItsLimit) {
  set_check_context(std::string(1000, 'x').c_str());
  EXPECT_EQ(std::string_view(check_context()).size(), kCheckContextBytesMax);
  set_check_context(nullptr);
  EXPECT_STREQ(check_context(), "");
}

}  // namespace
}  // namespace weir
