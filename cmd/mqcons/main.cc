#include "options.h"
#include "read.h"
#include "tool/run_tool.h"

namespace mq::mqcons {
namespace {

std::expected<std::unique_ptr<tool::Job>, cli::Ending> make_job(tool::Context& context) {
  auto options = understand(context.args, context.environment.stdout_is_terminal);
  if (!options) return std::unexpected(std::move(options).error());
  return std::make_unique<Reading>(context, std::move(*options));
}

}  // namespace
}  // namespace mq::mqcons

int main(int argc, char** argv) { return mq::tool::run_tool(mq::mqcons::tool(), argc, argv, mq::mqcons::make_job); }
