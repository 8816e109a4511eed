#include "meta/etcd/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/parsed_number.h"

namespace mq::meta::etcd {
namespace {

using cluster::Change;
using cluster::Compare;
using cluster::KeyValue;
using cluster::Op;
using cluster::Revision;
using cluster::Transaction;
using cluster::WriteId;

constexpr std::size_t kTokenBytesMax = 8 << 10;
constexpr std::size_t kMessageBytesMax = 300;

// gRPC's codes, as far as they say something to us.
constexpr int kCancelled = 1;
constexpr int kUnknown = 2;
constexpr int kInvalidArgument = 3;
constexpr int kNotFound = 5;
constexpr int kResourceExhausted = 8;
constexpr int kFailedPrecondition = 9;
constexpr int kDeadlineExceeded = 4;
constexpr int kOutOfRange = 11;
constexpr int kInternal = 13;
constexpr int kUnavailable = 14;
constexpr int kDataLoss = 15;
constexpr int kUnauthenticated = 16;

// --- Writing ---------------------------------------------------------------------------------------------------------

/// `"name":"BASE64"`.
void append_bytes(std::string_view name, BytesView bytes, std::string& out) {
  out += fmt::format("\"{}\":\"", name);
  append_base64(bytes, Base64::padded, out);
  out += '"';
}

BytesView bytes_of(const WriteId& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

void append_compare(const KeySpace& keys, const Compare& compare, std::string& out) {
  // A key that is not there has zeros for all its revisions, and no key that is there has.
  const auto revision = etcd_revision(std::max(compare.revision, cluster::kNoRevision));
  out += '{';
  append_bytes("key", keys.of(compare.key), out);
  switch (compare.fact) {
    case Compare::Fact::absent:
      out += R"(,"target":"CREATE","result":"EQUAL","create_revision":"0"})";
      return;
    case Compare::Fact::exists:
      out += R"(,"target":"CREATE","result":"GREATER","create_revision":"0"})";
      return;
    case Compare::Fact::created_at:
      out += fmt::format(R"(,"target":"CREATE","result":"EQUAL","create_revision":"{}"}})", revision);
      return;
    case Compare::Fact::modified_at:
      out += fmt::format(R"(,"target":"MOD","result":"EQUAL","mod_revision":"{}"}})", revision);
      return;
  }
  std::unreachable();
}

void append_put(std::string_view etcd_key, const WriteId& id, BytesView value, LeaseId lease, std::string& out) {
  out += R"({"request_put":{)";
  append_bytes("key", etcd_key, out);
  out += ',';
  append_bytes("value", std::string(bytes_of(id)) + std::string(value), out);
  if (lease != kNoLease) out += fmt::format(R"(,"lease":"{}")", lease);
  out += "}}";
}

void append_erase(std::string_view etcd_key, std::string& out) {
  out += R"({"request_delete_range":{)";
  append_bytes("key", etcd_key, out);
  out += "}}";
}

void append_ops(const KeySpace& keys, const Transaction& transaction, LeaseId lease, std::string& out) {
  bool puts = transaction.ops.empty();
  std::string_view comma;
  for (const Op& op : transaction.ops) {
    out += std::exchange(comma, ",");
    const LeaseId its_lease = op.stay == cluster::Stay::leased ? lease : kNoLease;
    op.value ? append_put(keys.of(op.key), transaction.write_id, *op.value, its_lease, out)
             : append_erase(keys.of(op.key), out);
    puts |= op.value.has_value();
  }
  if (puts) return;
  out += ',';
  append_put(keys.write_key(), transaction.write_id, "", kNoLease, out);
}

// --- Reading ---------------------------------------------------------------------------------------------------------

using boost::json::object;
using boost::json::value;

std::unexpected<Error> not_etcd() { return fail(Errc::corrupt, "an answer that etcd does not give"); }

/// Every answer is an object; what is not JSON is none.
Result<object> object_of(std::string_view json) {
  boost::system::error_code error;
  value parsed = boost::json::parse(json, error);
  if (error || !parsed.is_object()) return not_etcd();
  return std::move(parsed.as_object());
}

/// A member, or nothing when it is left out.
const value* member(const object& in, std::string_view name) {
  const value* found = in.if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// 0 when it is left out.
Result<std::int64_t> number_in(const object& in, std::string_view name) {
  const value* found = member(in, name);
  if (found == nullptr) return 0;
  if (const auto* number = found->if_int64()) return *number;
  if (!found->is_string()) return not_etcd();
  const auto number = parsed_number<std::int64_t>(std::string_view(found->get_string()));
  if (!number) return not_etcd();
  return *number;
}

bool flag_in(const object& in, std::string_view name) {
  const value* found = member(in, name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

/// Empty when it is left out.
std::string_view text_in(const object& in, std::string_view name) {
  const value* found = member(in, name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

Result<std::string> bytes_in(const object& in, std::string_view name) {
  auto bytes = decode_base64(text_in(in, name), Base64::padded);
  if (!bytes) return not_etcd();
  return *std::move(bytes);
}

Result<const object*> object_in(const object& in, std::string_view name) {
  const value* found = member(in, name);
  if (found == nullptr || !found->is_object()) return not_etcd();
  return &found->get_object();
}

/// The elements of an array; none when it is left out.
Result<std::vector<const object*>> objects_in(const object& in, std::string_view name) {
  std::vector<const object*> objects;
  const value* found = member(in, name);
  if (found == nullptr) return objects;
  if (!found->is_array()) return not_etcd();
  objects.reserve(found->get_array().size());
  for (const value& element : found->get_array()) {
    if (!element.is_object()) return not_etcd();
    objects.push_back(&element.get_object());
  }
  return objects;
}

/// What every answer has: where the store as a whole is.
Result<Revision> header_revision(const object& in) {
  MQ_TRY(const object* header, object_in(in, "header"));
  MQ_TRY(const std::int64_t revision, number_in(*header, "revision"));
  if (revision < 1) return not_etcd();
  return revision_of(revision);
}

void split_value(std::string stored, KeyValue& entry) {
  if (stored.size() < entry.write_id.size()) {
    entry.value = std::move(stored);
    return;
  }
  std::copy_n(stored.begin(), entry.write_id.size(), entry.write_id.begin());
  entry.value = stored.substr(entry.write_id.size());
}

/// A key as a range or an event tells it; of an erased one there is only when that was.
Result<KeyValue> entry_of(const object& in, bool is_erased, const KeySpace& keys) {
  KeyValue entry;
  MQ_TRY(const std::string key, bytes_in(in, "key"));
  MQ_TRY(std::string stored, bytes_in(in, "value"));
  MQ_TRY(const std::int64_t created, number_in(in, "create_revision"));
  MQ_TRY(const std::int64_t modified, number_in(in, "mod_revision"));
  if (!keys.holds(key) || modified < 1) return not_etcd();
  entry.key = keys.key_of(key);
  entry.modified = revision_of(modified);
  if (is_erased) return entry;
  if (created < 1 || created > modified) return not_etcd();
  entry.created = revision_of(created);
  split_value(std::move(stored), entry);
  return entry;
}

Result<Change> change_of(const object& event, const KeySpace& keys) {
  const bool is_erased = text_in(event, "type") == "DELETE";
  MQ_TRY(const object* kv, object_in(event, "kv"));
  MQ_TRY(KeyValue entry, entry_of(*kv, is_erased, keys));
  return Change{.entry = std::move(entry), .is_erased = is_erased};
}

/// What a message may tell people: one line of plain characters.
std::string plain(std::string_view text) {
  std::string said(text.substr(0, kMessageBytesMax));
  std::ranges::replace_if(said, [](char c) { return c < ' ' || c > '~'; }, '?');
  return said;
}

Refusal refusal_of(const object& in) {
  const auto code = number_in(in, "code").value_or(0);
  const auto grpc_code = number_in(in, "grpc_code").value_or(0);
  const auto either = code != 0 ? code : grpc_code;
  return {.code = either > 0 && either <= kUnauthenticated ? static_cast<int>(either) : kUnknown,
          .message = plain(text_in(in, "message"))};
}

Result<WatchLine> events_of(const object& result, WatchLine line, const KeySpace& keys) {
  MQ_TRY(const std::vector<const object*> events, objects_in(result, "events"));
  line.kind = events.empty() ? WatchLine::Kind::progress : WatchLine::Kind::events;
  line.is_fragment = flag_in(result, "fragment");
  line.changes.reserve(events.size());
  for (const object* event : events) {
    MQ_TRY(Change change, change_of(*event, keys));
    line.changes.push_back(std::move(change));
  }
  const auto revision_of_change = [](const Change& change) { return change.entry.modified; };
  if (!std::ranges::is_sorted(line.changes, {}, revision_of_change)) return not_etcd();
  return line;
}

Result<WatchLine> end_of_watch(const object& result) {
  MQ_TRY(const std::int64_t compacted, number_in(result, "compact_revision"));
  if (compacted > 0) return WatchLine{.kind = WatchLine::Kind::compacted, .oldest = revision_of(compacted)};
  const std::string_view reason = text_in(result, "cancel_reason");
  return WatchLine{.kind = WatchLine::Kind::ended, .refusal = {.code = kUnknown, .message = plain(reason)}};
}

}  // namespace

std::string get_request(std::string_view etcd_key) {
  std::string json = "{";
  append_bytes("key", etcd_key, json);
  return json + "}";
}

std::string range_request(const KeyRange& range, std::size_t limit, Revision revision) {
  std::string json = "{";
  append_bytes("key", range.first, json);
  json += ',';
  append_bytes("range_end", range.end, json);
  json += fmt::format(R"(,"limit":"{}")", limit);
  if (revision != cluster::kNoRevision) json += fmt::format(R"(,"revision":"{}")", etcd_revision(revision));
  return json + "}";
}

std::string transaction_request(const KeySpace& keys, const Transaction& transaction, LeaseId lease) {
  std::string json = R"({"compare":[)";
  std::string_view comma;
  for (const Compare& compare : transaction.compares) {
    json += std::exchange(comma, ",");
    append_compare(keys, compare, json);
  }
  json += R"(],"success":[)";
  append_ops(keys, transaction, lease, json);
  return json + "]}";
}

std::string watch_request(const KeySpace& keys, Revision after) {
  const KeyRange range = keys.whole();
  std::string json = R"({"create_request":{)";
  append_bytes("key", range.first, json);
  json += ',';
  append_bytes("range_end", range.end, json);
  json += fmt::format(R"(,"start_revision":"{}","progress_notify":true,"fragment":true)", etcd_revision(after) + 1);
  return json + "}}";
}

std::string grant_request(std::chrono::seconds ttl) { return fmt::format(R"({{"TTL":"{}"}})", ttl.count()); }

std::string compaction_request(cluster::Revision revision) {
  return fmt::format(R"({{"revision":"{}"}})", etcd_revision(revision));
}

std::string lease_request(LeaseId lease) { return fmt::format(R"({{"ID":"{}"}})", lease); }

std::string login_request(std::string_view user, std::string_view password) {
  return boost::json::serialize(value{{"name", user}, {"password", password}});
}

Result<RangeAnswer> parse_range(std::string_view json, const KeySpace& keys) {
  RangeAnswer answer;
  MQ_TRY(const object in, object_of(json));
  MQ_TRY(answer.revision, header_revision(in));
  MQ_TRY(const std::vector<const object*> kvs, objects_in(in, "kvs"));
  answer.has_more = flag_in(in, "more");
  answer.entries.reserve(kvs.size());
  for (const object* kv : kvs) {
    MQ_TRY(KeyValue entry, entry_of(*kv, false, keys));
    if (!answer.entries.empty() && answer.entries.back().key >= entry.key) return not_etcd();
    answer.entries.push_back(std::move(entry));
  }
  if (answer.has_more && answer.entries.empty()) return not_etcd();  // nobody could tell where that goes on
  return answer;
}

Result<TransactionAnswer> parse_transaction(std::string_view json) {
  TransactionAnswer answer;
  MQ_TRY(const object in, object_of(json));
  MQ_TRY(answer.revision, header_revision(in));
  answer.is_done = flag_in(in, "succeeded");
  return answer;
}

Result<LeaseAnswer> parse_lease(std::string_view json) {
  LeaseAnswer answer;
  MQ_TRY(const object in, object_of(json));
  const object* told = &in;
  // A lease is kept alive by a stream; there is one answer in it.
  if (member(in, "result") != nullptr) {
    MQ_TRY(told, object_in(in, "result"));
  }
  MQ_TRY(answer.revision, header_revision(*told));
  MQ_TRY(answer.id, number_in(*told, "ID"));
  MQ_TRY(const std::int64_t ttl, number_in(*told, "TTL"));
  constexpr std::int64_t kTtlMax = 9'000'000'000;  // what etcd grants at most
  if (ttl > kTtlMax) return not_etcd();
  answer.ttl = std::chrono::seconds(std::max<std::int64_t>(ttl, 0));
  return answer;
}

Result<std::string> parse_login(std::string_view json) {
  MQ_TRY(const object in, object_of(json));
  const std::string token(text_in(in, "token"));
  const bool is_visible = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (token.empty() || token.size() > kTokenBytesMax || !is_visible) return not_etcd();
  return token;
}

Refusal parse_refusal(std::string_view json, int status) {
  const auto in = object_of(json);
  if (!in) return {.code = kUnknown, .message = fmt::format("HTTP status {}", status)};
  if (const auto inner = object_in(*in, "error")) return refusal_of(**inner);
  return refusal_of(*in);
}

Verdict verdict_on(const Refusal& refusal) {
  switch (refusal.code) {
    case kUnauthenticated:
      return Verdict::token_is_stale;
    case kInvalidArgument:
      return refusal.message == "etcdserver: revision of auth store is old" ? Verdict::token_is_stale
                                                                            : Verdict::not_done;
    case kUnavailable:
      return refusal.message == "etcdserver: no leader" ? Verdict::ask_elsewhere : Verdict::unknown;
    case kResourceExhausted:
      return refusal.message == "etcdserver: too many requests" ? Verdict::ask_elsewhere : Verdict::not_done;
    case kCancelled:
    case kUnknown:
    case kDeadlineExceeded:
    case kInternal:
    case kDataLoss:
      return Verdict::unknown;
    default:
      return Verdict::not_done;
  }
}

bool is_lease_missing(const Refusal& refusal) { return refusal.code == kNotFound; }
bool is_revision_gone(const Refusal& refusal) { return refusal.code == kOutOfRange; }
bool is_too_large(const Refusal& refusal) {
  return refusal.code == kResourceExhausted && refusal.message.find("larger than max") != std::string::npos;
}
bool is_space_exhausted(const Refusal& refusal) {
  return refusal.code == kResourceExhausted && refusal.message.find("space exceeded") != std::string::npos;
}
bool has_no_users(const Refusal& refusal) { return refusal.code == kFailedPrecondition; }

Result<WatchLine> parse_watch_line(std::string_view json, const KeySpace& keys) {
  MQ_TRY(const object in, object_of(json));
  if (const auto error = object_in(in, "error"))
    return WatchLine{.kind = WatchLine::Kind::ended, .refusal = refusal_of(**error)};
  MQ_TRY(const object* result, object_in(in, "result"));
  if (flag_in(*result, "canceled")) return end_of_watch(*result);
  WatchLine line;
  MQ_TRY(line.revision, header_revision(*result));
  if (flag_in(*result, "created")) {
    line.kind = WatchLine::Kind::created;
    return line;
  }
  return events_of(*result, std::move(line), keys);
}

}  // namespace mq::meta::etcd
