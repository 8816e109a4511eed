// What the Stream layer costs above bare sockets: one message back and forth over loopback, the echoing side once as
// epoll + recv + send and once as a Stream on a shard, both in one run because machines differ from minute to minute.
//
//   echo_bench [ROUNDS [BYTES]]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "env/event.h"
#include "posix/descriptor.h"
#include "posix/runtime.h"
#include "posix/socket_address.h"

namespace mq::posix {
namespace {

using SteadyClock = std::chrono::steady_clock;

const env::Address kAnyPort{.host = "127.0.0.1", .port = 0, .path = {}};

double thread_cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(used.ru_utime) + us(used.ru_stime);
}

/// The asking side, the same for both: blocking sockets in a thread of its own. Returns microseconds per round trip.
double ask(std::uint16_t port, int rounds, std::size_t size) {
  const env::Address to{.host = "127.0.0.1", .port = port, .path = {}};
  const SocketAddress where = resolve(to, Resolve::literals_only).value().front();
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  MQ_ASSERT(::connect(socket.get(), where.get(), where.size) == 0);
  std::string message(size, 'x');
  const auto start = SteadyClock::now();
  for (int i = 0; i < rounds; ++i) {
    MQ_ASSERT(::send(socket.get(), message.data(), size, 0) == static_cast<ssize_t>(size));
    MQ_ASSERT(::recv(socket.get(), message.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
  }
  return std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count() / rounds;
}

struct Measured {
  double round_trip_us = 0;
  double echo_cpu_us = 0;
};

Measured bare(int rounds, std::size_t size) {
  SocketAddress where = resolve(kAnyPort, Resolve::literals_only).value().front();
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  MQ_ASSERT(::bind(listener.get(), where.get(), where.size) == 0 && ::listen(listener.get(), 1) == 0);
  Measured result;
  std::thread asking(
      [&] { result.round_trip_us = ask(SocketAddress::local_of(listener.get()).to_address().port, rounds, size); });

  const Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const Descriptor epoll(::epoll_create1(0));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket.get(), &event);
  std::vector<char> buffer(64 << 10);
  const double cpu = thread_cpu_us();
  for (bool open = true; open;) {
    ::epoll_wait(epoll.get(), &event, 1, -1);
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    open = got > 0;
    if (open) MQ_ASSERT(::send(socket.get(), buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got);
  }
  result.echo_cpu_us = (thread_cpu_us() - cpu) / rounds;
  asking.join();
  return result;
}

awaitable<void> echo(env::Stream& stream) {
  std::vector<char> buffer(64 << 10);
  while (true) {
    const auto got = co_await stream.read_some(buffer);
    if (!got) co_return;
    const BytesView pieces[] = {{buffer.data(), *got}};
    if (!co_await stream.write(pieces)) co_return;
  }
}

Measured through_streams(int rounds, std::size_t size) {
  Runtime runtime;
  Measured result;
  const auto main = [&]() -> awaitable<int> {
    auto listener = runtime.shard(0).network().listen(kAnyPort).value();
    std::thread asking([&, port = listener->local_address().port] { result.round_trip_us = ask(port, rounds, size); });
    auto stream = (co_await listener->accept()).value();
    const double cpu = thread_cpu_us();
    co_await echo(*stream);
    result.echo_cpu_us = (thread_cpu_us() - cpu) / rounds;
    asking.join();
    co_return 0;
  };
  (void)runtime.run(main);
  return result;
}

/// Posts per second from one shard to another, and one post there and back.
void measure_posts(int rounds) {
  Runtime runtime({.shards = 2, .pool_threads = 1, .log = {}});
  const auto main = [&]() -> awaitable<int> {
    env::Shard& here = runtime.shard(0);
    env::Shard& there = runtime.shard(1);
    auto start = SteadyClock::now();
    for (int i = 0; i < rounds; ++i) there.post([] {});
    co_await env::on_shard(here, there, [] {});
    std::printf("post, many in a row        %8.3f us\n",
                std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count() / rounds);
    start = SteadyClock::now();
    for (int i = 0; i < rounds / 10; ++i) co_await env::on_shard(here, there, [] {});
    std::printf("on_shard, one at a time    %8.3f us\n",
                std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count() / (rounds / 10));
    start = SteadyClock::now();
    for (int i = 0; i < rounds / 10; ++i) co_await runtime.pool().run(here, [] {});
    std::printf("Pool::run, one at a time   %8.3f us\n",
                std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count() / (rounds / 10));
    env::Event event(here);
    start = SteadyClock::now();
    for (int i = 0; i < rounds; ++i) {
      here.post([&] { event.notify_all(); });
      co_await event.wait();
    }
    std::printf("Event, notify and wait     %8.3f us\n",
                std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count() / rounds);
    co_return 0;
  };
  (void)runtime.run(main);
}

void measure_start() {
  const auto start = SteadyClock::now();
  {
    Runtime runtime;
    (void)runtime.run([]() -> awaitable<int> { co_return 0; });
  }
  std::printf("Runtime, begin to end      %8.3f us\n",
              std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void compare(int rounds, std::size_t size) {
  std::vector<double> round_trip_ratios, cpu_ratios;
  for (int i = 0; i < 7; ++i) {
    const Measured without = bare(rounds, size);
    const Measured with = through_streams(rounds, size);
    std::printf("bare %6.2f us (cpu %5.2f)   stream %6.2f us (cpu %5.2f)\n", without.round_trip_us, without.echo_cpu_us,
                with.round_trip_us, with.echo_cpu_us);
    round_trip_ratios.push_back(with.round_trip_us / without.round_trip_us);
    cpu_ratios.push_back(with.echo_cpu_us / without.echo_cpu_us);
  }
  std::printf("median ratio: round trip %.2f, cpu of the echoing thread %.2f\n", median(round_trip_ratios),
              median(cpu_ratios));
}

}  // namespace
}  // namespace mq::posix

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 50'000;
  const std::size_t size = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 100;
  mq::posix::measure_start();
  mq::posix::compare(rounds, size);
  mq::posix::measure_posts(rounds * 4);
}
