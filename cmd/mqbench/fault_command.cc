#include "fault_command.h"

#include "cli/units.h"

namespace mq::mqbench {

std::string_view FaultCommand::name() const {
  const std::string_view text = command;
  const std::size_t begin = text.find_first_not_of(' ');
  const std::string_view word = text.substr(begin, text.find(' ', begin) - begin);
  return word.substr(word.rfind('/') + 1);
}

cli::Parsed<FaultCommand> parse_fault(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return cli::bad_value(text.size(), 0, "there is no time; write CMD@DUR");
  if (text.find_first_not_of(' ') >= at) return cli::bad_value(0, at, "there is no command; write CMD@DUR");
  auto when = cli::parse_duration(text.substr(at + 1));
  if (!when) {
    when.error().at += at + 1;
    return std::unexpected(when.error());
  }
  return FaultCommand{.command = std::string(text.substr(0, at)), .at = *when};
}

}  // namespace mq::mqbench
