#include "sim/life/nemesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace mq::sim {
namespace {

Duration upto(Rng& rng, Duration max) {
  return Duration(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(max.count()) + 1)));
}

}  // namespace

Nemesis::Nemesis(Stage& stage, const Plan& plan) : stage_(stage), plan_(plan), cluster_(stage.cluster()) {}

void Nemesis::wait(Duration time) {
  (void)wait_until([] { return false; }, time);
}

bool Nemesis::wait_until(const std::function<bool()>& done, Duration at_most) {
  const Instant deadline = world().now() + at_most;
  while (world().now() < deadline) {
    do_what_is_due();
    look_after_brokers();
    Instant next = std::min(deadline, world().now() + kLookInterval);
    if (!ends_.empty()) next = std::min(next, ends_.begin()->first);
    if (world().run_until(done, next - world().now())) return true;
    // With nothing left to do, the clock does not move by itself.
    if (world().now() < next) world().run_for(next - world().now());
  }
  return done();
}

void Nemesis::make_trouble() {
  const Instant begin = world().now();
  for (const PlannedFault& event : plan_.events) {
    wait(begin + event.at - world().now());
    strike(event);
  }
  wait(begin + plan_.troubled - world().now());
}

bool Nemesis::heal(Duration at_most) {
  while (!ends_.empty()) {
    auto end = ends_.extract(ends_.begin());
    end.mapped()();
  }
  for (int index = 0; index < cluster_.size(); ++index) cluster_.broker(index).machine().disk().clear_faults();
  for (auto& [index, at] : starts_at_) at = world().now();
  return wait_until(
      [this] {
        for (int index = 0; index < cluster_.size(); ++index) {
          const Broker& broker = cluster_.broker(index);
          if (!broker.is_made() || !broker.started() || !*broker.started() || broker.node().is_offline()) return false;
        }
        return true;
      },
      at_most);
}

std::string Nemesis::why_not_started() const {
  std::string text;
  for (const auto& [index, why] : failed_starts_) text += fmt::format("{}: {}; ", Cluster::host_of(index), why);
  return text;
}

void Nemesis::look_after_brokers() {
  for (int index = 0; index < cluster_.size(); ++index) {
    Broker& broker = cluster_.broker(index);
    if (broker.is_made()) {
      const bool has_failed = broker.started() && !*broker.started();
      if (has_failed) failed_starts_[index] = broker.started()->error().message;
      if (broker.started() && *broker.started()) failed_starts_.erase(index);
      if (has_failed || broker.node().is_offline()) kill(index, 1s);
    } else if (const auto due = starts_at_.find(index); due == starts_at_.end() || due->second <= world().now()) {
      starts_at_.erase(index);
      broker.begin_start();
    }
  }
}

void Nemesis::kill(int index, Duration away) {
  Broker& broker = cluster_.broker(index);
  const auto& started = broker.started();
  if (started && (*started ? broker.node().is_offline() : started->error().code == Errc::disk_failed))
    tell_failed_sync(index);
  broker.kill();
  restart_later(index, away);
}

/// What a broker could not sync before its end may be gone, as with a cut of the power.
void Nemesis::tell_failed_sync(int index) {
  if (plan_.flush == FlushClass::async) tell("power_loss", index, true);
}

void Nemesis::restart_later(int index, Duration after) { starts_at_[index] = world().now() + after; }

void Nemesis::later(Duration after, std::function<void()> what) {
  ends_.emplace(world().now() + after, std::move(what));
}

void Nemesis::do_what_is_due() {
  while (!ends_.empty() && ends_.begin()->first <= world().now()) {
    auto end = ends_.extract(ends_.begin());
    end.mapped()();
  }
}

void Nemesis::tell(const char* fault, int broker, bool is_quiet) {
  stage_.run_history().fault(stage_.time(), fault, broker + 1, is_quiet);
}

int Nemesis::some_broker(Rng& rng) const {
  return static_cast<int>(rng.below(static_cast<std::uint64_t>(cluster_.size())));
}

void Nemesis::strike(const PlannedFault& event) {
  using Blow = void (Nemesis::*)(Rng&);
  static constexpr std::array<Blow, kFaults> kBlows = {
      &Nemesis::stop,         &Nemesis::kill,       &Nemesis::cut_power,        &Nemesis::fail_syncs,
      &Nemesis::fail_io,      &Nemesis::fill_disk,  &Nemesis::take_descriptors, &Nemesis::slow_disk,
      &Nemesis::rot,          &Nemesis::lose_media, &Nemesis::cut_network,      &Nemesis::reset_connections,
      &Nemesis::slow_network, &Nemesis::move_clock, &Nemesis::replace_client,   &Nemesis::trouble_store};
  Rng rng(event.seed);
  (this->*kBlows.at(static_cast<std::size_t>(event.what)))(rng);
}

void Nemesis::stop(Rng& rng) {
  const int index = some_broker(rng);
  Broker& broker = cluster_.broker(index);
  if (!broker.is_made() || !broker.started() || !*broker.started()) return;
  tell("stop", index, true);
  if (!broker.stop(5min)) tell_failed_sync(index);
  restart_later(index, upto(rng, 3s));
}

