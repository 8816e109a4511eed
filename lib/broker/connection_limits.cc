#include "broker/connection_limits.h"

#include "base/assert.h"

namespace mq::broker {
namespace {

// A connection that would have to wait for longer is refused: by then its client has given up.
constexpr Duration kAcceptPatience = 10s;
// So many addresses cost nothing worth looking for those that are not needed any more.
constexpr std::size_t kSourcesKept = 1024;

/// Whoever is on this machine has other ways to keep it busy, and tests and tools open many connections at once.
bool is_loopback(const env::Address& address) { return address.host.starts_with("127.") || address.host == "::1"; }

}  // namespace

Instant ConnectionLimits::next_take() const {
  return rate_.next(node_.home().now(), node_.config().connection_rate_max);
}

std::expected<Instant, ConnectionLimit> ConnectionLimits::take(const env::Address& from) {
  const Instant now = node_.home().now();
  Instant when = now;
  (void)rate_.admit(now, node_.config().connection_rate_max, Duration::max());
  if (count() >= node_.descriptors().connections) return std::unexpected(ConnectionLimit::all);
  if (!from.is_unix()) {
    forget_sources();
    Source& source = sources_[from.host];
    if (source.connections >= node_.config().connections_per_ip_max) return std::unexpected(ConnectionLimit::per_ip);
    if (!is_loopback(from)) {
      const auto at = source.rate.admit(now, node_.config().connection_rate_per_ip_max, kAcceptPatience);
      if (!at) return std::unexpected(ConnectionLimit::rate_per_ip);
      when = *at;
    }
    ++source.connections;
    ++of_sources_;
  }
  count_.fetch_add(1, std::memory_order_relaxed);
  return when;
}

void ConnectionLimits::release(const env::Address& from) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (from.is_unix()) return;
  node_.home().post([this, host = from.host] {
    --sources_.at(host).connections;
    --of_sources_;
  });
}

void ConnectionLimits::forget_sources() {
  if (sources_.size() < 2 * sources_looked_at_ + kSourcesKept) return;
  const Instant now = node_.home().now();
  boost::unordered::erase_if(
      sources_, [now](const auto& entry) { return entry.second.connections == 0 && entry.second.rate.is_as_new(now); });
  sources_looked_at_ = sources_.size();
}

void ConnectionLimits::check_invariants() const {
  std::size_t connections = 0;
  for (const auto& [host, source] : sources_) connections += source.connections;
  MQ_ASSERT(connections == of_sources_);
  MQ_ASSERT(sources_.size() <= 2 * sources_looked_at_ + kSourcesKept);
}

}  // namespace mq::broker
