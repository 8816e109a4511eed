#pragma once

#include <type_traits>
#include <utility>

#include "env/async.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::broker {

// What one shard asks of another, and how the answer comes back. All are called on the thread of `here`; what they are
// given runs on `there`, in the order of the calls.

/// `ask(told)` is posted to `there`, where somebody calls `told(answer)` once, at once or later; that posts
/// `then(answer)` to `here`. Without an answer `then` is destroyed on the shard that drops `told`.
template <class Ask, class Then>
void post_question(env::Shard& here, env::Shard& there, Ask ask, Then then) {
  there.post([&here, ask = std::move(ask), then = std::move(then)]() mutable {
    ask([&here, then = std::move(then)](auto answer) mutable {
      here.post([then = std::move(then), answer = std::move(answer)]() mutable { std::move(then)(std::move(answer)); });
    });
  });
}

/// The same, but without a post where `here` is `there`: `then` may have been called when this returns.
template <class Ask, class Then>
void ask_on(env::Shard& here, env::Shard& there, Ask ask, Then then) {
  &here == &there ? ask(std::move(then)) : post_question(here, there, std::move(ask), std::move(then));
}

/// The same for a coroutine, which gets the answer.
template <class T, class Ask>
awaitable<T> await_answer(env::Shard& here, env::Shard& there, Ask ask) {
  auto start = [&here, &there, ask = std::move(ask)](auto handler) mutable {
    post_question(here, there, std::move(ask), std::move(handler));
  };
  co_return co_await env::detail::suspend_with<T>(std::move(start));
}

/// Runs the coroutine that `make` returns on `there`, as one of its `tasks`, and resumes with its result.
template <class F, class T = typename std::invoke_result_t<F&>::value_type>
awaitable<T> await_on(env::Shard& here, env::Shard& there, env::TaskGroup& tasks, F make) {
  if (&here == &there) co_return co_await make();
  co_return co_await await_answer<T>(here, there, [&tasks, make = std::move(make)](auto told) mutable {
    tasks.spawn([](F job, decltype(told) answer) -> awaitable<void> {
      T value = co_await job();
      answer(std::move(value));
    }(std::move(make), std::move(told)));
  });
}

}  // namespace mq::broker
