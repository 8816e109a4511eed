#pragma once
// The templates of shard.h and pool.h.

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "env/pool.h"
#include "env/shard.h"

namespace mq::env {
namespace detail {

/// `void` as a value, so that one code path carries every result.
struct Nothing {};
template <class R>
using Held = std::conditional_t<std::is_void_v<R>, Nothing, R>;

template <class F, class R = std::invoke_result_t<F&>>
Held<R> call(F& f) {
  if constexpr (std::is_void_v<R>) {
    f();
    return {};
  } else {
    return f();
  }
}

/// Suspends the caller, gives `start` a function that resumes it with a value, and returns that value. The resuming
/// call must be made on the caller's own executor, after `start` returned.
template <class V, class Start>
awaitable<V> suspend_with(Start start) {
  auto token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>{};
  co_return co_await boost::asio::async_initiate<decltype(token), void(V)>(
      [](auto handler, Start go) { go(std::move(handler)); }, token, std::move(start));
}

}  // namespace detail

template <class F>
awaitable<std::invoke_result_t<F&>> on_shard(Shard& here, Shard& there, F f) {
  using R = std::invoke_result_t<F&>;
  using V = detail::Held<R>;
  auto start = [&here, &there, f = std::move(f)](auto handler) mutable {
    there.post([&here, f = std::move(f), handler = std::move(handler)]() mutable {
      here.post(
          [value = detail::call(f), handler = std::move(handler)]() mutable { std::move(handler)(std::move(value)); });
    });
  };
  auto value = co_await detail::suspend_with<V>(std::move(start));
  if constexpr (!std::is_void_v<R>) co_return value;
}

template <class F>
awaitable<std::invoke_result_t<F&>> Pool::run(Shard& home, F job) {
  using R = std::invoke_result_t<F&>;
  using V = detail::Held<R>;
  auto start = [this, &home, job = std::move(job)](auto handler) mutable {
    submit([&home, job = std::move(job), handler = std::move(handler)]() mutable {
      home.post([value = detail::call(job), handler = std::move(handler)]() mutable {
        std::move(handler)(std::move(value));
      });
    });
  };
  auto value = co_await detail::suspend_with<V>(std::move(start));
  if constexpr (!std::is_void_v<R>) co_return value;
}

}  // namespace mq::env
