"""The price of fenced mode: requests, units and throughput beside fast mode, in one run, on DynamoDB Local.

    script/bench fenced [--items N] [--rounds N] [--delay MILLISECONDS]

A backlog of changes of N different items of about 200 bytes is applied by one process from one shard of a DynamoDB
Stream, by each variant in turn, round after round; each variant begins with an empty replica. Figures are medians over
the rounds; ratios are taken within a round. --delay adds so much to each write on its way, which a service in a region
has and an emulator on loopback has not.

What it prints is a Markdown table.
"""

import argparse
import pathlib
import random
import statistics
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

import tables  # noqa: E402
from emulators import Emulators, free_port  # noqa: E402
from program import Program  # noqa: E402
from proxy import WRITES, FaultyDynamoDb  # noqa: E402

SHAPE = ("S", None)
VARIANTS = {"fast": ["--mode", "fast"], "fenced, 1 stripe": ["--mode", "fenced", "--fence-stripes", "1"],
            "fenced, 8 stripes": ["--mode", "fenced", "--fence-stripes", "8"]}
SECONDS_MAX = 300
POLL_SECONDS = 0.02


def fill(dynamodb, name, items):
    dice = random.Random(1)
    for begin in range(0, items, 25):
        tables.batch_write(dynamodb, name, [
            {**tables.make_key(SHAPE, number), "text": {"S": f"{dice.getrandbits(600):x}"}, "n": {"N": str(number)}}
            for number in range(begin, min(begin + 25, items))], [])


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {name.split("{")[0].removeprefix("dynamodb_replicator_"): float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def measure(arguments, items):
    """One run over the whole backlog: items a second between the first and the last that was applied, and the metrics."""
    port = free_port()
    with Program(["replicate", *arguments, "--http", f"127.0.0.1:{port}"]) as program:
        began, first = None, 0
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            assert program.running() and time.monotonic() < deadline, program.describe()
            try:
                now = metrics(port)
            except OSError:  # it has not begun to listen
                time.sleep(POLL_SECONDS)
                continue
            applied = now["records_applied_total"]
            if applied > 0 and began is None:
                began, first = time.monotonic(), applied
            if applied >= items:
                rate = (applied - first) / (time.monotonic() - began)
                assert program.stop() == 0, program.describe()
                return rate, now
            time.sleep(POLL_SECONDS)


def run(options):
    results = {name: [] for name in VARIANTS}
    with Emulators() as servers:
        dynamodb = tables.client("dynamodb", servers.dynamodb.url)
        tables.create_table(dynamodb, "primary", SHAPE)
        fill(dynamodb, "primary", options.items)
        slow = dict(share=1.0, operations=WRITES, slow_seconds=options.delay / 1000)
        with FaultyDynamoDb(servers.dynamodb.url, ["slow"], **slow) as proxy:
            replica_url = proxy.url if options.delay else servers.dynamodb.url
            for round_ in range(options.rounds):
                for number, (name, more) in enumerate(VARIANTS.items()):
                    replica = f"replica-{round_}-{number}"
                    tables.create_table(dynamodb, replica, SHAPE, None)
                    places = [f"{servers.dynamodb.url}/primary", f"{replica_url}/{replica}"]
                    rate, seen = measure([*places, *more], options.items)
                    same = tables.content(dynamodb, "primary", SHAPE) == tables.content(dynamodb, replica, SHAPE)
                    assert same, f"{name} did not make the replica equal"
                    dynamodb.delete_table(TableName=replica)
                    results[name].append((rate, seen))
                    print(f"round {round_ + 1}, {name}: {rate:.0f} items/s", file=sys.stderr, flush=True)
    return results


def report(results, options):
    print(f"{options.items} items, {options.rounds} rounds, {options.delay} ms added to each write\n")
    print("| variant | items/s | beside fast | items a request | units an item, told | units an item, AWS |")
    print("|---|---|---|---|---|---|")
    for name, runs in results.items():
        rate = statistics.median(rate for rate, _ in runs)
        ratio = statistics.median(rate / fast for (rate, _), (fast, _) in zip(runs, results["fast"]))
        written = sum(seen["puts_total"] for _, seen in runs)
        requests = sum(seen["write_requests_total"] for _, seen in runs)
        told = sum(seen["write_units_total"] for _, seen in runs) / written
        # Items of at most 1 KB: one unit each; in a transaction two, and two more for its check.
        documented = 1 if name == "fast" else 2 + 2 * requests / written
        print(f"| {name} | {rate:.0f} | {ratio:.2f} | {written / requests:.1f} | {told:.2f} | {documented:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0)
    options = parser.parse_args()
    report(run(options), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
