#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace mq {

/// The coroutine type of the I/O half. From Asio only this type is used outside `posix` and `sim`: a coroutine waits
/// for nothing but the seams of `env`, so that the simulator can run all of them in one thread from one seed.
template <class T>
using awaitable = boost::asio::awaitable<T, boost::asio::any_io_executor>;

}  // namespace mq
