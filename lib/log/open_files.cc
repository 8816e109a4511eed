#include "log/open_files.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "log/log.h"

namespace mq::log {
namespace {

/// A file that is counted while it is open.
class CountedFile final : public env::File {
 public:
  CountedFile(std::unique_ptr<env::File> file, std::shared_ptr<std::atomic<std::size_t>> count)
      : file_(std::move(file)), count_(std::move(count)) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  ~CountedFile() override {
    file_.reset();
    count_->fetch_sub(1, std::memory_order_relaxed);
  }

  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
    return file_->read_at(position, to, size);
  }
  Result<std::size_t> read_cached_at(std::uint64_t position, char* to, std::size_t size) override {
    return file_->read_cached_at(position, to, size);
  }
  Result<void> write_at(std::uint64_t position, BytesView bytes) override { return file_->write_at(position, bytes); }
  Result<void> sync() override { return file_->sync(); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
  Result<void> reserve(std::uint64_t position, std::uint64_t size) override { return file_->reserve(position, size); }
  Result<std::uint64_t> size() const override { return file_->size(); }
  void drop_cache() override { file_->drop_cache(); }
  int descriptor() const override { return file_->descriptor(); }

 private:
  std::unique_ptr<env::File> file_;
  std::shared_ptr<std::atomic<std::size_t>> count_;
};

/// How much is closed at one look, so that the look itself costs little for each file.
std::size_t part_of(std::size_t files_max) { return std::max<std::size_t>(1, files_max / 16); }
std::size_t comfortable(std::size_t files_max) { return files_max - files_max / 4; }

}  // namespace

OpenFiles::~OpenFiles() {
  for (Member* member : members_) member->files_ = nullptr;
}

Result<std::unique_ptr<env::File>> OpenFiles::open(const std::string& path, env::OpenMode mode) {
  MQ_TRY(auto file, files_.open(path, mode));
  return std::make_unique<CountedFile>(std::move(file), count_);
}

void OpenFiles::set_bound(std::size_t files_max) {
  files_max_ = files_max;
  look_at_ = files_max == kUnbounded ? kUnbounded : comfortable(files_max);
}

bool OpenFiles::are_scarce() const { return files_max_ != kUnbounded && count() > comfortable(files_max_); }

void OpenFiles::enter(Member& member) {
  MQ_ASSERT(member.files_ == nullptr);
  member.files_ = this;
  member.place_ = members_.size();
  members_.push_back(&member);
}

void OpenFiles::leave(Member& member) {
  members_.back()->place_ = member.place_;
  std::swap(members_[member.place_], members_.back());
  members_.pop_back();
  member.files_ = nullptr;
}

std::vector<Log*> OpenFiles::closable(const Member& spared) const {
  std::vector<Member*> members;
  for (Member* member : members_)
    if (member != &spared && member->log_.has_open_files()) members.push_back(member);
  std::ranges::sort(members, {}, [](const Member* member) { return member->last_use_; });
  std::vector<Log*> logs;
  for (Member* member : members) logs.push_back(&member->log_);
  return logs;
}

void OpenFiles::look(const Member& spared) {
  const std::size_t part = part_of(files_max_);
  MQ_MARK("log: so many files are open that some are closed");
  const std::size_t enough = comfortable(files_max_) - std::min(comfortable(files_max_), part);
  const bool is_pressing = count() >= files_max_;
  std::vector<Log*> unsynced;
  for (Log* log : closable(spared)) {
    if (count() - std::min(count(), unsynced.size()) <= enough) break;
    if (log->close_synced_files()) continue;
    // What the pool is syncing is closed soon, and not now.
    if (!is_pressing || !log->is_syncing()) unsynced.push_back(log);
  }
  if (is_pressing) {
    MQ_MARK("log: logs are synced so that their files can be closed");
    sync_here(unsynced);
  } else {
    for (Log* log : unsynced) owner_.sync_soon(*log);
  }
  // What was begun now needs time.
  look_at_ = std::max(comfortable(files_max_), std::min(count() + part, files_max_));
}

void OpenFiles::sync_here(const std::vector<Log*>& logs) {
  const std::size_t enough = files_max_ - part_of(files_max_);
  for (Log* log : logs) {
    if (count() <= enough) return;
    auto job = log->begin_sync();
    if (!job) continue;
    const auto outcome = job->run();
    log->end_sync(*job, outcome);
    job.reset();
    if (outcome) (void)log->close_synced_files();
    owner_.was_synced(*log, outcome);
  }
}

}  // namespace mq::log
