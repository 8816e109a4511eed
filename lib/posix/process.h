#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "env/shard.h"

namespace mq::posix {

/// The value of an environment variable; nothing when it is not set.
[[nodiscard]] std::optional<std::string> environment(const std::string& name);

/// The directories of the XDG base directory specification: the variable when it holds an absolute path, else the
/// default under $HOME; nothing when there is neither (`runtime` has no default).
enum class UserDirectory { config, state, cache, runtime };
[[nodiscard]] std::optional<std::string> user_directory(UserDirectory which);

enum class StandardStream { input = 0, output = 1, error = 2 };
[[nodiscard]] bool is_terminal(StandardStream stream);
/// Puts something in the place of standard streams that are closed, before anything else opens a file: else the first
/// file of ours would get the number, and what is said on standard error would go into it. Reading such an input and
/// writing such an output fails; what is told to such an error stream is lost.
void open_missing_standard_streams();

[[nodiscard]] bool is_root();
[[nodiscard]] int process_id();
/// How many processors this process may use; at least 1.
[[nodiscard]] int processor_count();

/// Raises the soft limit on open descriptors to the hard one and returns what is in force.
std::uint64_t raise_descriptor_limit();

/// Tells the service manager (systemd's $NOTIFY_SOCKET), e.g. "READY=1" or "STOPPING=1"; fine when there is none.
Result<void> notify_service_manager(std::string_view state);

/// Makes a new directory, for this user only, under $TMPDIR or /tmp and returns its path.
[[nodiscard]] Result<std::string> make_temporary_directory(const std::string& name_prefix);

/// A command run beside us with our standard streams. Lives on one shard. Destroying it neither ends nor waits for it.
class ChildProcess {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;
  /// `command` is the program (searched in $PATH) and its arguments; `variables` are set on top of our environment.
  /// not_found or refused when it cannot be run.
  [[nodiscard]] static Result<ChildProcess> start(env::Shard& shard, const std::vector<std::string>& command,
                                                  const Variables& variables);
  ~ChildProcess();
  ChildProcess(ChildProcess&&) noexcept;

  /// Waits for its end, once: its exit status, or 128 + n when signal n ended it.
  awaitable<Result<int>> wait();
  /// Sends it a signal; nothing happens once it has ended.
  void send_signal(int signal);

 private:
  struct Parts;
  explicit ChildProcess(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace mq::posix
