#include "log/cut_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/mark.h"
#include "log/directory_contents.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

constexpr std::string_view kUnfinishedSuffix = ".cut.tmp";

/// Takes digits, and the dot behind them, off the front of `text`.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != '.') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

Result<bool> holds_batch(env::Files& files, const std::string& path) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  MQ_TRY(const std::uint64_t size, file->size());
  MQ_TRY(const auto found, find_batch(*file, 0, size, Offset{0}, Offset{std::numeric_limits<std::int64_t>::max()}));
  return found.has_value();
}

Result<bool> are_same(env::Files& files, const std::string& path_a, const std::string& path_b) {
  MQ_TRY(auto a, files.open(path_a, env::OpenMode::read));
  MQ_TRY(auto b, files.open(path_b, env::OpenMode::read));
  std::string part_a(std::size_t{1} << 20, '\0');
  std::string part_b = part_a;
  for (std::uint64_t position = 0;; position += part_a.size()) {
    MQ_TRY(const std::size_t got_a, a->read_at(position, part_a.data(), part_a.size()));
    MQ_TRY(const std::size_t got_b, b->read_at(position, part_b.data(), part_b.size()));
    if (BytesView(part_a).substr(0, got_a) != BytesView(part_b).substr(0, got_b)) return false;
    if (got_a < part_a.size()) return true;
  }
}

}  // namespace

std::optional<CutFile> parse_cut_name(std::string_view name) {
  CutFile cut{.name = std::string(name)};
  std::int64_t base = -1;
  std::string_view rest = name;
  if (!rest.ends_with(kCutSuffix) || !take_number(rest, base) || base < 0 || !rest.starts_with("log."))
    return std::nullopt;
  rest.remove_prefix(4);
  if (!take_number(rest, cut.position)) return std::nullopt;
  if (rest != kCutSuffix.substr(1) && (!take_number(rest, cut.nth) || rest != kCutSuffix.substr(1)))
    return std::nullopt;
  cut.base = Offset{base};
  return cut;
}

Result<std::string> next_cut_name(env::Files& files, const std::string& directory, Offset base,
                                  std::uint64_t position) {
  MQ_TRY(const auto entries, files.list(directory));
  int last = 0;
  for (const env::DirEntry& entry : entries) {
    const auto cut = parse_cut_name(entry.name);
    if (cut && cut->base == base && cut->position == position) last = std::max(last, cut->nth);
  }
  return last == 0 ? fmt::format("{:020}.log.{}{}", base.value(), position, kCutSuffix)
                   : fmt::format("{:020}.log.{}.{}{}", base.value(), position, last + 1, kCutSuffix);
}

Result<KeptCuts> tidy_cut_files(env::Files& files, const std::string& directory) {
  const auto path_of = [&](const std::string& name) { return directory + "/" + name; };
  KeptCuts kept;
  const auto remove = [&](const std::string& name, std::string_view why) -> Result<void> {
    MQ_CHECK(files.remove(path_of(name)));
    kept.removed.push_back(fmt::format("{} is removed: {}", path_of(name), why));
    return {};
  };
  MQ_TRY(const auto entries, files.list(directory));
  std::vector<CutFile> cuts;
  for (const env::DirEntry& entry : entries) {
    if (entry.is_directory) continue;
    if (entry.name.ends_with(kUnfinishedSuffix)) {
      MQ_CHECK(remove(entry.name, "it was not finished"));
    } else if (auto cut = parse_cut_name(entry.name)) {
      MQ_TRY(const bool has_batch, holds_batch(files, path_of(entry.name)));
      if (has_batch) {
        MQ_MARK("log: what was cut off has whole batches and is kept");
        cuts.push_back(*std::move(cut));
      } else {
        MQ_MARK("log: what was cut off has no whole batch and goes");
        MQ_CHECK(remove(entry.name, "no whole batch is in it"));
      }
    }
  }
  std::ranges::sort(cuts);
  // A crash between the copy and the cut has the same cut again.
  for (auto place = cuts.begin(); place != cuts.end();) {
    const auto next = place + 1;
    const bool is_one_place = next != cuts.end() && next->base == place->base && next->position == place->position;
    MQ_TRY(const bool is_same, is_one_place ? are_same(files, path_of(place->name), path_of(next->name)) : false);
    if (is_same) MQ_CHECK(remove(next->name, fmt::format("{} has the same bytes", place->name)));
    place = is_same ? cuts.erase(next) - 1 : next;
  }
  // From the newest on, until there are too many.
  for (std::size_t left = cuts.size(); left > 0; --left) {
    const std::string& name = cuts[left - 1].name;
    MQ_TRY(const std::uint64_t bytes, files.file_size(path_of(name)));
    if (kept.files > 0 && (kept.files == kCutFilesMax || kept.bytes + bytes > kCutBytesMax)) {
      for (std::size_t i = 0; i < left; ++i) MQ_CHECK(remove(cuts[i].name, "there are newer ones"));
      break;
    }
    ++kept.files;
    kept.bytes += bytes;
  }
  return kept;
}

}  // namespace mq::log
