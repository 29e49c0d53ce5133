#include "../catch.hpp"
#include "../fuzz/codec_target.hpp"
#include "../fuzz/frame_target.hpp"

#include <hydra/wire/archive.hpp>
#include <hydra/wire/codec.hpp>
#include <hydra/wire/frame.hpp>
#include <hydra/wire/size.hpp>

#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/serialization/array.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace {

using namespace hydra;
using fuzz::directory;
using fuzz::everything;

auto sample() -> everything {
  everything m;
  m.truth = true;
  m.small = -3;
  m.wide = 0x0102030405060708U;
  m.wait = -5s;
  m.when = origin + 7s;
  m.where = reach::via_relay;
  m.who = peer{3};
  m.whose = principal{1};
  m.what = service{2};
  m.some = {peer{1}, peer{}, peer{4}};
  m.input.size = 9;
  m.input.words[0] = 77;
  m.input.words[1] = 1;
  m.part = share::percent(25);
  m.hash = service_key("render.movie", 2);
  return m;
}

}  // namespace

TEST_CASE("a message survives the wire with its handles as keys") {
  directory here;
  directory there;
  for (std::uint32_t i = 0; i < 5; ++i) there.intern_peer({derived_key(9, peer{40 + i}), {}});
  for (std::uint32_t i = 0; i < 5; ++i) {
    wire::contact c{derived_key(1, peer{i}), {}};
    c.at.push_back({{1, 2, 3}, static_cast<std::uint16_t>(i), reach::open});
    here.intern_peer(c);
    here.intern_principal(derived_key(1, principal{i}));
    here.intern_service(derived_key(1, service{i}));
  }
  std::vector<std::byte> bytes;
  auto const m = sample();
  wire::encode(m, bytes, here);
  auto const back = wire::decode<everything>(bytes, there);
  REQUIRE(back.ok());
  CHECK(back.value().who == peer{5});  // another number there, the same key
  CHECK(there.contact_of(back.value().who).key == derived_key(1, peer{3}));
  CHECK(there.contact_of(back.value().who).at[0].port == 3);
  CHECK_FALSE(back.value().some[1]);
  CHECK(back.value().wait == -5s);

  std::vector<std::byte> again;
  wire::encode(back.value(), again, there);
  CHECK(again == bytes);
}

TEST_CASE("the size of a frame is told without writing it") {
  directory here;
  for (std::uint32_t i = 0; i < 5; ++i) {
    wire::contact c{derived_key(1, peer{i}), {}};
    c.at.push_back({{1, 2, 3}, 7, reach::open});
    here.intern_peer(c);
    here.intern_principal(derived_key(1, principal{i}));
    here.intern_service(derived_key(1, service{i}));
  }
  for (auto const& m : {sample(), everything{}}) {
    std::vector<std::byte> bytes;
    wire::encode(m, bytes, here);
    CHECK(wire::frame_bytes(m) == wire::frame_header_bytes + bytes.size());
  }
}

TEST_CASE("integers lie little-endian at their declared width") {
  std::vector<std::byte> bytes;
  as_numbers plain;
  byte_writer<as_numbers> w{bytes, plain};
  std::uint16_t const two = 0x0102;
  w << two << -1 << true << duration{5s};
  std::vector<int> got;
  for (auto b : bytes) got.push_back(std::to_integer<int>(b));
  CHECK(got == std::vector<int>{2, 1, 255, 255, 255, 255, 1, 0, 0xf2, 5, 0x2a, 1, 0, 0, 0});
}

TEST_CASE("every cut, and every length over its bound, is refused") {
  auto const bytes = to_bytes(sample());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CHECK_FALSE(from_bytes<everything>(std::span{bytes}.first(n)).ok());
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  auto const left = from_bytes<everything>(longer);
  REQUIRE_FALSE(left.ok());
  CHECK(left.why().find("left over") != std::string::npos);

  auto lie = bytes;
  lie[0] = std::byte{2};
  CHECK(from_bytes<everything>(lie).why().find("truth value") != std::string::npos);
  lie = bytes;
  lie[1 + 1 + 8 + 8 + 8] = std::byte{3};
  CHECK(from_bytes<everything>(lie).why().find("enumeration") != std::string::npos);
  lie = bytes;
  lie[1 + 1 + 8 + 8 + 8 + 1 + 12] = std::byte{9};
  CHECK(from_bytes<everything>(lie).why().find("bound of its type") != std::string::npos);
}

