"""What script/demo shows, once everything is built: two tables, an independent client (boto3), and the program between.

Writes while the program runs, measures how long a change takes to be seen on the replica, compares both tables at
the end, and exits non-zero unless they are equal.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))

import records  # noqa: E402
import tables  # noqa: E402
from emulators import ROOT, Emulators  # noqa: E402
from program import Program  # noqa: E402

SHAPE = ("S", "N")  # the demo's tables: a string hash key, a number range key
HOT_KEYS = 5
COLD_KEYS = 1500
BATCH = 15
WRITERS = 3
PROBE_SECONDS_BETWEEN = 0.05
EQUAL_SECONDS_MAX = 120


class Writer:
    """Changes the primary at random; `announce` is told the changed keys after each change was acknowledged."""

    def __init__(self, dynamodb, table, seed, announce):
        self._dynamodb, self._table, self._announce = dynamodb, table, announce
        self._dice = random.Random(seed)
        self.counts = {"puts": 0, "updates": 0, "deletes": 0, "on hot keys": 0}

    def run(self, until):
        version = 0
        while time.monotonic() < until:
            version += 1
            if self._dice.random() < 0.2:
                self._batch(version)
            else:
                self._one(version)

    def _key(self):
        hot = self._dice.random() < 0.25
        self.counts["on hot keys"] += hot
        return tables.make_key(SHAPE, self._dice.randrange(HOT_KEYS) if hot else HOT_KEYS + self._dice.randrange(COLD_KEYS))

    def _one(self, version):
        key = self._key()
        kind = self._dice.choices(["puts", "updates", "deletes"], [6, 3, 2])[0]
        if kind == "puts":
            self._dynamodb.put_item(TableName=self._table, Item={**key, **tables.every_type(self._dice, version)})
        elif kind == "deletes":
            self._dynamodb.delete_item(TableName=self._table, Key=key)
        else:
            self._dynamodb.update_item(
                TableName=self._table, Key=key, UpdateExpression="SET touched = :v ADD visits :one",
                ExpressionAttributeValues={":v": {"N": str(version)}, ":one": {"N": "1"}})
        self.counts[kind] += 1
        self._announce(self._dice, [(key, {"puts": "INSERT", "updates": "MODIFY", "deletes": "REMOVE"}[kind])])

    def _batch(self, version):
        """A batch of puts, as a bulk load writes them."""
        keys = {str(key): key for key in (self._key() for _ in range(BATCH))}.values()
        tables.batch_write(self._dynamodb, self._table, [{**key, **tables.every_type(self._dice, version)} for key in keys])
        self.counts["puts"] += len(keys)
        self._announce(self._dice, [(key, "INSERT") for key in keys])


class Probe:
    """Puts an item every now and then and looks for it on the replica: the lag that a client sees."""

    def __init__(self, dynamodb, primary, replica, announce):
        self._dynamodb, self._primary, self._replica, self._announce = dynamodb, primary, replica, announce
        self._waiting = {}  # number -> when the put was acknowledged
        self._lock = threading.Lock()
        self.lags = []
        self.lost = 0

    def _key(self, number):
        return {"h": {"S": "probe"}, "r": {"N": str(number)}}

    def write(self, until):
        number, dice = 0, random.Random(7)
        while time.monotonic() < until:
            self._dynamodb.put_item(TableName=self._primary, Item=self._key(number))
            acknowledged = time.monotonic()
            self._announce(dice, [(self._key(number), "INSERT")])
            with self._lock:
                self._waiting[number] = acknowledged
            number += 1
            time.sleep(PROBE_SECONDS_BETWEEN)

    def watch(self, until):
        while time.monotonic() < until + 30:
            with self._lock:
                asked = sorted(self._waiting)[:100]
            if not asked:
                if time.monotonic() > until:
                    return
                time.sleep(0.005)
                continue
            answer = self._dynamodb.batch_get_item(RequestItems={
                self._replica: {"Keys": [self._key(n) for n in asked], "ConsistentRead": True}})
            seen = time.monotonic()
            with self._lock:
                for item in answer["Responses"].get(self._replica, []):
                    self.lags.append(seen - self._waiting.pop(int(item["r"]["N"])))
            time.sleep(0.005)
        self.lost = len(self._waiting)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def wait_until_equal(dynamodb, primary, replica):
    deadline = time.monotonic() + EQUAL_SECONDS_MAX
    while True:
        left, right = (tables.content(dynamodb, table, SHAPE) for table in (primary, replica))
        found = tables.differences(left, right)
        if not any(found) or time.monotonic() > deadline:
            return len(left), found
        time.sleep(0.5)


def follow(title, program, dynamodb, primary, replica, seconds, announce):
    """Lets clients write while `program` runs, then compares. True if the replica ended equal."""
    command = [os.path.relpath(program.arguments[0], ROOT), *program.arguments[1:]]
    print(f"\n== {title}\n   $ {' '.join(command)}", flush=True)
    until = time.monotonic() + seconds
    writers = [Writer(dynamodb, primary, seed, announce) for seed in range(WRITERS)]
    probe = Probe(dynamodb, primary, replica, announce)
    work = [threading.Thread(target=writer.run, args=(until,), daemon=True) for writer in writers]
    work += [threading.Thread(target=run, args=(until,), daemon=True) for run in (probe.write, probe.watch)]
    for thread in work:
        thread.start()
    for thread in work:
        while thread.is_alive():
            thread.join(0.5)
            if not program.running():
                print(f"   it ended by itself:\n{program.describe()}")
                return False
    items, found = wait_until_equal(dynamodb, primary, replica)
    status = program.stop()

    counts = {name: sum(writer.counts[name] for writer in writers) for name in writers[0].counts}
    counts["puts"] += len(probe.lags) + probe.lost
    changes = counts["puts"] + counts["updates"] + counts["deletes"]
    print(f"   items    {items}")
    print(f"   changes  {changes} in {seconds} s ({', '.join(f'{n} {name}' for name, n in counts.items())}; all ten types)")
    if probe.lags:
        print(f"   lag      p50 {percentile(probe.lags, 0.5) * 1000:.0f} ms, p99 {percentile(probe.lags, 0.99) * 1000:.0f} ms"
              f" ({len(probe.lags)} samples, from acknowledged on the primary to seen on the replica)")
    if any(found) or probe.lost or status != 0:
        print(f"   NOT EQUAL: {len(found[0])} missing, {len(found[1])} different, {len(found[2])} extraneous,"
              f" {probe.lost} probes never seen, exit status {status}\n{program.describe()}")
        return False
    print(f"   equal    all {items} items, compared by boto3; SIGTERM ended it with status 0", flush=True)
    return True


def over_dynamodb_streams(servers, dynamodb, seconds):
    tables.create_table(dynamodb, "primary", SHAPE)
    tables.create_table(dynamodb, "replica", SHAPE, stream_view=None)
    url = servers.dynamodb.url
    with Program(["replicate", f"{url}/primary", f"{url}/replica"]) as program:
        return follow("over DynamoDB Streams", program, dynamodb, "primary", "replica", seconds, lambda *unused: None)


def over_kinesis(servers, dynamodb, seconds):
    tables.create_table(dynamodb, "primary-2", SHAPE, stream_view=None)
    tables.create_table(dynamodb, "replica-2", SHAPE, stream_view=None)
    kinesis = tables.client("kinesis", servers.kinesis.url)
    kinesis.create_stream(StreamName="changes", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName="changes", WaiterConfig={"Delay": 1})

    def announce(dice, changed):  # what mapbox's dyno does after each write
        entries = [records.dyno(dice, key, event) for key, event in changed]
        if len(entries) == 1:
            kinesis.put_record(StreamName="changes", **entries[0])
        else:
            kinesis.put_records(StreamName="changes", Records=entries)

    environment = {
        "PrimaryRegion": tables.REGION, "PrimaryTable": "primary-2", "PrimaryEndpoint": servers.dynamodb.url,
        "ReplicaRegion": tables.REGION, "ReplicaTable": "replica-2", "ReplicaEndpoint": servers.dynamodb.url}
    arguments = ["--stream", "changes", "--table", "kinesis-cluster-replica",
                 "--kinesis-endpoint", servers.kinesis.url, "--dynamo-endpoint", servers.dynamodb.url]
    with Program(arguments, environment, "launch-kinesis-cluster") as program:
        return follow("over Kinesis, with keys-only records as mapbox's dyno writes them", program, dynamodb,
                      "primary-2", "replica-2", seconds, announce)


NEXT = """
For your own tables (with a stream on the primary; credentials and regions as the AWS CLI finds them):
  build/bin/dynamodb-replicator replicate us-east-1/primary eu-west-1/replica
  build/bin/dynamodb-replicator replicate us-east-1/primary eu-west-1/replica --kinesis us-east-1/stream
  build/bin/dynamodb-replicator --help"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="how long clients write in each part (20)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(130))
    try:
        with Emulators() as servers:
            print(f"DynamoDB Local answers at {servers.dynamodb.url}, kinesis-mock at {servers.kinesis.url}", flush=True)
            dynamodb = tables.client("dynamodb", servers.dynamodb.url)
            good = over_dynamodb_streams(servers, dynamodb, options.seconds)
            good = over_kinesis(servers, dynamodb, options.seconds) and good
    except KeyboardInterrupt:
        print("interrupted; everything that was started is ended")
        return 130
    print(NEXT)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
