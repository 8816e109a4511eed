#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/files.h"
#include "sim/machine/scheduler.h"

namespace mq::sim {

/// What a power cut leaves of the writes, truncations and names that were not synced.
enum class PowerLoss {
  keep_all,   ///< luck: everything had reached the disk
  drop_all,   ///< nothing had
  drop_some,  ///< each write on its own, whatever their order; of the names of a directory the older ones
  torn,       ///< as drop_some, and of a write only some of its 512-byte sectors
  garbage,    ///< as torn, and in one sector of one write stands what nobody wrote
  grown,      ///< the sizes of files are what they were to become, and the new room is zeros
  any,        ///< one of these, drawn for each file
};

/// What a failed sync does to the pages that it should have written. All three happen on real systems.
enum class SyncFailure {
  pages_stay_dirty,    ///< the next sync writes them
  pages_marked_clean,  ///< ext4 and xfs here: the cache goes on showing what the disk does not have
  pages_dropped,       ///< the cache goes back to what the disk has
};

/// An error to come.
struct DiskFault {
  /// `change`: whatever changes something, be it contents, a name, or what of them is durable. `name`: a name that was
  /// not there is made, by a rename too; the path is the new one.
  enum class On { open, read, write, sync, sync_directory, rename, change, name };
  On on = On::sync;
  std::string path_part = {};  ///< of the paths that it hits; empty: all
  int after = 0;               ///< so many operations go well first
  int times = 1;               ///< so many fail then; a negative number means all of them
  SyncFailure how = SyncFailure::pages_marked_clean;
  /// As which error it fails; a read always as read_failed, the sync of a file as disk_failed.
  Errc code = Errc::disk_failed;
};

struct DiskOptions {
  std::uint64_t capacity_bytes = std::uint64_t{1} << 40;
  /// So much must be free for a name that was not there: its directory may have to grow. A rename makes one, too.
  std::uint64_t name_room_bytes = 0;
  Duration access_min = 20us;  ///< of a read that goes to the media
  Duration access_mean = 80us;
  Duration sync_min = 100us;
  Duration sync_mean = 300us;
  /// One cached read in so many finds its pages gone; 0: none does.
  std::uint64_t cold_read_one_in = 16;
};

/// The disk of one machine and its page cache. Survives the machine.
///
/// A file has a cached image, which everybody sees, and a durable one: the cached image at the last sync. Between them
/// stand the changes not yet synced, in order. Names are durable once their directory was synced, and only if the
/// directory itself is. Killing a machine loses nothing; `lose_power` loses what was not synced.
/// Paths are absolute or relative to the root; "." and ".." have no meaning here. A name has at most 255 bytes.
class Disk final : public env::Files {
 public:
  Disk(Scheduler& scheduler, DiskOptions options);
  ~Disk() override;

