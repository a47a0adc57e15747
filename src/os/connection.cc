#include "os/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffered_read_stream.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/gate.h"
#include "os/tls.h"

namespace dynamodb_replicator::os {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Stage = async::HttpError::Stage;
using async::HttpError;
using async::HttpRequest;
using async::HttpResponse;
using async::Task;

// Reads from the kernel in large pieces: a page of a Scan comes as a hundred TLS records, and
// OpenSSL's own reading would make a system call for each.
constexpr std::size_t kWideRead = 128 << 10;
// What is read into the parser at once.
constexpr std::size_t kReadSize = 64 << 10;
struct WideStream : asio::buffered_read_stream<tcp::socket> {
  explicit WideStream(asio::io_context& io) : buffered_read_stream(io, kWideRead) {}
};
using PlainStream = tcp::socket;
using TlsStream = asio::ssl::stream<WideStream>;

// One thing asked of the kernel; shared by its handler and the coroutine that waits for it.
struct Operation {
  explicit Operation(async::Loop& loop) : ended(loop) {}
  async::Gate ended;
  error_code error;
  std::size_t bytes = 0;
};
using OperationRef = std::shared_ptr<Operation>;

HttpError failed(Stage stage, bool sent, std::string message) {
  return {stage, sent, std::move(message), false};
}

HttpError timed_out(bool sent, const char* what) {
  return failed(Stage::timeout, sent, std::string("no answer in time (") + what + ")");
}

bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c == '\t' || (c >= ' ' && c != 0x7f); });
}

std::string explain(const error_code& error) {
  if (error == http::error::end_of_stream || error == asio::error::eof ||
      error == asio::ssl::error::stream_truncated || error == http::error::partial_message) {
    return "the connection was closed before the answer was complete";
  }
  if (error == http::error::body_limit) return "the answer is larger than 64 MiB";
  if (error == http::error::header_limit) return "the answer's header is larger than 16 KiB";
  return error.message();
}

bool is_malformed(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_version).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

template <class Stream>
class Line final : public Connection, public std::enable_shared_from_this<Line<Stream>> {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  template <class... Arguments>
  Line(const Surroundings& around, Target target, Arguments&... arguments)
      : loop_(around.loop),
        clock_(around.clock),
        lookups_(around.lookups),
        target_(std::move(target)),
        resolver_(around.io),
        stream_(around.io, arguments...) {}

  Task<std::optional<HttpError>> open(Instant deadline) override;
  Task<Result<HttpResponse, HttpError>> exchange(HttpRequest request, Instant deadline) override;
  bool is_reusable() override;
  void close() override {
    error_code ignored;
    socket().close(ignored);
    resolver_.cancel();
  }

 private:
  struct CloseUnlessKept {
    Line& line;
    bool kept = false;
    ~CloseUnlessKept() {
      if (!kept) line.close();
    }
  };

  tcp::socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer().next_layer();
    } else {
      return stream_;
    }
  }

  OperationRef operation() { return std::make_shared<Operation>(loop_); }

  // What the kernel calls at the end; keeps this connection and so every buffer.
  auto handler(const OperationRef& operation) {
    return [self = this->shared_from_this(), operation](const error_code& error,
                                                        std::size_t bytes = 0) {
      operation->error = error;
      operation->bytes = bytes;
      operation->ended.open();
    };
  }

  Task<std::optional<HttpError>> resolve(Instant deadline);
  Task<std::optional<HttpError>> connect(Instant deadline);
  Task<std::optional<HttpError>> handshake(Instant deadline);
  Task<std::optional<HttpError>> write(Instant deadline);
  Task<std::optional<HttpError>> read(Instant deadline);
  std::optional<HttpError> compose(HttpRequest&& request);
  HttpResponse take_answer();

  async::Loop& loop_;
  async::Clock& clock_;
  std::size_t& lookups_;
  Target target_;
  tcp::resolver resolver_;
  Stream stream_;
  std::vector<tcp::endpoint> addresses_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  std::optional<http::response_parser<http::string_body>> parser_;
  bool keep_alive_ = false;
};

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::resolve(Instant deadline) {
  error_code no_address;
  const auto address = asio::ip::make_address(target_.host, no_address);
  if (!no_address) {
    addresses_ = {{address, target_.port}};
    co_return std::nullopt;
  }
  if (target_.host == "localhost" || target_.host.ends_with(".localhost")) {
    addresses_ = {{asio::ip::address_v4::loopback(), target_.port},
                  {asio::ip::address_v6::loopback(), target_.port}};
    co_return std::nullopt;
  }
  const OperationRef asked = operation();
  ++lookups_;
  resolver_.async_resolve(
      target_.host, std::to_string(target_.port), tcp::resolver::numeric_service,
      [self = this->shared_from_this(), asked](const error_code& error, const auto& results) {
        --self->lookups_;
        for (const auto& result : results) self->addresses_.push_back(result.endpoint());
        asked->error = error;
        asked->ended.open();
      });
  const bool ended = co_await asked->ended.wait(deadline);
  if (!ended) co_return timed_out(false, "looking up the host name");
  if (asked->error || addresses_.empty()) {
    co_return failed(Stage::resolve, false, "the host name cannot be found");
  }
  co_return std::nullopt;
}

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::connect(Instant deadline) {
  std::optional<HttpError> problem = failed(Stage::connect, false, "there is no address");
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const OperationRef asked = operation();
    error_code ignored;
    socket().close(ignored);
    socket().async_connect(addresses_[i], handler(asked));
    const Instant end = std::min(deadline, clock_.now() + kConnectTime);
    const bool ended = co_await asked->ended.wait(end);
    if (ended && !asked->error) {
      socket().set_option(tcp::no_delay(true), ignored);
      co_return std::nullopt;
    }
    problem = ended ? failed(Stage::connect, false, asked->error.message())
                    : failed(Stage::connect, false, "nobody answers there");
    if (clock_.now() >= deadline) break;
  }
  co_return problem;
}

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::handshake(Instant deadline) {
  if constexpr (kTls) {
    expect_host(stream_.native_handle(), target_.host);
    const OperationRef asked = operation();
    stream_.async_handshake(asio::ssl::stream_base::client, handler(asked));
    const bool ended =
        co_await asked->ended.wait(std::min(deadline, clock_.now() + kHandshakeTime));
    if (!ended) co_return timed_out(false, "TLS handshake");
    if (asked->error) {
      std::string why = certificate_problem(stream_.native_handle(), target_.host);
      if (!why.empty()) co_return HttpError{Stage::tls, false, std::move(why), true};
      co_return failed(Stage::tls, false, "the TLS handshake failed: " + explain(asked->error));
    }
  } else {
    (void)deadline;
  }
  co_return std::nullopt;
}

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::open(Instant deadline) {
  CloseUnlessKept guard{*this};
  auto problem = co_await resolve(deadline);
  if (!problem) problem = co_await connect(deadline);
  if (!problem) problem = co_await handshake(deadline);
  guard.kept = !problem.has_value();
  co_return problem;
}

