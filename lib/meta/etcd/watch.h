#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/event.h"
#include "env/logger.h"
#include "env/shard.h"
#include "http/client.h"
#include "meta/etcd/change_log.h"
#include "meta/etcd/gateway.h"
#include "meta/etcd/key_space.h"
#include "meta/metadata_store.h"

namespace mq::meta::etcd {

/// One connection on which etcd tells every change, made again from where it was when it breaks, and the log of what it
/// told. It begins with the first question for changes.
///
/// A watch is no proof of what is true (C-4): it may be late, its server may lag, what it would tell may be compacted,
/// and an etcd that was restored from a copy has another history. So each connection begins with a read that the
/// majority answers, and with the last transaction that was told; when that is not there any more, nothing before is
/// known, and whoever asks is told to list again.
class Watch {
 public:
  /// References must outlive it.
  Watch(env::Shard& shard, env::Logger& logger, Gateway& gateway, const KeySpace& keys);

  /// Follows etcd until `stop`.
  awaitable<void> run();
  void stop();

  /// A transaction of ours has changed something at `revision`: changes that do not reach it are not all.
  void expect(Revision revision);
  /// An answer told that etcd as a whole is at `revision`. Whether a key of ours has changed there is not known.
  void hear_of(Revision revision);

  /// See MetadataStore. Whoever asks knows at least what any answer to him has told.
  awaitable<Result<std::optional<Changes>>> changes(Revision since, Instant deadline);
  /// Ends with `cancelled` on `stop`.
  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline);

  /// Where etcd as a whole is, as its majority says.
  awaitable<Result<Revision>> newest_revision(Instant deadline);

 private:
  static constexpr std::size_t kLineBytesMax = 8 << 20;

  awaitable<void> pause_after(const Error& failure);
  /// The life of one connection.
  awaitable<Result<void>> follow();
  awaitable<Result<void>> open(Revision after);
  awaitable<Result<void>> read_lines();
  [[nodiscard]] Result<void> take_lines();
  [[nodiscard]] Result<void> take(WatchLine line);
  [[nodiscard]] Result<void> take_compaction(Revision begin);
  [[nodiscard]] Result<void> take_changes(WatchLine line);
  [[nodiscard]] Result<void> check_history(const WatchLine& line);

  void begin(Revision after);
  void reconnect();
  /// What was told so far is not what led to `begin`, or what comes next cannot be told any more.
  void lose_history(Revision begin);
  [[nodiscard]] bool knows_how_to_begin(Revision since) const;
  [[nodiscard]] Revision newest_known() const { return std::max(log_.reached(), expected_); }
  [[nodiscard]] bool is_caught_up() const;
  awaitable<Result<void>> catch_up(Revision since, Instant deadline);
  awaitable<void> look_whether_etcd_is_there(Instant deadline);

  env::Shard& shard_;
  env::Logger& logger_;
  Gateway& gateway_;
  const KeySpace& keys_;
  ChangeLog log_;
  env::Event changed_;
  Revision expected_;      ///< changes up to here must come
  Revision heard_of_;      ///< changes up to here may come
  Revision silent_up_to_;  ///< no more of those did
  Revision oldest_;        ///< nobody begins before this
  int losses_ = 0;         ///< of history

  std::unique_ptr<http::Client> connection_;
  std::string unread_;
  std::size_t searched_ = 0;  ///< no end of a line in so much of it
  std::optional<Instant> following_since_;
  bool checks_history_ = false;  ///< the first that is told must be the last that is known
  bool may_check_history_ = true;
  bool is_reconnecting_ = false;
  Duration pause_{0};  ///< before the next connection
  bool is_looking_ = false;
  Instant looked_at_;
  bool is_stopped_ = false;
};

}  // namespace mq::meta::etcd
