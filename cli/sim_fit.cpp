// hydra sim fit: how far the fitted models are from the measurements they stand for.
#include "options.hpp"

#include <hydra/sim/fits.hpp>

#include <iostream>

namespace hydra::cli {

int sim_fit(common_options const& o, std::string const& what) {
  bool const json = o.output == format::json || o.output == format::ndjson;
  if (o.output == format::csv) throw usage_error{"fit prints a table or json, not csv"};
  bool const holds = what == "latency" ? sim::fit_latency(std::cout, json)
                                       : sim::fit_churn(std::cout, json);
  std::cout.flush();
  return holds ? ok : bound_missed;
}

}  // namespace hydra::cli
