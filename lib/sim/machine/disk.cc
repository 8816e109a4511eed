#include "sim/machine/disk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"

namespace mq::sim {
namespace {

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::size_t kNameBytesMax = 255;

/// Takes the first name off the front of `path`; empty: there is no other.
std::string_view take_name(std::string_view& path) {
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    if (!name.empty() && name != ".") return name;
  }
  return {};
}

std::unexpected<Error> no_such(std::string_view path) {
  return fail(Errc::not_found, "{}: no such file or directory", path);
}

Result<void> check_name(std::string_view name) {
  if (name.size() <= kNameBytesMax) return {};
  return fail(Errc::invalid_argument, "{}: file name too long", name);
}

void overwrite(std::string& image, std::uint64_t position, BytesView bytes) {
  if (image.size() < position + bytes.size()) image.resize(position + bytes.size(), '\0');
  image.replace(position, bytes.size(), bytes);
}

}  // namespace

struct Disk::DataChange {
  std::uint64_t position = 0;  // of `bytes`
  std::string bytes;
  std::optional<std::uint64_t> new_size;  // a truncation instead

  void apply_to(std::string& image) const {
    if (new_size) {
      image.resize(*new_size, '\0');
    } else {
      overwrite(image, position, bytes);
    }
  }
};

/// The names that one operation changed; null: gone. A rename changes two at once.
struct Disk::NameChange {
  std::vector<std::pair<std::string, InodePtr>> names;

  void apply_to(Entries& entries) const {
    for (const auto& [name, inode] : names) {
      if (inode) {
        entries[name] = inode;
      } else {
        entries.erase(name);
      }
    }
  }
};

struct Disk::Inode {
  std::uint64_t id = 0;
  bool is_directory = false;

  std::string cached;
  std::string durable;
  std::vector<DataChange> unsynced;
  std::uint64_t reserved_end = 0;
  std::uint64_t charged = 0;
  int open_files = 0;
  bool has_name = false;

  Entries entries;
  Entries durable_entries;
  std::vector<NameChange> unsynced_names;
};

