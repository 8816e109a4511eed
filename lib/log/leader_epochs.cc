#include "log/leader_epochs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/parsed_number.h"

namespace mq::log {
namespace {

/// Takes one line off the front of `text`; false when there is none.
bool take_line(BytesView& text, BytesView& line) {
  const std::size_t end = text.find('\n');
  if (end == BytesView::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

bool LeaderEpochs::assign(LeaderEpoch epoch, Offset start) {
  if (epoch <= latest()) return false;
  truncate_from(start);
  entries_.push_back({epoch, start});
  return true;
}

EpochEnd LeaderEpochs::end_offset_for(LeaderEpoch epoch, Offset log_end) const {
  if (epoch < LeaderEpoch{0} || entries_.empty() || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end};
  const auto higher = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
  if (higher == entries_.begin()) return {epoch, higher->start};
  return {std::prev(higher)->epoch, higher->start};
}

LeaderEpoch LeaderEpochs::at(Offset offset) const {
  const auto after = std::ranges::upper_bound(entries_, offset, {}, &Entry::start);
  return after == entries_.begin() ? kNoLeaderEpoch : std::prev(after)->epoch;
}

bool LeaderEpochs::truncate_from(Offset end) {
  const std::size_t before = entries_.size();
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
  return entries_.size() < before;
}

void LeaderEpochs::forget_before(Offset start) {
  const auto after = std::ranges::upper_bound(entries_, start, {}, &Entry::start);
  if (after == entries_.begin()) return;
  const auto current = entries_.erase(entries_.begin(), std::prev(after));
  current->start = start;
}

std::string LeaderEpochs::encode() const {
  std::string text = fmt::format("0\n{}\n", entries_.size());
  for (const Entry& entry : entries_) text += fmt::format("{} {}\n", entry.epoch.value(), entry.start.value());
  return text;
}

Result<LeaderEpochs> LeaderEpochs::decode(BytesView text) {
  BytesView line;
  const auto version = take_line(text, line) ? parsed_number<int>(line) : std::nullopt;
  if (!version) return fail(Errc::corrupt, "no version in its first line");
  if (*version != 0) return fail(Errc::corrupt, "version {}, only 0 is known", *version);
  const auto count = take_line(text, line) ? parsed_number<std::size_t>(line) : std::nullopt;
  if (!count) return fail(Errc::corrupt, "no count in its second line");
  LeaderEpochs epochs;
  while (take_line(text, line)) {
    const std::size_t space = line.find(' ');
    const auto epoch = parsed_number<std::int32_t>(line.substr(0, space));
    const auto start = space == BytesView::npos ? std::nullopt : parsed_number<std::int64_t>(line.substr(space + 1));
    if (!epoch || !start) return fail(Errc::corrupt, "a line is not `epoch offset`");
    const bool grows = epochs.entries_.empty() || *start > epochs.entries_.back().start.value();
    if (*epoch < 0 || *start < 0 || !grows || !epochs.assign(LeaderEpoch{*epoch}, Offset{*start}))
      return fail(Errc::corrupt, "epoch {} at offset {} does not increase", *epoch, *start);
  }
  if (!text.empty() || epochs.entries_.size() != *count)
    return fail(Errc::corrupt, "{} lines, announced were {}", epochs.entries_.size(), *count);
  return epochs;
}

}  // namespace mq::log
