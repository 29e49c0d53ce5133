// Lists of types: what a node receives, what a policy emits, which activities it holds.
#pragma once

#include <cstddef>
#include <type_traits>

namespace hydra {

template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
};

namespace detail {

template <class... Lists>
struct join {
  using type = type_list<>;
};
template <class... A>
struct join<type_list<A...>> {
  using type = type_list<A...>;
};
template <class... A, class... B, class... Rest>
struct join<type_list<A...>, type_list<B...>, Rest...> {
  using type = typename join<type_list<A..., B...>, Rest...>::type;
};

template <class Unwanted, class List>
struct drop;
template <class Unwanted, class... A>
struct drop<Unwanted, type_list<A...>>
    : join<type_list<>, std::conditional_t<std::is_same_v<Unwanted, A>, type_list<>,
                                           type_list<A>>...> {};

template <class T, class... A>
constexpr std::size_t index_in(type_list<A...>) {
  std::size_t i = 0;
  static_cast<void>(((std::is_same_v<T, A> || (++i, false)) || ...));
  return i;
}

template <class List, std::size_t I>
struct at;
template <class First, class... Rest>
struct at<type_list<First, Rest...>, 0> {
  using type = First;
};
template <class First, class... Rest, std::size_t I>
struct at<type_list<First, Rest...>, I> : at<type_list<Rest...>, I - 1> {};

// Each type once: two alternatives of a slot may speak the same messages.
template <class List, class... T>
struct unique_types {
  using type = List;
};
template <class... A, class First, class... Rest>
struct unique_types<type_list<A...>, First, Rest...> {
  using type = typename unique_types<
      std::conditional_t<index_in<First>(type_list<A...>{}) < sizeof...(A), type_list<A...>,
                         type_list<A..., First>>,
      Rest...>::type;
};
template <class List>
struct unique_of;
template <class... T>
struct unique_of<type_list<T...>> {
  using type = typename unique_types<type_list<>, T...>::type;
};

}  // namespace detail

template <class... Lists>
using joined = typename detail::join<Lists...>::type;
// Joined, each type once.
template <class... Lists>
using merged = typename detail::unique_of<joined<Lists...>>::type;
template <class List, class Unwanted>
using without = typename detail::drop<Unwanted, List>::type;
template <class List, std::size_t I>
using element = typename detail::at<List, I>::type;
template <class T, class List>
inline constexpr std::size_t index_of = detail::index_in<T>(List{});  // List::size when absent
template <class T, class List>
inline constexpr bool contains = index_of<T, List> < List::size;

// What P lists under the given name, or nothing.
template <class P>
struct lists_of {
  template <class Q>
  static auto messages(int) -> typename Q::messages;
  template <class Q>
  static auto messages(...) -> type_list<>;
  template <class Q>
  static auto facts(int) -> typename Q::facts;
  template <class Q>
  static auto facts(...) -> type_list<>;
  template <class Q>
  static auto inputs(int) -> typename Q::inputs;
  template <class Q>
  static auto inputs(...) -> type_list<>;
  template <class Q>
  static auto activities(int) -> typename Q::activities;
  template <class Q>
  static auto activities(...) -> type_list<>;
  template <class Q>
  static auto records(int) -> typename Q::records;
  template <class Q>
  static auto records(...) -> type_list<>;
};
template <class P>
using messages_of = decltype(lists_of<P>::template messages<P>(0));
template <class P>
using facts_of = decltype(lists_of<P>::template facts<P>(0));
template <class P>
using inputs_of = decltype(lists_of<P>::template inputs<P>(0));
template <class P>
using activities_of = decltype(lists_of<P>::template activities<P>(0));
template <class P>
using records_of = decltype(lists_of<P>::template records<P>(0));

}  // namespace hydra