class Disk::OpenFile final : public env::File {
 public:
  OpenFile(Disk& disk, InodePtr inode, std::string path, bool is_writable)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), is_writable_(is_writable) {
    ++inode_->open_files;
  }
  ~OpenFile() override {
    --inode_->open_files;
    disk_.release_if_unused(*inode_);
  }

  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
    disk_.scheduler_.charge(disk_.scheduler_.rng().delay(disk_.options_.access_min, disk_.options_.access_mean));
    if (!disk_.warm(*inode_, position, size) && disk_.is_on_shard()) disk_.cold_reads_on_shards_.insert(path_);
    return read(position, to, size);
  }

  Result<std::size_t> read_cached_at(std::uint64_t position, char* to, std::size_t size) override {
    if (disk_.options_.cold_read_one_in > 0 && disk_.scheduler_.rng().one_in(disk_.options_.cold_read_one_in))
      return fail(Errc::would_block, "{}: not in the page cache", path_);
    if (!disk_.is_warm(*inode_, position, size)) return fail(Errc::would_block, "{}: not in the page cache", path_);
    return read(position, to, size);
  }

  Result<void> write_at(std::uint64_t position, BytesView bytes) override {
    MQ_CHECK(check_writable());
    if (const DiskFault* fault = disk_.strike(DiskFault::On::write, path_))
      return fail(fault->code, "{}: injected write error", path_);
    const std::uint64_t room_end = writable_end();
    if (position + bytes.size() <= room_end) {
      change({.position = position, .bytes = std::string(bytes), .new_size = std::nullopt});
      return {};
    }
    // As a real file system: some of it is there.
    const std::uint64_t fits = room_end > position ? room_end - position : 0;
    if (fits > 0)
      change({.position = position,
              .bytes = std::string(bytes.substr(0, disk_.scheduler_.rng().below(fits + 1))),
              .new_size = std::nullopt});
    return fail(Errc::disk_full, "{}: no space left on the simulated disk", path_);
  }

  Result<void> sync() override {
    MQ_CHECK(check_writable());
    disk_.scheduler_.charge(disk_.scheduler_.rng().delay(disk_.options_.sync_min, disk_.options_.sync_mean));
    disk_.scheduler_.note(Happening::disk_sync, inode_->id, inode_->unsynced.size());
    const DiskFault* const fault = disk_.strike(DiskFault::On::sync, path_);
    if (fault != nullptr) disk_.fail_sync(*inode_, fault->how);
    if (fault != nullptr || sync_failed_) {
      sync_failed_ = true;
      return fail(Errc::disk_failed, "{}: injected sync error", path_);
    }
    disk_.misdirect_a_write(*inode_, path_);
    disk_.make_durable(*inode_);
    return {};
  }

  Result<void> truncate(std::uint64_t new_size) override {
    MQ_CHECK(check_writable());
    if (const DiskFault* fault = disk_.strike(DiskFault::On::write, path_))
      return fail(fault->code, "{}: injected truncate error", path_);
    if (new_size > writable_end()) return fail(Errc::disk_full, "{}: no space left on the simulated disk", path_);
    inode_->reserved_end = std::min(inode_->reserved_end, new_size);
    change({.position = 0, .bytes = {}, .new_size = new_size});
    return {};
  }

  Result<void> reserve(std::uint64_t position, std::uint64_t size) override {
    MQ_CHECK(check_writable());
    if (position + size > writable_end())
      return fail(Errc::disk_full, "{}: no space left on the simulated disk", path_);
    inode_->reserved_end = std::max(inode_->reserved_end, position + size);
    disk_.account(*inode_);
    return {};
  }

  Result<std::uint64_t> size() const override { return inode_->cached.size(); }

  void drop_cache() override {
    inode_->cached = inode_->durable;
    for (const DataChange& change : inode_->unsynced) change.apply_to(inode_->cached);
  }

 private:
  Result<std::size_t> read(std::uint64_t position, char* to, std::size_t size) {
    if (disk_.strike(DiskFault::On::read, path_))
      return fail(Errc::read_failed, "{}:{}: injected read error", path_, position);
    const std::string& image = inode_->cached;
    if (position >= image.size()) return 0;
    const std::size_t got = std::min<std::uint64_t>(size, image.size() - position);
    std::copy_n(image.begin() + static_cast<std::ptrdiff_t>(position), got, to);
    return got;
  }

  [[nodiscard]] Result<void> check_writable() const {
    disk_.assert_writable();
    if (is_writable_) return {};
    return fail(Errc::invalid_argument, "{}: opened for reading only", path_);
  }

  /// Where a write must end for lack of space.
  [[nodiscard]] std::uint64_t writable_end() const { return inode_->charged + disk_.free_bytes(); }

  void change(DataChange change) {
    disk_.scheduler_.note(Happening::disk_write, inode_->id, change.position + change.new_size.value_or(0),
                          crc32c(change.bytes));
    (void)disk_.warm(*inode_, change.position, change.bytes.size());
    change.apply_to(inode_->cached);
    inode_->unsynced.push_back(std::move(change));
    disk_.account(*inode_);
  }

  Disk& disk_;
  InodePtr inode_;
  std::string path_;
  bool is_writable_;
  bool sync_failed_ = false;
};

class Disk::OpenTree final : public env::Tree {
 public:
  OpenTree(Disk& disk, InodePtr inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}

  Result<void> sync() override {
    disk_.assert_writable();
    disk_.scheduler_.charge(disk_.scheduler_.rng().delay(disk_.options_.sync_min, disk_.options_.sync_mean));
    return disk_.sync_below(*inode_, path_);
  }

 private:
  Disk& disk_;
  InodePtr inode_;
  std::string path_;
};

