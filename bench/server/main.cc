// An in-memory server that speaks enough of DynamoDB for diff-tables to be measured against, and
// counts units exactly.
//
//     bench_server [--port N] [--idle-seconds N] TABLE...      TABLE as in table.h:
//     name=primary,items=1000000,bytes=200
//
// Prints `listening PORT`. Ends when its standard input is closed, or when nothing was asked for
// long.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "http.h"
#include "service.h"

int main(int count, char** arguments) {
  int idle_seconds = 300;
  uint16_t port = 0;
  bench::Service service;
  try {
    for (int i = 1; i < count; ++i) {
      const std::string_view argument = arguments[i];
      if (argument == "--port" && i + 1 < count)
        port = static_cast<uint16_t>(std::stoi(arguments[++i]));
      else if (argument == "--idle-seconds" && i + 1 < count)
        idle_seconds = std::stoi(arguments[++i]);
      else
        service.add(bench::parse_spec(argument));
    }
    bench::HttpServer server(
        port, [&service](const bench::Request& request) { return service.answer(request); });
    std::printf("listening %u\n", server.port());
    std::fflush(stdout);
    server.serve(idle_seconds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_server: %s\n", error.what());
    return 2;
  }
  return 0;
}
