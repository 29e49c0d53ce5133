// Routing of one's own: ask a dozen of those I know; whoever is asked introduces somebody.
// run: hello --no-timings --no-out
//
// A library policy is a plain struct: derive from one, and replace what should be different. The
// full mesh keeps contacts, answers askers and checks the signed records that come back.
#include <hydra/routing/full_mesh.hpp>
#include <hydra/sim/main.hpp>

using namespace hydra;

struct meet {  // somebody I know; hearsay until you have asked them
  static constexpr message_id id{room::routing, 200, 1};
  peer who{};
  template <class A>
  void serialize(A& a, unsigned) {
    a& who;
  }
};

struct introductions : routing::full_mesh {
  using messages = joined<full_mesh::messages, type_list<meet>>;
  using full_mesh::on_message;
  static constexpr std::size_t asked = 12;

  activity find(auto& env, want const& w) {
    routing::mesh_lookup search;
    search.what = w.what;
    search.nonce = env.random().bits();  // answers repeat it: nobody else can answer
    search.attempts = 2;                 // who is silent is not asked again
    search.due = env.now() + 1s;
    auto known = closest(key{}, contacts_max);
    for (auto who : env.random().sample(asked, known.span())) {
      search.silent.push_back(who);
      env.send(who, routing::have_you{w.what, search.nonce});
    }
    env.arm(1s, sweep_tag);  // then the mesh says what it has found
    return env.template pool<routing::mesh_lookup>().add(search);
  }
  void on_message(auto& env, peer from, routing::have_you const& m) {
    full_mesh::on_message(env, from, m);
    auto known = closest(key{}, contacts_max);
    for (auto who : env.random().sample(1, known.span())) env.send(from, meet{who});
  }
  void on_message(auto& env, peer, meet const& m) { seen(env, m.who); }
};
static_assert(RoutingPolicy<introductions, archetype_view<introductions>>);

int main(int argc, char** argv) { return sim::main<Hydra<introductions>>(argc, argv); }
