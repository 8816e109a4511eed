#include "broker/request_room.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "broker/connection.h"
#include "broker/shard_context.h"

namespace mq::broker {
namespace {

// Below this giving memory back costs more than it is worth.
constexpr std::size_t kEmptiedBytesMin = 16u << 20;

}  // namespace

void HeldBytes::tell() {
  if (!wanted_.load() || !wanted_.exchange(false)) return;
  shard_.post([room = &room_] { room->look(); });
}

std::size_t ExtraFrame::add(std::shared_ptr<HeldBytes> shard) {
  shards_.emplace_back(std::move(shard));
  return shards_.size() - 1;
}

ExtraFrame::Right ExtraFrame::take(std::size_t place) {
  const auto since = [](const Shard& shard) { return shard.waiting_since.load(); };
  if (std::ranges::any_of(shards_, [&](const Shard& other) { return since(other) < since(shards_[place]); })) {
    wanted_.store(true);
    return nullptr;
  }
  if (taken_.exchange(true)) {
    wanted_.store(true);
    // It may have been given back before it was known that somebody wants it.
    if (taken_.exchange(true)) return nullptr;
  }
  return {this, [self = shared_from_this()](ExtraFrame*) { self->give_back(); }};
}

void ExtraFrame::give_back() {
  taken_.store(false);
  if (!wanted_.exchange(false)) return;
  for (const Shard& shard : shards_) shard.held->tell();
}

Holding::Holding(std::shared_ptr<BufferBytes> of, std::size_t bytes, ExtraFrame::Right extra)
    : of_(std::move(of)), bytes_(bytes), extra_(std::move(extra)) {
  of_->bytes.fetch_add(bytes_, std::memory_order_relaxed);
  if (!extra_) of_->of_shard->add(bytes_);
}

Holding::Holding(Holding&& other) noexcept
    : of_(std::move(other.of_)), bytes_(std::exchange(other.bytes_, 0)), extra_(std::move(other.extra_)) {}

Holding& Holding::operator=(Holding&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  of_ = std::move(other.of_);
  bytes_ = std::exchange(other.bytes_, 0);
  extra_ = std::move(other.extra_);
  return *this;
}

void Holding::add(Holding other) {
  if (!of_) {
    *this = std::move(other);
    return;
  }
  MQ_ASSERT(of_ == other.of_);
  if (!extra_ && other.extra_) of_->of_shard->remove(bytes_);
  if (extra_ && !other.extra_) of_->of_shard->remove(other.bytes_);
  bytes_ += std::exchange(other.bytes_, 0);
  if (other.extra_) extra_ = std::move(other.extra_);
  other.of_ = nullptr;
}

void Holding::give_back() {
  if (!of_) return;
  of_->bytes.fetch_sub(bytes_, std::memory_order_relaxed);
  if (!extra_) of_->of_shard->remove(bytes_);
  extra_ = nullptr;
  of_ = nullptr;
  bytes_ = 0;
}

RequestRoom::RequestRoom(ShardContext& shard, const Connections& connections, std::size_t part_bytes,
                         std::shared_ptr<ExtraFrame> extra)
    : shard_(shard),
      connections_(connections),
      part_bytes_(part_bytes),
      bytes_max_(part_bytes),
      held_(std::make_shared<HeldBytes>(shard.shard, *this)),
      extra_(std::move(extra)),
      place_(extra_->add(held_)),
      watch_timer_(shard.shard.make_timer()) {}

RequestRoom::~RequestRoom() { held_->want(false); }

std::optional<Holding> RequestRoom::take(Connection& connection, std::size_t bytes, ExtraFrame::Right extra) {
  if (extra) return Holding(connection.buffer_bytes(), bytes, std::move(extra));
  Waiting& waiting = is_little(connection, bytes) ? little_waiting_ : much_waiting_;
  if (is_own(connection, bytes) || (waiting.empty() && has_room(connection, bytes))) return hold(connection, bytes);
  connection.begin_waiting();
  MQ_MARK("broker: a shard has no room for a request");
  const auto place = std::ranges::upper_bound(waiting, connection.waiting_since(), {},
                                              [](const auto& other) { return other.first->waiting_since(); });
  waiting.emplace(place, connection.shared_from_this(), bytes);
  look_soon();
  return std::nullopt;
}

void RequestRoom::stop_waiting(const Connection& connection) {
  const auto is_it = [&](const auto& waiting) { return waiting.first.get() == &connection; };
  std::erase_if(little_waiting_, is_it);
  std::erase_if(much_waiting_, is_it);
  if (!somebody_waits()) extra_->set_waiting(place_, Instant::never());
  if (watches_ && !somebody_waits() && extra_connection_ == nullptr) watch_timer_->cancel();
}

void RequestRoom::leave(const Connection& connection) {
  if (extra_connection_ == &connection) extra_connection_ = nullptr;
  stop_waiting(connection);
}

void RequestRoom::remove(std::size_t bytes) {
  MQ_ASSERT(bytes <= other_bytes_);
  other_bytes_ -= bytes;
  if (somebody_waits()) look_soon();
}

bool RequestRoom::is_tight() const {
  return bytes() > bytes_max_ / 2 || (closed_at_ != Instant::never() && shard_.shard.now() < closed_at_ + kPatience);
}

bool RequestRoom::has_emptied() {
  if (most_bytes_ < bytes() + kEmptiedBytesMin || somebody_waits()) return false;
  most_bytes_ = bytes();
  return true;
}

void RequestRoom::look_soon() {
  if (!std::exchange(looks_soon_, true)) shard_.shard.post([this] { look(); });
}

void RequestRoom::look() {
  looks_soon_ = false;
  forget_extra_that_is_complete();
  held_->want(true);  // first, so that nothing that is given back from now on is missed
  let_go_on(little_waiting_);
  let_go_on(much_waiting_);
  most_bytes_ = std::max(most_bytes_, bytes());
  // Answers come without asking. A few large ones are their readers' own fault, many small ones everybody's.
  if (is_over()) close_most(0, bytes() > bytes_max_ + part_bytes_ / 4 ? kOwnBytes : little_bytes());
  if (!little_waiting_.empty() && !close_most(little_waiting_.front().second, little_bytes()))
    let_one_go_on_beyond(little_waiting_);
  let_one_go_on_beyond(much_waiting_);
  if (!somebody_waits()) {
    held_->want(false);
    extra_->set_waiting(place_, Instant::never());
  }
  if ((somebody_waits() || extra_connection_ != nullptr) && !std::exchange(watches_, true)) shard_.tasks.spawn(watch());
}

void RequestRoom::let_go_on(Waiting& waiting) {
  // What a connection holds may have become less since it began to wait.
  std::erase_if(waiting, [this](const auto& one) {
    const auto& [connection, bytes] = one;
    const bool is_let_go = is_own(*connection, bytes);
    if (is_let_go) connection->grant(hold(*connection, bytes));
    return is_let_go;
  });
  while (!waiting.empty() && has_room(*waiting.front().first, waiting.front().second)) {
    const auto [connection, bytes] = std::move(waiting.front());
    waiting.pop_front();
    connection->grant(hold(*connection, bytes));
  }
}

void RequestRoom::let_one_go_on_beyond(Waiting& waiting) {
  // Who has begun nothing might keep it for ever, and is let go on by the end of its own requests.
  const auto first = std::ranges::find_if(waiting, [](const auto& one) { return one.first->has_begun_frame(); });
  if (first == waiting.end()) return;
  extra_->set_waiting(place_, first->first->waiting_since());
  ExtraFrame::Right right = extra_->take(place_);
  if (!right) return;
  const auto [connection, bytes] = std::move(*first);
  waiting.erase(first);
  extra_connection_ = connection.get();
  extra_->set_waiting(place_, Instant::never());
  connection->grant(Holding(connection->buffer_bytes(), bytes, std::move(right)));
}

void RequestRoom::forget_extra_that_is_complete() {
  if (extra_connection_ != nullptr && !extra_connection_->holds_extra()) extra_connection_ = nullptr;
}

bool RequestRoom::is_own(const Connection& connection, std::size_t more) {
  return connection.buffer_bytes()->bytes.load(std::memory_order_relaxed) + more <= kOwnBytes;
}

bool RequestRoom::is_little(const Connection& connection, std::size_t more) const {
  return connection.held_bytes() + more <= std::max(little_bytes(), kOwnBytes);
}

bool RequestRoom::has_room(const Connection& connection, std::size_t more) const {
  const std::size_t kept_free = is_little(connection, more) ? 0 : part_bytes_ / 4;
  return bytes() + more + kept_free <= bytes_max_;
}

Holding RequestRoom::hold(Connection& connection, std::size_t bytes) {
  Holding held(connection.buffer_bytes(), bytes, nullptr);
  most_bytes_ = std::max(most_bytes_, this->bytes());
  return held;
}

bool RequestRoom::close_most(std::size_t bytes, std::size_t more_than) {
  std::size_t coming = 0;
  std::vector<Connection*> holders;
  for (const auto& connection : connections_) {
    if (is_extra(*connection)) continue;
    if (connection->is_closing()) {
      coming += connection->held_bytes();
    } else if (connection->idle_bytes() > more_than) {
      holders.push_back(connection.get());
    }
  }
  // Who waits for much holds little as yet, and would for ever.
  for (const auto& [connection, wanted] : much_waiting_)
    if (!connection->is_closing() && connection->idle_bytes() > kOwnBytes && connection->idle_bytes() <= more_than)
      holders.push_back(connection.get());
  // Of those who hold the same, who began first.
  std::ranges::sort(holders, [](const Connection* a, const Connection* b) {
    return std::tuple(b->idle_bytes(), a->frame_started()) < std::tuple(a->idle_bytes(), b->frame_started());
  });
  const auto has_room = [&] { return this->bytes() + bytes <= bytes_max_ + coming; };
  for (Connection* connection : holders) {
    if (has_room()) break;
    coming += connection->held_bytes();
    connection->close_for_room();
    closed_at_ = shard_.shard.now();
  }
  return has_room();
}

Duration RequestRoom::patience() const {
  const bool is_long =
      !little_waiting_.empty() && shard_.shard.now() > little_waiting_.front().first->waiting_since() + kPatience;
  return is_long ? kPatience / 4 : kPatience;
}

awaitable<void> RequestRoom::watch() {
  while (somebody_waits() || extra_connection_ != nullptr) {
    const Instant since = shard_.shard.now();
    for (const auto& connection : connections_) connection->begin_look();
    if (!co_await watch_timer_->wait_until(since + patience())) continue;
    forget_extra_that_is_complete();
    close_stalled(since);
    look();
  }
  watches_ = false;
}

void RequestRoom::close_stalled(Instant since) {
  const std::size_t more_than = little_waiting_.empty() ? little_bytes() : kOwnBytes;
  for (const auto& connection : connections_) {
    const bool is_in_the_way =
        is_extra(*connection) ? extra_->is_wanted() : somebody_waits() && connection->idle_bytes() > more_than;
    if (is_in_the_way && !connection->is_closing() && connection->has_stalled(since)) connection->close_for_room();
  }
}

}  // namespace mq::broker
