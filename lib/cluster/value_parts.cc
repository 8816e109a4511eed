#include "cluster/value_parts.h"

#include <algorithm>
#include <utility>

namespace mq::cluster {
namespace {

constexpr std::size_t kEndpointsMax = 64;
constexpr std::size_t kConfigsMax = 10'000;

}  // namespace

void put_text(Writer& to, std::string_view text) {
  to.uvarint(text.size());
  to.bytes(text);
}

void put_id(Writer& to, const Uuid& id) { to.bytes({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}); }

void put_brokers(Writer& to, const std::vector<BrokerId>& brokers) {
  to.uvarint(brokers.size());
  for (const BrokerId id : brokers) to.varint(id.value());
}

void put_configs(Writer& to, const ConfigMap& configs) {
  to.uvarint(configs.size());
  for (const auto& [name, value] : configs) {
    put_text(to, name);
    put_text(to, value);
  }
}

void put_endpoints(Writer& to, const std::vector<Endpoint>& endpoints) {
  to.uvarint(endpoints.size());
  for (const Endpoint& endpoint : endpoints) {
    put_text(to, endpoint.listener);
    put_text(to, endpoint.host);
    to.uvarint(endpoint.port);
  }
}

std::string take_text(Reader& from) { return std::string(from.take(from.uvarint())); }

std::size_t take_count(Reader& from, std::size_t count_max, std::size_t bytes_min) {
  const std::size_t count = from.uvarint();
  if (count > count_max || count * bytes_min > from.remaining()) {
    from.fail();
    return 0;
  }
  return count;
}

Uuid take_id(Reader& from) {
  Uuid id;
  std::ranges::copy(from.take(id.bytes.size()), id.bytes.begin());
  return id;
}

std::vector<BrokerId> take_brokers(Reader& from, std::size_t count_max) {
  std::vector<BrokerId> brokers(take_count(from, count_max, 1));
  for (BrokerId& id : brokers) id = BrokerId{from.varint()};
  return brokers;
}

ConfigMap take_configs(Reader& from) {
  ConfigMap configs;
  for (std::size_t left = take_count(from, kConfigsMax, 2); left > 0 && !from.failed(); --left) {
    std::string name = take_text(from);
    if (!configs.empty() && name <= configs.rbegin()->first) from.fail();
    std::string value = take_text(from);
    configs.emplace_hint(configs.end(), std::move(name), std::move(value));
  }
  return configs;
}

std::vector<Endpoint> take_endpoints(Reader& from) {
  std::vector<Endpoint> endpoints(take_count(from, kEndpointsMax, 3));
  for (Endpoint& endpoint : endpoints) {
    endpoint.listener = take_text(from);
    endpoint.host = take_text(from);
    const std::uint32_t port = from.uvarint();
    if (port > 65535) from.fail();
    endpoint.port = static_cast<std::uint16_t>(port);
  }
  return endpoints;
}

}  // namespace mq::cluster
