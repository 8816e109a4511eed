#pragma once

#include <string>
#include <string_view>

#include "cli/option.h"

namespace mq::cli {

// Pages of the manual, roff with the man macros, made from the rows.

/// The page of a tool.
[[nodiscard]] std::string man_page(const ToolRow& tool);
/// mq-exit(7): the exit statuses of all tools.
[[nodiscard]] std::string exit_page();
/// mq.conf(5): the configuration files of the tools and of mqd, with every setting.
[[nodiscard]] std::string conf_page();

/// Text for roff: backslashes and hyphens as themselves, and no line that would be a request.
[[nodiscard]] std::string roff(std::string_view text);
/// `.TH` and NAME of a page, e.g. of "mq.conf", 5.
[[nodiscard]] std::string page_head(std::string_view name, int section, std::string_view summary);
/// SEE ALSO: every page of ours but `name`.
[[nodiscard]] std::string see_also(std::string_view name);

}  // namespace mq::cli
