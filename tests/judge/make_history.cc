// make_history OPERATIONS SEED: a history of brokers that keep their promises, to standard output. To measure mq_check.
#include <cstdio>

#include "base/parsed_number.h"
#include "judge/good_history.h"

int main(int argc, char** argv) {
  const auto operations = argc == 3 ? mq::parsed_number<std::size_t>(argv[1]) : std::nullopt;
  const auto seed = argc == 3 ? mq::parsed_number<std::uint64_t>(argv[2]) : std::nullopt;
  if (!operations || !seed) {
    std::fputs("usage: make_history OPERATIONS SEED\n", stderr);
    return 2;
  }
  const mq::judge::MadeSize size{.operations = *operations, .producers = 8, .readers = 2, .partitions = 12};
  for (const mq::judge::MadeLine& line : mq::judge::good_history(*seed, size)) std::puts(line.json().c_str());
  return 0;
}
