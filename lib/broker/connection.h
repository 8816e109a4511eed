#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "broker/answer.h"
#include "broker/api/fetch_session.h"
#include "broker/metrics.h"
#include "broker/request_room.h"
#include "broker/turn_end.h"
#include "env/event.h"
#include "env/network.h"
#include "env/shard.h"
#include "wire/header.h"

namespace mq::broker {

class Connection;
class ConnectionHost;
struct BoundListener;

/// A decoded request header and the bytes of its body.
struct Request {
  wire::RequestHeader header;
  SharedBytes frame;  ///< what `body` points into
  BytesView body;
  Instant arrived;
};

/// The right to answer one request, once. Used on the connection's shard. Dropping it unanswered closes the connection:
/// a client must never wait for an answer that nobody will give.
class Responder {
 public:
  Responder() = default;
  Responder(std::shared_ptr<Connection> connection, std::uint64_t slot)
      : connection_(std::move(connection)), slot_(slot) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&&) = default;
  ~Responder();

  void send(Answer answer);
  /// For acks=0: the request is done and nothing is sent.
  void send_nothing();
  /// Ends the connection once the answers before this one are out. `why` goes to the log.
  void close(std::string why);
  /// What was decoded of the request takes so much memory until it is answered.
  void hold(std::size_t bytes);
  [[nodiscard]] Connection& connection() const { return *connection_; }

 private:
  std::shared_ptr<Connection> connection_;
  std::uint64_t slot_ = 0;
};

/// One client connection: frames in, answers out, in the order of the requests.
///
/// Requests start in arrival order; their waits overlap. At most kRequestsMax requests and kRequestBytesMax bytes are
/// in progress, then reading stops; and it stops while the shard has no room for more (`RequestRoom`). Lives on one
/// shard at a time; its host owns the coroutine that runs it.
class Connection final : public std::enable_shared_from_this<Connection>, public EndsTurn {
 public:
  static constexpr std::size_t kRequestsMax = 64;
  static constexpr std::size_t kRequestBytesMax = 64u << 20;
  static constexpr std::size_t kAnswerBytesMax = 64u << 20;

  /// `listener` outlives it.
  Connection(ConnectionHost& home, std::unique_ptr<env::Stream> stream, const BoundListener& listener,
             std::shared_ptr<FetchSessionSlots> fetch_session_slots);
  ~Connection();

  /// Serves until the peer goes, an error or `close`, or until the connection should live on another shard: then
  /// `move_target` names it, nothing is in progress, and the caller hands it over.
  awaitable<void> run();
  /// Ends `run`; answers not yet sent are dropped. On the connection's shard.
  void close(CloseReason reason = CloseReason::peer);
  void close_because(std::string_view why) { fail(why, CloseReason::overdue); }
  /// Starts no further request and ends `run` when what was started is answered.
  void finish();
  /// Once `is_closing`.
  [[nodiscard]] CloseReason close_reason() const { return close_reason_; }
  [[nodiscard]] bool is_closing() const { return closing_; }
  /// Sends the answers that became ready in this turn.
  void end_turn() override;
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

  // For `RequestRoom`.
  /// It asked for so much, and may go on.
  void grant(Holding room);
  void close_for_room();
  /// When its present frame first had to wait for room; until then never.
  [[nodiscard]] Instant waiting_since() const { return waiting_since_; }
  void begin_waiting();
  /// What its buffers hold on this shard.
  [[nodiscard]] const std::shared_ptr<BufferBytes>& buffer_bytes() const { return buffer_bytes_; }
  /// All that it holds: buffers, decoded requests, answers.
  [[nodiscard]] std::size_t held_bytes() const {
    return buffer_bytes_->bytes.load(std::memory_order_relaxed) + decoded_bytes_ + answer_bytes_;
  }
  /// What of it serves nobody now: a frame that is not complete, answers that are not sent, requests that wait for more
  /// to fetch. It would be free at once if the connection were closed.
  [[nodiscard]] std::size_t idle_bytes() const;
  /// When its frame that is not complete began, or went on after we had not read.
  [[nodiscard]] Instant frame_started() const { return frame_started_; }
  [[nodiscard]] bool has_begun_frame() const { return read_begin_ != read_end_; }
  /// The frame that is not complete is the extra one.
  [[nodiscard]] bool holds_extra() const;
  void begin_look() { looked_at_ = received_bytes_; }
  /// From `since`, when `begin_look` was called, until now it could have sent more of its frame, or read its answers,
  /// and did hardly any of that.
  [[nodiscard]] bool has_stalled(Instant since) const;

  /// It waited in line to read a piece of a large frame, and may now.
  void let_read_piece();

  [[nodiscard]] FetchSession& fetch_session() { return fetch_session_; }
  [[nodiscard]] ConnectionHost* move_target() const { return move_target_; }
  /// Rebinds the connection to `to`; called between two `run`s, on the old shard.
  void move_to(ConnectionHost& to);

