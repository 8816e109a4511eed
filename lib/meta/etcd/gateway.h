#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/address.h"
#include "env/event.h"
#include "env/lock.h"
#include "env/logger.h"
#include "env/shard.h"
#include "http/client.h"
#include "meta/etcd/messages.h"

namespace mq::meta::etcd {

/// Whom to ask, and how long.
struct GatewayOptions {
  std::vector<env::Address> servers;  ///< of one etcd; not empty
  std::string user;                   ///< empty: without authentication
  std::string password;
  Duration attempt_patience = 1s;      ///< for one server to answer what may be asked again
  Duration transaction_patience = 3s;  ///< for it to answer what may not
};

/// Whether something may be done twice.
enum class Repeat { freely, never };

/// What etcd said, or why it did not do what was asked.
struct Reply {
  std::string body;
  std::optional<Refusal> refusal;
};

/// The way to etcd: its servers, one of which is asked until it fails, connections to it, the token of our user.
///
/// Bound to its shard. Errors of all calls: unreachable and timed_out (what must not be repeated may have been done),
/// refused (our user, or his password, is not let in; nothing was done), too_large (only of what may be repeated:
/// the answer is larger than kAnswerBytesMax), closed.
class Gateway {
 public:
  static constexpr std::size_t kConnectionsMax = 8;
  static constexpr std::size_t kAnswerBytesMax = 8 << 20;
  static constexpr Duration kPause = 100ms;  ///< after every server has been asked in vain

  Gateway(env::Shard& shard, env::Logger& logger, GatewayOptions options);

  /// Asks one server after the other until one answers or `deadline` has come. What may not be repeated goes to another
  /// one only when it is certain that nothing was done.
  awaitable<Result<Reply>> call(std::string path, std::string body, Repeat repeat, Instant deadline);

  /// For a connection of the caller's own: the server that is asked now ...
  [[nodiscard]] const env::Address& server() const { return options_.servers[current_]; }
  /// ... with these headers. `token_is_stale` when that server does not take them.
  awaitable<Result<std::vector<http::Header>>> headers(Instant deadline);
  void token_is_stale() { token_.reset(); }
  /// It has failed: from now on the next one is asked, unless that is so already.
  void leave(const env::Address& server);
  /// Is called when another server is asked from now on.
  void set_on_leave(std::function<void()> on_leave) { on_leave_ = std::move(on_leave); }

  /// No call takes longer from now on; one in progress takes no further attempt then.
  void hurry(Duration patience) { patience_ = patience; }

  /// When a server last answered.
  [[nodiscard]] Instant heard_at() const { return heard_at_; }
  /// Nothing is asked any more. What is in progress ends.
  void close();

 private:
  /// Of whoever uses it; what it does may be destroyed with the shard in any order.
  using Connection = std::shared_ptr<http::Client>;
  /// What one server made of it.
  struct Attempt {
    Result<Reply> reply;
    bool may_go_on = false;  ///< nothing was done, or it may be done twice
    bool is_over = false;    ///< `reply` is what the caller gets
  };

  awaitable<Attempt> attempt(const std::string& path, const std::string& body, Repeat repeat, Instant deadline);
  [[nodiscard]] Attempt judge(const env::Address& server, const Error& failure, bool may_repeat) const;
  [[nodiscard]] Attempt judge(const env::Address& server, http::Answer answer, bool may_repeat);
  awaitable<Result<http::Answer>> post(http::Post request, Instant deadline);
  awaitable<Result<void>> log_in(Instant deadline);
  awaitable<Result<void>> pause(Instant deadline);
  void give_back(Connection connection);
  void note_answer();
  void note_failure(const Error& failure);

  env::Shard& shard_;
  env::Logger& logger_;
  const GatewayOptions options_;
  std::function<void()> on_leave_;
  std::size_t current_ = 0;
  Duration patience_ = Duration::max();  ///< of a call
  bool works_ = true;                    ///< the last attempt was answered, as far as people were told
  Instant heard_at_;

  std::vector<Connection> idle_;  ///< to the current server
  std::vector<std::weak_ptr<http::Client>> busy_;
  env::Event freed_;
  std::optional<std::string> token_;  ///< empty: etcd wants none
  env::Lock logging_in_;
  env::Event closing_;
  bool is_closed_ = false;
};

}  // namespace mq::meta::etcd
