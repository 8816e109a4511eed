#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/async.h"
#include "env/event.h"
#include "env/pool.h"
#include "env/shard.h"

namespace mq::meta {

/// What became of a request.
enum class Outcome {
  done,
  missing,    ///< a node is not there
  exists,     ///< a node is there already, or has children
  changed,    ///< a node does not have this version
  forbidden,  ///< by the access list of a node
  failed,     ///< otherwise refused; nothing was done
  lost,       ///< no answer came; a change may have been made, or may still be made
};

/// A request that changes nothing.
struct Look {
  enum class What {
    data,
    children,
    existence,
    /// Nothing: what is asked after it on the same connection is not older than this.
    present,
  };
  What what = What::data;
  std::string path;
  bool watch = false;  ///< tell the next change of it
};

/// One step of a change.
struct NodeOp {
  enum class What { create, create_ephemeral, set, erase, check };
  What what = What::create;
  std::string path;
  std::string data;
  std::int32_t version = -1;  ///< of what is set, erased or checked; -1: any
};

/// What the service said.
struct Answer {
  Outcome outcome = Outcome::lost;
  std::string data;
  std::int32_t version = 0;           ///< of the node whose data that is
  std::vector<std::string> children;  ///< names, in any order
  std::size_t failed_at = 0;          ///< the op because of which a change was refused
};

/// Where ZooKeeper is.
struct Service {
  std::string servers;   ///< HOST:PORT,HOST:PORT...
  std::string user;      ///< empty: nobody in particular, and nodes are open to everybody
  std::string password;  ///< of `user`, by whom alone nodes can be read and written
};

/// What a connection tells without being asked.
struct Heard {
  std::string path;  ///< of a watched node that was changed; empty: the state of the connection was
};

/// ZooKeeper's C client behind coroutines of one shard. All calls on its thread.
///
/// The client has two threads of its own; what they say is posted to the shard. What may block, to look servers up and
/// to close, runs in `pool`. A lost connection is made again by the client, to any of the servers, and watches with it;
/// a session that has ended needs `open`. The client renews the session for as long as the process runs.
class Connection {
 public:
  enum class State {
    connecting,
    connected,
    ended,  ///< the service has ended the session, or refuses the user: no request can be made any more
  };

  /// `hear` is called on the shard, for every change of state and every watched node. The references must outlive it.
  Connection(env::Shard& home, env::Pool& pool, Service service, std::function<void(Heard)> hear);
  /// As `shut`.
  ~Connection();

  /// Begins a session that ends when the service has heard nothing for about `session_timeout`, in place of the one
  /// before, which ends. Returns before there is a connection. unreachable: no server's name is known. One at a time.
  awaitable<Result<void>> open(Duration session_timeout);
  /// How often it was opened: what was seen under another number may be of another store, one that was put back.
  [[nodiscard]] std::uint64_t session_number() const { return session_number_; }
  /// Whether there is a connection at `deadline`, or earlier.
  awaitable<bool> is_connected_by(Instant deadline);
  [[nodiscard]] State state() const;
  /// Since when there is no connection; only while there is none.
  [[nodiscard]] Instant lost_at() const;
  /// What was asked for, and what the service grants; only while connected.
  [[nodiscard]] Duration session_timeout_wished() const { return session_timeout_wished_; }
  [[nodiscard]] Duration session_timeout() const;

  /// Answers in the order of `looks`, which the service takes in that order too. At `deadline` those that are missing
  /// are lost.
  awaitable<std::vector<Answer>> look(std::vector<Look> looks, Instant deadline);
  /// All of `ops` or nothing.
  awaitable<Answer> change(std::vector<NodeOp> ops, Instant deadline);

  /// Ends the session and the client, in the pool. Requests in progress are lost, and so are later ones until `open`.
  void drop();
  /// The same, for good: whoever waits for a connection, or opens one, hears that there is none.
  void shut();
  /// The same, and waits until the client has ended.
  awaitable<void> close();

 private:
  struct Ear;
  struct Wire;
  struct Batch;
  struct Ticket;
  struct Callbacks;  // the functions that the C client calls

  [[nodiscard]] std::shared_ptr<Batch> begin_batch(std::size_t count);
  void ask(const Look& look, const std::shared_ptr<Batch>& batch, std::size_t index);
  static awaitable<void> answered(std::shared_ptr<Batch> batch, Instant deadline);

  env::Shard& home_;
  env::Pool& pool_;
  const Service service_;
  std::function<void(Heard)> hear_;
  std::shared_ptr<Ear> ear_;
  std::unique_ptr<Wire> wire_;
  std::vector<std::weak_ptr<Batch>> under_way_;  ///< and some that have ended
  Duration session_timeout_wished_{0};
  std::uint64_t session_number_ = 0;
  bool is_shut_ = false;
  env::Event state_changed_;
};

}  // namespace mq::meta
