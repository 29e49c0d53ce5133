#include "peers.hpp"

#include <hydra/net/object_files.hpp>
#include <hydra/net/transport.hpp>

namespace hydra::node {

std::optional<key> key_of_hex(std::string const& text) {
  auto const o = net::object_of_hex(text);
  return o ? std::optional{o->hash} : std::nullopt;
}

result<wire::contact> contact_of_text(std::string const& text) {
  auto const wrong = [&](std::string const& why) {
    return error{"\"" + text + "\": " + why + "; allowed: hydra:KEY@HOST:PORT, as `hydra peer "
                 "invite` prints it"};
  };
  constexpr std::string_view begin = "hydra:";
  auto const at = text.rfind('@');
  auto const colon = text.rfind(':');
  if (!text.starts_with(begin) || at == std::string::npos || colon < at) {
    return wrong("is no contact");
  }
  auto const k = key_of_hex(text.substr(begin.size(), at - begin.size()));
  if (!k) return wrong("its key is not 64 hex digits");
  auto host = text.substr(at + 1, colon - at - 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code ec;
  auto const address = net::asio::ip::make_address(host, ec);
  if (ec) return wrong("\"" + host + "\" is no address");
  auto const digits = text.substr(colon + 1);
  bool const number = !digits.empty() && digits.size() < 6 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  auto const port = number ? std::stoul(digits) : 0;
  if (port == 0 || port > 65535) return wrong("its port is not 1 to 65535");
  wire::contact out;
  out.key = *k;
  out.at.push_back(net::to_wire({address, static_cast<std::uint16_t>(port)}));
  return out;
}

std::string contact_text(wire::contact const& c) {
  auto out = "hydra:" + net::hex_of(object_id{c.key}) + "@";
  if (c.at.empty()) return out + "?";
  auto const where = net::from_wire(c.at[0]);
  auto const host = where.address().to_string();
  return out + (where.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(where.port());
}

}  // namespace hydra::node
