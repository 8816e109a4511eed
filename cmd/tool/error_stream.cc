#include "tool/error_stream.h"

#include "cli/terminal.h"
#include "posix/stdio.h"

namespace mq::tool {
namespace {

bool line_is_shown = false;

}  // namespace

void tell(std::string_view text) {
  if (text.empty()) return;
  erase_progress();
  posix::write_error(text);
}

void show_progress(std::string_view line) {
  if (line.empty()) return;
  posix::write_error(line);
  line_is_shown = !line.ends_with('\n');
}

void erase_progress() {
  if (line_is_shown) posix::write_error(cli::kEraseLine);
  line_is_shown = false;
}

}  // namespace mq::tool
