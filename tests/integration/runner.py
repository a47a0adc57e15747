"""A runner as small as it can be: tests are named functions; the closing line counts them; nothing is skipped.

    runner.add("name of the behaviour", function)   function(world) raises to fail
    sys.exit(runner.run(world, patterns))           here, one after the other
    sys.exit(runner.share(command, jobs, patterns)) in `jobs` processes at once: each is `command`, which calls serve()

Most of a test's time is waiting (for leases to end, for doubt to pass), so two at once end sooner.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback

_tests = []
# Tests whose names begin so take longest: begun first, so that they do not stand alone at the end.
LONG = ("follow.", "diff_soak.", "late.", "workers.")
# DynamoDB Local describes the stream anew for every GetRecords, which takes longer the more records it keeps: after a
# test that leaves 50,000 of them, the next such test mostly waits. Each of these has servers of its own.
FILLING = ("follow.", "diff_soak.")


def add(name, function):
    assert name not in [known for known, _ in _tests], name
    _tests.append((name, function))


def test(name):
    """Decorator form of add()."""
    def register(function):
        add(name, function)
        return function
    return register


def names():
    return [name for name, _ in _tests]


def chosen(patterns):
    """The tests whose name contains one of the patterns; all, if there is none."""
    return [(n, f) for n, f in _tests if not patterns or any(p in n for p in patterns)]


def passes(function, world):
    """Runs one test; says why it failed."""
    try:
        function(world)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a failed assertion, a helper's sys.exit: one test failed, the others go on
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        return False
    return True


def tell(name, passed, seconds, output=""):
    print(f"{output}[{'passed' if passed else 'failed'}] {name} ({seconds:.1f} s)", flush=True)


def close(results, wanted):
    """The closing line; the exit status. A test that was wanted and has no result has failed."""
    if not wanted:
        print("no test has such a name", file=sys.stderr)
    failed = results.count(False) + (wanted - len(results)) + (not wanted)
    print(f"{results.count(True)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def run(world, patterns=()):
    """Runs the tests whose name contains one of the patterns (all, if there is none). Returns the exit status."""
    results = []
    for name, function in chosen(patterns):
        start = time.monotonic()
        results.append(passes(function, world))
        tell(name, results[-1], time.monotonic() - start)
    return close(results, len(results))


# ---- several at once ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def printed_to(text):
    """Whatever this process and its children print meanwhile goes into that file."""
    sys.stdout.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    for number, _ in kept:
        os.dup2(text.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)


def serve(world):
    """A worker of share(): runs the tests whose names come on standard input, answers with a line of JSON for each."""
    functions = dict(_tests)
    for line in sys.stdin:
        start = time.monotonic()
        with tempfile.TemporaryFile("w+", errors="replace") as text:
            with printed_to(text):
                passed = passes(functions[line.strip()], world)
            text.seek(0)
            output = text.read()
        print(json.dumps({"passed": passed, "seconds": time.monotonic() - start, "output": output}), flush=True)
    return 0


def dismiss(worker):
    """Its servers end with it."""
    worker.stdin.close()
    worker.wait()


def share(command, jobs, patterns=()):
    """run(), but in `jobs` processes. One that dies has failed the test it was at; another takes its place, as it does
    after a test that fills the servers."""
    waiting = sorted((n for n, _ in chosen(patterns)), key=lambda name: not name.startswith(LONG))
    wanted = len(waiting)
    results, lock = [], threading.Lock()

    def work():
        worker = None
        while True:
            with lock:
                if not waiting:
                    break
                name = waiting.pop(0)
            start = time.monotonic()
            if worker is None:
                worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            answer = ""
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.write(name + "\n")
                worker.stdin.flush()
                answer = worker.stdout.readline()
            if answer.startswith("{"):
                told = json.loads(answer)
            else:
                worker.kill()
                told = {"passed": False, "seconds": time.monotonic() - start,
                        "output": f"the worker ended with status {worker.wait()} {answer}\n"}
                worker = None
            if worker is not None and name.startswith(FILLING):
                dismiss(worker)
                worker = None
            with lock:
                results.append(told["passed"])
                tell(name, told["passed"], told["seconds"], told["output"])
        if worker is not None:
            dismiss(worker)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return close(results, wanted)
