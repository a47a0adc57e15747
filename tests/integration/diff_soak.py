"""Soak: writers at full speed, `replicate` running, and `diff-tables --repair` again and again; then quiet."""

import random
import threading
import time

import runner
from compared import Run
from diff_oracle import Comparison, Schema, connect
from follow import LEASE_SECONDS
from pairs import Pair
from program import run
from world import wait_until_equal

SHAPE = ("S", "N")
WRITERS = 3


class Writers:
    """Threads that change the primary as fast as they can; each has keys of its own and knows what they must hold."""

    def __init__(self, pair, keys):
        self._pair, self._stopped, self._failures = pair, threading.Event(), []
        self.changes, self.expected = 0, {}
        self._threads = [threading.Thread(target=self._run, args=(number, keys), daemon=True) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _run(self, writer, keys):
        try:
            dice, version = random.Random(writer), 0
            while not self._stopped.is_set():
                number = (dice.randrange(4) if dice.random() < 0.3 else dice.randrange(keys)) * WRITERS + writer
                key = self._pair.key(number)
                if dice.random() < 0.25:
                    self._pair.world.dynamodb.delete_item(TableName=self._pair.primary, Key=key)
                    self.expected[number] = None
                else:
                    version += 1
                    attributes = {"v": {"N": str(version)}, "w": {"N": str(writer)}}
                    self._pair.world.dynamodb.put_item(TableName=self._pair.primary, Item={**key, **attributes})
                    self.expected[number] = {**key, **attributes}
                self.changes += 1
        except BaseException as failure:
            self._failures.append(failure)
            raise

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)
        assert not self._failures, self._failures


def repair(pair, settle, seconds=120):
    url = pair.world.dynamodb_url
    done = run([f"{url}/{pair.primary}", f"{url}/{pair.replica}", "--repair", "--yes", "--settle", settle], name="diff-tables", seconds=seconds)
    schema = Schema(pair.world.dynamodb.describe_table(TableName=pair.primary)["Table"])
    return Run(schema, *done)


def soak(world, seconds, mode):
    pair = Pair(world, world.name("soak"), SHAPE, "streams", 1, 1)
    client = connect(world.dynamodb_url)
    with world.program(pair.arguments("--lease-time", LEASE_SECONDS, "--mode", mode)) as program:
        writers, runs, repaired, dice = Writers(pair, 100), 0, 0, random.Random(9)
        end = time.monotonic() + seconds
        spoiler = threading.Thread(target=spoil, args=(pair, end), daemon=True)
        spoiler.start()
        while time.monotonic() < end:
            done = repair(pair, dice.choice([0, 1]))
            # What never held still remains, and is said; nothing else goes wrong.
            assert done.status == 0, done.describe()
            runs += 1
            repaired += len(done.keys.get("repaired", ()))
        writers.stop()
        spoiler.join(30)
        wait_until_quiet(pair)
        last = repair(pair, 1)
        assert last.status == 0, last.describe()
        left = Comparison((client, pair.primary), (client, pair.replica))
        assert left.count == 0, f"{left.keys()}\n{last.describe()}\n{program.describe()}"
        assert program.stop() == 0, program.describe()
    lost = []
    for number, wanted in writers.expected.items():
        for table in (pair.primary, pair.replica):
            got = world.dynamodb.get_item(TableName=table, Key=pair.key(number), ConsistentRead=True).get("Item")
            if got != wanted:
                lost.append((table, number, got, wanted))
    assert not lost, f"{len(lost)} lost updates: {lost[:3]}"
    assert writers.changes > 20 * seconds and runs >= 2 and repaired > 0, (writers.changes, runs, repaired)
    print(f"    {mode}: {writers.changes} changes, {runs} repairs beside them, {repaired} keys repaired", flush=True)


def spoil(pair, end):
    """Damages the replica now and then where the writers do not write, so that there is something to repair."""
    dice, number = random.Random(10), 10**6
    while time.monotonic() < end - 3:
        number += 1
        pair.world.dynamodb.put_item(TableName=pair.replica, Item={**pair.key(number), "v": {"S": "nobody put this on the primary"}})
        time.sleep(dice.uniform(0.05, 0.3))


def wait_until_quiet(pair):
    """Until the replicator has nothing more to do: the replica, extraneous items aside, holds what the primary holds."""
    deadline = time.monotonic() + 90
    while True:
        missing, different, extraneous = pair.differences()
        del extraneous
        if not missing and not different:
            return
        assert time.monotonic() < deadline, f"{len(missing)} missing, {len(different)} different after 90 s of quiet"
        time.sleep(0.5)


@runner.test("diff_soak.repair_beside_writers_and_a_replicator")
def _(world):
    soak(world, 180 if world.long else 20, "fast")


@runner.test("diff_soak.repair_beside_writers_and_a_fenced_replicator")
def _(world):
    soak(world, 60 if world.long else 15, "fenced")


@runner.test("diff_soak.backfill_beside_writers_and_a_replicator")
def _(world):
    pair = Pair(world, world.name("soakfill"), SHAPE, "streams", 1, 2)
    url = world.dynamodb_url
    with world.program(pair.arguments("--lease-time", LEASE_SECONDS)) as program:
        writers = Writers(pair, 100)
        end = time.monotonic() + (60 if world.long else 8)
        while time.monotonic() < end:
            status, out, err, _ = run([f"{url}/{pair.primary}", f"{url}/{pair.replica}", "--backfill", "--repair"], name="diff-tables", seconds=60)
            assert status == 0, out + err
        writers.stop()
        wait_until_equal(pair, 60)
        assert program.stop() == 0, program.describe()
    for number, wanted in writers.expected.items():
        got = world.dynamodb.get_item(TableName=pair.replica, Key=pair.key(number), ConsistentRead=True).get("Item")
        assert got == wanted, (number, got, wanted)
