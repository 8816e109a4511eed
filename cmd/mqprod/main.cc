#include "options.h"
#include "send.h"
#include "tool/run_tool.h"

int main(int argc, char** argv) {
  using namespace mq;
  return tool::run_tool(mqprod::tool(), argc, argv,
                        [](tool::Context& context) -> std::expected<std::unique_ptr<tool::Job>, cli::Ending> {
                          auto options = mqprod::understand(context.args);
                          if (!options) return std::unexpected(std::move(options).error());
                          return std::make_unique<mqprod::Sender>(context, std::move(*options));
                        });
}
