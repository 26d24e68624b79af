// Suggestions against a naive distance.
#include "weir/core/suggest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace weir {
namespace {

std::size_t naive_distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  std::size_t best = std::min(naive_distance(a.substr(1), b), naive_distance(a, b.substr(1))) + 1;
  best = std::min(best, naive_distance(a.substr(1), b.substr(1)) + (a[0] == b[0] ? 0 : 1));
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0]) {
    best = std::min(best, naive_distance(a.substr(2), b.substr(2)) + 1);
  }
  return best;
}

TEST(Suggest, DistanceIsThatOfTheNaiveRecursion) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 400; ++i) {
    std::string a, b;
    for (std::size_t k = random() % 6; k > 0; --k) a += "ABC"[random() % 3];
    for (std::size_t k = random() % 6; k > 0; --k) b += "abc"[random() % 3];
    std::string upper = b;
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    EXPECT_EQ(edit_distance(a, b, 2), std::min<std::size_t>(naive_distance(a, upper), 3)) << a << " " << b;
  }
  EXPECT_EQ(edit_distance(std::string(200, 'a'), std::string(200, 'a'), 2), 3u) << "names that long are not compared";
}

TEST(Suggest, NamesNearAreGivenNearestFirst) {
  const std::string_view known[] = {"price", "delay", "delays", "relay"};
  EXPECT_EQ(nearest_name("dely", known), "delay");
  EXPECT_EQ(nearest_names("delay", known), (std::vector<std::string_view>{"delay", "delays", "relay"}));
  EXPECT_EQ(nearest_name("volume", known), "");
}

TEST(Suggest, NothingIsNearAnEmptyOrOneLetterName) {
  const std::string_view known[] = {"y"};
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(nearest_name("x", known), "");
}

TEST(Suggest, NamesAreListedAsInASentence) {
  const std::string_view three[] = {"a", "b", "c"};
  EXPECT_EQ(list_names(three), "a, b and c");
  EXPECT_EQ(list_names({three, 1}), "a");
  EXPECT_EQ(list_names({}), "");
}

}  // namespace
}  // namespace weir
