#include "meta/sqlite/vfs.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/mark.h"

namespace mq::meta {
namespace {

constexpr int kPathBytesMax = 4096;
// SQLite counts milliseconds from noon of 4714-11-24 BC (Julian day 0); this is 1970 on that scale.
constexpr sqlite3_int64 kUnixEpochJulianMs = 210866760000000;

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? "." : std::string(path.substr(0, slash));
}

}  // namespace

/// SQLite allocates this and knows only its first member.
struct Vfs::OpenFile {
  sqlite3_file base;
  Vfs* vfs;
  env::File* file;
  std::string* directory;  ///< where its name may not be durable yet, else null
};

struct Vfs::Methods {
  static Vfs& of(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs->pAppData); }
  static OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

  static int open(sqlite3_vfs* self, const char* path, sqlite3_file* to, int flags, int* flags_out) {
    OpenFile& opened = of(to);
    opened = OpenFile{.base = {nullptr}, .vfs = &of(self), .file = nullptr, .directory = nullptr};
    Vfs& vfs = *opened.vfs;
    // Temporary files have no name; temp_store=MEMORY keeps them from being asked for.
    if (path == nullptr || vfs.cut_off_) return SQLITE_CANTOPEN;
    const bool may_make = (flags & SQLITE_OPEN_CREATE) != 0;
    env::OpenMode mode = (flags & SQLITE_OPEN_READWRITE) != 0 ? env::OpenMode::read_write : env::OpenMode::read;
    if (may_make) mode = env::OpenMode::create;
    auto file = vfs.files_.open(path, mode);
    if (!file) {
      vfs.refusal_ = file.error();
      return vfs.refuse(file.error(), SQLITE_CANTOPEN);
    }
    opened.file = file->release();
    // Also when it is there: a process that was killed may have made it and not come to sync its name.
    if (may_make) opened.directory = new std::string(directory_of(path));
    opened.base.pMethods = &kIo;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
  }

  static int close(sqlite3_file* self) {
    OpenFile& opened = of(self);
    delete opened.file;
    delete opened.directory;
    opened.base.pMethods = nullptr;
    return SQLITE_OK;
  }

  static int read(sqlite3_file* self, void* to, int size, sqlite3_int64 position) {
    OpenFile& opened = of(self);
    if (opened.vfs->cut_off_) return SQLITE_IOERR_READ;
    const auto wanted = static_cast<std::size_t>(size);
    const auto got = opened.file->read_at(static_cast<std::uint64_t>(position), static_cast<char*>(to), wanted);
    if (!got) return opened.vfs->refuse(got.error(), SQLITE_IOERR_READ);
    if (*got == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + *got, 0, wanted - *got);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* self, const void* from, int size, sqlite3_int64 position) {
    OpenFile& opened = of(self);
    if (!opened.vfs->may_change_disk()) return SQLITE_IOERR_WRITE;
    const BytesView bytes{static_cast<const char*>(from), static_cast<std::size_t>(size)};
    const auto written = opened.file->write_at(static_cast<std::uint64_t>(position), bytes);
    return written ? SQLITE_OK : opened.vfs->refuse(written.error(), SQLITE_IOERR_WRITE);
  }

  static int truncate(sqlite3_file* self, sqlite3_int64 size) {
    OpenFile& opened = of(self);
    if (!opened.vfs->may_change_disk()) return SQLITE_IOERR_TRUNCATE;
    const auto cut = opened.file->truncate(static_cast<std::uint64_t>(size));
    return cut ? SQLITE_OK : opened.vfs->refuse(cut.error(), SQLITE_IOERR_TRUNCATE);
  }

  static int sync(sqlite3_file* self, int /*flags*/) {
    OpenFile& opened = of(self);
    if (!opened.vfs->may_change_disk()) return SQLITE_IOERR_FSYNC;
    if (const auto synced = opened.file->sync(); !synced) {
      opened.vfs->fail_for_good(synced.error());
      return SQLITE_IOERR_FSYNC;
    }
    if (opened.directory == nullptr) return SQLITE_OK;
    if (const auto synced = opened.vfs->files_.sync_directory(*opened.directory); !synced) {
      opened.vfs->fail_for_good(synced.error());
      return SQLITE_IOERR_DIR_FSYNC;
    }
    delete opened.directory;
    opened.directory = nullptr;
    return SQLITE_OK;
  }

  static int size(sqlite3_file* self, sqlite3_int64* to) {
    OpenFile& opened = of(self);
    if (opened.vfs->cut_off_) return SQLITE_IOERR_FSTAT;
    const auto bytes = opened.file->size();
    if (!bytes) return opened.vfs->refuse(bytes.error(), SQLITE_IOERR_FSTAT);
    *to = static_cast<sqlite3_int64>(*bytes);
    return SQLITE_OK;
  }

  // One process, one connection: the directory's lock is the broker's, and locking_mode=EXCLUSIVE needs no more.
  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int unlock(sqlite3_file*, int) { return SQLITE_OK; }
  static int check_reserved_lock(sqlite3_file*, int* held) { return *held = 0, SQLITE_OK; }
  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 4096; }
  // A torn write leaves the bytes around it alone, so the log's last frame needs no padding to a whole sector.
  static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int remove(sqlite3_vfs* self, const char* path, int sync_directory) {
    Vfs& vfs = of(self);
    if (!vfs.may_change_disk()) return SQLITE_IOERR_DELETE;
    if (const auto removed = vfs.files_.remove(path); !removed) {
      if (removed.error().code == Errc::not_found) return SQLITE_IOERR_DELETE_NOENT;
      return vfs.refuse(removed.error(), SQLITE_IOERR_DELETE);
    }
    if (sync_directory == 0) return SQLITE_OK;
    if (const auto synced = vfs.files_.sync_directory(directory_of(path)); !synced) {
      vfs.fail_for_good(synced.error());
      return SQLITE_IOERR_DIR_FSYNC;
    }
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* self, const char* path, int /*flags*/, int* yes) {
    Vfs& vfs = of(self);
    *yes = 0;
    if (vfs.cut_off_) return SQLITE_IOERR_ACCESS;
    const auto there = vfs.files_.exists(path);
    if (!there) return vfs.refuse(there.error(), SQLITE_IOERR_ACCESS);
    *yes = *there ? 1 : 0;
    return SQLITE_OK;
  }

  static int full_path(sqlite3_vfs*, const char* path, int size, char* to) {
    const std::string_view text(path);
    if (text.size() >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(to, path, text.size() + 1);
    return SQLITE_OK;
  }

  static int randomness(sqlite3_vfs* self, int size, char* to) {
    of(self).random_.fill({reinterpret_cast<std::uint8_t*>(to), static_cast<std::size_t>(size)});
    return size;
  }
  // SQLite sleeps only to wait for another connection's lock, and there is none.
  static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
  static int time_ms(sqlite3_vfs* self, sqlite3_int64* to) {
    *to = kUnixEpochJulianMs + of(self).clock_.wall_now();
    return SQLITE_OK;
  }
  static int time_days(sqlite3_vfs* self, double* to) {
    constexpr double kMsPerDay = std::chrono::milliseconds(std::chrono::days(1)).count();
    sqlite3_int64 ms = 0;
    time_ms(self, &ms);
    *to = static_cast<double>(ms) / kMsPerDay;
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }

  static const sqlite3_io_methods kIo;
};

