"""A runner as small as it can be: tests are named functions; the closing line counts them; nothing is skipped.

    runner.add("name of the behaviour", function)   function(world) raises to fail
    sys.exit(runner.run(world, patterns))
"""

import sys
import time
import traceback

_tests = []


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


def run(world, patterns=()):
    """Runs the tests whose name contains one of the patterns (all, if there is none). Returns the exit status."""
    chosen = [(n, f) for n, f in _tests if not patterns or any(p in n for p in patterns)]
    passed = failed = 0
    for name, function in chosen:
        start = time.monotonic()
        try:
            function(world)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a failed assertion, a helper's sys.exit: one test failed, the others go on
            failed += 1
            print(f"[failed] {name} ({time.monotonic() - start:.1f} s)", flush=True)
            traceback.print_exc()
            sys.stderr.flush()
        else:
            passed += 1
            print(f"[passed] {name} ({time.monotonic() - start:.1f} s)", flush=True)
    if not chosen:
        print("no test has such a name", file=sys.stderr)
        failed = 1
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