template <class Stream>
std::optional<HttpError> Line<Stream>::compose(HttpRequest&& request) {
  request_ = {};
  request_.version(11);
  request_.method_string(request.method);
  request_.target(request.target);
  for (const async::Header& header : request.headers) {
    // A line break in a value would begin a header of its own.
    if (!is_clean(header.name) || !is_clean(header.value)) {
      return failed(Stage::malformed, false, "a header of the request holds control characters");
    }
    request_.insert(header.name, header.value);
  }
  request_.body() = std::move(request.body);
  request_.content_length(request_.body().size());
  return std::nullopt;
}

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::write(Instant deadline) {
  const OperationRef asked = operation();
  http::async_write(stream_, request_, handler(asked));
  const bool ended = co_await asked->ended.wait(deadline);
  if (!ended) co_return timed_out(true, "sending the request");
  if (!asked->error) co_return std::nullopt;
  co_return failed(Stage::send, asked->bytes > 0, explain(asked->error));
}

template <class Stream>
Task<std::optional<HttpError>> Line<Stream>::read(Instant deadline) {
  parser_.emplace();
  parser_->body_limit(kAnswerLimit);
  parser_->header_limit(kAnswerHeaderLimit);
  buffer_.reserve(kReadSize);  // Beast reads as much as fits into what is there, at first 512 bytes
  const OperationRef asked = operation();
  http::async_read(stream_, buffer_, *parser_, handler(asked));
  const bool ended = co_await asked->ended.wait(deadline);
  if (!ended) co_return timed_out(true, "waiting for the answer");
  if (!asked->error) co_return std::nullopt;
  const Stage stage = is_malformed(asked->error) ? Stage::malformed : Stage::receive;
  co_return failed(stage, true, explain(asked->error));
}

template <class Stream>
HttpResponse Line<Stream>::take_answer() {
  auto message = parser_->release();
  parser_.reset();
  HttpResponse answer;
  answer.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    answer.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  answer.body = std::move(message.body());
  return answer;
}

template <class Stream>
Task<Result<HttpResponse, HttpError>> Line<Stream>::exchange(HttpRequest request,
                                                             Instant deadline) {
  CloseUnlessKept guard{*this};
  keep_alive_ = false;
  if (auto problem = compose(std::move(request))) co_return *std::move(problem);
  const auto unsent = co_await write(deadline);
  if (unsent && (unsent->stage == Stage::timeout || !unsent->sent)) co_return *unsent;
  // A server may refuse a large request before it has read it all, and say so before it hangs up.
  const Instant end = unsent ? std::min(deadline, clock_.now() + Duration(1s)) : deadline;
  const auto problem = co_await read(end);
  if (problem) co_return unsent ? *unsent : *problem;
  keep_alive_ = parser_->keep_alive() && !unsent;
  guard.kept = keep_alive_;
  co_return take_answer();
}

template <class Stream>
bool Line<Stream>::is_reusable() {
  if (!keep_alive_ || !socket().is_open() || buffer_.size() > 0) return false;
  // Anything to read now is the end of the connection or an answer that nobody asked for.
  char byte = 0;
  const auto got = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::shared_ptr<Connection> make_connection(const Surroundings& around, Target target,
                                            TlsContext* tls) {
  if (!target.tls) return std::make_shared<Line<PlainStream>>(around, std::move(target));
  INVARIANT(tls != nullptr, "TLS was asked for without its settings");
  return std::make_shared<Line<TlsStream>>(around, std::move(target), tls->context());
}

}  // namespace dynamodb_replicator::os
