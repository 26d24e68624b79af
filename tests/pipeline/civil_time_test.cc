// The way back from a zone's wall clock to watermarks, around hours that come twice and hours that do not come.
#include "operators/civil_time.h"

#include <gtest/gtest.h>

#include <random>

#include "expression/zone.h"

namespace weir {
namespace {

TEST(CivilTime, TheInstantOfAWallClockIsTheLeastThatCompletesIt) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::mt19937_64 random(1);
  for (const char* name : {"America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"}) {
    auto zone = TimeZone::make(name);
    ASSERT_TRUE(zone.has_value());
    // New York's changes of 2001 are 986108400 and 1004248800.
    for (const std::int64_t around : {986'108'400ll, 1'004'248'800ll, -1'000'000'000ll, 1'700'000'000ll}) {
      for (int i = 0; i < 200; ++i) {
        const auto civil = around * kSecond + static_cast<std::int64_t>(random() % 400'000) * kSecond -
                           200'000 * kSecond + static_cast<std::int64_t>(random() % 3) - 1;
        const Watermark instant = instant_of_civil(**zone, civil);
        EXPECT_GE((*zone)->complete_until(instant), civil) << name << " " << civil;
        EXPECT_LT((*zone)->complete_until(instant - 1), civil) << name << " " << civil;
      }
    }
    EXPECT_EQ(instant_of_civil(**zone, kWatermarkNone), kWatermarkNone);
    EXPECT_EQ(instant_of_civil(**zone, kWatermarkEnd), kWatermarkEnd);
  }
}

}  // namespace
}  // namespace weir
