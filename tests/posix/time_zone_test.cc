#include "posix/time_zone.h"

#include <fstream>

#include "posix/posix_testing.h"
#include "posix/variable.h"

namespace mq::posix {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds kWinter = std::chrono::sys_days{2026y / 1 / 15};
constexpr std::chrono::sys_seconds kSummer = std::chrono::sys_days{2026y / 7 / 15};

/// -1 s: nobody knows the zone.
std::chrono::seconds ahead(const std::optional<std::string>& zone, std::chrono::sys_seconds at = kWinter) {
  const Variable variable("TZ", zone);
  return PosixTimeZone().ahead_of_utc(at).value_or(-1s);
}

/// A zone of the database, as tzfile(5) has it: always 5 h 30 min ahead.
std::string zone_file() {
  constexpr std::string_view kCounts("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4", 24);
  constexpr std::string_view kType("\0\0\x4d\x58\0\0", 6);
  std::string block = "TZif2" + std::string(15, '\0');
  block.append(kCounts).append(kType).append("XYZ").append(1, '\0');
  return block + block + "\nXYZ-5:30\n";
}

TEST(TimeZone, PosixRuleNeedsNoDatabase) {
  const Variable no_database("TZDIR", "/nowhere");
  EXPECT_EQ(ahead("UTC-12"), 12h);
  EXPECT_EQ(ahead("EST5"), -5h);
  EXPECT_EQ(ahead("<+0545>-5:45"), 5h + 45min);
  EXPECT_EQ(ahead("CET-1CEST,M3.5.0,M10.5.0/3"), 1h);
  EXPECT_EQ(ahead("CET-1CEST,M3.5.0,M10.5.0/3", kSummer), 2h);
  EXPECT_EQ(ahead("CLT4CLST,M9.1.6/24,M4.1.6/24", kSummer), -4h);
}

TEST(TimeZone, NameIsOfTheDatabase) {
  const TemporaryDirectory database;
  std::filesystem::create_directory(database.file("Our"));
  std::ofstream(database.file("Our/Town")) << zone_file();
  const Variable where("TZDIR", database.path());
  EXPECT_EQ(ahead("Our/Town"), 5h + 30min);
  EXPECT_EQ(ahead(":Our/Town"), 5h + 30min);
  EXPECT_EQ(ahead(database.file("Our/Town")), 5h + 30min);
}

TEST(TimeZone, UtcIsKnownWithoutADatabase) {
  const Variable no_database("TZDIR", "/nowhere");
  for (const char* name : {"", ":", "UTC", "Etc/UTC", "GMT", "Etc/Universal", "UTC0"})
    EXPECT_EQ(ahead(name), 0s) << name;
}

TEST(TimeZone, NameThatTheDatabaseLacksIsUnknownAndNotUtc) {
  const TemporaryDirectory database;
  std::ofstream(database.file("Text")) << "no zone";
  std::filesystem::create_directory(database.file("Folder"));
  const Variable where("TZDIR", database.path());
  for (const char* name : {"Europe/Berlin", "Text", "Folder", "CET", "C", "+5", "/nowhere/zone", "<+05", "12"})
    EXPECT_EQ(ahead(name), -1s) << name;
  const Variable variable("TZ", "Europe/Berlin");
  const auto unknown = PosixTimeZone().ahead_of_utc(kWinter);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_EQ(unknown.error().message, "TZ=Europe/Berlin: there is no such time zone here, as " +
                                         database.file("Europe/Berlin") + "; is tzdata installed?");
}

TEST(TimeZone, OfTheMachineIsKnown) { EXPECT_NE(ahead(std::nullopt), -1s); }

}  // namespace
}  // namespace mq::posix
