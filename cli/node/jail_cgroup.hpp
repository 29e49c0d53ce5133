// A cgroup for one job, of version 2 or 1, in a folder that the operator gave to Hydra.
#pragma once

#include <hydra/net/run/jail.hpp>

#include <string>
#include <vector>

namespace hydra::net {

// Made and removed with the job. Without a parent, or where nothing can be made, it does nothing.
class job_cgroup {
 public:
  job_cgroup(std::string const& parent, jail_limits const&);
  ~job_cgroup();
  job_cgroup(job_cgroup const&) = delete;
  job_cgroup& operator=(job_cgroup const&) = delete;

  // Files that a process writes "0" to, to enter.
  [[nodiscard]] std::vector<std::string> const& doors() const noexcept { return doors_; }

 private:
  std::vector<std::string> folders_;
  std::vector<std::string> doors_;
};

// What of it the machine has, for the doctor.
[[nodiscard]] jail_part probe_cgroup(std::string const& parent);

}  // namespace hydra::net
