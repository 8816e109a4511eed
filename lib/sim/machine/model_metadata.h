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
#include "sim/machine/rng.h"

namespace mq::sim {

/// What goes wrong with a store, each once in so many requests; 0: never. All of it is within the contract.
struct StoreTrouble {
  std::uint64_t lost_request_one_in = 0;  ///< nothing is done; unreachable
  std::uint64_t lost_answer_one_in = 0;   ///< a transaction is done; timed_out
  std::uint64_t late_one_in = 0;          ///< a transaction is told as timed_out, and done later, when it still may
  std::uint64_t false_alarm_one_in = 0;   ///< who waits for a change is woken without one
  std::uint64_t forgotten_one_in = 0;     ///< what was changed is not known any more
  std::uint64_t stale_one_in = 0;         ///< only the first of the changes are told
  Duration delay_max{0};                  ///< of each request
};

/// The metadata contract in its plainest form: a map, its changes and sessions. What a store service of a simulated
/// cluster keeps; it stays when the machines that use it go. It is also what the real back ends are compared with.
class ModelMetadata {
 public:
  explicit ModelMetadata(const env::Clock& clock) : clock_(clock) {}

  /// A machine's way to it. Belongs to `home` and must not outlive this.
  [[nodiscard]] std::unique_ptr<meta::MetadataStore> connect(env::Shard& home);
  /// Begins anew, empty. Nobody is connected.
  void forget();

  /// From now on. `seed` draws which requests it strikes.
  void set_trouble(StoreTrouble trouble, std::uint64_t seed) { trouble_ = trouble, rng_ = Rng(seed); }
  /// Every session ends, as if nobody had renewed it.
  void end_all_sessions();
  /// What is kept at this moment, as a copy of its disks would be.
  struct Copy;
  [[nodiscard]] std::shared_ptr<const Copy> copy() const;
  [[nodiscard]] bool has_changed_since(const Copy& then) const;
  /// Is again what it was then, and no session stands. Whoever is connected stays so.
  void go_back(const Copy& then);

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

  /// Whether something with this chance happens to a request.
  [[nodiscard]] bool strikes(std::uint64_t one_in) { return one_in > 0 && rng_.one_in(one_in); }
  /// What came late takes effect now.
  void do_late();
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
  StoreTrouble trouble_;
  Rng rng_{1};
  struct Late {
    Instant due;
    meta::Transaction transaction;
  };
  std::vector<Late> late_;
};

}  // namespace mq::sim
