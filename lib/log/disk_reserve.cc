#include "log/disk_reserve.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/mark.h"

namespace mq::log {
namespace {

constexpr std::string_view kReserveFile = "mq-reserve";

}  // namespace

Result<void> DiskReserve::open(std::uint64_t wanted_bytes) {
  const std::lock_guard one_at_a_time(changing_);
  const std::string path = directory_ + "/" + std::string(kReserveFile);
  MQ_TRY(const env::DiskSpace space, files_.space(directory_));
  const std::uint64_t bytes = std::min(wanted_bytes, space.total_bytes / kDiskShare);
  if (bytes < kBytesMin) {
    auto removed = files_.remove(path);  // an earlier start may have kept some
    return removed || removed.error().code == Errc::not_found ? Result<void>{} : fail(std::move(removed).error());
  }
  size_ = bytes;
  const auto open_and_take = [&]() -> Result<void> {
    MQ_TRY(file_, files_.open(path, env::OpenMode::create));
    return take();
  };
  const auto taken = open_and_take();
  if (taken) return {};
  const bool comes_later = is_passing(taken.error().code);
  spent_ = comes_later;
  if (!comes_later) size_ = 0;
  return comes_later ? Result<void>{} : taken;
}

Result<void> DiskReserve::take() {
  // Where it is there already this changes nothing.
  auto taken = file_->reserve(0, size_);
  // A part of it may be there, which others need more.
  if (!taken) (void)file_->truncate(0);
  return taken;
}

void DiskReserve::spend() {
  const std::lock_guard one_at_a_time(changing_);
  if (size_ == 0 || spent_.exchange(true)) return;
  MQ_MARK("log: the reserve is given away");
  (void)file_->truncate(0);
}

bool DiskReserve::restore() {
  const std::lock_guard one_at_a_time(changing_);
  if (!spent_) return true;
  const auto space = files_.space(directory_);
  if (!space || space->free_bytes < 2 * size_) return false;
  if (!file_) {
    auto opened = files_.open(directory_ + "/" + std::string(kReserveFile), env::OpenMode::create);
    if (!opened) return false;
    file_ = *std::move(opened);
  }
  if (!take()) return false;
  MQ_MARK("log: the reserve is there again");
  spent_ = false;
  return true;
}

}  // namespace mq::log
