#pragma once

#include <vector>

#include "base/result.h"
#include "env/network.h"
#include "posix/descriptor.h"

namespace mq::posix {

/// A listening socket that somebody else opened for this process.
struct InheritedSocket {
  Descriptor socket;
  env::Address address;
};

/// Takes what a service manager passed (systemd's socket activation): $LISTEN_FDS descriptors from 3 on, when
/// $LISTEN_PID is this process. Takes the variables away too, so that no child believes that they are meant for it.
/// invalid_argument: one of them is no listening stream socket of TCP or a unix path.
[[nodiscard]] Result<std::vector<InheritedSocket>> take_inherited_sockets();

}  // namespace mq::posix