  [[nodiscard]] ConnectionHost& home() const { return *home_; }
  /// There is no home any more, nor anything else of the broker.
  [[nodiscard]] bool is_broker_gone() const { return broker_is_gone_->load(std::memory_order_relaxed); }
  [[nodiscard]] const BoundListener& listener() const { return listener_; }
  [[nodiscard]] const env::Address& local_address() const { return local_; }
  [[nodiscard]] const env::Address& remote_address() const { return remote_; }
  /// True when `deadline`-like limits are passed at `now`: an unfinished frame, a peer that does not read, idleness.
  [[nodiscard]] const char* overdue(Instant now) const;

  /// When it will have been idle for too long; the beginning of time while it is not idle.
  [[nodiscard]] Instant idle_deadline() const;

  /// A request touched partitions of `owner` only; enough of them in a row and the connection moves there.
  void touched(ConnectionHost& owner);
  /// `timer` is what a request in progress waits with: cancelled when the connection closes, since nobody waits for the
  /// answer any more. Until `remove_wait`.
  void add_wait(env::Timer& timer) { waits_.push_back(&timer); }
  void remove_wait(env::Timer& timer) { std::erase(waits_, &timer); }
  /// While a hold is alive no further request of this connection is started: for what must suspend before an append.
  class Hold {
   public:
    explicit Hold(std::shared_ptr<Connection> connection);
    Hold(Hold&&) = default;
    ~Hold();

   private:
    std::shared_ptr<Connection> connection_;
  };

 private:
  friend class Responder;
  struct Slot {
    enum class State { waiting, ready, nothing, close } state = State::waiting;
    Answer answer;
    std::size_t request_bytes = 0;
    std::size_t decoded_bytes = 0;  ///< that wait with it
    std::uint8_t api_place = 0;     ///< of its API among the metrics
    Instant arrived;
    std::string why;
  };
  struct Buffer;

  void start_frames();
  bool start_frame(BytesView frame);
  [[nodiscard]] bool may_start() const;
  /// Sees to it that there is room to read in; false when memory has to be waited for.
  bool make_room();
  bool take_room(std::size_t bytes, ExtraFrame::Right extra, Holding& room);
  void stop_waiting_for_room();
  void leave_room();
  /// The next read wants more room than there is behind what was read.
  [[nodiscard]] bool lacks_room() const;
  /// ... and what was read is large: making room copies it.
  [[nodiscard]] bool moves_much() const;
  /// The next read is of a large frame that has more to read.
  [[nodiscard]] bool reads_a_piece() const;
  [[nodiscard]] bool may_read_piece();
  void drop_buffer();
  void settle(std::uint64_t slot, Slot::State state, Answer answer, std::string why);
  struct Outgoing;
  [[nodiscard]] Outgoing next_outgoing() const;
  /// Sends as much of `out` as leaves without waiting; true when that was all of it.
  Result<bool> send_now(Outgoing& out);
  awaitable<void> send_rest(Outgoing out);
  awaitable<Result<void>> send(Outgoing out);
  void drop_sent(std::size_t slots);
  void fail(std::string_view why, CloseReason reason = CloseReason::refused);
  [[nodiscard]] bool front_is_settled() const {
    return !slots_.empty() && slots_.front().state != Slot::State::waiting;
  }

  ConnectionHost* home_;
  std::unique_ptr<env::Stream> stream_;
  const BoundListener& listener_;
  env::Address local_;
  env::Address remote_;

  std::shared_ptr<Buffer> buffer_;
  std::size_t read_begin_ = 0;  ///< first byte not yet taken as a frame
  std::size_t read_end_ = 0;
  std::size_t frame_bytes_ = 0;  ///< of the unfinished frame at read_begin_, with its length; 0 when not known yet

  std::deque<Slot> slots_;
  std::uint64_t first_slot_ = 0;
  std::size_t request_bytes_ = 0;
  std::size_t decoded_bytes_ = 0;
  std::size_t answer_bytes_ = 0;
  std::shared_ptr<const std::atomic<bool>> broker_is_gone_;
  std::shared_ptr<BufferBytes> buffer_bytes_;
  Holding granted_;              ///< what it asked for and may take now
  bool waits_for_room_ = false;  ///< `RequestRoom` has it in line
  Instant waiting_since_ = Instant::never();
  bool waits_to_read_ = false;  ///< `LargeReads` has it in line
  bool may_read_piece_ = false;
  bool has_more_ = false;  ///< the last read took all that it had room for
  std::uint64_t received_bytes_ = 0;
  std::uint64_t looked_at_ = 0;
  int holds_ = 0;
  std::vector<env::Timer*> waits_;
  bool ends_turn_ = false;  ///< answers became ready; sent at the end of the turn
  bool reading_ = false;
  bool writing_ = false;  ///< `send_rest` is under way
  bool finishing_ = false;
  bool closing_ = false;
  CloseReason close_reason_ = CloseReason::peer;
  std::unique_ptr<env::Event> progress_;
  FetchSession fetch_session_;

  Instant last_read_;
  Instant frame_started_ = Instant::never();
  Instant write_started_ = Instant::never();

  ConnectionHost* away_ = nullptr;  ///< where the latest requests went, when not here
  int away_count_ = 0;
  ConnectionHost* move_target_ = nullptr;
};

}  // namespace mq::broker
