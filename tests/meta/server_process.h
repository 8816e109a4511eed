#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mq::meta {

/// A port that nobody listens on, below those that the system gives to connections by itself: while a server is down,
/// its port stays free. Tests that run at the same time look in different places.
[[nodiscard]] std::uint16_t next_free_port();

/// A program that a test runs beside itself. It ends with the test, however that ends.
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() { kill(); }
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;

  /// `words` are its path and its arguments; what it says is added to the file `log`. It must not run already.
  void start(std::vector<std::string> words, const std::string& log);
  /// kill -9; nothing when it does not run.
  void kill();
  /// SIGSTOP: it keeps its connections and does nothing.
  void stop() const;
  /// SIGCONT.
  void go_on() const;
  /// It ended by itself.
  [[nodiscard]] bool has_ended() const;

 private:
  pid_t process_ = 0;
};

}  // namespace mq::meta
