#include "aws/endpoint.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace dynamodb_replicator::aws {
namespace {

struct Partition {
  std::string_view name;
  std::string_view prefix;  // of its regions
  std::string_view dns;
  std::string_view dual_stack_dns;
};

// (botocore's partitions.json; an unknown region is one of the first, as in the SDKs.)
constexpr std::array<Partition, 8> kPartitions = {{
    {"aws", "", "amazonaws.com", "api.aws"},
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
}};

const Partition& partition_of(std::string_view region) {
  const auto found = std::find_if(kPartitions.begin() + 1, kPartitions.end(),
                                  [&](const Partition& p) { return region.starts_with(p.prefix); });
  return found == kPartitions.end() ? kPartitions.front() : *found;
}

Result<bool> flag(async::Environment& environment, const Profile& profile, const char* variable,
                  const char* setting) {
  std::string name = variable;
  std::optional<std::string> text = environment.variable(name);
  if (!text || text->empty()) {
    name = setting;
    text = profile.setting(setting);
  }
  if (!text || text->empty() || *text == "false") return false;
  if (*text == "true") return true;
  return misconfigured(name + " must be true or false");
}

struct ServiceNames {
  const char* variable;
  const char* section;
};

ServiceNames names_of(Service service) {
  switch (service) {
    case Service::streams:
      return {"AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "dynamodb_streams"};
    case Service::kinesis:
      return {"AWS_ENDPOINT_URL_KINESIS", "kinesis"};
    case Service::dynamodb:
      break;
  }
  return {"AWS_ENDPOINT_URL_DYNAMODB", "dynamodb"};
}

// Where it was found, and what.
using Setting = std::pair<std::string, std::string>;

std::optional<Setting> configured_url(Service service, async::Environment& environment,
                                      const Profile& profile) {
  const ServiceNames names = names_of(service);
  for (const char* name : {names.variable, "AWS_ENDPOINT_URL"}) {
    const auto value = environment.variable(name);
    if (value && !value->empty()) return Setting{name, *value};
  }
  const std::string key = std::string(names.section) + ".endpoint_url";
  if (const auto found = profile.services.find(key); found != profile.services.end()) {
    return Setting{key + " of the profile's services", found->second};
  }
  if (const auto value = profile.setting("endpoint_url")) {
    return Setting{"endpoint_url of the profile \"" + profile.name + "\"", *value};
  }
  return std::nullopt;
}

Endpoint at(const HostPort& place, std::string region) {
  return {place.tls, place.host, place.port, std::move(region)};
}

// The streams of a table at Amazon's own host live at a neighbour's.
std::string host_for(Service service, const std::string& host) {
  const bool amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
  if (service == Service::streams && amazon && host.starts_with("dynamodb.")) {
    return "streams." + host;
  }
  return host;
}

}  // namespace

std::string Endpoint::authority() const {
  std::string text = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Endpoint::url() const { return (tls ? "https://" : "http://") + authority(); }

Result<std::string> chosen_region(async::Environment& environment, const Profile& profile) {
  std::string region = environment.variable("AWS_REGION").value_or("");
  if (region.empty()) region = environment.variable("AWS_DEFAULT_REGION").value_or("");
  if (region.empty()) region = profile.setting("region").value_or("");
  if (!region.empty() && !is_region(region)) {
    return misconfigured("the region \"" + region.substr(0, 64) + "\" is not a region's name",
                         "Correct AWS_REGION or the profile's region.");
  }
  return region;
}

Endpoint public_endpoint(Service service, std::string_view region, bool fips, bool dual_stack) {
  // Pseudo-regions of old settings: fips-us-east-1, us-east-1-fips.
  if (region.starts_with("fips-")) {
    region.remove_prefix(5);
    fips = true;
  } else if (region.ends_with("-fips")) {
    region.remove_suffix(5);
    fips = true;
  }
  if (region == "local") return {false, "localhost", 8000, "us-east-1"};
  const Partition& partition = partition_of(region);
  std::string host;
  switch (service) {
    case Service::dynamodb:
      host = "dynamodb";
      break;
    case Service::streams:
      host = dual_stack ? "streams-dynamodb" : "streams.dynamodb";
      break;
    case Service::kinesis:
      host = "kinesis";
      break;
  }
  if (fips) host += "-fips";
  host += "." + std::string(region) + ".";
  host += dual_stack ? partition.dual_stack_dns : partition.dns;
  return {true, host, 443, std::string(region)};
}

Result<Endpoint> find_endpoint(const Location& location, Service service,
                               async::Environment& environment, const Profile& profile) {
  auto chosen = chosen_region(environment, profile);
  if (!chosen) return std::move(chosen).error();
  if (location.endpoint) {
    HostPort place = *location.endpoint;
    place.host = host_for(service, place.host);
    if (!location.region.empty())
      return at(place, location.region);  // said by an option or variable
    return at(place, chosen->empty() ? "us-east-1" : *chosen);
  }
  const std::string& region = location.region.empty() ? *chosen : location.region;
  if (region.empty()) return misconfigured("no region is known", "Set AWS_REGION.");
  const auto fips = flag(environment, profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  if (!fips) return fips.error();
  const auto dual =
      flag(environment, profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  if (!dual) return dual.error();
  const auto ignore = flag(environment, profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                           "ignore_configured_endpoint_urls");
  if (!ignore) return ignore.error();
  const auto url = *ignore ? std::nullopt : configured_url(service, environment, profile);
  if (!url) return public_endpoint(service, region, *fips, *dual);
  if (*fips || *dual) {
    return misconfigured(url->first + " is set together with a FIPS or dual-stack endpoint",
                         "Take one of them away.");
  }
  const auto place = parse_url(url->second);
  if (!place) return misconfigured(url->first + " is no endpoint: " + place.error());
  return at(*place, region);
}

bool same_place(const Place& a, const Place& b) {
  const auto host = [](const Endpoint& e) {
    return is_loopback(e.host) ? std::string("localhost") : e.host;
  };
  if (host(a.endpoint) != host(b.endpoint) || a.endpoint.port != b.endpoint.port) return false;
  if (a.endpoint.signing_region != b.endpoint.signing_region) return false;
  if (a.location.name != b.location.name) return false;
  if (!a.location.account.empty() && !b.location.account.empty()) {
    return a.location.account == b.location.account;
  }
  return a.access_key == b.access_key;
}

std::string describe(const Location& location, const Endpoint& endpoint) {
  const std::string& region = endpoint.signing_region;
  for (const Service service : {Service::dynamodb, Service::streams, Service::kinesis}) {
    if (endpoint == public_endpoint(service, region)) return region + "/" + location.name;
  }
  return endpoint.url() + "/" + location.name;
}

}  // namespace dynamodb_replicator::aws
