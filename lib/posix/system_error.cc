#include "posix/system_error.h"

#include <cerrno>
#include <system_error>

namespace mq::posix {

std::string system_text(int error_number) { return std::generic_category().message(error_number); }

Errc file_errc(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EEXIST:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::refused;
    case ENOSPC:
    case EDQUOT:
      return Errc::disk_full;
    case EFBIG:
      return Errc::too_large;
    case EMFILE:
    case ENFILE:
      return Errc::too_many_files;
    case ENOTEMPTY:
      return Errc::conflict;
    case EAGAIN:
      return Errc::would_block;
    case EOPNOTSUPP:
      return Errc::unsupported;
    case EINVAL:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Errc::invalid_argument;
    default:
      return Errc::disk_failed;
  }
}

Errc stream_errc(int error_number) {
  switch (error_number) {
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return Errc::closed;
    case ETIMEDOUT:
      return Errc::timed_out;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Errc::too_many_files;
    default:
      return Errc::internal;
  }
}

std::unexpected<Error> file_failure(int error_number, std::string_view what, std::string_view path) {
  return fail(file_errc(error_number), "{}: cannot {}: {}", path, what, system_text(error_number));
}

}  // namespace mq::posix
