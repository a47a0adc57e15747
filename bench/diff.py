"""What diff-tables reads, holds in memory and computes, on a server of our own that counts units by AWS's rules.

    script/bench diff [--items N] [--check-server]

Units: identical tables, as read units an item, beside the Node original's. Memory: peak for a million items in equal
order in four segments, and with one side in a random order. CPU: beside a loop that scans both tables and does nothing
else, and one that also finds the items in each page; with byte-equal items and with shuffled attributes.

--check-server only compares the server with an independent client: order, differences, sizes and units.
"""

import argparse
import decimal
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = ROOT / "build" / "bin"
sys.path.insert(0, str(ROOT / "tests" / "integration"))

ITEM_BYTES = 200
SEGMENTS = 4
ORIGINAL_UNITS = 1.049  # an item of 200 bytes: two scans, and a read of 0.5 units for each item on each side
UNITS_MAX = 0.05
EQUAL_ORDER_BYTES_MAX = 64 << 20
RANDOM_ORDER_BYTES_MAX = 128 << 20  # a window of 32 MiB (core/window.h), pages of 8 segments and 2 sides (core/scan_plan.h), the rest
RUN_SECONDS_MAX = 600


class Server:
    """bench_server as a child; it ends when its standard input does."""

    def __init__(self, *tables):
        self._process = subprocess.Popen([BIN / "bench_server", *tables], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline().split()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def admin(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def units(self):
        return self.admin("/__units")


def pair(items, primary="", replica=""):
    common = f"items={items},bytes={ITEM_BYTES}"
    return [f"name=primary,{common}{primary}", f"name=replica,side=replica,{common}{replica}"]


def measured(command):
    """Runs it under bench_measure: (what it used, standard output, standard error); it must succeed."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file, tempfile.TemporaryDirectory() as home:
        done = subprocess.run([BIN / "bench_measure", file.name, *map(str, command)], capture_output=True, text=True,
                              timeout=RUN_SECONDS_MAX, env={"PATH": "/usr/bin:/bin", "HOME": home}, check=False)
        assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stderr[-3000:]}"
        used = json.loads(pathlib.Path(file.name).read_text())
    used["cpu"] = used["user"] + used["system"]
    return used, done.stdout, done.stderr


def diff(server, *options):
    used, out, err = measured([BIN / "diff-tables", f"{server.url}/primary", f"{server.url}/replica", "--settle", 0, *options])
    return used, out.splitlines(), err


def plain(server, *options):
    return measured([BIN / "bench_plain", server.port, "primary", "replica", SEGMENTS, *options])[0]


def row(what, value, beside, holds=None):
    print(f"| {what} | {value} | {beside} | {'' if holds is None else 'yes' if holds else 'NO'} |", flush=True)
    return holds is not False


def measure_units(items):
    with Server(*pair(items)) as server:
        _, lines, err = diff(server)
        assert not lines and "[discrepancies] 0" in err, (lines[:3], err)
        counted = server.units()
        units = sum(counted[side]["read_units"] for side in ("primary", "replica")) / items
        requests = sum(counted["primary"]["requests"].values()) + sum(counted["replica"]["requests"].values())
    return row(f"read units an item, {items} identical items of {ITEM_BYTES} bytes ({requests} requests)", f"{units:.4f}",
               f"at most {UNITS_MAX}; the original {ORIGINAL_UNITS}, {ORIGINAL_UNITS / units:.1f} times as much", units <= UNITS_MAX)


def measure_memory(items):
    good = True
    for name, more, most in (("in equal order", "", EQUAL_ORDER_BYTES_MAX), ("one side in random order", ",order=7", RANDOM_ORDER_BYTES_MAX)):
        with Server(*pair(items, replica=more)) as server:
            used, lines, err = diff(server, "--concurrency", SEGMENTS)
            assert not lines and "[discrepancies] 0" in err, (lines[:3], err)
            units = sum(server.units()[side]["read_units"] for side in ("primary", "replica")) / items
        good &= row(f"peak memory, {items} items {name}, {SEGMENTS} segments ({used['seconds']:.1f} s, {units:.4f} units an item)",
                    f"{used['peak_bytes'] / 2**20:.1f} MiB", f"at most {most >> 20} MiB", used["peak_bytes"] <= most)
    return good


def measure_cpu(items, rounds):
    for name, more in (("byte-equal items", ""), ("shuffled attributes", ",shuffled=1")):
        with Server(*pair(items, replica=more)) as server:
            ours, scans, slices = [], [], []
            for _ in range(rounds):  # interleaved: the machine's moods are shared
                ours.append(diff(server, "--concurrency", SEGMENTS)[0]["cpu"])
                scans.append(plain(server)["cpu"])
                slices.append(plain(server, "slices")["cpu"])
        mine, loop, slicing = (statistics.median(runs) / items * 1e6 for runs in (ours, scans, slices))
        row(f"CPU an item of one table, {items} items, {name}", f"{mine:.3f} us",
            f"plain loop {loop:.3f} us ({mine / loop:.2f} times), with items found {slicing:.3f} us ({mine / slicing:.2f} times)")


def measure_differences(items):
    """Planted differences, in equal order and in a random one: each is found, once, and at which price."""
    planted = items // 300
    for name, more in (("in equal order", ""), ("one side in random order", ",order=9,shuffled=1")):
        with Server(*pair(items, f",planted={planted}", f",planted={planted}{more}")) as server:
            _, lines, err = diff(server, "--concurrency", SEGMENTS)
            counts = {kind: sum(line.startswith(f"[{kind}]") for line in lines) for kind in ("missing", "different", "extraneous")}
            assert counts == dict.fromkeys(counts, planted) and len(set(lines)) == 3 * planted, (counts, err)
            units = sum(server.units()[side]["read_units"] for side in ("primary", "replica"))
        row(f"{3 * planted} differences in {items} items {name}: all found, read units a difference beyond the scans",
            f"{(units - items * 2 * ITEM_BYTES / 4096 / 2) / (3 * planted):.2f}", "the original 2 to 3")


# ---- is the server right? --------------------------------------------------------------------------------------------


def size_of(value):
    """Bytes of one attribute value by AWS's documentation; written again, not shared with the server."""
    ((kind, content),) = value.items()
    if kind == "N":
        digits = "".join(map(str, decimal.Decimal(content).as_tuple().digits)).strip("0")
        return 1 if not digits else (len(digits) + 1) // 2 + 1 + content.startswith("-")
    if kind in ("SS", "NS", "BS"):
        return sum(size_of({kind[0]: each}) for each in content)
    if kind == "L":
        return 3 + sum(1 + size_of(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(each) for name, each in content.items())
    return 1 if kind in ("BOOL", "NULL") else len(content.encode() if kind == "S" else content)


def item_size(item):
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def pages(client, table, **options):
    return list(client.get_paginator("scan").paginate(TableName=table, ReturnConsumedCapacity="TOTAL", **options))


def check_server():
    import tables  # here alone: boto3 is slow to import and large
    from diff_oracle import Comparison
    count, planted = 20_000, 7
    with Server(*pair(count, f",planted={planted}", f",planted={planted},order=5,shuffled=1"), f"name=empty,items={count},empty=1") as server:
        client = tables.client("dynamodb", server.url)
        for consistent in (False, True):
            server.admin("/__reset")
            seen, expected = {}, 0
            for table in ("primary", "replica"):
                for segment in range(3):
                    for page in pages(client, table, Segment=segment, TotalSegments=3, ConsistentRead=consistent):
                        size = sum(map(item_size, page["Items"]))
                        assert size <= 1 << 20 and ("LastEvaluatedKey" not in page or size > (1 << 20) - ITEM_BYTES), size
                        units = max(1, -(-size // 4096)) * (1 if consistent else 0.5)
                        assert page["ConsumedCapacity"]["CapacityUnits"] == units, (units, page["ConsumedCapacity"])
                        expected += units
                        seen.setdefault(table, []).extend(item["id"]["S"] for item in page["Items"])
                        assert all(item_size(item) == ITEM_BYTES for item in page["Items"])
            counted = server.units()
            assert expected == sum(counted[table]["read_units"] for table in seen), (expected, counted)
        assert all(len(ids) == len(set(ids)) == count - planted for ids in seen.values())
        assert seen["primary"] == sorted(seen["primary"]) and seen["replica"] != sorted(seen["replica"])
        compared = Comparison((client, "primary"), (client, "replica"))
        assert {len(keys) for keys in compared.keys().values()} == {planted}, compared.keys()

        item = {"id": {"S": "one"}, "n": {"N": "-12.50"}, "b": {"B": b"\x00" * 1500}, "l": {"L": [{"M": {"x": {"NULL": True}}}]}, "ns": {"NS": ["1", "100"]}}
        for ask, units in ((dict(Key={"id": {"S": "one"}}), 0.5), (dict(Key={"id": {"S": "one"}}, ConsistentRead=True), 1)):
            put = client.put_item(TableName="empty", Item=item, ReturnConsumedCapacity="TOTAL")
            assert put["ConsumedCapacity"]["CapacityUnits"] == -(-item_size(item) // 1024), put
            got = client.get_item(TableName="empty", ReturnConsumedCapacity="TOTAL", **ask)
            assert got["Item"] == item and got["ConsumedCapacity"]["CapacityUnits"] == units, got
        some = [{"id": {"S": each}} for each in seen["primary"][:50]] + [{"id": {"S": "nothing"}}]
        batch = client.batch_get_item(RequestItems={"primary": {"Keys": some, "ConsistentRead": True}}, ReturnConsumedCapacity="TOTAL")
        assert len(batch["Responses"]["primary"]) == 50 and batch["ConsumedCapacity"][0]["CapacityUnits"] == 51, batch["ConsumedCapacity"]
        tables.batch_write(client, "empty", batch["Responses"]["primary"][:25], [])
        tables.batch_write(client, "empty", [], [{"id": {"S": "one"}}])
        assert sum(len(page["Items"]) for page in pages(client, "empty")) == 25
    print("the server agrees with an independent client: order, differences, sizes, units")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000, help="for memory and CPU")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check-server", action="store_true")
    options = parser.parse_args()
    subprocess.run(["cmake", "--build", ROOT / "build", "--target", "bench_server", "bench_plain", "bench_measure"], check=True,
                   stdout=subprocess.DEVNULL)
    check_server()
    if options.check_server:
        return 0
    print("\n| measured | | beside | holds |\n|---|---|---|---|")
    good = measure_units(100_000)
    good &= measure_memory(options.items)
    measure_differences(300_000)
    measure_cpu(options.items, options.rounds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