void Nemesis::kill(Rng& rng) {
  const int index = some_broker(rng);
  Broker& broker = cluster_.broker(index);
  if (!broker.is_made()) return;
  tell("kill9", index, false);
  kill(index, upto(rng, 2s));
}

void Nemesis::cut_power(Rng& rng) {
  const int index = some_broker(rng);
  Broker& broker = cluster_.broker(index);
  if (!broker.is_made()) return;
  tell("power_loss", index, false);
  broker.lose_power(static_cast<PowerLoss>(rng.below(static_cast<std::uint64_t>(PowerLoss::any) + 1)));
  restart_later(index, upto(rng, 2s));
}

void Nemesis::fail_syncs(Rng& rng) {
  constexpr std::array<const char*, 4> kOf = {".log", "", "mq-", "metadata.db"};
  const int index = some_broker(rng);
  Disk& disk = cluster_.broker(index).machine().disk();
  tell("failed_sync", index, true);
  disk.inject({.on = DiskFault::On::sync,
               .path_part = kOf.at(rng.below(kOf.size())),
               .after = static_cast<int>(rng.below(20)),
               .times = rng.one_in(4) ? -1 : 1,
               .how = static_cast<SyncFailure>(rng.below(3))});
  later(upto(rng, 4s), [&disk] { disk.clear_faults(); });
}

void Nemesis::fail_io(Rng& rng) {
  constexpr std::array<DiskFault::On, 7> kOn = {
      DiskFault::On::open,   DiskFault::On::read,   DiskFault::On::write, DiskFault::On::sync_directory,
      DiskFault::On::rename, DiskFault::On::change, DiskFault::On::name};
  constexpr std::array<const char*, 6> kOf = {"", "", ".log", ".index", "checkpoint", ".snapshot"};
  const int index = some_broker(rng);
  Disk& disk = cluster_.broker(index).machine().disk();
  tell("failed_io", index, true);
  disk.inject({.on = kOn.at(rng.below(kOn.size())),
               .path_part = kOf.at(rng.below(kOf.size())),
               .after = static_cast<int>(rng.below(30)),
               .times = 1 + static_cast<int>(rng.below(3))});
  later(upto(rng, 4s), [&disk] { disk.clear_faults(); });
}

void Nemesis::fill_disk(Rng& rng) {
  const int index = some_broker(rng);
  Disk& disk = cluster_.broker(index).machine().disk();
  tell("full_disk", index, true);
  disk.fill();
  later(upto(rng, 6s), [&disk] { disk.make_room(); });
}

void Nemesis::take_descriptors(Rng& rng) {
  const int index = some_broker(rng);
  Disk& disk = cluster_.broker(index).machine().disk();
  tell("no_descriptors", index, true);
  disk.inject({.on = DiskFault::On::open, .times = -1, .code = Errc::too_many_files});
  // A directory is opened to be synced. Not for ever: a stop waits for those who wait for the sync.
  disk.inject({.on = DiskFault::On::sync_directory, .times = 30, .code = Errc::too_many_files});
  later(upto(rng, 3s), [&disk] { disk.clear_faults(); });
}

void Nemesis::slow_disk(Rng& rng) {
  const int index = some_broker(rng);
  Disk& disk = cluster_.broker(index).machine().disk();
  tell("slow_disk", index, true);
  // A job that syncs many files is as slow to its end as it was when it began.
  const Duration mean = upto(rng, 20ms);
  disk.set_sync_time(mean / 4, mean);
  const DiskOptions usual;
  later(upto(rng, 8s), [&disk, usual] { disk.set_sync_time(usual.sync_min, usual.sync_mean); });
}

std::string Nemesis::some_file(Rng& rng, Broker& broker, const std::vector<std::string>& ends) {
  std::vector<std::string> found;
  env::Files& files = broker.machine().files();
  const auto directories = files.list(Cluster::kDataDir);
  if (!directories) return {};
  for (const env::DirEntry& directory : *directories) {
    if (!directory.is_directory || directory.name.starts_with("__")) continue;
    const std::string path = fmt::format("{}/{}", Cluster::kDataDir, directory.name);
    const auto entries = files.list(path);
    if (!entries) continue;
    for (const env::DirEntry& entry : *entries)
      if (std::ranges::any_of(ends, [&](const std::string& end) { return entry.name.ends_with(end); }))
        found.push_back(fmt::format("{}/{}", path, entry.name));
  }
  return found.empty() ? std::string() : found.at(rng.below(found.size()));
}

std::string Nemesis::some_old_segment(Rng& rng, Broker& broker) {
  const std::string path = some_file(rng, broker, {".log"});
  if (path.empty()) return {};
  const std::string directory = path.substr(0, path.rfind('/'));
  std::vector<std::string> segments;  // by name, so by offset
  for (const env::DirEntry& entry : broker.machine().files().list(directory).value())
    if (entry.name.ends_with(".log")) segments.push_back(entry.name);
  const std::size_t old = segments.size() / 2;
  return old == 0 ? std::string() : fmt::format("{}/{}", directory, segments.at(rng.below(old)));
}

