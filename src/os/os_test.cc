// Small doors: files, environment, log, clock, dice.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "os/clock.h"
#include "os/dice.h"
#include "os/environment.h"
#include "os/files.h"
#include "os/log.h"

namespace dynamodb_replicator::os {
namespace {

struct Directory {
  std::string path;
  Directory() {
    std::string name = testing::TempDir() + "os_test_XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Directory() {
    const std::string command = "rm -rf '" + path + "'";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
};

Result<void> append(Files& files, const std::string& path, const std::string& line) {
  auto task = files.append_line(path, line);
  task.start();
  return task.take();
}

TEST(Files, AppendsWholeLinesAndHealsATornOne) {
  const Directory directory;
  const std::string path = directory.path + "/dead";
  Files files;
  EXPECT_FALSE(files.read(path)->has_value());
  ASSERT_TRUE(files.probe_append(path));
  EXPECT_EQ(**files.read(path), "");
  ASSERT_TRUE(append(files, path, "one"));
  std::ofstream(path, std::ios::app) << "to";
  ASSERT_TRUE(append(files, path, "three"));
  ASSERT_TRUE(append(files, path, "four"));
  EXPECT_EQ(**files.read(path), "one\nto\nthree\nfour\n");
  struct stat facts {};
  ::stat(path.c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

Result<void> replace(Files& files, const std::string& path, const std::string& text) {
  auto task = files.replace(path, text);
  task.start();
  return task.take();
}

TEST(Files, AReplacedFileIsWholeAndNothingIsLeftBeside) {
  const Directory directory;
  const std::string path = directory.path + "/state";
  Files files;
  ASSERT_TRUE(replace(files, path, std::string(100'000, 'a')));
  ASSERT_TRUE(replace(files, path, "b"));
  EXPECT_EQ(**files.read(path), "b");
  EXPECT_FALSE(files.read(path + ".new")->has_value());
  EXPECT_FALSE(replace(files, directory.path + "/none/state", "b"));
}

TEST(Files, ASpillIsReadAtAnyOffset) {
  const Directory directory;
  Files files;
  ASSERT_TRUE(files.make_directories(directory.path + "/made/below"));
  auto scratch = files.scratch(directory.path + "/made/below");
  ASSERT_TRUE(scratch);
  ASSERT_TRUE((*scratch)->append("hello "));
  ASSERT_TRUE((*scratch)->append("world"));
  EXPECT_EQ((*scratch)->size(), 11U);
  EXPECT_EQ(*(*scratch)->read(4, 4), "o wo");
  EXPECT_EQ(*(*scratch)->read(9, 100), "ld");
  EXPECT_TRUE((*scratch)->sync());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path + "/made/below")) << "it has no name";

  const std::string path = directory.path + "/named";
  {
    auto first = files.spill(path);
    ASSERT_TRUE(first);
    ASSERT_TRUE((*first)->append("one"));
  }
  auto again = files.spill(path);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->size(), 3U);
  ASSERT_TRUE((*again)->append("two"));
  EXPECT_EQ(*(*again)->read(2, 2), "et");
  ASSERT_TRUE(files.remove(path));
  EXPECT_TRUE(files.remove(path)) << "there is none";
  EXPECT_FALSE(files.read(path)->has_value());
}

TEST(Files, FailuresAreSentences) {
  Files files;
  const auto none = files.probe_append("/nonexistent/x");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, FailureKind::configuration);
  EXPECT_EQ(none.error().message, "cannot create /nonexistent/x: No such file or directory");
  EXPECT_FALSE(files.read("/"));
  EXPECT_FALSE(files.read("/dev/zero"));
}

TEST(Files, ALockIsHeldOnceAndGoneWithItsHolder) {
  const Directory directory;
  Files files;
  ASSERT_TRUE(files.make_directories(directory.path + "/a/b"));
  ASSERT_TRUE(files.make_directories(directory.path + "/a/b"));
  const std::string path = directory.path + "/a/b/lock";
  for (int i = 0; i < 2; ++i) {
    auto held = files.lock(path);
    ASSERT_TRUE(held && *held);
    EXPECT_TRUE(files.read(path)->has_value());
    const auto second = files.lock(path);
    ASSERT_TRUE(second);
    EXPECT_EQ(*second, nullptr);
    held->reset();
    EXPECT_FALSE(files.read(path)->has_value());
  }
  EXPECT_FALSE(files.lock("/nonexistent/lock").ok());
  EXPECT_FALSE(files.make_directories("/dev/null/x").ok());
}

TEST(Files, ALockGoesWithAProcessThatIsKilled) {
  const Directory directory;
  Files files;
  const std::string path = directory.path + "/lock";
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = files.lock(path);
    const char told = held && *held ? 'y' : 'n';
    static_cast<void>(!::write(ready[1], &told, 1));
    ::alarm(60);
    for (;;) ::pause();
  }
  char told = 0;
  EXPECT_EQ(::read(ready[0], &told, 1), 1);
  EXPECT_EQ(told, 'y');
  EXPECT_EQ(*files.lock(path), nullptr);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NE(*files.lock(path), nullptr);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(Environment, CommandsAndNames) {
  Clock clock;
  Environment environment(clock);
  EXPECT_EQ(*environment.run_command("printf 'a b'; echo secret >&2"), "a b");
  EXPECT_EQ(environment.run_command("exit 3").error().message, "exit status 3");
  EXPECT_EQ(environment.run_command("kill -9 $$").error().message, "ended by signal 9");
  EXPECT_EQ(*environment.run_command("cat"), "");  // there is no input
  EXPECT_EQ(environment.run_command("cat /dev/zero").error().message, "its output is too long");
  EXPECT_TRUE(environment.process_name().ends_with("@" + std::to_string(::getpid())));
  EXPECT_TRUE(environment.variable("PATH").has_value());
  EXPECT_FALSE(environment.variable("SURELY_NOT_SET_ANYWHERE").has_value());
  EXPECT_FALSE(environment.home().empty());
}

TEST(Log, TextAndJson) {
  const WallTime at(std::chrono::microseconds(1767323045678901));
  const std::vector<async::Log::Field> fields = {
      {"shard", "s-1"}, {"why", "a \"b\"=c"}, {"no", ""}};
  EXPECT_EQ(
      format_event(LogForm::text, at, async::Level::info, "lease\ntaken", fields),
      "2026-01-02T03:04:05.678Z info    lease taken  shard=s-1 why=\"a \\\"b\\\"=c\" no=\"\"\n");
  EXPECT_EQ(format_event(LogForm::json, at, async::Level::warning, "x\xff", {{"k", "\n"}}),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warning\",\"message\":\"x?\","
            "\"k\":\"\\n\"}\n");
  EXPECT_EQ(parse_level("warn"), async::Level::warning);
  EXPECT_FALSE(parse_level("loud"));
  EXPECT_FALSE(parse_log_form("xml"));
}

TEST(Log, SaysOnlyWhatIsImportantEnough) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Clock clock;
  Log log(clock, LogForm::text, async::Level::warning, pipe[1]);
  log.info("quiet");
  log.error("loud");
  char text[256];
  const auto got = ::read(pipe[0], text, sizeof text);
  const std::string line(text, static_cast<std::size_t>(got));
  EXPECT_NE(line.find(" error   loud\n"), std::string::npos);
  EXPECT_EQ(line.find("quiet"), std::string::npos);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Clock, GoesForward) {
  Clock clock;
  const Instant first = clock.now();
  EXPECT_LE(first, clock.now());
  EXPECT_GT(clock.wall(), WallTime(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)));
}

TEST(Dice, DoNotRepeat) {
  Dice dice;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(dice.roll());
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace dynamodb_replicator::os
