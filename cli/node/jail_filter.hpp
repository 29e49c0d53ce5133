// Which calls a jailed process may make of the kernel.
#pragma once

#include <string>

namespace hydra::net {

// A filter for `bwrap --seccomp`: calls of the list pass, all others fail as not permitted.
// Sockets, namespaces, mounts, keys, tracing, anonymous files and shared memory are not on it.
// Empty where Hydra was built without libseccomp, or it knows nothing of this processor.
[[nodiscard]] std::string const& jail_filter();

}  // namespace hydra::net
