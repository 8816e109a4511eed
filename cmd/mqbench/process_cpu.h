#pragma once

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"

namespace mq::mqbench {

/// Processor time that a process of this machine has used so far, all its threads, user and system, from
/// /proc/PID/stat: in steps of 10 ms. not_found: there is no such process.
[[nodiscard]] Result<Duration> process_cpu(env::Files& files, int pid);

}  // namespace mq::mqbench
