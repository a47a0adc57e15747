"""DynamoDB Local (Streams on the same port) and kinesis-mock as child processes; dynalite where it is asked for.

    python3 emulators.py --run COMMAND...   runs a command with DYNAMODB_URL and KINESIS_URL set, then ends both
    python3 emulators.py                    prints the two addresses and serves until interrupted
    python3 emulators.py --dynalite ...     dynalite in place of the two: DYNAMODB_URL alone, no streams

As a library: `with Emulators() as servers: servers.dynamodb.url ...`. The two listen on every interface and cannot do
otherwise, so run this under script/netns. Each is ended by its own process id; if this process is killed, the kernel
ends them (PR_SET_PDEATHSIG), so start them from the main thread.
"""

import argparse
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("DYNAMODB_REPLICATOR_CACHE", ROOT / ".cache"))
START_SECONDS_MAX = 60
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent():
    """For preexec_fn: the child ends when this process does, however that happens."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One emulator process. Started by the constructor; answers when it returns."""

    def __init__(self, name, command, port, environment=None, directory=None):
        self.name, self.port = name, port
        self.url = f"http://127.0.0.1:{port}"
        self._log = tempfile.NamedTemporaryFile(prefix=f"{name}-", suffix=".log")
        self._process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start:\n{self.log()}")
            try:
                urllib.request.urlopen(self.url, timeout=2)
                return
            except urllib.error.HTTPError:
                return  # an answer, if not a welcome
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not answer within {START_SECONDS_MAX} s:\n{self.log()}")

    def log(self):
        with open(self._log.name, errors="replace") as text:
            return text.read()[-4000:]

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        """Ends this process and nothing else."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def _package(pattern):
    found = sorted(CACHE.glob(pattern))
    if not found:
        sys.exit(f"no {pattern} in {CACHE}: script/bootstrap fetches it")
    return found[-1]


def start_dynamodb(port=None, short_lived=False):
    """DynamoDB Local: everything in memory, one data set for all regions and credentials.

    short_lived: it serves some minutes in all, and half of its time would go to Java's second compiler.
    """
    directory = _package("amplify-dynamodb-simulator-*") / "emulator"
    java = shutil.which("java") or sys.exit("no java: script/bootstrap installs one")
    port = port or free_port()
    java_options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if short_lived else []
    return Server("dynamodb-local", [
        java, "-Xmx2g", *java_options, "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb",
        "-disableTelemetry", "-port", str(port)], port, directory=directory)


def start_kinesis(port=None, tls_port=None):
    directory = _package("kinesis-local-*")
    node = shutil.which("node") or sys.exit("no node: script/bootstrap installs one")
    port = port or free_port()
    settings = {
        "KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(tls_port or free_port()),
        "LOG_LEVEL": "ERROR", "SHARD_LIMIT": "1000", "ON_DEMAND_STREAM_COUNT_LIMIT": "1000",
        # How long the mock pretends that its operations take.
        **{f"{operation}_DURATION": "100ms" for operation in (
            "CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")},
    }
    return Server("kinesis-mock", [node, "main.js"], port, settings, directory)


def start_dynalite(port=None):
    """An independent reading of DynamoDB, in memory: tables and items; no streams and no transactions."""
    directory = _package("dynalite-*")
    node = shutil.which("node") or sys.exit("no node: script/bootstrap installs one")
    port = port or free_port()
    return Server("dynalite", [
        node, "node_modules/dynalite/cli.js", "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "100"],
        port, directory=directory)


class Emulators:
    def __init__(self, dynamodb_port=None, kinesis_port=None, short_lived=False):
        self._stack = []
        self._ports = (dynamodb_port, kinesis_port)
        self._short_lived = short_lived

    def __enter__(self):
        try:
            self.dynamodb = start_dynamodb(self._ports[0], self._short_lived)
            self._stack.append(self.dynamodb)
            self.kinesis = start_kinesis(self._ports[1])
            self._stack.append(self.kinesis)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        while self._stack:
            self._stack.pop().stop()

    def addresses(self):
        return {"DYNAMODB_URL": self.dynamodb.url, "KINESIS_URL": self.kinesis.url}


class Dynalite(contextlib.AbstractContextManager):
    def __init__(self, port=None):
        self._port = port

    def __enter__(self):
        self.dynamodb = start_dynalite(self._port)
        return self

    def __exit__(self, *unused):
        self.dynamodb.stop()

    def addresses(self):
        return {"DYNAMODB_URL": self.dynamodb.url}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dynamodb-port", type=int)
    parser.add_argument("--kinesis-port", type=int)
    parser.add_argument("--dynalite", action="store_true", help="dynalite in place of both")
    parser.add_argument("--run", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(130))
    try:
        chosen = Dynalite(options.dynamodb_port) if options.dynalite else Emulators(options.dynamodb_port, options.kinesis_port)
        with chosen as servers:
            addresses = servers.addresses()
            if options.run:
                return subprocess.run(options.run, env={**os.environ, **addresses}, check=False).returncode
            for name, url in addresses.items():
                print(f"{name}={url}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
