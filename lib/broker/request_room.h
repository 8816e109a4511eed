#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/time.h"
#include "env/shard.h"

namespace mq::broker {

class Connection;
class RequestRoom;
class ShardContext;

/// The bytes that the buffers of one shard's connections hold. Buffers end on any thread, and some after their shard.
class HeldBytes {
 public:
  HeldBytes(env::Shard& shard, RequestRoom& room) : shard_(shard), room_(room) {}

  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  void add(std::size_t bytes) { bytes_.fetch_add(bytes); }
  void remove(std::size_t bytes) {
    bytes_.fetch_sub(bytes);
    tell();
  }
  /// Somebody waits: the next `tell` has the room look who may go on.
  void want(bool wanted) { wanted_.store(wanted); }
  void tell();

 private:
  env::Shard& shard_;
  RequestRoom& room_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<bool> wanted_{false};
};

/// One connection of the whole broker may hold a frame beyond the bound, so that a large one comes to its end however
/// little room the others leave, and however small the part of its shard is. Safe from every thread.
class ExtraFrame : public std::enable_shared_from_this<ExtraFrame> {
 public:
  /// To be that one, until the last copy is gone.
  using Right = std::shared_ptr<ExtraFrame>;

  /// Before the first `take`: who is told when it is free again. Returns the place of the shard.
  [[nodiscard]] std::size_t add(std::shared_ptr<HeldBytes> shard);
  /// Since when somebody waits at `place`; never: nobody does.
  void set_waiting(std::size_t place, Instant since) {
    shards_[place].waiting_since.store(since.since_start().count());
  }
  /// Nothing while another has it, or where somebody else has waited for longer.
  [[nodiscard]] Right take(std::size_t place);
  /// Somebody else has asked for it since it was taken.
  [[nodiscard]] bool is_wanted() const { return wanted_.load(); }

 private:
  void give_back();

  std::atomic<bool> taken_{false};
  std::atomic<bool> wanted_{false};
  struct Shard {
    explicit Shard(std::shared_ptr<HeldBytes> bytes) : held(std::move(bytes)) {}
    std::shared_ptr<HeldBytes> held;
    std::atomic<Duration::rep> waiting_since{Instant::never().since_start().count()};
  };
  std::deque<Shard> shards_;
};

/// What one connection's buffers hold on its present shard.
struct BufferBytes {
  explicit BufferBytes(std::shared_ptr<HeldBytes> shard) : of_shard(std::move(shard)) {}
  const std::shared_ptr<HeldBytes> of_shard;
  std::atomic<std::size_t> bytes{0};
};

/// Bytes of a buffer that are counted while this lives. Movable; ends on any thread.
class Holding {
 public:
  Holding() = default;
  Holding(std::shared_ptr<BufferBytes> of, std::size_t bytes, ExtraFrame::Right extra);
  Holding(Holding&& other) noexcept;
  Holding& operator=(Holding&& other) noexcept;
  ~Holding() { give_back(); }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Not null: these are bytes of the extra frame, beyond the bound.
  [[nodiscard]] const ExtraFrame::Right& extra() const { return extra_; }
  /// Both of the same connection. When one is extra both are from now on.
  void add(Holding other);

 private:
  void give_back();

  std::shared_ptr<BufferBytes> of_;
  std::size_t bytes_ = 0;
  ExtraFrame::Right extra_;
};

/// The room of one shard for requests and answers: its part of queued.max.request.bytes, and 16 KiB for each
/// connection. On the shard's thread only.
///
/// What counts is memory that is held: buffers with whatever was read into them, from its first byte until the last
/// request in them is done; what was decoded and waits; answers that wait to be sent. A connection asks before its
/// buffer grows beyond its own 16 KiB. When there is little room:
///
/// - who stays within 16 KiB goes on, always: a small request needs no room of others;
/// - who holds little (1/64 of the part) may use all of it, everybody else together three quarters, and waits, unread,
///   for more;
/// - one of those who wait with a frame begun, in the whole broker, goes on as the extra frame;
/// - when somebody who holds little has no room, whoever holds most in a frame that is not complete, or in answers that
///   are not read, is closed;
/// - while somebody waits, who could send or read and hardly does is closed after kPatience; sooner when somebody who
///   holds little has waited for as long;
/// - while it is tight, large frames are read at a slower pace (LargeReads).
///
/// So nobody waits for ever: a frame that has begun is completed, or its connection closed.
class RequestRoom {
 public:
  /// So much a connection may hold without asking.
  static constexpr std::size_t kOwnBytes = 16 << 10;
  static constexpr Duration kPatience = 500ms;

