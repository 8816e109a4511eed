#include "meta/zookeeper/connection.h"

#include <fmt/format.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "base/milliseconds.h"

namespace mq::meta {
namespace {

Outcome outcome_of(int code) {
  switch (code) {
    case ZOK:
      return Outcome::done;
    case ZNONODE:
      return Outcome::missing;
    case ZNODEEXISTS:
    case ZNOTEMPTY:
      return Outcome::exists;
    case ZBADVERSION:
      return Outcome::changed;
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
    case ZSESSIONCLOSEDREQUIRESASLAUTH:
      return Outcome::forbidden;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZCLOSING:
    case ZINVALIDSTATE:
    case ZSYSTEMERROR:
    case ZTHROTTLEDOP:
      return Outcome::lost;
    default:
      return Outcome::failed;
  }
}

/// Of what was refused as a whole, the op that is to blame: the others have no reason of their own.
std::size_t first_refused(const std::vector<zoo_op_result_t>& results) {
  const auto refused = std::ranges::find_if(
      results, [](const zoo_op_result_t& result) { return result.err != ZOK && result.err != ZRUNTIMEINCONSISTENCY; });
  return static_cast<std::size_t>(refused - results.begin());
}

/// The longest session that the client's milliseconds can be asked for without their thirds and halves overflowing.
constexpr Duration kSessionTimeoutMax = 1h;

}  // namespace

/// Hears one client's threads, and tells on the shard. Outlives the client.
struct Connection::Ear : std::enable_shared_from_this<Ear> {
  explicit Ear(env::Shard& shard) : home(shard) {}

  void post(std::move_only_function<void(Ear&)> what) {
    home.post([ear = shared_from_this(), what = std::move(what)]() mutable { what(*ear); });
  }

  env::Shard& home;
  std::mutex mutex;
  std::unordered_set<Ticket*> tickets;  ///< that the client has
  // On the shard only.
  State state = State::connecting;
  Instant lost_at;                  ///< while it is not connected
  std::function<void(Heard)> tell;  ///< empty: nobody listens any more
};

/// One client. Destroying it ends its session if there is a connection, and may take seconds.
struct Connection::Wire {
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();
  [[nodiscard]] const ACL_vector* access() const { return is_private ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE; }

  std::shared_ptr<Ear> ear;
  zhandle_t* handle = nullptr;
  bool is_private = false;
};

/// Requests that one coroutine waits for. On the shard only.
struct Connection::Batch {
  Batch(env::Shard& shard, std::size_t count) : home(shard), answers(count), open(count), all_there(shard) {}

  void take(std::size_t index, Answer answer) {
    if (open == 0) return;  // nobody waits any more
    answers[index] = std::move(answer);
    if (--open == 0) all_there.notify_all();
  }
  /// What has not come is lost.
  void give_up() {
    open = 0;
    all_there.notify_all();
  }

  env::Shard& home;
  std::vector<Answer> answers;
  std::size_t open;
  env::Event all_there;
};

/// One request under way. The client's threads hand it back, but for those that it still has when it is closed.
struct Connection::Ticket {
  std::shared_ptr<Ear> ear;
  std::shared_ptr<Batch> batch;
  std::size_t index = 0;
  std::vector<zoo_op_result_t> results;  ///< of a change, written by the client

  /// To the client, as the context of its callback.
  static Ticket* lend(std::unique_ptr<Ticket> ticket) {
    const std::lock_guard lock(ticket->ear->mutex);
    ticket->ear->tickets.insert(ticket.get());
    return ticket.release();
  }
  static std::unique_ptr<Ticket> take_back(const void* context) {
    std::unique_ptr<Ticket> ticket(static_cast<Ticket*>(const_cast<void*>(context)));
    const std::lock_guard lock(ticket->ear->mutex);
    ticket->ear->tickets.erase(ticket.get());
    return ticket;
  }
  /// Never in the caller's own turn, so that whoever waits has begun to.
  static void hand_back(std::unique_ptr<Ticket> ticket, Answer answer) {
    env::Shard& home = ticket->batch->home;
    home.post([ticket = std::move(ticket), answer = std::move(answer)]() mutable {
      ticket->batch->take(ticket->index, std::move(answer));
    });
  }
};

Connection::Wire::~Wire() {
  if (handle == nullptr) return;
  zookeeper_close(handle);
  // It calls nobody back any more.
  for (Ticket* ticket : std::exchange(ear->tickets, {})) delete ticket;
}

struct Connection::Callbacks {
  static void done(int code, const void* context) {
    auto ticket = Ticket::take_back(context);
    Answer answer{.outcome = outcome_of(code)};
    answer.failed_at = code == ZOK ? 0 : first_refused(ticket->results);
    Ticket::hand_back(std::move(ticket), std::move(answer));
  }
  static void data(int code, const char* value, int size, const Stat* stat, const void* context) {
    Answer answer{.outcome = outcome_of(code)};
    if (code == ZOK && size > 0) answer.data.assign(value, static_cast<std::size_t>(size));
    if (code == ZOK && stat != nullptr) answer.version = stat->version;
    Ticket::hand_back(Ticket::take_back(context), std::move(answer));
  }
  static void children(int code, const String_vector* names, const void* context) {
    Answer answer{.outcome = outcome_of(code)};
    if (code == ZOK && names != nullptr) answer.children.assign(names->data, names->data + names->count);
    Ticket::hand_back(Ticket::take_back(context), std::move(answer));
  }
  static void existence(int code, const Stat* /*stat*/, const void* context) {
    Ticket::hand_back(Ticket::take_back(context), {.outcome = outcome_of(code)});
  }
  static void present(int code, const char* /*path*/, const void* context) {
    Ticket::hand_back(Ticket::take_back(context), {.outcome = outcome_of(code)});
  }
  static void user_named(int /*code*/, const void* /*context*/) {}  // a refusal also comes as a state

