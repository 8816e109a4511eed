#include "process_cpu.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/parsed_number.h"
#include "base/pieces.h"

namespace mq::mqbench {

Result<Duration> process_cpu(env::Files& files, int pid) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  char buffer[4096];
  MQ_TRY(const std::size_t got, file->read_at(0, buffer, sizeof buffer));
  const std::string_view text(buffer, got);
  // The name of the program, in parentheses, may hold anything; utime and stime are the 12th and 13th field after it.
  const auto fields = pieces_of(text.substr(std::min(text.size(), text.rfind(')') + 1)), ' ');
  long long ticks = 0;
  for (std::size_t field = 12; field <= 13 && field < fields.size(); ++field)
    ticks += parsed_number<long long>(fields[field]).value_or(0);
  return Duration(1s) / ::sysconf(_SC_CLK_TCK) * ticks;
}

}  // namespace mq::mqbench
