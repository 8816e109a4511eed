#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "env/async.h"
#include "env/files.h"
#include "env/logger.h"
#include "env/pool.h"
#include "env/random.h"
#include "env/shard.h"
#include "meta/metadata_store.h"
#include "meta/store_source.h"

namespace mq::meta {

/// Opens, or makes, the embedded store at `path`: one SQLite file and its write-ahead log beside it (`PATH-wal`).
///
/// Everything SQLite does runs inside `pool`, one call at a time, on `files`. The caller holds the lock of the
/// directory: the store does not defend itself against a second process. A transaction is on disk when it is answered
/// (WAL, synchronous=FULL: one sync each). All references must outlive the store. Only this process can open it, so a
/// session lasts as long as the store is open; what it leaves is erased at the next opening. A file of an older format
/// is changed to the newest one, in one transaction. corrupt: the file is damaged or not ours; it is left as it is.
/// unsupported: a newer version wrote it.
awaitable<Result<std::unique_ptr<MetadataStore>>> open_sqlite_store(env::Files& files, env::Pool& pool,
                                                                    env::Shard& home, std::string path,
                                                                    env::Random& random, env::Logger& logger,
                                                                    LastStop last_stop);

/// The embedded store as `metadata.db` in the data directory; put aside it is `metadata.db.adopted`. The references
/// must outlive the source and its stores.
[[nodiscard]] StoreSource sqlite_source(env::Files& files, env::Pool& pool, env::Random& random, env::Logger& logger);

}  // namespace mq::meta