  static void session(zhandle_t* /*handle*/, int type, int state, const char* /*path*/, void* context) {
    if (type != ZOO_SESSION_EVENT) return;
    const State now = state == ZOO_CONNECTED_STATE                                           ? State::connected
                      : state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE ? State::ended
                                                                                             : State::connecting;
    static_cast<Ear*>(context)->post([now](Ear& ear) {
      if (ear.state == State::ended) return;
      if (ear.state == State::connected) ear.lost_at = ear.home.now();
      ear.state = now;
      if (ear.tell) ear.tell({});
    });
  }
  static void node(zhandle_t* /*handle*/, int type, int /*state*/, const char* path, void* context) {
    if (type == ZOO_SESSION_EVENT || path == nullptr) return;
    static_cast<Ear*>(context)->post([name = std::string(path)](Ear& ear) {
      if (ear.tell) ear.tell({.path = name});
    });
  }
};

Connection::Connection(env::Shard& home, env::Pool& pool, Service service, std::function<void(Heard)> hear)
    : home_(home),
      pool_(pool),
      service_(std::move(service)),
      hear_(std::move(hear)),
      ear_(std::make_shared<Ear>(home)),
      state_changed_(home) {
  ear_->state = State::ended;
}

Connection::~Connection() { shut(); }

awaitable<Result<void>> Connection::open(Duration session_timeout) {
  drop();
  session_timeout_wished_ = session_timeout;
  ++session_number_;
  ear_ = std::make_shared<Ear>(home_);
  ear_->lost_at = home_.now();
  ear_->tell = [this](Heard heard) {
    if (heard.path.empty()) state_changed_.notify_all();
    hear_(std::move(heard));
  };
  const int timeout_ms = to_ms(std::min(session_timeout, kSessionTimeoutMax));
  wire_ = co_await pool_.run(home_, [service = service_, ear = ear_, timeout_ms] {
    zoo_set_debug_level(static_cast<ZooLogLevel>(0));  // it would write to standard error
    auto wire = std::make_unique<Wire>();
    wire->ear = ear;
    wire->is_private = !service.user.empty();
    wire->handle = zookeeper_init2(service.servers.c_str(), Callbacks::session, timeout_ms, nullptr, ear.get(),
                                   ZOO_NO_LOG_CLIENTENV, nullptr);
    if (wire->handle != nullptr && wire->is_private) {
      const std::string proof = fmt::format("{}:{}", service.user, service.password);
      zoo_add_auth(wire->handle, "digest", proof.data(), static_cast<int>(proof.size()), Callbacks::user_named,
                   nullptr);
    }
    return wire;
  });
  if (is_shut_ || !ear_->tell) {
    drop();
    co_return fail(Errc::closed, "the connection to ZooKeeper was closed meanwhile");
  }
  if (wire_->handle != nullptr) co_return Result<void>{};
  drop();
  co_return fail(Errc::unreachable, "no server of ZooKeeper at {} is known by its name", service_.servers);
}

awaitable<bool> Connection::is_connected_by(Instant deadline) {
  while (state() != State::connected && !is_shut_)
    if (!co_await state_changed_.wait_until(deadline)) break;
  co_return state() == State::connected;
}

Connection::State Connection::state() const { return ear_->state; }
Instant Connection::lost_at() const { return ear_->lost_at; }

Duration Connection::session_timeout() const {
  return wire_ && wire_->handle != nullptr ? std::chrono::milliseconds(zoo_recv_timeout(wire_->handle)) : 0ms;
}

std::shared_ptr<Connection::Batch> Connection::begin_batch(std::size_t count) {
  std::erase_if(under_way_, [](const std::weak_ptr<Batch>& batch) { return batch.expired(); });
  auto batch = std::make_shared<Batch>(home_, count);
  under_way_.push_back(batch);
  return batch;
}

awaitable<std::vector<Answer>> Connection::look(std::vector<Look> looks, Instant deadline) {
  if (!wire_ || state() == State::ended) co_return std::vector<Answer>(looks.size());
  const auto batch = begin_batch(looks.size());
  for (std::size_t i = 0; i < looks.size(); ++i) ask(looks[i], batch, i);
  co_await answered(batch, deadline);
  co_return std::move(batch->answers);
}

void Connection::ask(const Look& look, const std::shared_ptr<Batch>& batch, std::size_t index) {
  Ticket* const ticket = Ticket::lend(std::make_unique<Ticket>(ear_, batch, index));
  zhandle_t* const handle = wire_->handle;
  const char* const path = look.path.c_str();
  const watcher_fn watcher = look.watch ? Callbacks::node : nullptr;
  void* const ear = ear_.get();
  const auto sent = [&] {
    switch (look.what) {
      case Look::What::data:
        return zoo_awget(handle, path, watcher, ear, Callbacks::data, ticket);
      case Look::What::children:
        return zoo_awget_children(handle, path, watcher, ear, Callbacks::children, ticket);
      case Look::What::existence:
        return zoo_awexists(handle, path, watcher, ear, Callbacks::existence, ticket);
      case Look::What::present:
        return zoo_async(handle, path, Callbacks::present, ticket);
    }
    std::unreachable();
  }();
  // Then no callback comes.
  if (sent != ZOK) Ticket::hand_back(Ticket::take_back(ticket), {.outcome = outcome_of(sent)});
}

awaitable<Answer> Connection::change(std::vector<NodeOp> ops, Instant deadline) {
  if (!wire_ || state() == State::ended) co_return Answer{};
  std::vector<zoo_op_t> steps(ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const NodeOp& op = ops[i];
    const int size = static_cast<int>(op.data.size());
    switch (op.what) {
      case NodeOp::What::create:
      case NodeOp::What::create_ephemeral: {
        const int stay = op.what == NodeOp::What::create ? ZOO_PERSISTENT : ZOO_EPHEMERAL;
        zoo_create_op_init(&steps[i], op.path.c_str(), op.data.data(), size, wire_->access(), stay, nullptr, 0);
        break;
      }
      case NodeOp::What::set:
        zoo_set_op_init(&steps[i], op.path.c_str(), op.data.data(), size, op.version, nullptr);
        break;
      case NodeOp::What::erase:
        zoo_delete_op_init(&steps[i], op.path.c_str(), op.version);
        break;
      case NodeOp::What::check:
        zoo_check_op_init(&steps[i], op.path.c_str(), op.version);
        break;
    }
  }
  const auto batch = begin_batch(1);
  Ticket* const ticket =
      Ticket::lend(std::make_unique<Ticket>(ear_, batch, 0, std::vector<zoo_op_result_t>(ops.size())));
  const int sent = zoo_amulti(wire_->handle, static_cast<int>(steps.size()), steps.data(), ticket->results.data(),
                              Callbacks::done, ticket);
  if (sent != ZOK) Ticket::hand_back(Ticket::take_back(ticket), {.outcome = outcome_of(sent)});
  co_await answered(batch, deadline);
  co_return std::move(batch->answers.front());
}

awaitable<void> Connection::answered(std::shared_ptr<Batch> batch, Instant deadline) {
  while (batch->open > 0)
    if (!co_await batch->all_there.wait_until(deadline)) batch->give_up();
}

void Connection::drop() {
  ear_->tell = nullptr;
  ear_->state = State::ended;
  for (const std::weak_ptr<Batch>& each : std::exchange(under_way_, {}))
    if (const auto batch = each.lock()) batch->give_up();
  if (wire_) pool_.submit([wire = std::move(wire_)] {});
  wire_ = nullptr;
}

void Connection::shut() {
  drop();
  is_shut_ = true;
  state_changed_.notify_all();
}

awaitable<void> Connection::close() {
  auto wire = std::move(wire_);
  shut();
  co_await pool_.run(home_, [wire = std::move(wire)]() mutable { wire = nullptr; });
}

}  // namespace mq::meta
