#include "os/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <set>
#include <utility>

namespace dynamodb_replicator::os {

namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMostConnections = 64;
constexpr std::uint32_t kHeaderLimit = 8 << 10;
constexpr std::chrono::seconds kRequestTime{5};
constexpr std::chrono::seconds kBetweenRequests{15};

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

}  // namespace

class Visit;

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(asio::io_context& io, HttpHandler asked) : acceptor(io), handler(std::move(asked)) {}
  void accept();
  tcp::acceptor acceptor;
  HttpHandler handler;
  bool loopback = true;
  bool open = true;
  std::set<Visit*> visits;
};

namespace {

// "localhost:8080" -> "localhost", "[::1]:80" -> "[::1]".
std::string_view host_name(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_loopback_name(std::string_view name) {
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

Response make_response(int status, std::string_view type, std::string body) {
  Response response;
  response.version(11);
  response.result(static_cast<unsigned>(status));
  response.set(http::field::content_type, std::string(type));
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Content-Security-Policy",
               "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.body() = std::move(body);
  return response;
}

Response refusal(int status, const char* why) {
  return make_response(status, "text/plain; charset=utf-8", std::string(why) + "\n");
}

Response answer(const Request& request, const HttpHandler& handler, bool loopback) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Response response = refusal(405, "only GET and HEAD are answered");
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  const std::string target(request.target());
  if (target.empty() || target.front() != '/') return refusal(400, "the path must begin with /");
  const auto hosts = request.count(http::field::host);
  if (hosts != 1 && (hosts > 1 || request.version() >= 11)) {
    return refusal(400, "one Host header is needed");
  }
  const std::string host(request[http::field::host]);
  if (loopback && !is_loopback_name(host_name(host))) {
    return refusal(421, "this server answers to localhost only");
  }
  HttpReply reply = handler(std::string_view(target).substr(0, target.find('?')));
  return make_response(reply.status, reply.content_type, std::move(reply.body));
}

}  // namespace

// One connection: a request, its answer, and again.
class Visit : public std::enable_shared_from_this<Visit> {
 public:
  Visit(tcp::socket socket, std::shared_ptr<HttpServer::State> server)
      : stream_(std::move(socket)), server_(std::move(server)) {
    server_->visits.insert(this);
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() { server_->visits.erase(this); }

  void read(std::chrono::seconds patience) {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(0);
    stream_.expires_after(patience);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       self->respond(error);
                     });
  }

  void stop() { stream_.close(); }

 private:
  void respond(const error_code& error) {
    if (!server_->open) return;
    if (!error) {
      response_ = answer(parser_->get(), server_->handler, server_->loopback);
      response_.keep_alive(parser_->keep_alive());
    } else if (error == http::error::header_limit) {
      response_ = refusal(431, "the header is larger than 8 KiB");
      response_.keep_alive(false);
    } else if (error == http::error::body_limit) {
      response_ = refusal(413, "a request here has no body");
      response_.keep_alive(false);
    } else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
               error != http::error::end_of_stream) {
      response_ = refusal(400, "this is no HTTP request");
      response_.keep_alive(false);
    } else {
      return;  // closed, or too slow
    }
    write(!error && parser_->get().method() == http::verb::head);
  }

  void write(bool head) {
    response_.content_length(response_.body().size());
    if (head) response_.body().clear();  // its length is told all the same
    serializer_.emplace(response_);
    stream_.expires_after(kRequestTime);
    const auto written = [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!error && self->response_.keep_alive() && self->server_->open) {
        self->read(kBetweenRequests);
      }
    };
    if (head) {
      http::async_write_header(stream_, *serializer_, written);
    } else {
      http::async_write(stream_, *serializer_, written);
    }
  }

  beast::tcp_stream stream_;
  std::shared_ptr<HttpServer::State> server_;
  beast::flat_buffer buffer_{kHeaderLimit + 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  Response response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
};

void HttpServer::State::accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (!self->open) return;
    // Above the limit the socket is closed by going out of scope.
    if (!error && self->visits.size() < kMostConnections) {
      std::make_shared<Visit>(std::move(socket), self)->read(kRequestTime);
    }
    if (error != asio::error::operation_aborted) self->accept();
  });
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->open = false;
  error_code ignored;
  state_->acceptor.close(ignored);
  const auto visits = state_->visits;
  for (Visit* visit : visits) visit->stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io,
                                                       const std::string& host, std::uint16_t port,
                                                       HttpHandler handler) {
  Failure failure;
  failure.kind = FailureKind::configuration;
  failure.hint = "Choose another address with --http HOST:PORT.";
  error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) {
    failure.message = "cannot listen on " + host + ": it is neither an address nor localhost";
    return failure;
  }
  const auto state = std::make_shared<State>(io, std::move(handler));
  state->loopback = address.is_loopback();
  const tcp::endpoint place(address, port);
  state->acceptor.open(place.protocol(), error);
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(place, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    failure.message =
        "cannot listen on " + host + ":" + std::to_string(port) + ": " + error.message();
    return failure;
  }
  state->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(state));
}

std::uint16_t HttpServer::port() const {
  error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

bool HttpServer::is_public() const { return !state_->loopback; }

}  // namespace dynamodb_replicator::os
