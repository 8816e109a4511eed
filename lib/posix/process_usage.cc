#include "posix/process_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <memory>

namespace mq::posix {
namespace {

Duration cpu_time() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::uint64_t resident_bytes() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), std::fclose);
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (!directory) return 0;
  std::uint64_t entries = 0;
  while (::readdir(directory.get()) != nullptr) ++entries;
  constexpr std::uint64_t kNotCounted = 3;  // ".", ".." and the directory itself
  return entries - kNotCounted;
}

std::uint64_t descriptors_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

ProcessUsage process_usage() {
  return {.cpu = cpu_time(),
          .resident_bytes = resident_bytes(),
          .open_descriptors = open_descriptors(),
          .descriptors_max = descriptors_max()};
}

}  // namespace mq::posix
