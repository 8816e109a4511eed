#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/transaction.h"
#include "meta/etcd/key_space.h"

// What is said to etcd and what it answers: JSON as its gateway has it (etcd 3.4 and later), bytes in base64, 64-bit
// numbers as text, what is 0, false or empty left out. Nothing here does I/O.

namespace mq::meta::etcd {

using LeaseId = std::int64_t;
inline constexpr LeaseId kNoLease = 0;

// --- Requests --------------------------------------------------------------------------------------------------------

[[nodiscard]] std::string get_request(std::string_view etcd_key);
/// At most `limit` keys, in their order, as they were at `revision`; kNoRevision: as they are now.
[[nodiscard]] std::string range_request(const KeyRange& range, std::size_t limit, cluster::Revision revision);
/// All of it or nothing. What it puts leased stands under `lease`.
[[nodiscard]] std::string transaction_request(const KeySpace& keys, const cluster::Transaction& transaction,
                                              LeaseId lease);
/// Everything that is changed after `after`, and now and then how far that is.
[[nodiscard]] std::string watch_request(const KeySpace& keys, cluster::Revision after);
/// Everything before `revision` is forgotten, but what is there still.
[[nodiscard]] std::string compaction_request(cluster::Revision revision);
[[nodiscard]] std::string grant_request(std::chrono::seconds ttl);
/// To keep a lease alive, or to revoke it.
[[nodiscard]] std::string lease_request(LeaseId lease);
[[nodiscard]] std::string login_request(std::string_view user, std::string_view password);

// --- Answers. Errors: corrupt, for everything that etcd does not say. ------------------------------------------------

struct RangeAnswer {
  cluster::Revision revision;  ///< of the store as a whole
  std::vector<cluster::KeyValue> entries;
  bool has_more = false;
};
/// A value that we did not write, being too short to hold a write id, is told as it is, with none.
[[nodiscard]] Result<RangeAnswer> parse_range(std::string_view json, const KeySpace& keys);

struct TransactionAnswer {
  cluster::Revision revision;  ///< of the store as a whole: after it, or, when it was not done, at that moment
  bool is_done = false;        ///< false: a compare did not hold
};
[[nodiscard]] Result<TransactionAnswer> parse_transaction(std::string_view json);

struct LeaseAnswer {
  cluster::Revision revision;
  LeaseId id = kNoLease;
  std::chrono::seconds ttl{0};  ///< 0: there is no such lease
};
/// What is told of a lease that was granted, kept alive or revoked (without id and ttl).
[[nodiscard]] Result<LeaseAnswer> parse_lease(std::string_view json);

/// A token for the Authorization header, of visible characters.
[[nodiscard]] Result<std::string> parse_login(std::string_view json);

/// Why etcd did not do something, with a code of gRPC's.
struct Refusal {
  int code = 0;
  std::string message;
};
/// `status` is HTTP's. What is not etcd's becomes a Refusal of an unknown kind.
[[nodiscard]] Refusal parse_refusal(std::string_view json, int status);

/// What a refusal says about what was asked.
enum class Verdict {
  not_done,        ///< no other server would do it
  ask_elsewhere,   ///< not done; another server may, or this one later
  token_is_stale,  ///< not done; with a new token it may be
  unknown,         ///< it may have been done, or be done yet
};
[[nodiscard]] Verdict verdict_on(const Refusal& refusal);
[[nodiscard]] bool is_lease_missing(const Refusal& refusal);
[[nodiscard]] bool is_revision_gone(const Refusal& refusal);  ///< compacted, or of a history that is no more
[[nodiscard]] bool is_too_large(const Refusal& refusal);
[[nodiscard]] bool is_space_exhausted(const Refusal& refusal);
[[nodiscard]] bool has_no_users(const Refusal& refusal);  ///< authentication is not enabled

/// One line of a watch.
struct WatchLine {
  enum class Kind {
    created,    ///< the first
    events,     ///<
    progress,   ///< all up to `revision` was told
    compacted,  ///< nothing more comes: what was changed before `oldest` is not known any more
    ended,      ///< nothing more comes, because of `refusal`
  };
  Kind kind = Kind::events;
  cluster::Revision revision;            ///< of the store as a whole
  cluster::Revision oldest;              ///< of the first transaction that is still known
  std::vector<cluster::Change> changes;  ///< by revision; a change of the write key has an empty key
  bool is_fragment = false;              ///< more of the same transaction may follow
  Refusal refusal;
};
[[nodiscard]] Result<WatchLine> parse_watch_line(std::string_view json, const KeySpace& keys);

}  // namespace mq::meta::etcd
