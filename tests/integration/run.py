"""Integration tests: the built program as real processes against DynamoDB Local and kinesis-mock.

    script/netns /usr/bin/python3 tests/integration/run.py [--all] [--jobs N] [--list] [NAME...]

--all runs the long form: 50,000 changes and ten kills for each source. NAME: only tests whose name contains it.
--jobs N runs N at once, each process with servers and a network of its own; where no such network can be made the
tests run one after the other. The last line is `N passed, N failed`.
"""

import argparse
import os
import pathlib
import signal
import sys

import runner
from emulators import die_with_parent
from world import World

import diff  # noqa: F401  each of these registers its tests
import diff_moving  # noqa: F401
import diff_repair  # noqa: F401
import diff_runs  # noqa: F401
import diff_soak  # noqa: F401
import follow  # noqa: F401
import habits  # noqa: F401
import install  # noqa: F401
import late  # noqa: F401
import one_item  # noqa: F401
import one_key  # noqa: F401
import operators  # noqa: F401
import refusals  # noqa: F401
import signer  # noqa: F401
import signing  # noqa: F401
import tls  # noqa: F401
import workers  # noqa: F401


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the long form")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at once (1)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="print the tests' names")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.list:
        print("\n".join(runner.names()))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as an interrupt does, through every finally
    inside = os.environ.pop("DYNAMODB_REPLICATOR_NETNS", None)
    try:
        if options.jobs > 1 and inside:
            here = pathlib.Path(__file__).resolve()
            worker = [here.parents[2] / "script" / "netns", sys.executable, here, "--worker", *(["--all"] if options.all else [])]
            return runner.share(list(map(str, worker)), options.jobs, options.names)
        if options.worker:
            die_with_parent()
        with World(options.all) as world:
            return runner.serve(world) if options.worker else runner.run(world, options.names)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
