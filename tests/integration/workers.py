"""Several processes on one stream: they share its shards, take over from a dead one, and never undo each other."""

import contextlib
import random

import records
import runner
import tables
from follow import EQUAL_SECONDS_MAX, LEASE_SECONDS
from pairs import Pair, shard_of
from watcher import CheckpointWatcher
from world import wait_until, wait_until_equal

SHARE_SECONDS_MAX = 60


def shards_by_owner(world, pair):
    """{owner: set of unfinished shards}, from the lease table."""
    found = {}
    for (_, row), values in world.lease_rows(pair.leases).items():
        if row.startswith("shard#") and values.get("owner") and not values.get("finished"):
            found.setdefault(values["owner"], set()).add(row)
    return found


def checkpoints(world, pair):
    return {row: int(values.get("checkpoint") or "0") for (_, row), values in world.lease_rows(pair.leases).items()
            if row.startswith("shard#")}


@contextlib.contextmanager
def two_on_two_shards(world, pair, arguments):
    """Two workers that own one shard each. Both may reach for the same shard first, and the winner take both: then
    they are started again."""
    for _ in range(8):
        with world.program(arguments) as first, world.program(arguments) as second:
            wait_until(lambda: sum(map(len, shards_by_owner(world, pair).values())) == 2, SHARE_SECONDS_MAX, "both shards owned")
            if len(shards_by_owner(world, pair)) == 2:
                yield first, second
                return
            assert first.stop() == 0 and second.stop() == 0, (first.describe(), second.describe())
    raise AssertionError("eight times one worker took both shards")


@runner.test("workers.two_share_four_shards_and_one_finishes_after_the_other_is_killed")
def _(world):
    pair = Pair(world, world.name("share"), ("S", "N"), "kinesis", 400, 1)
    world.kinesis.update_shard_count(StreamName=pair.stream, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    world.wait_for_stream(pair.stream)
    assert len(world.open_shards(pair.stream)) == 4
    arguments = pair.arguments("--lease-time", LEASE_SECONDS)
    with world.program(arguments) as first, world.program(arguments) as second:
        wait_until(lambda: sorted(map(len, shards_by_owner(world, pair).values())) == [2, 2],
                   SHARE_SECONDS_MAX, "two owners of two shards each")
        owners = shards_by_owner(world, pair)
        before = checkpoints(world, pair)
        pair.change(2_000 if world.long else 600)
        wait_until_equal(pair, EQUAL_SECONDS_MAX)

        def both_advanced():
            now = checkpoints(world, pair)
            return all(any(now[row] > before[row] for row in rows) for rows in owners.values())
        wait_until(both_advanced, 60, "checkpoints of both workers")

        watcher = CheckpointWatcher(world, [pair.leases])
        pair.change(300)
        first.kill()
        pair.change(1_000 if world.long else 300)
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        wait_until(lambda: list(map(len, shards_by_owner(world, pair).values())) == [4],
                   SHARE_SECONDS_MAX, "one owner of all four shards")
        assert second.stop() == 0, second.describe()
        watcher.assert_never_back()
    assert not shards_by_owner(world, pair), "leases are still held after SIGTERM"


@runner.test("workers.puts_and_deletes_of_one_key_on_two_shards_with_two_workers")
def _(world):
    # The original's producer makes the partition key from the caller's attribute order: one item, two shards.
    pair = Pair(world, world.name("twoshards"), ("S", "N"), "kinesis", 1, 2)
    dice = random.Random(5)
    keys = []
    for number in range(400):
        key = pair.key(number)
        places = {shard_of(world.kinesis, pair.stream, records.dyno(dice, key, backwards=turned)) for turned in (False, True)}
        if len(places) == 2:
            keys.append(key)
        if len(keys) == 8:
            break
    assert len(keys) == 8
    arguments = pair.arguments("--lease-time", LEASE_SECONDS)
    with two_on_two_shards(world, pair, arguments) as (first, second):
        for version in range(400 if world.long else 120):
            entries = []
            for key in dice.sample(keys, 4):
                world.dynamodb.put_item(TableName=pair.primary, Item={**key, **tables.every_type(dice, version)})
                entries.append(records.dyno(dice, key, "INSERT", backwards=False))
                if dice.random() < 0.6:
                    world.dynamodb.delete_item(TableName=pair.primary, Key=key)
                    entries.append(records.dyno(dice, key, "REMOVE", backwards=True))
            answer = world.kinesis.put_records(StreamName=pair.stream, Records=entries)
            assert answer["FailedRecordCount"] == 0
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        assert first.stop() == 0, first.describe()
        assert second.stop() == 0, second.describe()
    pair.assert_equal()