void Nemesis::rot(Rng& rng) {
  const int index = some_broker(rng);
  Broker& broker = cluster_.broker(index);
  tell("rot", index, true);
  const auto rot_one_of = [&](const std::vector<std::string>& ends) {
    if (const std::string path = some_file(rng, broker, ends); !path.empty())
      broker.machine().disk().flip_some_bit(path, rng);
  };
  for (std::uint64_t flips = 1 + rng.below(4); flips > 0; --flips)
    rot_one_of({".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint"});
  // Drawn last: what rotted before these files came to lives rots as it did.
  if (rng.one_in(2)) rot_one_of({".mqwindow", "mq-epochs-crc", "mq-gaps", ".mqend"});
}

void Nemesis::lose_media(Rng& rng) {
  const int index = some_broker(rng);
  Broker& broker = cluster_.broker(index);
  if (rng.one_in(4)) {
    tell("misdirected_write", index, true);
    broker.machine().disk().misdirect_next_write(".log");
    return;
  }
  tell("lost_media", index, true);
  if (const std::string path = some_old_segment(rng, broker); !path.empty())
    broker.machine().disk().flip_some_bit(path, rng);
}

void Nemesis::cut_network(Rng& rng) {
  const std::string host = cluster_.broker(some_broker(rng)).host();
  const std::vector<std::string> clients = stage_.hosts();
  const std::string& client = clients.at(rng.below(clients.size()));
  tell("cut", 0, true);
  Fabric& fabric = world().fabric();
  const std::uint64_t which = rng.below(3);
  if (which != 1) fabric.block(host, client);
  if (which != 0) fabric.block(client, host);
  later(upto(rng, 7s), [&fabric, host, client] {
    fabric.unblock(host, client);
    fabric.unblock(client, host);
  });
}

void Nemesis::reset_connections(Rng& rng) {
  const std::string host = cluster_.broker(some_broker(rng)).host();
  tell("reset", 0, true);
  for (const std::string& client : stage_.hosts())
    if (rng.one_in(2)) (void)world().fabric().reset(host, client);
}

void Nemesis::slow_network(Rng& rng) {
  tell("slow_network", 0, true);
  const Duration mean = upto(rng, 400ms);
  world().fabric().set_delays(mean / 10, mean);
  const FabricOptions usual;
  later(upto(rng, 6s), [this, usual] { world().fabric().set_delays(usual.delay_min, usual.delay_mean); });
}

void Nemesis::move_clock(Rng& rng) {
  const int index = some_broker(rng);
  tell("clock", index, true);
  cluster_.broker(index).machine().clock().set_wall_offset(upto(rng, 7200s) - 3600s);
}

void Nemesis::replace_client(Rng& rng) {
  const std::vector<std::string> clients = stage_.hosts();
  tell("gone_client", 0, true);
  stage_.replace(clients.at(rng.below(clients.size())), rng.one_in(2));
}

void Nemesis::trouble_store(Rng& rng) {
  ModelMetadata& store = cluster_.model_store();
  const std::uint64_t which = rng.below(6);
  if (which == 0) {
    tell("store_sessions", 0, true);
    return store.end_all_sessions();
  }
  if (which == 1) return take_store_back(rng);
  tell("store", 0, true);
  const auto chance = [&] { return rng.one_in(2) ? 2 + rng.below(8) : 0; };
  store.set_trouble({.lost_request_one_in = chance(),
                     .lost_answer_one_in = chance(),
                     .late_one_in = chance(),
                     .false_alarm_one_in = chance(),
                     .forgotten_one_in = chance(),
                     .stale_one_in = chance(),
                     .delay_max = rng.one_in(2) ? upto(rng, 800ms) : 0s},
                    rng.next());
  later(upto(rng, 8s), [&store] { store.set_trouble({}, 0); });
}

/// A broker that comes back finds an older store than the one that it knew, and must not serve from it. Then somebody
/// finds the right disks.
void Nemesis::take_store_back(Rng& rng) {
  if (cluster_.size() > 1 || !cluster_.broker().is_made() || store_is_back_) return;
  ModelMetadata& store = cluster_.model_store();
  if (store_copy_ == nullptr || !store.has_changed_since(*store_copy_) || rng.one_in(3)) {
    store_copy_ = store.copy();
    return;
  }
  tell("store_went_back", 0, false);
  const Duration away = upto(rng, 1s);
  kill(0, away);
  store_is_back_ = true;
  const std::shared_ptr<const ModelMetadata::Copy> newest = store.copy();
  store.go_back(*store_copy_);
  later(upto(rng, 6s), [this, &store, newest] {
    if (cluster_.broker().is_made()) kill(0, 0s);
    store.go_back(*newest);
    store_is_back_ = false;
    restart_later(0, 0s);
  });
}

}  // namespace mq::sim
