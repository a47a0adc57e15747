#include "sim/drive/crew.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "base/invariant.h"

namespace dynamodb_replicator::sim {
namespace {

constexpr std::size_t kProcessesMax = 256;
constexpr std::uint64_t kIdle = UINT64_MAX;

// What all processes see.
struct Shared {
  std::atomic<std::uint64_t> next{0};  // the first job that nobody has
  struct Slot {
    std::atomic<std::uint64_t> job{kIdle};
    std::atomic<std::uint64_t> at{0};
  };
  Slot slots[kProcessesMax];
};

struct Worker {
  pid_t process = -1;
  int pipe = -1;
  std::string received;
};

struct Frame {
  std::uint64_t job;
  std::uint64_t size;
};

void send(int pipe, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t wrote = write(pipe, bytes.data() + sent, bytes.size() - sent);
    if (wrote < 0) _exit(3);
    sent += static_cast<std::size_t>(wrote);
  }
}

class Crew {
 public:
  Crew(std::size_t jobs, unsigned processes, const Job& job,
       const std::function<void(std::size_t, Outcome)>& done)
      : jobs_(jobs), job_(job), done_(done), workers_(processes) {
    void* place =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(place != MAP_FAILED, "no memory to share with the crew");
    shared_ = new (place) Shared;
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() { munmap(shared_, sizeof(Shared)); }

  void run() {
    for (std::size_t i = 0; i < workers_.size(); ++i) hire(i);
    while (listen()) {
    }
  }

 private:
  void hire(std::size_t index) {
    int ends[2];
    INVARIANT(::pipe(ends) == 0, "no pipe for the crew");
    std::fflush(nullptr);
    const pid_t process = fork();
    INVARIANT(process >= 0, "no process for the crew");
    if (process == 0) {
      close(ends[0]);
      labour(shared_->slots[index], ends[1]);
    }
    close(ends[1]);
    workers_[index] = {process, ends[0], {}};
  }

  [[noreturn]] void labour(Shared::Slot& slot, int pipe) {
    for (;;) {
      const std::uint64_t number = shared_->next.fetch_add(1);
      if (number >= jobs_) std::exit(0);  // with what runs at exit: the leak check
      slot.job = number;
      const std::string text = job_(number, slot.at);
      const Frame frame{number, text.size()};
      std::string bytes(sizeof frame, '\0');
      std::memcpy(bytes.data(), &frame, sizeof frame);
      send(pipe, bytes + text);
      slot.job = kIdle;
    }
  }

  // False: nobody works any more.
  bool listen() {
    std::vector<pollfd> ears;
    std::vector<std::size_t> whose;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].pipe < 0) continue;
      ears.push_back({workers_[i].pipe, POLLIN, 0});
      whose.push_back(i);
    }
    if (ears.empty()) return false;
    if (poll(ears.data(), ears.size(), -1) < 0) return true;
    for (std::size_t i = 0; i < ears.size(); ++i) {
      if (ears[i].revents != 0) hear(whose[i]);
    }
    return true;
  }

  void hear(std::size_t index) {
    Worker& worker = workers_[index];
    char buffer[65536];
    const ssize_t got = read(worker.pipe, buffer, sizeof buffer);
    if (got <= 0) {
      bury(index);
      return;
    }
    worker.received.append(buffer, static_cast<std::size_t>(got));
    Frame frame{};
    while (worker.received.size() >= sizeof frame) {
      std::memcpy(&frame, worker.received.data(), sizeof frame);
      if (worker.received.size() < sizeof frame + frame.size) break;
      done_(frame.job, {worker.received.substr(sizeof frame, frame.size), {}, 0});
      worker.received.erase(0, sizeof frame + frame.size);
    }
  }

  // The process has ended: because there was nothing left, or in the middle of a job.
  void bury(std::size_t index) {
    Worker& worker = workers_[index];
    close(worker.pipe);
    worker.pipe = -1;
    int status = 0;
    waitpid(worker.process, &status, 0);
    Shared::Slot& slot = shared_->slots[index];
    const std::uint64_t job = slot.job.exchange(kIdle);
    std::string how;
    if (WIFSIGNALED(status)) {
      how = WTERMSIG(status) == SIGPROF
                ? "the run did not end within a minute of processor time"
                : std::string("the program stopped itself: ") + strsignal(WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0 || job != kIdle) {
      how = "the process ended with status " + std::to_string(WEXITSTATUS(status));
    }
    if (how.empty()) return;
    done_(job == kIdle ? jobs_ : job, {{}, how, slot.at});
    if (shared_->next < jobs_) hire(index);
  }

  std::size_t jobs_;
  const Job& job_;
  const std::function<void(std::size_t, Outcome)>& done_;
  Shared* shared_ = nullptr;
  std::vector<Worker> workers_;
};

}  // namespace

void run_in_processes(std::size_t jobs, unsigned processes, const Job& job,
                      const std::function<void(std::size_t, Outcome)>& done) {
  const std::size_t useful = std::min<std::size_t>({processes, jobs, kProcessesMax});
  if (useful > 0) Crew(jobs, static_cast<unsigned>(useful), job, done).run();
}

unsigned processors() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

}  // namespace dynamodb_replicator::sim
