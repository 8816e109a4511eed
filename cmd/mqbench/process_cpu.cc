#include "process_cpu.h"

#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

namespace mq::mqbench {

Result<Duration> process_cpu(env::Files& files, int pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  char buffer[4096];
  MQ_TRY(const std::size_t got, file->read_at(0, buffer, sizeof buffer));
  std::string_view rest(buffer, got);
  // The name of the program, in parentheses, may hold anything; utime and stime are the 12th and 13th field after it.
  rest.remove_prefix(std::min(rest.size(), rest.rfind(')') + 1));
  long long ticks = 0;
  for (int field = 0; !rest.empty() && field <= 13; ++field) {
    const auto end = std::min(rest.find(' '), rest.size());
    long long value = 0;
    if (field >= 12) std::from_chars(rest.data(), rest.data() + end, value);
    ticks += value;
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  return Duration(1s) / ::sysconf(_SC_CLK_TCK) * ticks;
}

}  // namespace mq::mqbench
