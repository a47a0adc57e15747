#include "app/side.h"

#include <utility>

namespace dynamodb_replicator::app {

Result<Side> connect(async::Doors& doors, const std::string& role, const aws::Location& location,
                     aws::Service service, const std::string& asked_profile) {
  const auto named = [&role](Failure failure) {
    failure.operation = role + (failure.operation.empty() ? "" : ": " + failure.operation);
    return failure;
  };
  Side side;
  side.location = location;
  Result<aws::Profile> profile = aws::load_profile(doors.environment, doors.files, asked_profile);
  if (!profile) return named(std::move(profile).error());
  side.profile = std::move(*profile);
  Result<aws::Endpoint> endpoint =
      aws::find_endpoint(location, service, doors.environment, side.profile);
  if (!endpoint) return named(std::move(endpoint).error());
  side.endpoint = std::move(*endpoint);
  Result<std::shared_ptr<aws::CredentialsProvider>> credentials =
      aws::find_credentials(doors, side.profile, aws::is_loopback(side.endpoint.host));
  if (!credentials) return named(std::move(credentials).error());
  side.credentials = std::move(*credentials);
  side.where = aws::describe(location, side.endpoint);
  side.identity = side.where;
  return side;
}

std::unique_ptr<aws::Client> make_client(async::Doors& doors, const Side& side,
                                         aws::Service service) {
  return std::make_unique<aws::Client>(doors, side.endpoint, service, side.credentials, side.where);
}

}  // namespace dynamodb_replicator::app