TEST_CASE("a directory without room refuses the message") {
  directory here;
  for (std::uint32_t i = 0; i < 5; ++i) here.intern_peer({derived_key(1, peer{i}), {}});
  for (std::uint32_t i = 0; i < 5; ++i) here.intern_principal(derived_key(1, principal{i}));
  for (std::uint32_t i = 0; i < 5; ++i) here.intern_service(derived_key(1, service{i}));
  std::vector<std::byte> bytes;
  wire::encode(sample(), bytes, here);
  directory full{1};
  auto const back = wire::decode<everything>(bytes, full);
  REQUIRE_FALSE(back.ok());
  CHECK(back.why().find("no room for another peer") != std::string::npos);
}

TEST_CASE("the simulator's wire check finds what serialize forgets") {
  CHECK(wire::wire_check(sample()).ok());
  CHECK(wire::wire_check(provider_record{}).ok());
  CHECK(wire::wire_check(receipt{}).ok());
  CHECK(wire::wire_check(fuzz::lossy{1, 3}).why().find("not what it was") != std::string::npos);
}

TEST_CASE("frames come out of a stream whatever its pieces") {
  std::vector<std::byte> stream;
  for (std::uint32_t i = 0; i < 3; ++i) {
    REQUIRE(wire::append_frame(stream, 10 + i, i == 1 ? wire::control_flag : 0, [&](auto& out) {
      out.insert(out.end(), 5 * i, static_cast<std::byte>(i));
    }));
  }
  for (std::size_t piece = 1; piece < stream.size(); ++piece) {
    wire::frame_reader reader;
    std::vector<std::size_t> sizes;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      auto in = std::span<std::byte const>{stream}.subspan(at);
      in = in.first(std::min(piece, in.size()));
      while (reader.take(in)) {
        sizes.push_back(reader.payload().size());
        CHECK(reader.header().message == 9 + sizes.size());
        CHECK(reader.header().control() == (sizes.size() == 2));
      }
    }
    CHECK(sizes == std::vector<std::size_t>{0, 5, 10});
    CHECK(reader.between());
  }
}

TEST_CASE("a frame over the limit is refused at its header") {
  std::vector<std::byte> big;
  CHECK_FALSE(wire::append_frame(
      big, 1, 0, [](auto& out) { out.resize(out.size() + wire::frame_payload_max + 1); }));
  CHECK(big.empty());
  auto const refused = [](wire::frame_header h) {
    auto const bytes = wire::encode_header(h);
    wire::frame_reader reader;
    std::span<std::byte const> in{bytes};
    CHECK_FALSE(reader.take(in));
    CHECK(reader.refused());
    return reader.why();
  };
  CHECK(refused({65537, 1, 0, 1}) == "frame of 65537 bytes, at most 65536");
  CHECK(refused({0, 2, 0, 1}) == "frame version 2, expected 1");
  CHECK(refused({0, 1, 2, 1}) == "frame flags 2 are not understood");
  wire::frame_reader hints;
  auto const fine = wire::encode_header({0, 1, 0x8000, 1});
  std::span<std::byte const> in{fine};
  CHECK(hints.take(in));
}

TEST_CASE("one serialize() works with our archives and with Boost's") {
  auto m = sample();
  std::ostringstream out;
  {
    boost::archive::text_oarchive archive{out};
    archive& m;
  }
  everything back;
  std::istringstream in{out.str()};
  boost::archive::text_iarchive archive{in};
  archive& back;
  CHECK(same(m, back));
  CHECK(to_bytes(m) == to_bytes(back));
}

TEST_CASE("the corpus of the fuzz targets passes") {
  namespace fs = std::filesystem;
  std::size_t read = 0;
  for (auto const* folder : {"codec", "frame"}) {
    auto const path = fs::path{HYDRA_SOURCE_DIR} / "tests/fuzz/corpus" / folder;
    for (auto const& file : fs::directory_iterator{path}) {
      std::ifstream in{file.path(), std::ios::binary};
      std::vector<char> const text{std::istreambuf_iterator<char>{in}, {}};
      auto const bytes = std::as_bytes(std::span{text});
      fuzz::codec_target(bytes);
      fuzz::frame_target(bytes);
      ++read;
    }
  }
  CHECK(read >= 8);
}

TEST_CASE("a head can be reached as at the best of its endpoints") {
  wire::endpoints at;
  CHECK(wire::reach_said(at) == reach::open);
  at.push_back({{}, 1, reach::outbound_only});
  CHECK(wire::reach_said(at) == reach::outbound_only);
  at.push_back({{}, 2, reach::via_relay});
  CHECK(wire::reach_said(at) == reach::outbound_only);
  at.push_back({{}, 3, reach::open});
  CHECK(wire::reach_said(at) == reach::open);
}
