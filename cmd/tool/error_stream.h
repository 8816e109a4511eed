#pragma once

#include <string>
#include <string_view>

namespace mq::tool {

// Standard error of a tool: messages, and below them at most one line of progress that is written over again and again.
// There is one of it in a process, so what stands on it is kept here. One thread only.

/// Writes `text`, which ends with a newline or is empty, above the line of progress.
void tell(std::string_view text);

/// Shows `line`, as cli::ProgressLine made it, until something is told or `erase_progress`.
void show_progress(std::string_view line);
void erase_progress();

}  // namespace mq::tool
