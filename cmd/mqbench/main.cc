#include <memory>
#include <utility>

#include "consume.h"
#include "e2e.h"
#include "limit.h"
#include "options.h"
#include "produce.h"
#include "rpc.h"
#include "tool/run_tool.h"
#include "verify.h"

namespace mq::mqbench {
namespace {

std::unique_ptr<tool::Job> make_command(tool::Context& context, Options options) {
  switch (options.command) {
    case Command::produce:
      return std::make_unique<Produce>(context, std::move(options));
    case Command::consume:
      return std::make_unique<Consume>(context, std::move(options));
    case Command::e2e:
      return std::make_unique<EndToEnd>(context, std::move(options));
    case Command::rpc:
      return std::make_unique<Rpc>(context, std::move(options));
    case Command::verify:
      return std::make_unique<Verify>(context, std::move(options));
    case Command::limit:
      return std::make_unique<Limit>(context, std::move(options));
  }
  std::unreachable();
}

std::expected<std::unique_ptr<tool::Job>, cli::Ending> make_job(tool::Context& context) {
  return make_command(context, understand(context.args));
}

}  // namespace
}  // namespace mq::mqbench

int main(int argc, char** argv) { return mq::tool::run_tool(mq::mqbench::tool(), argc, argv, mq::mqbench::make_job); }
