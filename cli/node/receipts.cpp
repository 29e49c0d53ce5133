#include "receipts.hpp"

#include "peers.hpp"

#include <hydra/assembly/jobs.hpp>

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace hydra::node {
namespace {

using nlohmann::json;

std::string hex(key const& k) { return net::hex_of(object_id{k}); }

std::string hex(signature const& s) {
  std::string out;
  for (auto w : s.words) out += fmt::format("{:016x}", w);
  return out;
}

// Reads members; the first that is wrong is remembered.
class reader {
 public:
  explicit reader(json const& from) : from_{from} {}
  [[nodiscard]] key a_key(char const* name) {
    auto const k = key_of_hex(from_.value(name, std::string{}));
    if (!k && why.empty()) why = std::string{name} + ": is no key; allowed: 64 hex digits";
    return k.value_or(key{});
  }
  template <class T>
  [[nodiscard]] T number(char const* name) {
    auto const it = from_.find(name);
    if (it != from_.end() && it->is_number_integer()) return it->get<T>();
    if (why.empty()) why = std::string{name} + ": is missing, or no number";
    return {};
  }
  [[nodiscard]] std::uint64_t bits(std::string const& text, std::size_t at, char const* name) {
    auto const part = text.size() < at + 16 ? std::string{} : text.substr(at, 16);
    bool const good = !part.empty() &&
                      part.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!good && why.empty()) why = std::string{name} + ": is no hexadecimal number";
    return good ? std::stoull(part, nullptr, 16) : 0;
  }
  [[nodiscard]] signature a_signature(char const* name) {
    auto const text = from_.value(name, std::string{});
    signature s;
    for (std::size_t i = 0; i < s.words.size(); ++i) s.words[i] = bits(text, 16 * i, name);
    return s;
  }
  [[nodiscard]] std::string text(char const* name) { return from_.value(name, std::string{}); }
  std::string why;

 private:
  json const& from_;
};

// The handles that stand for the keys of one receipt.
constexpr principal executor_handle{1}, owner_handle{2}, job_owner_handle{3};
constexpr service service_handle{1};

receipt with_handles(receipt r) {
  r.about.signer = executor_handle;
  r.about.subject = owner_handle;
  r.of.owner = job_owner_handle;
  r.what = service_handle;
  return r;
}
struct resolver {
  open_receipt const* of;
  key operator()(peer) const { return {}; }
  key operator()(principal w) const {
    return w == executor_handle ? of->executor : w == owner_handle ? of->owner : of->job_owner;
  }
  key operator()(service) const { return of->service; }
};

bool signed_by(open_receipt const& r, key const& who, signature const& s,
               std::span<net::raw_key const> known) {
  if (s == signature{}) return false;
  auto const bytes = net::signed_bytes(r.network, who, with_handles(r.record), resolver{&r});
  for (auto const& each : known) {
    if (net::id_of(each) == who && net::verify(each, bytes, s)) return true;
  }
  return false;
}

}  // namespace

json json_of(open_receipt const& r) {
  auto const& a = r.record.about;
  return {{"executor", hex(r.executor)},
          {"owner", hex(r.owner)},
          {"job_owner", hex(r.job_owner)},
          {"nonce", hex_of_nonce(r.record.of.nonce)},
          {"service", hex(r.service)},
          {"lease", hex(r.record.lease)},
          {"output", hex(r.record.output)},
          {"result", name_of(r.record.result)},
          {"result_code", static_cast<int>(r.record.result)},
          {"cpu_ns", r.record.used.cpu.count()},
          {"bytes", r.record.used.bytes},
          {"domain", static_cast<int>(a.domain)},
          {"version", a.version},
          {"network", r.network},
          {"sequence", a.sequence},
          {"issued_ns", a.issued.time_since_epoch().count()},
          {"expires_ns", a.expires.time_since_epoch().count()},
          {"by_executor", hex(r.record.by_executor)},
          {"by_owner", hex(r.record.by_owner)}};
}

result<open_receipt> receipt_of(json const& from) {
  reader in{from};
  open_receipt out;
  out.executor = in.a_key("executor");
  out.owner = in.a_key("owner");
  out.job_owner = in.a_key("job_owner");
  out.service = in.a_key("service");
  out.network = in.number<std::uint32_t>("network");
  auto& r = out.record;
  r.lease = in.a_key("lease");
  r.output = in.a_key("output");
  r.of.nonce = in.bits(in.text("nonce"), 0, "nonce");
  r.result = static_cast<outcome>(in.number<int>("result_code"));
  r.used = {duration{in.number<std::int64_t>("cpu_ns")}, in.number<std::uint64_t>("bytes")};
  r.about.domain = static_cast<domain>(in.number<int>("domain"));
  r.about.version = in.number<std::uint8_t>("version");
  r.about.network = out.network;
  r.about.sequence = in.number<std::uint32_t>("sequence");
  r.about.issued = at_ns(in.number<std::int64_t>("issued_ns"));
  r.about.expires = at_ns(in.number<std::int64_t>("expires_ns"));
  r.by_executor = in.a_signature("by_executor");
  r.by_owner = in.a_signature("by_owner");
  if (!in.why.empty()) return error{"receipt: " + in.why};
  return out;
}

signatures check_receipt(open_receipt const& r, std::span<net::raw_key const> known) {
  return {signed_by(r, r.executor, r.record.by_executor, known),
          signed_by(r, r.owner, r.record.by_owner, known)};
}

int part_number(open_receipt const& part, open_receipt const& whole) {
  if (part.job_owner != whole.executor || part.owner != whole.executor) return -1;
  auto const mark = whole.record.lease.words()[0];
  for (std::uint64_t i = 0; i < parts_max; ++i) {
    if (part.record.of.nonce == (mix64(mark ^ mix64(i)) | part_mark)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace hydra::node
