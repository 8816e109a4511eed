#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/clock.h"
#include "env/event.h"
#include "env/shard.h"
#include "meta/metadata_store.h"

namespace mq::sim {

/// The metadata contract in its plainest form: a map, its changes and sessions. What a store service of a simulated
/// cluster keeps; it stays when the machines that use it go. It is also what the real back ends are compared with.
class ModelMetadata {
 public:
  explicit ModelMetadata(const env::Clock& clock) : clock_(clock) {}

  /// A machine's way to it. Belongs to `home` and must not outlive this.
  [[nodiscard]] std::unique_ptr<meta::MetadataStore> connect(env::Shard& home);
  /// Begins anew, empty. Nobody is connected.
  void forget();

 private:
  class Connection;
  using SessionId = std::uint64_t;
  static constexpr SessionId kNoSession = 0;
  struct Session {
    Duration ttl{0};
    Instant ends;
  };
  struct Entry {
    meta::KeyValue said;
    SessionId session = kNoSession;  ///< of a leased key
  };
  struct PastChange {
    meta::Change change;
    Instant made;
  };

  [[nodiscard]] const meta::KeyValue* find(const std::string& key) const;
  [[nodiscard]] bool holds(const meta::Transaction& transaction) const;
  [[nodiscard]] std::optional<meta::Listing> list(const std::string& prefix,
                                                  const std::optional<meta::NextPage>& page) const;
  [[nodiscard]] std::optional<meta::Changes> changes(meta::Revision since) const;
  /// Something with this prefix, from `from` on, was changed after `since`.
  [[nodiscard]] bool has_changed_after(meta::Revision since, const std::string& prefix, const std::string& from) const;

  meta::Revision apply(const meta::Transaction& transaction, SessionId session);
  void note(meta::KeyValue entry, bool is_erased);
  void forget_old_changes();
  SessionId begin_session(Duration ttl);
  /// Erases what stands under it.
  void end_session(SessionId session);
  void end_silent_sessions();
  /// When a session ends next unless it is renewed.
  [[nodiscard]] Instant next_end() const;

  const env::Clock& clock_;
  std::map<std::string, Entry> entries_;
  meta::Revision revision_;
  std::deque<PastChange> changes_;
  meta::Revision changes_after_;  ///< what was changed before, and in it, is forgotten
  std::map<SessionId, Session> sessions_;
  SessionId last_session_ = kNoSession;
  std::vector<env::Event*> watchers_;  // in the order of their connections
};

}  // namespace mq::sim
