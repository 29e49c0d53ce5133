// A value or the reason why there is none. Errors never cross the seam as exceptions.
#pragma once

#include <hydra/core/contract.hpp>

#include <string>
#include <utility>
#include <variant>

namespace hydra {

struct error {
  std::string text;  // names file, line, value and what is allowed, as far as they exist
};

template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : held_{std::move(value)} {}
  result(error why) : held_{std::move(why)} {}
  [[nodiscard]] bool ok() const noexcept { return held_.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] T& value() {
    HYDRA_EXPECTS(ok());
    return std::get<0>(held_);
  }
  [[nodiscard]] T const& value() const {
    HYDRA_EXPECTS(ok());
    return std::get<0>(held_);
  }
  [[nodiscard]] std::string const& why() const {
    HYDRA_EXPECTS(!ok());
    return std::get<1>(held_).text;
  }

 private:
  std::variant<T, error> held_;
};

}  // namespace hydra
