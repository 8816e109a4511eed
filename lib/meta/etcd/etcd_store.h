#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/async.h"
#include "env/logger.h"
#include "env/shard.h"
#include "meta/metadata_store.h"
#include "meta/store_source.h"
#include "meta/store_url.h"

namespace mq::meta {

struct EtcdOptions {
  StoreUrl url;
  std::string password;          ///< of `url.user`
  Duration open_patience = 30s;  ///< for etcd to answer at all
};

/// Opens the store that an etcd (3.4 or later) keeps under the prefix of the URL; docs/formats.md tells how.
///
/// Revisions are those of the etcd as a whole, less one: they also grow when somebody changes what is not ours. Its
/// servers are asked one after the other. A transaction goes to a second one only when the first has certainly not
/// done it; else it is timed_out or unreachable, and its write id tells in time. A ttl is rounded up to seconds, and
/// etcd may grant more. Without `close` the session ends with its ttl, as that of a process that was killed.
///
/// References must outlive the store, and what it has begun is over a moment after it: let `home` run or let it never
/// run again. unreachable: no server has answered in time. refused: etcd does not let the user in.
awaitable<Result<std::unique_ptr<MetadataStore>>> open_etcd_store(env::Shard& home, env::Logger& logger,
                                                                  EtcdOptions options);

/// The same as a broker's store.
[[nodiscard]] StoreSource etcd_source(env::Logger& logger, EtcdOptions options);

}  // namespace mq::meta
