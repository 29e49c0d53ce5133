// The bodies of Boost's binary archive for ours.
#include <hydra/sim/checkpoint.hpp>

#include <boost/archive/impl/archive_serializer_map.ipp>
#include <boost/archive/impl/basic_binary_iarchive.ipp>
#include <boost/archive/impl/basic_binary_iprimitive.ipp>

namespace boost::archive {

template class detail::archive_serializer_map<hydra::sim::checkpoint_archive>;
template class basic_binary_iprimitive<hydra::sim::checkpoint_archive, char,
                                       std::char_traits<char>>;
template class basic_binary_iarchive<hydra::sim::checkpoint_archive>;
template class binary_iarchive_impl<hydra::sim::checkpoint_archive, char, std::char_traits<char>>;

}  // namespace boost::archive
