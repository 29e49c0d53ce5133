// How long it would have taken had every Hydra a machine of its own.
//
// Eight nodes share the cores of one machine, so seconds of the clock say little. Taken again are:
// the processor time that each task used, tasks of one Hydra one after the other; the delays of
// the emulated links, for asking, giving and answering; silences as they were, since a dead head is
// silent for as long on any machine. Left out: the time that bytes take, which is some round trips
// of a link here.
#pragma once

#include "demo_story.hpp"

namespace hydra::node {

struct emulated_time {
  double all_s = 0;
  double alone_s = 0;  // the same tasks on one machine, each once
};
[[nodiscard]] emulated_time emulate(demo_story const&, demo_cast const&);

}  // namespace hydra::node
