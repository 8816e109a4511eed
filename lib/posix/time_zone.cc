#include "posix/time_zone.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace mq::posix {
namespace {

constexpr const char* kDatabase = "/usr/share/zoneinfo";  // tzset(3)
constexpr const char* kMachineZone = "/etc/localtime";

/// Names that need no database.
bool is_utc(std::string_view name) {
  if (name.starts_with("Etc/")) name.remove_prefix(4);
  constexpr std::string_view kNames[] = {"UTC", "UCT", "GMT", "Zulu", "Universal", "Greenwich"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

/// A rule begins with the name of its standard time, three letters or more or anything in <>, and what it is off UTC.
bool is_rule(std::string_view text) {
  const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
  std::size_t end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_letter) - text.begin());
  if (text.starts_with('<')) {
    end = text.find('>');
    if (end == std::string_view::npos) return false;
    ++end;
  }
  if (end < 3) return false;
  text.remove_prefix(end);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0;
}

/// A file of the database, tzfile(5).
bool is_zone_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  char magic[4] = {};
  return std::ifstream(path, std::ios::binary).read(magic, sizeof magic) && std::string_view(magic, 4) == "TZif";
}

/// The C library takes a zone that it cannot find for UTC, without a word.
Result<void> check_is_known() {
  const char* variable = std::getenv("TZ");
  if (variable == nullptr) {
    std::error_code is_no_link;
    const std::filesystem::path target = std::filesystem::read_symlink(kMachineZone, is_no_link);
    if (is_no_link || is_zone_file(kMachineZone)) return {};
    const std::string path = target.string();
    const std::size_t name_at = path.find("zoneinfo/");
    if (name_at != std::string::npos && is_utc(std::string_view(path).substr(name_at + 9))) return {};
    return fail(Errc::not_found, "{} is a link to {}, which is not there; is tzdata installed?", kMachineZone, path);
  }
  std::string_view name(variable);
  if (name.starts_with(':')) name.remove_prefix(1);
  if (name.empty() || is_utc(name) || is_rule(name)) return {};
  const char* database = std::getenv("TZDIR");
  const std::filesystem::path path =
      std::filesystem::path(database != nullptr ? database : kDatabase) / name;  // an absolute name stays as it is
  if (is_zone_file(path)) return {};
  return fail(Errc::not_found, "TZ={}: there is no such time zone here, as {}; is tzdata installed?", variable,
              path.string());
}

}  // namespace

Result<std::chrono::seconds> PosixTimeZone::ahead_of_utc(std::chrono::sys_seconds at) const {
  MQ_CHECK(check_is_known());
  ::tzset();  // localtime_r need not look at $TZ
  const std::time_t moment = at.time_since_epoch().count();
  std::tm local{};
  if (::localtime_r(&moment, &local) == nullptr)
    return fail(Errc::invalid_argument, "{} s since 1970 is beyond the calendar", moment);
  return std::chrono::seconds{local.tm_gmtoff};
}

}  // namespace mq::posix
