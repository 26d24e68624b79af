// Lookups against a map: keys that fill a range, keys with gaps, keys far apart; and names that are refused.
#include "weir/pipeline/lookup.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "weir/weir.h"

namespace weir {
namespace {

using Dictionary = std::map<std::int64_t, std::int64_t>;

Result<void> add(FunctionCatalogue& functions, const std::string& name, const Dictionary& dictionary) {
  std::vector<std::int64_t> keys, values;
  for (const auto& [key, value] : dictionary) {
    keys.push_back(key);
    values.push_back(value);
  }
  return functions.add_lookup(name, {keys.data(), values.data(), keys.size()});
}

/// name(k) over the keys in a job with a filter before it, where `filtered`; "NULL" or the value a row.
std::vector<std::string> look_up(const std::shared_ptr<const FunctionCatalogue>& functions, const std::string& name,
                                 const std::vector<std::int64_t>& keys, bool filtered, bool nullable) {
  JobOptions options;
  options.pin = false;
  options.threads = false;
  options.batch_rows = 64;
  options.functions = functions;
  std::size_t at = 0;
  options.host_tables["t"].read = [&](std::uint32_t, Batch& batch) {
    std::uint32_t row = 0;
    for (; row < batch.capacity() && at < keys.size(); ++row, ++at) {
      batch.column(0).values<std::int64_t>()[row] = keys[at];
      if (nullable) batch.column(0).set_valid(row, keys[at] != 7);
    }
    if (!nullable) batch.column(0).validity = nullptr;
    batch.set_row_count(row);
    return row == 0 ? ReadStatus::kEnd : ReadStatus::kRows;
  };
  std::vector<std::string> found;
  options.host_tables["o"].write = [&](std::uint32_t, const Batch& batch) {
    for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
      const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
      const Vector& value = batch.column(0);
      found.push_back(value.is_valid(row) ? std::to_string(value.values<std::int64_t>()[row]) : "NULL");
    }
  };
  const std::string sql =
      "CREATE TABLE t (k BIGINT) WITH ('connector' = 'host');\n"
      "CREATE TABLE o (v BIGINT) WITH ('connector' = 'host');\n"
      "INSERT INTO o SELECT " +
      name + "(k) FROM t" + (filtered ? " WHERE MOD(k, 2) = 0" : "") + ";";
  auto job = make_job(sql, std::move(options));
  EXPECT_TRUE(job.has_value()) << job.error().to_string();
  if (!job.has_value()) return found;
  const auto done = (*job)->run();
  EXPECT_TRUE(done.has_value()) << done.error().to_string();
  return found;
}

void expect_found(const std::shared_ptr<const FunctionCatalogue>& functions, const std::string& name,
                  const Dictionary& dictionary, const std::vector<std::int64_t>& keys) {
  for (const bool filtered : {false, true})
    for (const bool nullable : {false, true}) {
      SCOPED_TRACE(name + (filtered ? " filtered" : "") + (nullable ? " nullable" : ""));
      std::vector<std::string> expected;
      for (const std::int64_t key : keys) {
        if (nullable && key == 7) {
          if (!filtered) expected.push_back("NULL");
          continue;
        }
        if (filtered && key % 2 != 0) continue;
        const auto entry = dictionary.find(key);
        expected.push_back(entry == dictionary.end() ? "NULL" : std::to_string(entry->second));
      }
      EXPECT_EQ(look_up(functions, name, keys, filtered, nullable), expected);
    }
}

TEST(Lookup, close_keys_gapped_keys_and_far_keys_give_what_the_map_gives) {
  std::mt19937_64 random(5);
  Dictionary close, gapped, far;
  for (std::int64_t i = 0; i < 1000; ++i) {
    close[i - 10] = i * 3;
    gapped[static_cast<std::int64_t>(random() % 5000) - 100] = i;
    far[static_cast<std::int64_t>(random())] = -i;
  }
  far[std::numeric_limits<std::int64_t>::max()] = 1;
  far[std::numeric_limits<std::int64_t>::min()] = 2;
  std::vector<std::int64_t> keys = {7, 8, std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::int64_t>::min()};
  for (int i = 0; i < 500; ++i) {
    keys.push_back(static_cast<std::int64_t>(random() % 5000) - 100);
    keys.push_back(std::next(far.begin(), static_cast<std::ptrdiff_t>(random() % far.size()))->first);
    keys.push_back(static_cast<std::int64_t>(random() % 990) - 10);
  }
  const auto functions = std::make_shared<FunctionCatalogue>();
  ASSERT_TRUE(add(*functions, "test_close", close).has_value());
  ASSERT_TRUE(add(*functions, "Test_Gapped", gapped).has_value());
  ASSERT_TRUE(add(*functions, "TEST_FAR", far).has_value());
  ASSERT_TRUE(add(*functions, "test_empty", {}).has_value());
  expect_found(functions, "TEST_CLOSE", close, keys);
  expect_found(functions, "test_gapped", gapped, keys);
  expect_found(functions, "test_far", far, keys);
  expect_found(functions, "test_empty", {}, keys);
  std::vector<std::int64_t> inside;
  for (std::int64_t key = -10; key < 990; ++key) inside.push_back(key);
  expect_found(functions, "test_close", close, inside);
}

TEST(Lookup, names_that_are_taken_or_odd_and_keys_given_twice_are_refused) {
  FunctionCatalogue functions;
  ASSERT_TRUE(add(functions, "test_taken", {{1, 2}}).has_value());
  for (const char* name : {"test_taken", "TEST_TAKEN", "upper", "bool_and", "", "1st", "with space", "ümlaut"}) {
    const auto result = add(functions, name, {{1, 2}});
    ASSERT_FALSE(result.has_value()) << name;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument) << name;
  }
  for (const std::int64_t other : {std::int64_t{5}, std::int64_t{1} << 40}) {
    const std::int64_t keys[] = {3, other, 3}, values[] = {1, 2, 3};
    EXPECT_FALSE(functions.add_lookup("test_twice", {keys, values, 3}).has_value());
  }
}

}  // namespace
}  // namespace weir
