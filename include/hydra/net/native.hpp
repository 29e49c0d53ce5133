// Native services: callables of this machine, called with a task on a small thread pool.
//
// A native function is trusted: it runs in this process, without a jail, and should end by
// itself; a runtime that stops waits for it. Its answer is told in the io thread. An exception,
// an unknown service and a full pool (runs_max) answer ok = false.
#pragma once

#include <hydra/core/identity.hpp>
#include <hydra/core/values.hpp>

#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace hydra::net {

// One callable of the form  std::optional<payload>(task const&): nothing means that it failed.
class native {
 public:
  virtual ~native() = default;
  [[nodiscard]] virtual std::optional<payload> run(task const&) = 0;

  template <class F>
  [[nodiscard]] static std::shared_ptr<native> of(F&& call) {
    return std::make_shared<holds<std::decay_t<F>>>(std::forward<F>(call));
  }

 private:
  template <class F>
  class holds;
};

template <class F>
class native::holds final : public native {
 public:
  explicit holds(F call) : call_{std::move(call)} {}
  [[nodiscard]] std::optional<payload> run(task const& t) override {
    try {
      return call_(t);
    } catch (...) {
      return std::nullopt;
    }
  }

 private:
  F call_;
};

using natives = std::map<key, std::shared_ptr<native>>;

}  // namespace hydra::net
