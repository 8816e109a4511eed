#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/address.h"

namespace mq::meta {

enum class StoreService { etcd, zookeeper };

/// `etcd`, `zookeeper`: the scheme of its URLs.
[[nodiscard]] std::string_view name_of(StoreService service);
/// Where the service listens unless somebody says otherwise.
[[nodiscard]] std::uint16_t default_port_of(StoreService service);

/// Where a cluster's metadata is kept: `SERVICE://[USER@]HOST[:PORT][,HOST[:PORT]]...[/PREFIX]`.
struct StoreUrl {
  static constexpr std::size_t kServersMax = 16;
  static constexpr std::size_t kUserBytesMax = 128;
  static constexpr std::size_t kPrefixBytesMax = 200;

  StoreService service = StoreService::etcd;
  std::string user;                   ///< empty: nobody in particular
  std::vector<env::Address> servers;  ///< hosts and ports, in the order given; never empty
  std::string prefix = "/mq";         ///< of all keys: begins with a slash, does not end with one

  /// With every port; `parse_store_url` takes it.
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const StoreUrl&, const StoreUrl&) = default;
};

/// Nothing is percent-encoded; a prefix is of letters, digits and `. _ -` between slashes. A password has no place in
/// it, since arguments are seen by all: refused, with a message that does not repeat it. Every error is
/// invalid_argument and says what to write.
[[nodiscard]] Result<StoreUrl> parse_store_url(std::string_view text);

}  // namespace mq::meta