  using Connections = std::vector<std::shared_ptr<Connection>>;
  /// `connections` are those of the shard, at any time; both outlive it.
  RequestRoom(ShardContext& shard, const Connections& connections, std::size_t part_bytes,
              std::shared_ptr<ExtraFrame> extra);
  ~RequestRoom();

  /// Those of the shard.
  [[nodiscard]] const Connections& connections() const { return connections_; }
  [[nodiscard]] const std::shared_ptr<HeldBytes>& held_bytes() const { return held_; }
  void connection_came() { bytes_max_ += kOwnBytes; }
  void connection_went() { bytes_max_ -= kOwnBytes; }

  /// Room for `bytes` more in a buffer of `connection`; `extra` when that is the extra frame's. Nothing: the connection
  /// waits from now on, until `Connection::grant` or `leave`, and does not ask meanwhile.
  [[nodiscard]] std::optional<Holding> take(Connection& connection, std::size_t bytes, ExtraFrame::Right extra);
  /// It does not wait any more, and remains the extra frame's where it is.
  void stop_waiting(const Connection& connection);
  /// It does not wait any more, or is gone.
  void leave(const Connection& connection);

  /// What is held beside buffers: decoded requests and answers. It cannot wait.
  void add(std::size_t bytes) {
    other_bytes_ += bytes;
    if (is_over()) [[unlikely]]
      look_soon();
  }
  void remove(std::size_t bytes);
  /// Both at once: what was decoded has become an answer.
  void exchange(std::size_t removed, std::size_t added) {
    MQ_ASSERT(removed <= other_bytes_);
    other_bytes_ -= removed;
    add(added);
  }
  [[nodiscard]] std::size_t bytes() const { return held_->bytes() + other_bytes_; }
  /// Half of it is held, or within kPatience before now somebody had to be closed to make room: large frames are read
  /// at a slower pace.
  [[nodiscard]] bool is_tight() const;
  [[nodiscard]] bool is_over() const { return bytes() > bytes_max_; }
  /// Much less is held than at the most since this was last true: the machine should have it back.
  [[nodiscard]] bool has_emptied();

 private:
  friend class HeldBytes;
  /// With the bytes that each waits for. Whose frame had to wait first goes first, each time that it grows.
  using Waiting = std::deque<std::pair<std::shared_ptr<Connection>, std::size_t>>;

  /// Lets those go on who have room, and makes room where it must.
  void look();
  void look_soon();
  [[nodiscard]] std::size_t little_bytes() const { return part_bytes_ / 64; }
  [[nodiscard]] static bool is_own(const Connection& connection, std::size_t more);
  [[nodiscard]] bool is_little(const Connection& connection, std::size_t more) const;
  [[nodiscard]] bool has_room(const Connection& connection, std::size_t more) const;
  [[nodiscard]] Holding hold(Connection& connection, std::size_t bytes);
  void let_go_on(Waiting& waiting);
  void let_one_go_on_beyond(Waiting& waiting);
  /// Closes those who hold most, and more than `more_than`, until `bytes` have room, or will have once they are gone;
  /// false when that is not enough.
  bool close_most(std::size_t bytes, std::size_t more_than);
  awaitable<void> watch();
  /// Less than kPatience when somebody who holds little has waited for that long.
  [[nodiscard]] Duration patience() const;
  void close_stalled(Instant since);
  /// Who sends the extra frame keeps others from sending theirs.
  [[nodiscard]] bool is_extra(const Connection& connection) const { return &connection == extra_connection_; }
  void forget_extra_that_is_complete();
  [[nodiscard]] bool somebody_waits() const { return !little_waiting_.empty() || !much_waiting_.empty(); }

  ShardContext& shard_;
  const Connections& connections_;
  const std::size_t part_bytes_;
  std::size_t bytes_max_;  ///< the part, and what the connections have of their own
  std::shared_ptr<HeldBytes> held_;
  std::shared_ptr<ExtraFrame> extra_;
  const std::size_t place_;                 ///< among those who share it
  Connection* extra_connection_ = nullptr;  ///< that was let go on here as the extra frame, and is
  std::size_t other_bytes_ = 0;
  std::size_t most_bytes_ = 0;  ///< that were held since `has_emptied`
  Waiting little_waiting_;
  Waiting much_waiting_;
  Instant closed_at_ = Instant::never();  ///< when room had to be made last
  bool looks_soon_ = false;
  bool watches_ = false;
  std::unique_ptr<env::Timer> watch_timer_;
};

}  // namespace mq::broker
