#include "options.h"
#include "read.h"
#include "tool/run_tool.h"

int main(int argc, char** argv) {
  using namespace mq;
  return tool::run_tool(mqcons::tool(), argc, argv,
                        [](tool::Context& context) -> std::expected<std::unique_ptr<tool::Job>, cli::Ending> {
                          auto options = mqcons::understand(context.args, context.runtime.clock().wall_now(),
                                                            context.environment.stdout_is_terminal);
                          if (!options) return std::unexpected(std::move(options).error());
                          return std::make_unique<mqcons::Reading>(context, std::move(*options));
                        });
}
