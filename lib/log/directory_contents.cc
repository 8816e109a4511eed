#include "log/directory_contents.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crc32c.h"
#include "base/parsed_number.h"
#include "log/segment_files.h"

namespace mq::log {

std::optional<Offset> base_of_name(std::string_view name) {
  if (name.size() < kOffsetDigits) return std::nullopt;
  const auto base = parsed_number<std::int64_t>(name.substr(0, kOffsetDigits));
  if (!base || *base < 0) return std::nullopt;
  return Offset{*base};
}

Result<DirectoryContents> read_directory(env::Files& files, const std::string& directory) {
  MQ_TRY(const auto entries, files.list(directory));
  DirectoryContents contents;
  for (const env::DirEntry& entry : entries) {
    const std::string_view name = entry.name;
    if (name == kGapsFile) contents.has_gaps_file = true;
    if (entry.is_directory || name.size() <= kOffsetDigits || name[kOffsetDigits] != '.') continue;
    const auto offset = base_of_name(name);
    if (!offset) continue;
    const std::string_view extension = name.substr(kOffsetDigits + 1);
    if (extension == "log") {
      MQ_TRY(const std::uint64_t size, files.file_size(directory + "/" + entry.name));
      contents.segments.emplace_back(*offset, size);
    } else if (extension == "snapshot") {
      contents.snapshots.push_back(*offset);
    } else if (extension == kEndExtension) {
      contents.ended.push_back(*offset);
    } else if (extension == "log.swap") {
      contents.swaps.push_back(*offset);
    } else if (extension.ends_with(kCleanedSuffix)) {
      contents.unfinished.push_back(entry.name);
    } else if (extension.ends_with(kCutSuffix) || extension.ends_with(".cut.tmp")) {
      contents.has_cut_files = true;
    } else if (extension.ends_with(kDeletedSuffix)) {
      contents.retired.push_back(entry.name);
    }
  }
  return contents;
}

Result<bool> is_without_record(env::Files& files, const std::string& directory) {
  MQ_TRY(const auto entries, files.list(directory));
  for (const env::DirEntry& entry : entries) {
    if (entry.is_directory) return false;
    if (entry.name == kMetadataFile) continue;
    const auto size = files.file_size(directory + "/" + entry.name);
    if (!size || *size > 0) return false;
  }
  return true;
}

std::string encode_partition_metadata(const Uuid& topic_id) {
  return fmt::format("version: 0\ntopic_id: {}", topic_id.to_string());
}

Result<Uuid> decode_partition_metadata(BytesView text) {
  constexpr std::string_view kVersion = "version: 0\n";
  constexpr std::string_view kTopicId = "topic_id: ";
  Uuid id;
  BytesView rest = text;
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
  if (!rest.starts_with(kVersion)) return fail(Errc::corrupt, "its first line is not `version: 0`");
  rest.remove_prefix(kVersion.size());
  if (!rest.starts_with(kTopicId) || !Uuid::parse(rest.substr(kTopicId.size()), id))
    return fail(Errc::corrupt, "its second line is not `topic_id: ` and an id");
  return id;
}

std::string encode_gaps_end(Offset end) {
  const std::string text = fmt::format("1\n{}\n", end.value());
  return text + fmt::format("{:08x}\n", crc32c(text));
}

Result<Offset> decode_gaps_end(BytesView text) {
  const std::size_t version_end = text.find('\n');
  const std::size_t offset_end = version_end == BytesView::npos ? version_end : text.find('\n', version_end + 1);
  if (offset_end == BytesView::npos) return fail(Errc::corrupt, "not a version and an offset, a line each");
  const auto version = parsed_number<int>(text.substr(0, version_end));
  const auto end = parsed_number<std::int64_t>(text.substr(version_end + 1, offset_end - version_end - 1));
  if (!version || !end || *end < 0) return fail(Errc::corrupt, "not a version and an offset, a line each");
  const bool is_known = *version == 0 || *version == 1;
  if (!is_known) return fail(Errc::corrupt, "version {}, only 0 and 1 are known", *version);
  const BytesView without_crc = text.substr(0, offset_end + 1);
  if (text != (*version == 0 ? std::string(without_crc) : encode_gaps_end(Offset{*end})))
    return fail(Errc::corrupt, "its CRC is wrong");
  return Offset{*end};
}

Result<Offset> load_gaps_end(env::Files& files, const std::string& path) {
  MQ_TRY(const std::string text, env::read_whole(files, path, 4096));
  return decode_gaps_end(text);
}

}  // namespace mq::log
