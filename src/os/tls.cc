#include "os/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>

namespace dynamodb_replicator::os {

namespace ssl = boost::asio::ssl;

TlsContext::TlsContext() : context_(std::make_unique<ssl::context>(ssl::context::tls_client)) {}
TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>, std::string> TlsContext::make(const std::string& ca_file) {
  std::unique_ptr<TlsContext> made(new TlsContext());
  SSL_CTX* native = made->context_->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // A renegotiation or compression has no use here, and both had holes.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  boost::system::error_code error;
  made->context_->set_verify_mode(ssl::verify_peer, error);
  if (error) return std::string("the TLS library cannot verify certificates");
  if (ca_file.empty()) {
    made->context_->set_default_verify_paths(error);
    if (error) return std::string("the system's CA certificates cannot be read");
  } else {
    made->context_->load_verify_file(ca_file, error);
    if (error) return "AWS_CA_BUNDLE: no certificates can be read from " + ca_file;
  }
  return made;
}

void expect_host(ssl_st* session, const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  X509_VERIFY_PARAM* rules = SSL_get0_param(session);
  if (!error) {
    X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  SSL_set_tlsext_host_name(session, host.c_str());
}

std::string certificate_problem(ssl_st* session, const std::string& host) {
  const long verdict = SSL_get_verify_result(session);
  switch (verdict) {
    case X509_V_OK:
      return "";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate that was shown is for another name than " + host;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of " + host + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of " + host + " is not valid yet (is this machine's clock right?)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate of " + host +
             " is not trusted: " + X509_verify_cert_error_string(verdict);
    default:
      break;
  }
  return "the certificate of " + host + " was refused: " + X509_verify_cert_error_string(verdict);
}

}  // namespace dynamodb_replicator::os
