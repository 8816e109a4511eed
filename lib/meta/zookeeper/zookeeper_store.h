#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/async.h"
#include "env/logger.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "meta/metadata_store.h"
#include "meta/store_source.h"
#include "meta/store_url.h"

namespace mq::meta {

/// Where a store lies in ZooKeeper, and how patient its calls are.
struct ZooKeeperPlace {
  StoreUrl url;
  std::string password;  ///< of the URL's user; without a user everybody may read and write the nodes
  /// A call ends by then, with timed_out or unreachable if it must, unless it reads the whole of a large store.
  Duration call_time_max = 10s;
};

/// Opens the store below the prefix, or makes it, and reads all of it.
///
/// Every transaction is one change of ZooKeeper that checks and sets the node `head` and makes an entry of the change
/// log; `docs/formats.md` says how it lies there. What is read is answered from a copy in memory, after a look whether
/// it is the newest; the copy follows the log. Compares are judged on the copy, exactly, since the change fails when
/// anybody else wrote meanwhile; then it is judged and tried again. A transaction whose answer is lost is settled by
/// its entry in the log; where that cannot be had in time it is timed_out, and unreachable when nothing was sent.
///
/// A session is a node that ZooKeeper takes away when it ends; every store that sees one gone erases its keys. The C
/// client renews it, from a thread of its own, until `renew_session` was not called for the ttl; a shard that does not
/// run at all is not noticed. The least ttl is a second, and what the service grants.
///
/// A node that cannot be decoded takes its key away, which is logged; the next put of the key replaces it.
///
/// All references must outlive the store; `home` is its shard. Reading and closing may wait in `pool` for seconds.
/// not_found: `must_be_there`, and there is none. unreachable: no server in time. refused: the user may not. corrupt:
/// what is there is no store of ours.
awaitable<Result<std::unique_ptr<MetadataStore>>> open_zookeeper_store(env::Pool& pool, env::Shard& home,
                                                                       env::Random& random, env::Logger& logger,
                                                                       ZooKeeperPlace place, bool must_be_there);

/// The same for a broker. The references must outlive the source and its stores.
[[nodiscard]] StoreSource zookeeper_source(env::Pool& pool, env::Random& random, env::Logger& logger,
                                           ZooKeeperPlace place);

}  // namespace mq::meta
