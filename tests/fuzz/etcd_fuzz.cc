// Any bytes as what etcd answers. The first byte chooses: an HTTP response, in pieces of any size, or one of its
// messages.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/response.h"
#include "meta/etcd/change_log.h"
#include "meta/etcd/messages.h"

namespace mq::meta::etcd {
namespace {

constexpr std::size_t kHeaderBytesMax = 300;
constexpr std::size_t kBodyBytesMax = 1000;

const KeySpace kKeys("/mq");

/// What is not taken at once is taken with more behind it, as a connection does it. Never more is held than the limits.
void as_response(std::string_view bytes, std::size_t piece) {
  using State = http::ResponseParser::State;
  http::ResponseParser parser(kHeaderBytesMax, kBodyBytesMax);
  std::string unread;
  std::size_t body = 0;
  State state = State::needs_more;
  for (std::size_t at = 0; at < bytes.size() && state == State::needs_more; at += piece) {
    unread += bytes.substr(at, piece);
    for (std::size_t used = 1; used > 0 && state == State::needs_more && !unread.empty();) {
      state = parser.parse(unread, used);
      unread.erase(0, used);
      body += parser.take_body().size();
    }
  }
  if (state == State::needs_more) state = parser.end();
  MQ_ASSERT(body <= kBodyBytesMax);
  MQ_ASSERT(unread.size() <= kHeaderBytesMax + piece || state != State::needs_more);
  if (state == State::done) MQ_ASSERT(parser.has_header() && parser.status() >= 0);
}

void as_range(std::string_view bytes) {
  const auto answer = parse_range(bytes, kKeys);
  if (!answer) return;
  MQ_ASSERT(std::ranges::is_sorted(answer->entries, {}, &cluster::KeyValue::key));
}

void as_watch_line(std::string_view bytes) {
  const auto line = parse_watch_line(bytes, kKeys);
  if (!line) return;
  ChangeLog log;
  log.begin(cluster::kNoRevision);
  for (const cluster::Change& change : line->changes)
    if (!log.add(change, Instant{})) return;
  log.complete(line->revision, Instant{});
  MQ_ASSERT(log.page(cluster::kNoRevision).has_value());
}

void as_refusal(std::string_view bytes) {
  const Refusal refusal = parse_refusal(bytes, 500);
  (void)verdict_on(refusal);
  MQ_ASSERT(std::ranges::all_of(refusal.message, [](char c) { return c >= ' ' && c <= '~'; }));
}

void as_login(std::string_view bytes) {
  const auto token = parse_login(bytes);
  if (token) MQ_ASSERT(token->find_first_of("\r\n ") == std::string::npos);
}

}  // namespace
}  // namespace mq::meta::etcd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mq::meta::etcd;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      as_range(bytes);
      break;
    case 1:
      (void)parse_transaction(bytes);
      break;
    case 2:
      (void)parse_lease(bytes);
      break;
    case 3:
      as_watch_line(bytes);
      break;
    case 4:
      as_refusal(bytes);
      break;
    case 5:
      as_login(bytes);
      break;
    default:
      as_response(bytes, 1 + data[0] / 8);
  }
  return 0;
}
