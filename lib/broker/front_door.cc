#include "broker/front_door.h"

#include <utility>

#include "broker/api/api.h"

namespace mq::broker {

void serve(ShardServices& home, Request request, Responder responder) {
  const ApiEntry* entry = find_entry(static_cast<ApiKey>(request.header.api_key));
  if (entry == nullptr) return responder.close(fmt::format("API key {} is not served here", request.header.api_key));
  const ApiInfo& info = api_info(entry->key);
  const ApiVersion version = request.header.api_version;
  const bool is_known = version >= info.version_min && version <= info.version_max;
  // Any client can read what we speak.
  if (!is_known && entry->key != ApiKey::kApiVersions)
    return responder.close(fmt::format("{} version {} is not served; the versions are {} to {}", info.name, version,
                                       info.version_min, info.version_max));
  if (home.node().context().is_held && !entry->is_answered_held)
    return responder.close(
        fmt::format("{} is not served while this broker waits for the metadata store that it knew", info.name));
  entry->start(Call(home, entry->needs, std::move(request), std::move(responder)));
}

}  // namespace mq::broker
