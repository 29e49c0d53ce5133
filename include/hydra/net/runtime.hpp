// Runs a node on the network: one head, one io thread, restartable.
//
// *** WITHOUT AN IDENTITY: plain TCP, no encryption, no authentication. For tests, on loopback
// only; anything else is refused. With one: TLS 1.3, and beyond loopback if that is set. ***
//
//   auto const me = net::identity::load_or_make("head0.pem");
//   net::runtime<my_hydra> here{{.store = "head0.records", .identity = me.value()}};
//   here.on_emit([](auto const& fact) { ... });            // in the io thread
//   here.offer(service_key("render.movie", 1),
//              [](task const& t) -> std::optional<payload> { ... });
//   auto const port = here.start();                        // result: the port, or what failed
//   auto const other = here.know({key_of_the_other, endpoints});
//   here.tell(my_input{other});                            // a fact of this head's user
//   here.stop();
//
// start    binds, reads the records, tells the node on_start in the io thread
// stop     ends cleanly: what was kept is on the disk, what was sent is on its way, or `grace`
//          has passed; then waits for native calls under way
// kill     ends abruptly: drops what is not durable, then the same wait
// tell, know, inspect may be called from any thread but the io thread; start, stop, kill from one
// thread. Cost: two threads and the io thread; see limits.hpp for the memory.
#pragma once

#include <hydra/net/head.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace hydra::net {

template <Node N>
class runtime {
 public:
  explicit runtime(runtime_settings s = {}, N const& fresh = N{})
      : settings_{std::move(s)}, fresh_{fresh} {}
  runtime(runtime const&) = delete;
  runtime& operator=(runtime const&) = delete;
  ~runtime() { kill(); }

  // Before start(). `call` takes any fact the node emits. Handles in it stand for their keys until
  // the call returns; who wants to keep one asks for its key, or makes it known.
  template <class F>
  void on_emit(F&& call) {
    observer_ = std::make_unique<observes<std::decay_t<F>>>(std::forward<F>(call));
  }
  // Before start(): `make` builds the node of each life, N(head<N>&); it may ask the head for
  // handles by know(). Otherwise each life begins with a copy of `fresh`.
  template <class F>
  void on_build(F&& make) {
    builder_ = std::make_unique<builds<std::decay_t<F>>>(std::forward<F>(make));
  }
  // Before start(): this head performs the service by std::optional<payload>(task const&).
  template <class F>
  void offer(key const& what, F&& call) {
    natives_[what] = native::of(std::forward<F>(call));
  }

  [[nodiscard]] result<std::uint16_t> start() {
    HYDRA_EXPECTS(!life_);
    life_ = std::make_unique<head<N>>(settings_, fresh_, natives_, observer_.get());
    auto const port = life_->open(builder_.get());
    if (!port) {
      life_->join();
      life_.reset();
      return port;
    }
    settings_.port = port.value();
    inputs_ = 0;
    life_->begin();
    thread_ = std::thread{[io = &life_->io()] {
      auto const work = asio::make_work_guard(*io);
      io->run();
    }};
    return port;
  }
  void stop(duration grace = 2s) {
    if (!life_) return;
    auto const until = steady::now() + grace;
    inspect([](head<N>& h) { h.quiesce(); });
    while (steady::now() < until && !flushed()) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    end();
  }
  void kill() {
    if (life_) end();
  }
  [[nodiscard]] bool running() const noexcept { return life_ != nullptr; }

  // False when inputs_max facts wait already, or it does not run.
  template <Fact F>
  bool tell(F const& fact) {
    static_assert(contains<F, inputs_of<N>>, "list this fact under `inputs` of the node");
    if (!life_ || inputs_.load() >= settings_.limits.inputs_max) return false;
    ++inputs_;
    asio::post(life_->io(), [this, life = life_.get(), fact] {
      --inputs_;
      life->tell(fact);
    });
    return true;
  }
  // The handle of a head, Hydra or service on this machine; it stays valid for this life.
  [[nodiscard]] peer know(wire::contact const& c) {
    return inspect([&](head<N>& h) { return h.know(c); });
  }
  [[nodiscard]] principal know_hydra(key const& k) {
    return inspect([&](head<N>& h) { return h.template know<principal>(k); });
  }
  [[nodiscard]] service know_service(key const& k) {
    return inspect([&](head<N>& h) { return h.template know<service>(k); });
  }
  // Calls look(head) in the io thread and waits for its answer. Precondition: running().
  template <class F>
  auto inspect(F&& look) -> decltype(look(std::declval<head<N>&>())) {
    HYDRA_EXPECTS(running());
    using answer = decltype(look(std::declval<head<N>&>()));
    std::packaged_task<answer()> asked{[&] { return look(*life_); }};
    auto later = asked.get_future();
    asio::post(life_->io(), [&asked] { asked(); });
    return later.get();
  }
  // Calls job(object_files&) in the thread of the objects and waits for its answer. From any thread
  // but the io thread; native calls may. Precondition: running(), and a folder of objects.
  template <class Job>
  auto objects(Job&& job) -> decltype(job(std::declval<object_files&>())) {
    HYDRA_EXPECTS(running());
    return life_->objects_now(job);
  }
  [[nodiscard]] net::counters counters() {
    return inspect([](head<N>& h) { return h.count(); });
  }
  // How this head is named on the wire. Precondition: running().
  [[nodiscard]] wire::contact contact() {
    return inspect([](head<N>& h) {
      auto const g = h.greeting();
      return wire::contact{g.head, g.at};
    });
  }

 private:
  template <class F>
  class observes final : public observer<N> {
   public:
    explicit observes(F call) : call_{std::move(call)} {}
    void told(emitted_fact<N> const& fact) override {
      std::visit(
          [this](auto const& f) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(f)>, std::monostate>) call_(f);
          },
          fact);
    }

   private:
    F call_;
  };

  template <class F>
  class builds final : public builder<N> {
   public:
    explicit builds(F make) : make_{std::move(make)} {}
    [[nodiscard]] N build(head<N>& h) override { return make_(h); }

   private:
    F make_;
  };

  [[nodiscard]] bool flushed() {
    return inspect([](head<N>& h) { return h.is_flushed(); });
  }
  void end() {
    life_->io().stop();
    thread_.join();
    life_->join();
    life_.reset();
  }

  runtime_settings settings_;
  N fresh_;
  natives natives_;
  std::unique_ptr<observer<N>> observer_;
  std::unique_ptr<builder<N>> builder_;
  std::unique_ptr<head<N>> life_;
  std::thread thread_;
  std::atomic<std::size_t> inputs_ = 0;
};

}  // namespace hydra::net
