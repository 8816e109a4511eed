#include "meta/store_url.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/pieces.h"

namespace mq::meta {
namespace {

constexpr std::string_view kForm = "etcd://HOST:PORT[,HOST:PORT]...[/PREFIX] or zookeeper://...";
constexpr std::array kServices{StoreService::etcd, StoreService::zookeeper};

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_in_a_prefix(char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; }
bool is_in_a_user(char c) { return is_in_a_prefix(c) || c == '+' || c == '@' || c == '='; }

std::optional<StoreService> service_of(std::string_view scheme) {
  const auto found = std::ranges::find(kServices, scheme, name_of);
  return found == kServices.end() ? std::nullopt : std::optional(*found);
}

/// What stands before the last `@`. Nothing of it is repeated in an error: part of it may be a password.
Result<std::string> user_of(std::string_view text) {
  if (text.find(':') != std::string_view::npos)
    return fail(Errc::invalid_argument,
                "the URL of a metadata store has no place for a password: write USER@ alone, and name a file with the "
                "password in mq.meta.password (file:PATH or cred:NAME)");
  if (text.empty()) return fail(Errc::invalid_argument, "the user is missing before the @ in the metadata store's URL");
  if (text.size() > StoreUrl::kUserBytesMax || !std::ranges::all_of(text, is_in_a_user))
    return fail(Errc::invalid_argument,
                "the user in the metadata store's URL is not of 1 to {} letters, digits and . _ - + @ =",
                StoreUrl::kUserBytesMax);
  return std::string(text);
}

Result<env::Address> server_of(std::string_view text, StoreService service) {
  if (text.starts_with("unix:"))
    return fail(Errc::invalid_argument, "'{}': a metadata store is reached by HOST:PORT", text);
  return env::parse_peer_address(text, default_port_of(service));
}

Result<std::vector<env::Address>> servers_of(std::string_view text, StoreService service) {
  if (text.empty()) return fail(Errc::invalid_argument, "the metadata store's host is missing; write {}", kForm);
  std::vector<env::Address> servers;
  for (const std::string_view one : pieces_of(text, ',')) {
    MQ_TRY(env::Address server, server_of(one, service));
    if (std::ranges::find(servers, server) != servers.end())
      return fail(Errc::invalid_argument, "'{}' is named twice as a metadata store's server", server.to_string());
    servers.push_back(std::move(server));
  }
  if (servers.size() > StoreUrl::kServersMax)
    return fail(Errc::invalid_argument, "a metadata store of {} servers; at most {} can be named", servers.size(),
                StoreUrl::kServersMax);
  return servers;
}

bool is_prefix_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, is_in_a_prefix);
}

/// `text` is what follows the servers, with its slash. A slash alone names no prefix.
Result<std::string> prefix_of(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty()) return StoreUrl().prefix;
  if (text.size() > StoreUrl::kPrefixBytesMax)
    return fail(Errc::invalid_argument, "a metadata store's prefix of {} bytes; the limit is {}", text.size(),
                StoreUrl::kPrefixBytesMax);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    if (!is_prefix_part(rest.substr(1, end - 1)))
      return fail(Errc::invalid_argument,
                  "'{}' is no prefix for a metadata store: between its slashes stand letters, digits and . _ -, and "
                  "neither . nor .. alone",
                  text);
    rest.remove_prefix(end);
  }
  return std::string(text);
}

}  // namespace

std::string_view name_of(StoreService service) {
  switch (service) {
    case StoreService::etcd:
      return "etcd";
    case StoreService::zookeeper:
      return "zookeeper";
  }
  std::unreachable();
}

std::uint16_t default_port_of(StoreService service) {
  switch (service) {
    case StoreService::etcd:
      return 2379;
    case StoreService::zookeeper:
      return 2181;
  }
  std::unreachable();
}

std::string StoreUrl::to_string() const {
  std::vector<std::string> names;
  for (const env::Address& server : servers) names.push_back(server.to_string());
  return fmt::format("{}://{}{}{}{}", name_of(service), user, user.empty() ? "" : "@", fmt::join(names, ","), prefix);
}

Result<StoreUrl> parse_store_url(std::string_view text) {
  StoreUrl url;
  const std::size_t colon = text.find("://");
  const auto service = service_of(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || !service)
    return fail(Errc::invalid_argument, "that is no URL of a metadata store; write {}", kForm);
  url.service = *service;
  std::string_view rest = text.substr(colon + 3);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    MQ_TRY(url.user, user_of(rest.substr(0, at)));
    rest.remove_prefix(at + 1);
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  MQ_TRY(url.servers, servers_of(rest.substr(0, slash), url.service));
  MQ_TRY(url.prefix, prefix_of(rest.substr(slash)));
  return url;
}

}  // namespace mq::meta
