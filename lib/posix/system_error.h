#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mq::posix {

/// The kernel's words for `error_number`. Safe from every thread.
[[nodiscard]] std::string system_text(int error_number);

/// What a failed file system call means. Everything without a meaning of its own is disk_failed.
[[nodiscard]] Errc file_errc(int error_number);

/// What a failed call on a connection means: closed, timed_out, too_many_files or internal.
[[nodiscard]] Errc stream_errc(int error_number);

/// `PATH: cannot WHAT: text of the kernel`.
[[nodiscard]] std::unexpected<Error> file_failure(int error_number, std::string_view what, std::string_view path);

}  // namespace mq::posix
