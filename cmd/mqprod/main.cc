#include "options.h"
#include "send.h"
#include "tool/run_tool.h"

namespace mq::mqprod {
namespace {

std::expected<std::unique_ptr<tool::Job>, cli::Ending> make_job(tool::Context& context) {
  return std::make_unique<Sender>(context, understand(context.args));
}

}  // namespace
}  // namespace mq::mqprod

int main(int argc, char** argv) { return mq::tool::run_tool(mq::mqprod::tool(), argc, argv, mq::mqprod::make_job); }
