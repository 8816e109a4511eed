#include "verify_marks.h"

#include <fmt/format.h>

#include <vector>

#include "base/parsed_number.h"
#include "base/pieces.h"

namespace mq::mqbench {
namespace {

constexpr std::string_view kFirstLine = "mqbench-verify 1";
/// Without it the file was cut short, and what is missing would count as never sent.
constexpr std::string_view kLastLine = "end";

template <class Number>
bool read_number(std::string_view text, Number& to) {
  const auto number = parsed_number<Number>(text);
  if (number) to = *number;
  return number.has_value();
}

/// False: the line is none of ours.
bool read_line(std::string_view line, VerifyMarks& marks) {
  const auto words = pieces_of(line, ' ');
  const auto is = [&](std::string_view name, std::size_t count) { return words.size() == count && words[0] == name; };
  VerifyMarks::Key key;
  if (is("run", 2)) return read_number(words[1], marks.run);
  if (is("topic", 2)) {
    marks.topic = words[1];
    return topic_name_problem(marks.topic) == nullptr;
  }
  if (is("start", 3)) {
    std::int64_t offset = 0;
    if (!read_number(words[1], key.partition) || !read_number(words[2], offset)) return false;
    marks.starts[key.partition] = Offset{offset};
    return key.partition >= 0 && offset >= 0;
  }
  if (words.size() < 4 || !read_number(words[1], key.producer) || !read_number(words[2], key.partition)) return false;
  if (is("acknowledged", 4)) return read_number(words[3], marks.acknowledged[key].end);
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  if (!is("given-up", 5) || !read_number(words[3], first) || !read_number(words[4], end)) return false;
  marks.acknowledged[key].given_up.add(first, end);
  return true;
}

}  // namespace

std::string VerifyMarks::to_text() const {
  std::string out = fmt::format("{}\nrun {}\ntopic {}\n", kFirstLine, run, topic);
  for (const auto& [partition, offset] : starts) out += fmt::format("start {} {}\n", partition, offset.value());
  for (const auto& [key, acks] : acknowledged) {
    out += fmt::format("acknowledged {} {} {}\n", key.producer, key.partition, acks.end);
    for (const auto& [first, end] : acks.given_up.ranges())
      out += fmt::format("given-up {} {} {} {}\n", key.producer, key.partition, first, end);
  }
  return fmt::format("{}{}\n", out, kLastLine);
}

Result<VerifyMarks> VerifyMarks::parse(std::string_view text) {
  VerifyMarks marks;
  bool is_ended = false;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool fine = !is_ended && (number == 1 ? line == kFirstLine : line == kLastLine || read_line(line, marks));
    is_ended = line == kLastLine;
    if (!fine) return fail(Errc::invalid_argument, "line {} is not what mqbench verify --produce writes", number);
  }
  if (!is_ended || marks.topic.empty()) return fail(Errc::invalid_argument, "the file was cut short");
  return marks;
}

}  // namespace mq::mqbench
