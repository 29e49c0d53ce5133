// What the fuzzer of manifests and edit lists does with some bytes: whatever they are, reading them
// ends; every mistake has a place; and what a job fills in adds no argument, begins none with `-`
// and leads out of no folder. The unit test runs it over the corpus.
#pragma once

#include <node/cuts.hpp>
#include <node/film.hpp>
#include <node/manifest.hpp>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace hydra::fuzz {

inline void all_have_places(std::string const& why) {
  if (why.empty()) std::abort();
  for (std::size_t at = 0; at < why.size();) {
    if (why.compare(at, 10, "fuzz.toml:") != 0) std::abort();
    at = std::min(why.find("\nfuzz.toml:", at), why.size() - 1) + 1;
  }
}

// Values that nobody may fill in anywhere.
inline constexpr std::string_view hostile[] = {"-x", "../x", "/x", "a b", "a,b", "", "{in.a}",
                                               "x\n-y"};

inline void manifest_target(std::string_view text) {
  auto const read = net::parse_manifest(text, "fuzz.toml");
  if (!read) return all_have_places(read.why());
  auto const& m = read.value();
  for (auto const& p : m.parameters)
    for (auto const& value : hostile)
      if (net::unfit(p, value).empty()) std::abort();
  for (auto const& s : m.steps) {
    net::bindings fill;
    for (auto const& p : m.parameters)
      fill.parameters[p.name] = p.kind == net::parameter_kind::word
                                    ? (p.allowed.empty() ? "" : p.allowed.front())
                                : p.kind == net::parameter_kind::name ? "a"
                                                                      : std::to_string(p.least);
    for (auto const& in : s.inputs) fill.files[in.name] = 2;
    auto const made = net::expand(m, s, fill);
    if (!made) continue;
    if (made.value().front() != s.run.front()) std::abort();
    for (std::size_t i = 1; i < made.value().size() && made.value().size() == s.run.size(); ++i)
      if (made.value()[i].starts_with('-') && !s.run[i].starts_with('-')) std::abort();
  }
}

inline void cuts_target(std::string_view text) {
  auto const read = net::parse_cuts(text, "fuzz.toml");
  if (!read) return all_have_places(read.why());
  net::film_facts facts;  // 300 frames at 30 a second, a key every 25th
  facts.den = 30;
  for (std::size_t i = 0; i < 300; ++i) {
    facts.packets.push_back({static_cast<std::int64_t>(i), i % 25 == 0});
    facts.frames.push_back(static_cast<std::int64_t>(i));
    facts.packet_of.push_back(i);
  }
  auto const plan = net::plan_film(facts, read.value(), 40);
  if (!plan) return all_have_places(plan.why());
  std::size_t frames = 0;
  for (auto const& s : plan.value().segments) {
    if (s.frames() == 0 || s.frames() > 40 || s.until > 300) std::abort();
    if (s.packet_first % 25 != 0 || s.packet_first > s.first) std::abort();
    if (s.packet_until < s.until) std::abort();
    frames += s.frames();
  }
  if (frames != plan.value().frames) std::abort();
}

}  // namespace hydra::fuzz
