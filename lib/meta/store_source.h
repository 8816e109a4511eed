#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/async.h"
#include "env/shard.h"
#include "meta/metadata_store.h"

namespace mq::meta {

enum class LastStop {
  clean,    ///< or never started
  unclean,  ///< what is kept in files of our own is checked before it is used
};

/// What a broker says of itself when it opens its metadata store.
struct StoreOpening {
  env::Shard* home = nullptr;  ///< whose thread makes all calls
  std::string data_dir;        ///< locked by the caller
  bool was_made = false;       ///< a store was opened for this directory before: one that is not there is lost
  LastStop last_stop = LastStop::clean;
};

/// Where a broker's metadata is kept: the embedded file, a service of the network, a model. not_found: `was_made`, and
/// there is no store; nothing was made.
struct StoreSource {
  std::string name;        ///< as people call it, such as `metadata.db`
  bool is_shared = false;  ///< several brokers may use it: each of them is a member of a cluster, with a session
  std::function<awaitable<Result<std::unique_ptr<MetadataStore>>>(StoreOpening)> open;
  /// Of one whose files are in the data directory, when its store is closed: gives them names that no start looks for,
  /// durably. What is not there is passed over. Returns whether anything was. Pool. Empty: it has no files there.
  std::function<Result<bool>(const std::string& data_dir)> put_aside = {};
};

}  // namespace mq::meta