class Disk::Lock final : public env::FileLock {
 public:
  Lock(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~Lock() override { disk_.locks_.erase(path_); }

 private:
  Disk& disk_;
  std::string path_;
};

Disk::Disk(Scheduler& scheduler, DiskOptions options)
    : scheduler_(scheduler), options_(options), root_(std::make_shared<Inode>()) {
  root_->is_directory = true;
  root_->has_name = true;
}

Disk::~Disk() = default;

Result<std::unique_ptr<env::File>> Disk::open(const std::string& path, env::OpenMode mode) {
  if (const DiskFault* fault = strike(DiskFault::On::open, path))
    return fail(fault->code, "{}: injected open error", path);
  InodePtr inode = find(path);
  const bool may_make = mode == env::OpenMode::create || mode == env::OpenMode::create_new;
  if (!inode && !may_make) return no_such(path);
  if (inode && mode == env::OpenMode::create_new) return fail(Errc::already_exists, "{} exists already", path);
  if (inode && inode->is_directory) return fail(Errc::invalid_argument, "{} is a directory", path);
  if (!inode) {
    assert_writable();
    if (const DiskFault* fault = strike(DiskFault::On::change, path))
      return fail(fault->code, "{}: injected error", path);
    MQ_TRY(const auto place, parent_of(path));
    MQ_CHECK(check_room_for(*place.first, place.second, path));
    inode = std::make_shared<Inode>();
    inode->id = ++last_inode_;
    link(*place.first, place.second, inode);
  }
  return std::make_unique<OpenFile>(*this, std::move(inode), path, mode != env::OpenMode::read);
}

Result<void> Disk::rename(const std::string& from, const std::string& to) {
  assert_writable();
  const InodePtr inode = find(from);
  if (!inode) return no_such(from);
  if (const DiskFault* fault = strike(DiskFault::On::rename, from))
    return fail(fault->code, "{}: injected rename error", from);
  MQ_TRY(const auto source, parent_of(from));
  MQ_TRY(const auto target, parent_of(to));
  if (source.first != target.first)
    return fail(Errc::unsupported, "{} -> {}: a rename between two directories", from, to);
  Inode& directory = *source.first;
  MQ_CHECK(check_room_for(directory, target.second, to));
  if (const auto old = directory.entries.find(target.second); old != directory.entries.end() && old->second != inode) {
    if (old->second->is_directory && !old->second->entries.empty())
      return fail(Errc::already_exists, "{} is a directory with contents", to);
    old->second->has_name = false;
    release_if_unused(*old->second);
  }
  NameChange change{.names = {{source.second, nullptr}, {target.second, inode}}};
  change.apply_to(directory.entries);
  directory.unsynced_names.push_back(std::move(change));
  scheduler_.note(Happening::disk_names, inode->id, crc32c(to));
  return {};
}

Result<void> Disk::remove(const std::string& path) {
  assert_writable();
  const InodePtr inode = find(path);
  if (!inode) return no_such(path);
  if (inode->is_directory && !inode->entries.empty())
    return fail(Errc::invalid_argument, "{}: the directory is not empty", path);
  if (const DiskFault* fault = strike(DiskFault::On::change, path))
    return fail(fault->code, "{}: injected remove error", path);
  MQ_TRY(const auto place, parent_of(path));
  unlink(*place.first, place.second);
  return {};
}

Result<void> Disk::make_directories(const std::string& path) {
  InodePtr directory = root_;
  std::string_view rest = path;
  for (std::string name(take_name(rest)); !name.empty(); name = take_name(rest)) {
    MQ_CHECK(check_name(name));
    if (!directory->entries.contains(name)) {
      assert_writable();
      MQ_CHECK(check_room_for(*directory, name, path));
      auto made = std::make_shared<Inode>();
      made->id = ++last_inode_;
      made->is_directory = true;
      link(*directory, name, made);
    }
    directory = directory->entries.at(name);
    if (!directory->is_directory) return fail(Errc::already_exists, "{}: {} is a file", path, name);
  }
  return {};
}

Result<std::vector<env::DirEntry>> Disk::list(const std::string& directory) {
  const InodePtr inode = find(directory);
  if (!inode || !inode->is_directory) return no_such(directory);
  std::vector<env::DirEntry> entries;
  for (const auto& [name, entry] : inode->entries)
    entries.push_back({.name = name, .is_directory = entry->is_directory});
  return entries;
}

Result<bool> Disk::exists(const std::string& path) { return find(path) != nullptr; }

Result<std::uint64_t> Disk::file_size(const std::string& path) {
  const InodePtr inode = find(path);
  if (!inode) return no_such(path);
  return inode->cached.size();
}

Result<void> Disk::sync_directory(const std::string& path) {
  assert_writable();
  const InodePtr inode = find(path);
  if (!inode || !inode->is_directory) return no_such(path);
  scheduler_.charge(scheduler_.rng().delay(options_.sync_min, options_.sync_mean));
  scheduler_.note(Happening::disk_sync, inode->id, inode->unsynced_names.size());
  if (const DiskFault* fault = strike(DiskFault::On::sync_directory, path))
    return fail(fault->code, "{}: injected directory sync error", path);
  make_durable(*inode);
  return {};
}

Result<std::unique_ptr<env::Tree>> Disk::open_tree(const std::string& directory) {
  InodePtr inode = find(directory);
  if (!inode || !inode->is_directory) return no_such(directory);
  return std::make_unique<OpenTree>(*this, std::move(inode), directory);
}

Result<std::unique_ptr<env::FileLock>> Disk::lock(const std::string& path) {
  MQ_TRY(const auto file, open(path, env::OpenMode::create));
  if (!locks_.insert(path).second) return fail(Errc::conflict, "{} is locked by another process", path);
  return std::make_unique<Lock>(*this, path);
}

Result<env::DiskSpace> Disk::space(const std::string& path) {
  if (!find(path)) return no_such(path);
  return env::DiskSpace{.total_bytes = options_.capacity_bytes, .free_bytes = free_bytes()};
}

void Disk::lose_power(PowerLoss how) {
  scheduler_.note(Happening::disk_fault, static_cast<std::uint64_t>(how));
  MQ_ASSERT(locks_.empty());
  used_bytes_ = 0;
  lose_below(*root_, how);
}

void Disk::flip_bits(const std::string& path, std::uint64_t position, std::uint8_t mask) {
  const InodePtr inode = find(path);
  MQ_ASSERT(inode && position < inode->durable.size());
  char& byte = inode->durable[position];
  byte = static_cast<char>(static_cast<std::uint8_t>(byte) ^ mask);
}

void Disk::flip_some_bit(const std::string& path, Rng& rng) {
  const InodePtr inode = find(path);
  if (inode && !inode->durable.empty())
    flip_bits(path, rng.below(inode->durable.size()), static_cast<std::uint8_t>(1U << rng.below(8)));
}

Result<std::string> Disk::durable_contents(const std::string& path) {
  InodePtr inode = root_;
  std::string_view rest = path;
  for (auto name = take_name(rest); !name.empty(); name = take_name(rest)) {
    const auto found = inode->durable_entries.find(name);
    if (found == inode->durable_entries.end()) return no_such(path);
    inode = found->second;
  }
  return inode->durable;
}

Disk::InodePtr Disk::find(std::string_view path) const {
  const InodePtr* inode = &root_;
  for (auto name = take_name(path); !name.empty(); name = take_name(path)) {
    const auto found = (*inode)->entries.find(name);
    if (found == (*inode)->entries.end()) return nullptr;
    inode = &found->second;
  }
  return *inode;
}

Result<std::pair<Disk::InodePtr, std::string>> Disk::parent_of(const std::string& path) const {
  std::string_view rest = path;
  std::string_view last;
  for (auto name = take_name(rest); !name.empty(); name = take_name(rest)) last = name;
  if (last.empty()) return fail(Errc::invalid_argument, "\"{}\" names no file", path);
  MQ_CHECK(check_name(last));
  const auto parent_bytes = static_cast<std::size_t>(last.data() - path.data());
  InodePtr parent = find(std::string_view(path).substr(0, parent_bytes));
  if (!parent || !parent->is_directory) return no_such(path);
  return std::pair{std::move(parent), std::string(last)};
}

void Disk::link(Inode& directory, const std::string& name, InodePtr inode) {
  scheduler_.note(Happening::disk_names, inode->id, crc32c(name));
  inode->has_name = true;
  NameChange change{.names = {{name, std::move(inode)}}};
  change.apply_to(directory.entries);
  directory.unsynced_names.push_back(std::move(change));
}

void Disk::unlink(Inode& directory, const std::string& name) {
  const auto found = directory.entries.find(name);
  scheduler_.note(Happening::disk_names, found->second->id, crc32c(name));
  const InodePtr inode = found->second;
  directory.entries.erase(found);
  directory.unsynced_names.push_back({.names = {{name, nullptr}}});
  inode->has_name = false;
  release_if_unused(*inode);
}

const DiskFault* Disk::strike(DiskFault::On on, std::string_view path) {
  // Whoever makes a name asks for a fault of that change, too.
  const bool is_change = on != DiskFault::On::open && on != DiskFault::On::read && on != DiskFault::On::name;
  for (DiskFault& fault : faults_) {
    const bool is_meant = fault.on == on || (fault.on == DiskFault::On::change && is_change);
    if (!is_meant || fault.times == 0 || path.find(fault.path_part) == std::string_view::npos) continue;
    if (fault.after > 0) {
      --fault.after;
      continue;
    }
    if (fault.times > 0) --fault.times;
    ++faults_struck_;
    scheduler_.note(Happening::disk_fault, static_cast<std::uint64_t>(on), crc32c(path));
    return &fault;
  }
  return nullptr;
}

void Disk::assert_writable() const { MQ_ASSERT(!is_frozen_); }

bool Disk::is_on_shard() const {
  return !scheduler_.current().counts_work && &scheduler_.current() != &scheduler_.outside();
}

bool Disk::is_warm(const Inode& inode, std::uint64_t position, std::uint64_t size) const {
  if (!warm_pages_) return true;
  // Behind the end is nothing to wait for.
  const std::uint64_t end = std::min<std::uint64_t>(position + size, inode.cached.size());
  for (std::uint64_t page = position / kPageBytes; page * kPageBytes < end; ++page)
    if (!warm_pages_->contains({inode.id, page})) return false;
  return true;
}

bool Disk::warm(const Inode& inode, std::uint64_t position, std::uint64_t size) {
  const bool was_warm = is_warm(inode, position, size);
  if (!warm_pages_) return true;
  for (std::uint64_t page = position / kPageBytes; page * kPageBytes < position + size; ++page)
    warm_pages_->emplace(inode.id, page);
  return was_warm;
}

std::uint64_t Disk::free_bytes() const {
  const std::uint64_t used = used_bytes_ + others_bytes_;
  return options_.capacity_bytes > used ? options_.capacity_bytes - used : 0;
}

Result<void> Disk::check_room_for(const Inode& directory, const std::string& name, const std::string& path) {
  if (directory.entries.contains(name)) return {};
  if (const DiskFault* fault = strike(DiskFault::On::name, path)) return fail(fault->code, "{}: injected error", path);
  if (free_bytes() >= options_.name_room_bytes) return {};
  return fail(Errc::disk_full, "{}: no space left on the simulated disk for its name", path);
}

void Disk::account(Inode& inode) {
  const std::uint64_t holds = std::max<std::uint64_t>(inode.cached.size(), inode.reserved_end);
  used_bytes_ = used_bytes_ + holds - inode.charged;
  inode.charged = holds;
}

void Disk::release_if_unused(Inode& inode) {
  if (inode.has_name || inode.open_files > 0) return;
  used_bytes_ -= std::exchange(inode.charged, 0);
}

void Disk::make_durable(Inode& inode) {
  if (inode.is_directory) {
    for (const NameChange& change : inode.unsynced_names) change.apply_to(inode.durable_entries);
    inode.unsynced_names.clear();
    return;
  }
  for (const DataChange& change : inode.unsynced) change.apply_to(inode.durable);
  inode.unsynced.clear();
}

void Disk::misdirect_a_write(Inode& inode, std::string_view path) {
  if (!misdirected_ || inode.durable.empty() || path.find(*misdirected_) == std::string_view::npos) return;
  const auto meant = std::ranges::find_if(inode.unsynced, [](const DataChange& change) { return !change.new_size; });
  if (meant == inode.unsynced.end()) return;
  meant->position = scheduler_.rng().below(inode.durable.size()) / kSectorBytes * kSectorBytes;
  misdirected_.reset();
  has_misdirected_ = true;
  ++faults_struck_;
  scheduler_.note(Happening::disk_fault, inode.id, meant->position);
}

void Disk::fail_sync(Inode& inode, SyncFailure how) {
  switch (how) {
    case SyncFailure::pages_stay_dirty:
      return;
    case SyncFailure::pages_marked_clean:
      inode.unsynced.clear();
      return;
    case SyncFailure::pages_dropped:
      inode.unsynced.clear();
      inode.cached = inode.durable;
      account(inode);
      return;
  }
  std::unreachable();
}

Result<void> Disk::sync_below(Inode& inode, const std::string& path) {
  Result<void> outcome;
  const std::size_t changes = inode.is_directory ? inode.unsynced_names.size() : inode.unsynced.size();
  // What is clean is neither written nor able to fail.
  if (changes > 0) {
    scheduler_.note(Happening::disk_sync, inode.id, changes);
    const DiskFault* fault = strike(inode.is_directory ? DiskFault::On::sync_directory : DiskFault::On::sync, path);
    if (fault != nullptr) outcome = fail(Errc::disk_failed, "{}: injected sync error", path);
    if (fault != nullptr && !inode.is_directory) fail_sync(inode, fault->how);
    if (fault == nullptr) make_durable(inode);
  }
  for (const auto& [name, entry] : inode.entries) {
    auto below = sync_below(*entry, path + "/" + name);
    if (outcome) outcome = std::move(below);
  }
  return outcome;
}

void Disk::lose_below(Inode& inode, PowerLoss how) {
  inode.has_name = true;
  if (!inode.is_directory) {
    lose_data(inode, how);
    inode.charged = 0;
    account(inode);
    return;
  }
  lose_names(inode, how);
  for (const auto& [name, entry] : inode.entries) lose_below(*entry, how);
}

void Disk::lose_data(Inode& inode, PowerLoss how) {
  const PowerLoss drawn = draw(how);
  const std::size_t size_meant = inode.cached.size();
  std::vector<DataChange> changes = std::exchange(inode.unsynced, {});
  if (drawn == PowerLoss::drop_all || drawn == PowerLoss::grown) changes.clear();
  const bool is_torn = drawn == PowerLoss::torn || drawn == PowerLoss::garbage;
  std::optional<std::size_t> spoiled;
  if (drawn == PowerLoss::garbage && !changes.empty()) spoiled = scheduler_.rng().below(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const DataChange& change = changes[i];
    if (drawn != PowerLoss::keep_all && i != spoiled && scheduler_.rng().one_in(2)) continue;
    if (!is_torn || change.new_size) {
      change.apply_to(inode.durable);
    } else {
      std::optional<std::uint64_t> spoiled_sector;
      if (i == spoiled) spoiled_sector = scheduler_.rng().below(change.bytes.size() / kSectorBytes + 1);
      write_torn(inode, change, spoiled_sector);
    }
  }
  if (drawn == PowerLoss::grown && inode.durable.size() < size_meant) inode.durable.resize(size_meant, '\0');
  inode.cached = inode.durable;
  inode.reserved_end = 0;
}

void Disk::write_torn(Inode& inode, const DataChange& change, std::optional<std::uint64_t> spoiled) {
  std::uint64_t sector = 0;
  for (std::uint64_t done = 0; done < change.bytes.size(); ++sector) {
    const std::uint64_t position = change.position + done;
    const std::uint64_t sector_end =
        std::min((position / kSectorBytes + 1) * kSectorBytes, change.position + change.bytes.size());
    std::string bytes = change.bytes.substr(done, sector_end - position);
    done = sector_end - change.position;
    if (sector == spoiled) {
      for (char& byte : bytes) byte = static_cast<char>(scheduler_.rng().next());
    } else if (scheduler_.rng().one_in(2)) {
      continue;
    }
    overwrite(inode.durable, position, bytes);
  }
}

void Disk::lose_names(Inode& directory, PowerLoss how) {
  const PowerLoss drawn = draw(how);
  std::vector<NameChange> changes = std::exchange(directory.unsynced_names, {});
  // Journals write names in order.
  std::size_t kept = 0;
  if (drawn == PowerLoss::keep_all) kept = changes.size();
  if (drawn != PowerLoss::keep_all && drawn != PowerLoss::drop_all) kept = scheduler_.rng().below(changes.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) changes[i].apply_to(directory.durable_entries);
  directory.entries = directory.durable_entries;
}

PowerLoss Disk::draw(PowerLoss how) {
  if (how != PowerLoss::any) return how;
  return static_cast<PowerLoss>(scheduler_.rng().below(static_cast<std::uint64_t>(PowerLoss::any)));
}

}  // namespace mq::sim
