"""The program under test as a child process: started by name from build/bin, watched, stopped or killed by its id."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time

from emulators import ROOT, die_with_parent

BIN = pathlib.Path(os.environ.get("DYNAMODB_REPLICATOR_BIN", ROOT / "build" / "bin"))
STOP_SECONDS_MAX = 10  # what the program promises between SIGTERM and its end


def clean_environment(home, **more):
    """No credentials, profiles or proxies of whoever runs this; nothing but what a program needs to start."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
            if name in os.environ}
    return {**kept, "HOME": str(home), **more}


class Program:
    """One running process; its standard error is kept in `log()`."""

    def __init__(self, arguments, environment=None, name="dynamodb-replicator", prefix=()):
        """prefix: a command that executes the one after it, in the same process."""
        self._home = tempfile.TemporaryDirectory(prefix="replicator-home-")
        self._out = tempfile.NamedTemporaryFile(prefix="replicator-", suffix=".out")
        self._err = tempfile.NamedTemporaryFile(prefix="replicator-", suffix=".log")
        self.arguments = [*prefix, str(BIN / name), *map(str, arguments)]
        self._process = subprocess.Popen(
            self.arguments, env=clean_environment(self._home.name, **(environment or {})),
            stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self._process.pid

    def running(self):
        return self._process.poll() is None

    def send(self, number):
        if self.running():
            self._process.send_signal(number)

    def kill(self):
        """SIGKILL, and wait until it is gone."""
        self.send(signal.SIGKILL)
        return self._process.wait()

    def wait(self, seconds):
        """The exit status; fails if it has not ended by then."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s: {self.describe()}") from None

    def stop(self, seconds=STOP_SECONDS_MAX):
        """SIGTERM; the exit status."""
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    def log(self):
        with open(self._err.name, errors="replace") as text:
            return text.read()

    def output(self):
        with open(self._out.name, errors="replace") as text:
            return text.read()

    def describe(self):
        return f"{' '.join(self.arguments)}\nstatus {self._process.poll()}; its log ends:\n{self.log()[-3000:]}"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()
        self._home.cleanup()
        self._out.close()
        self._err.close()


def run(arguments, environment=None, name="dynamodb-replicator", seconds=60, prefix=()):
    """Runs to its end: (status, standard output, standard error, seconds it took)."""
    start = time.monotonic()
    with Program(arguments, environment, name, prefix) as program:
        status = program.wait(seconds)
        return status, program.output(), program.log(), time.monotonic() - start