  Result<std::unique_ptr<env::File>> open(const std::string& path, env::OpenMode mode) override;
  /// Within one directory only; nothing of ours needs more.
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_directories(const std::string& path) override;
  Result<std::vector<env::DirEntry>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::uint64_t> file_size(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::unique_ptr<env::Tree>> open_tree(const std::string& directory) override;
  Result<std::unique_ptr<env::FileLock>> lock(const std::string& path) override;
  Result<env::DiskSpace> space(const std::string& path) override;

  /// The power goes: what was not synced is lost as `how` says, and the cache is empty. Open files belong to the dead.
  void lose_power(PowerLoss how);
  void inject(DiskFault fault) { faults_.push_back(std::move(fault)); }
  void clear_faults() { faults_.clear(); }
  /// How many operations have failed by them.
  [[nodiscard]] std::uint64_t faults_struck() const { return faults_struck_; }
  void set_capacity(std::uint64_t bytes) { options_.capacity_bytes = bytes; }
  /// From now on syncs take so long, at least `min` and typically `min + mean`.
  void set_sync_time(Duration min, Duration mean) {
    options_.sync_min = min;
    options_.sync_mean = mean;
  }
  /// Others take what is free: there is room for no byte and no name, until `make_room`.
  void fill() {
    others_bytes_ += free_bytes();
    options_.name_room_bytes = kBlockBytes;
  }
  void make_room() { others_bytes_ = 0; }
  /// Flips the bits of `mask` in one byte on the media. The cache does not know: found after `drop_cache` or a power
  /// cut.
  void flip_bits(const std::string& path, std::uint64_t position, std::uint8_t mask);
  /// The same of a bit that `rng` draws; nothing when the media has no byte of the file yet.
  void flip_some_bit(const std::string& path, Rng& rng);
  /// The media's next write of a file whose path has `path_part` goes to a place in the same file that the seed draws,
  /// and the disk says that all went well. The cache shows what was meant, until a power cut or `drop_cache`.
  void misdirect_next_write(std::string path_part) { misdirected_ = std::move(path_part); }
  /// One has gone elsewhere: what stands here is not what was told to be written, and nobody was told.
  [[nodiscard]] bool has_misdirected() const { return has_misdirected_; }
  /// What the media holds of a file; not_found when its name would not survive a power cut.
  [[nodiscard]] Result<std::string> durable_contents(const std::string& path);
  /// From now on no page is in the cache that was not read or written since, and reads on a shard's thread that would
  /// wait for one of them are remembered.
  void watch_cold_reads() { warm_pages_.emplace(); }
  /// Their files.
  [[nodiscard]] const std::set<std::string>& cold_reads_on_shards() const { return cold_reads_on_shards_; }
  /// While it is set, every change is a mistake: a destructor that does I/O (see env::File).
  void set_frozen(bool frozen) { is_frozen_ = frozen; }

 private:
  struct Inode;
  struct DataChange;
  struct NameChange;
  class OpenFile;
  class OpenTree;
  class Lock;
  using InodePtr = std::shared_ptr<Inode>;
  using Entries = std::map<std::string, InodePtr, std::less<>>;  ///< of a directory

  [[nodiscard]] InodePtr find(std::string_view path) const;
  /// The directory of `path`, which must exist, and the last name.
  [[nodiscard]] Result<std::pair<InodePtr, std::string>> parent_of(const std::string& path) const;
  void link(Inode& directory, const std::string& name, InodePtr inode);
  void unlink(Inode& directory, const std::string& name);
  /// The fault that hits this operation, or null.
  [[nodiscard]] const DiskFault* strike(DiskFault::On on, std::string_view path);
  void assert_writable() const;
  [[nodiscard]] bool is_warm(const Inode& inode, std::uint64_t position, std::uint64_t size) const;
  /// Brings the pages of [position, position + size) into the cache; false when some were not there.
  bool warm(const Inode& inode, std::uint64_t position, std::uint64_t size);
  [[nodiscard]] bool is_on_shard() const;
  [[nodiscard]] std::uint64_t free_bytes() const;
  /// Whether `directory` may get this name.
  Result<void> check_room_for(const Inode& directory, const std::string& name, const std::string& path);

  /// Takes or gives back space so that `inode` is charged for what it holds.
  void account(Inode& inode);
  void release_if_unused(Inode& inode);
  void make_durable(Inode& inode);
  /// See `misdirect_next_write`.
  void misdirect_a_write(Inode& inode, std::string_view path);
  void fail_sync(Inode& inode, SyncFailure how);
  /// Syncs everything at and below `inode`; goes on after an error and returns the first.
  Result<void> sync_below(Inode& inode, const std::string& path);
  void lose_data(Inode& inode, PowerLoss how);
  /// Writes some of the sectors of `change`; `spoiled` is the index of one that becomes garbage.
  void write_torn(Inode& inode, const DataChange& change, std::optional<std::uint64_t> spoiled);
  void lose_names(Inode& directory, PowerLoss how);
  void lose_below(Inode& inode, PowerLoss how);
  [[nodiscard]] PowerLoss draw(PowerLoss how);

  static constexpr std::uint64_t kBlockBytes = 4096;

  Scheduler& scheduler_;
  DiskOptions options_;
  InodePtr root_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t others_bytes_ = 0;  ///< see `fill`
  std::uint64_t last_inode_ = 0;
  std::vector<DiskFault> faults_;
  std::uint64_t faults_struck_ = 0;
  std::optional<std::string> misdirected_;
  bool has_misdirected_ = false;
  std::set<std::string> locks_;
  using Page = std::pair<std::uint64_t, std::uint64_t>;  ///< of an inode
  std::optional<std::set<Page>> warm_pages_;             ///< nothing: nobody watches
  std::set<std::string> cold_reads_on_shards_;
  bool is_frozen_ = false;
};

}  // namespace mq::sim
