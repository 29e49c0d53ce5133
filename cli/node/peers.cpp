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

result<object_name> object_of_text(std::string const& text) {
  auto const wrong = [&](std::string const& why) {
    return error{"\"" + text + "\": " + why + "; allowed: object:HASH:BYTES:KEY@HOST:PORT, as "
                 "`hydra put` prints it"};
  };
  constexpr std::string_view begin = "object:";
  auto const bytes_at = begin.size() + 65;
  auto const holder_at = text.find(':', std::min(bytes_at, text.size()));
  if (!text.starts_with(begin) || holder_at == std::string::npos || text[bytes_at - 1] != ':') {
    return wrong("is no object");
  }
  auto const id = net::object_of_hex(text.substr(begin.size(), 64));
  if (!id) return wrong("its hash is not 64 hex digits");
  auto const digits = text.substr(bytes_at, holder_at - bytes_at);
  bool const number = !digits.empty() && digits.size() < 16 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  auto const bytes = number ? std::stoull(digits) : 0;
  if (bytes == 0 || bytes > net::object_bytes_max) return wrong("its bytes are no sensible number");
  auto const holder = "hydra:" + text.substr(holder_at + 1);
  if (auto const c = contact_of_text(holder); !c) return error{c.why()};
  return object_name{*id, bytes, holder};
}

std::string object_text(object_name const& o) {
  return "object:" + net::hex_of(o.id) + ":" + std::to_string(o.bytes) + ":" +
         o.holder.substr(std::string_view{"hydra:"}.size());
}

}  // namespace hydra::node
