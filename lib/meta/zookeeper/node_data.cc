#include "meta/zookeeper/node_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/parsed_number.h"

namespace mq::meta {
namespace {

constexpr std::uint8_t kNodeFormat = 1;
constexpr std::string_view kHeadBegins = "mq 1 ";

void put_write_id(Writer& to, const WriteId& id) { to.bytes({reinterpret_cast<const char*>(id.data()), id.size()}); }

WriteId read_write_id(Reader& from) {
  WriteId id{};
  const BytesView bytes = from.take(id.size());
  std::ranges::copy(bytes, id.begin());
  return id;
}

void put_sized(Writer& to, std::string_view bytes) {
  to.uvarint(bytes.size());
  to.bytes(bytes);
}

/// What stands before a CRC that is right; none when it is not.
std::optional<BytesView> checked(BytesView bytes, std::uint32_t seed) {
  if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
  const BytesView body = bytes.substr(0, bytes.size() - sizeof(std::uint32_t));
  if (load_be<std::uint32_t>(bytes.data() + body.size()) != crc32c(body, seed)) return std::nullopt;
  return body;
}

std::unexpected<Error> damaged(std::string_view what) { return fail(Errc::corrupt, "the {} is damaged", what); }

Result<void> check_format(std::uint8_t format, std::string_view what) {
  if (format == kNodeFormat) return {};
  return fail(Errc::corrupt, "the {} has format {}; this version knows {}", what, format, kNodeFormat);
}

StoredChange read_change(Reader& from, const LogEntry& entry) {
  StoredChange change;
  change.is_erased = from.be<std::uint8_t>() == 0;
  KeyValue& said = change.key.said;
  said.key = from.take(from.uvarint());
  said.modified = entry.revision;
  said.write_id = entry.write_id;
  if (change.is_erased) return change;
  said.created = Revision{from.be<std::int64_t>()};
  change.key.session = from.be<SessionId>();
  said.value = from.take(from.uvarint());
  return change;
}

bool makes_sense(const StoredChange& change) {
  const KeyValue& said = change.key.said;
  if (said.key.empty() || said.key.size() > kKeyBytesMax) return false;
  return change.is_erased || (said.created > kNoRevision && said.created <= said.modified);
}

}  // namespace

std::size_t LogEntry::bytes() const {
  std::size_t sum = 0;
  for (const StoredChange& change : changes) sum += change.key.said.key.size() + change.key.said.value.size();
  return sum;
}

std::string encode(const Head& head) {
  return fmt::format("{}{} {}", kHeadBegins, head.revision.value(), head.changes_after.value());
}

Result<Head> decode_head(BytesView bytes) {
  if (!bytes.starts_with(kHeadBegins)) return damaged("node head");
  const std::string_view numbers = bytes.substr(kHeadBegins.size());
  const std::size_t space = numbers.find(' ');
  if (space == std::string_view::npos) return damaged("node head");
  const auto revision = parsed_number<std::int64_t>(numbers.substr(0, space));
  const auto after = parsed_number<std::int64_t>(numbers.substr(space + 1));
  if (!revision || !after || *after < 0 || *revision < *after) return damaged("node head");
  return Head{.revision = Revision{*revision}, .changes_after = Revision{*after}};
}

std::string encode(const StoredKey& key) {
  std::string bytes;
  Writer to(bytes);
  to.be(kNodeFormat);
  to.be(key.said.created.value());
  to.be(key.said.modified.value());
  put_write_id(to, key.said.write_id);
  to.be(key.session);
  to.bytes(key.said.value);
  to.be(crc32c(bytes, crc32c(key.said.key)));
  return bytes;
}

Result<StoredKey> decode_key(std::string_view key, BytesView bytes) {
  const auto body = checked(bytes, crc32c(key));
  if (!body) return damaged("value");
  Reader from(*body);
  MQ_CHECK(check_format(from.be<std::uint8_t>(), "value"));
  StoredKey stored{.said = {.key = std::string(key)}};
  stored.said.created = Revision{from.be<std::int64_t>()};
  stored.said.modified = Revision{from.be<std::int64_t>()};
  stored.said.write_id = read_write_id(from);
  stored.session = from.be<SessionId>();
  stored.said.value = from.rest();
  if (from.failed() || stored.said.created <= kNoRevision || stored.said.modified < stored.said.created)
    return damaged("value");
  return stored;
}

std::string encode(const LogEntry& entry) {
  std::string bytes;
  Writer to(bytes);
  to.be(kNodeFormat);
  to.be(entry.revision.value());
  to.be(entry.made_at);
  to.be(entry.attempt);
  put_write_id(to, entry.write_id);
  to.uvarint(entry.changes.size());
  for (const auto& [key, is_erased] : entry.changes) {
    to.be(static_cast<std::uint8_t>(is_erased ? 0 : 1));
    put_sized(to, key.said.key);
    if (is_erased) continue;
    to.be(key.said.created.value());
    to.be(key.session);
    put_sized(to, key.said.value);
  }
  to.be(crc32c(bytes));
  return bytes;
}

Result<LogEntry> decode_entry(Revision revision, BytesView bytes) {
  const auto body = checked(bytes, 0);
  if (!body) return damaged("change");
  Reader from(*body);
  MQ_CHECK(check_format(from.be<std::uint8_t>(), "change"));
  LogEntry entry{.revision = Revision{from.be<std::int64_t>()}};
  entry.made_at = from.be<std::int64_t>();
  entry.attempt = from.be<std::uint64_t>();
  entry.write_id = read_write_id(from);
  const std::uint32_t count = from.uvarint();
  if (entry.revision != revision || count > kTransactionKeysMax) return damaged("change");
  for (std::uint32_t i = 0; i < count && !from.failed(); ++i) {
    entry.changes.push_back(read_change(from, entry));
    if (!makes_sense(entry.changes.back())) return damaged("change");
  }
  if (from.failed() || from.remaining() > 0) return damaged("change");
  return entry;
}

}  // namespace mq::meta