// Version 1 has no shared memory: in WAL mode SQLite then keeps the index of the log on its own heap.
const sqlite3_io_methods Vfs::Methods::kIo = {
    .iVersion = 1,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Vfs::Vfs(env::Files& files, env::Random& random, const env::Clock& clock)
    : files_(files), random_(random), clock_(clock), name_(fmt::format("mq-{}", fmt::ptr(this))) {
  registration_.iVersion = 2;
  registration_.szOsFile = sizeof(OpenFile);
  registration_.mxPathname = kPathBytesMax;
  registration_.zName = name_.c_str();
  registration_.pAppData = this;
  registration_.xOpen = Methods::open;
  registration_.xDelete = Methods::remove;
  registration_.xAccess = Methods::access;
  registration_.xFullPathname = Methods::full_path;
  registration_.xRandomness = Methods::randomness;
  registration_.xSleep = Methods::sleep;
  registration_.xCurrentTime = Methods::time_days;
  registration_.xCurrentTimeInt64 = Methods::time_ms;
  registration_.xGetLastError = Methods::last_error;
  // SQLite seeds its one generator from the default VFS, at first use: make that us, and let it seed again, so that the
  // salts in a simulated log come from the seed.
  constexpr int kAsDefault = 1;
  sqlite3_vfs_register(&registration_, kAsDefault);
  sqlite3_randomness(0, nullptr);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&registration_); }

int Vfs::refuse(const Error& error, int otherwise) {
  switch (error.code) {
    case Errc::disk_full:
      return SQLITE_FULL;
    case Errc::disk_failed:
      fail_for_good(error);
      return otherwise;
    default:
      return otherwise;
  }
}

void Vfs::fail_for_good(const Error& error) {
  if (!failure_) MQ_MARK("meta: the store is finished since the disk failed");
  if (!failure_) failure_ = Error{.code = Errc::disk_failed, .message = error.message};
}

}  // namespace mq::meta
