"""Writes that land late: of a worker that slept past its lease, of one that died, and those whose answer is lost.

Each is shown in both modes. Fenced: the service refuses what comes late, so the replica never goes back. Fast: what
comes late within D (15 s) of its deadline is applied, and the owner of the shard reads the key again after that time
and repairs it before its checkpoint passes; what comes later still is the stated residual, shown here as it is.
"""

import signal
import time

import runner
import tables
from pairs import Pair
from proxy import WRITES, FaultyDynamoDb, written_keys
from watcher import ItemWatcher
from world import wait_until, wait_until_equal

SHAPE = ("S", None)
MODES = ("fast", "fenced")
LEASE_SECONDS = 3
DOUBT_SECONDS = 15  # D
EQUAL_SECONDS_MAX = 60
QUIET_SECONDS = 2  # how long nothing must happen where nothing should


def key_of(number):
    return tables.make_key(SHAPE, number)


def put(pair, number, value):
    pair.world.dynamodb.put_item(TableName=pair.primary, Item={**key_of(number), "v": {"N": str(value)}})


def behind(proxy, pair, *more):
    """The pair's command line, all of it through the proxy."""
    return [str(a).replace(pair.world.dynamodb_url, proxy.url) for a in pair.arguments(*more)]


def owners(world, pair):
    return {values.get("owner") for (_, row), values in world.lease_rows(pair.leases).items()
            if row.startswith("shard#") and not values.get("finished")}


def checkpoints(world, pair):
    return {row: int(values.get("checkpoint") or "0") for (_, row), values in world.lease_rows(pair.leases).items()
            if row.startswith("shard#")}


def last_sequence(world, pair):
    """The sequence number of the newest record of the primary's stream."""
    streams = tables.client("dynamodbstreams", world.dynamodb_url)
    arn = world.dynamodb.describe_table(TableName=pair.primary)["Table"]["LatestStreamArn"]
    newest = 0
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for record in streams.get_records(ShardIterator=iterator)["Records"]:
            newest = max(newest, int(record["dynamodb"]["SequenceNumber"]))
    return newest


class Takeover:
    """A worker behind a proxy has a put of value 1 in flight; another one takes its shard over and brings value 2."""

    def __init__(self, world, mode):
        self.world, self.mode = world, mode
        self.pair = Pair(world, world.name("late"), SHAPE, "streams", 10, 1)
        self.more = ["--mode", mode, "--lease-time", LEASE_SECONDS]
        self.proxy = FaultyDynamoDb(world.dynamodb_url, [])
        self.old = world.program(behind(self.proxy, self.pair, *self.more))
        self.new = self.watcher = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for one in (self.watcher, self.old, self.new, self.proxy):
            if one:
                one.__exit__()

    def begin(self, after_catching):
        """`after_catching` is done to the old worker while its put is on the way."""
        put(self.pair, 0, 100)
        wait_until_equal(self.pair, EQUAL_SECONDS_MAX)
        first_owner = owners(self.world, self.pair)
        held = self.proxy.hold(WRITES, lambda request: key_of(1)["h"] in written_keys(request, self.pair.replica))
        put(self.pair, 1, 1)
        assert held.caught.wait(20), f"no write came\n{self.old.describe()}"
        after_catching(self.old)
        self.new = self.world.program(self.pair.arguments(*self.more))
        put(self.pair, 1, 2)
        self.watcher = ItemWatcher(self.world.dynamodb, self.pair.replica, key_of(1), "v")
        wait_until(lambda: self.watcher.latest == "2", 30, f"the newer value\n{self.new.describe()}")
        assert owners(self.world, self.pair).isdisjoint(first_owner), "nothing was taken over"
        return held

    def release(self, held):
        """Lets the late write through, and wants of it what the mode promises."""
        status, answer = held.release()
        if self.mode == "fenced":
            reasons = [reason["Code"] for reason in answer.get("CancellationReasons", [])]
            assert (status, answer.get("__type", "").rpartition("#")[2]) == (400, "TransactionCanceledException"), (status, answer)
            assert reasons[0] == "ConditionalCheckFailed" and set(reasons[1:]) == {"None"}, reasons
        else:
            assert status == 200, (status, answer)
            wait_until(lambda: self.watcher.steps_back()[0] == 1, 5, "the late value, which fast mode lets through")

    def assert_right_in_the_end(self):
        """Fenced: never back. Fast: back once, for less than D and a lease, and repaired by the delayed read."""
        if self.mode == "fast":
            wait_until(lambda: self.watcher.latest == "2", DOUBT_SECONDS + 10, f"the repair\n{self.new.describe()}")
        time.sleep(QUIET_SECONDS)
        wait_until_equal(self.pair, EQUAL_SECONDS_MAX)
        times, seconds = self.watcher.steps_back()
        print(f"    {self.mode}: the replica went back {times} times, for {seconds:.1f} s in all", flush=True)
        assert times == (0 if self.mode == "fenced" else 1), self.watcher.values
        assert seconds < DOUBT_SECONDS + LEASE_SECONDS + 2, self.watcher.values


for _mode in MODES:
    @runner.test(f"late.{_mode}.a_worker_that_slept_past_its_lease_wakes_with_a_put_in_flight")
    def _(world, mode=_mode):
        with Takeover(world, mode) as scene:
            held = scene.begin(lambda worker: worker.send(signal.SIGSTOP))
            scene.proxy.recorded = WRITES
            scene.old.send(signal.SIGCONT)
            scene.release(held)
            scene.assert_right_in_the_end()
            assert not scene.proxy.seen, f"it wrote after it had lost its lease: {scene.proxy.seen}"
            for worker in (scene.old, scene.new):
                assert worker.stop() == 0, worker.describe()

    @runner.test(f"late.{_mode}.a_dead_workers_put_lands_after_the_takeover")
    def _(world, mode=_mode):
        with Takeover(world, mode) as scene:
            held = scene.begin(lambda worker: worker.kill())
            scene.release(held)
            scene.assert_right_in_the_end()
            assert scene.new.stop() == 0, scene.new.describe()

    @runner.test(f"late.{_mode}.a_write_whose_answer_is_dropped_is_tried_again_a_bounded_number_of_times")
    def _(world, mode=_mode):
        # The stream names each key once. A key is sent again only for an answer of its own that was dropped, never more.
        keys, drops = 60, 4
        pair = Pair(world, world.name("dropped"), SHAPE, "streams", keys, 1)
        for number in range(keys):
            put(pair, number, number)

        def writes_items(request):  # a fenced worker also asks at its start whether there are transactions
            return bool(written_keys(request, pair.replica))
        with FaultyDynamoDb(world.dynamodb_url, ["dropped"], 1, 1.0, 0, WRITES, writes_items, drops) as proxy:
            proxy.recorded = (*WRITES, "UpdateItem")
            with world.program(behind(proxy, pair, "--mode", mode, "--until-caught-up")) as program:
                assert program.wait(60) == 0, program.describe()
            assert proxy.counts["dropped"] == drops, proxy.counts
            writes = [request for _, operation, request in proxy.seen if operation in WRITES and writes_items(request)]
            bumps = [request for _, operation, request in proxy.seen
                     if operation == "UpdateItem" and "SET #bumps = :next" in request.get("UpdateExpression", "")]
        pair.assert_equal()
        dropped = [written_keys(request, pair.replica) for request in writes[:drops]]
        sent = [key["S"] for request in writes for key in written_keys(request, pair.replica)]
        for number in range(keys):
            key = key_of(number)["h"]
            expected = 1 + sum(key in one for one in dropped)
            assert sent.count(key["S"]) == expected, f"{key} was sent {sent.count(key['S'])} times and not {expected}"
        print(f"    {mode}: {len(writes)} requests, {len(sent)} items sent for {keys} keys, {len(bumps)} bumps", flush=True)
        assert len(bumps) == (drops if mode == "fenced" else 0), bumps


@runner.test("late.fast.a_put_that_lands_after_d_stays_until_the_key_changes_again")
def _(world):
    # The residual of fast mode, as it is: nothing looks at the key any more. A change of it, or a diff, finds it.
    with Takeover(world, "fast") as scene:
        held = scene.begin(lambda worker: worker.kill())
        newest = last_sequence(world, scene.pair)
        wait_until(lambda: max(checkpoints(world, scene.pair).values()) >= newest, DOUBT_SECONDS + 20, f"the checkpoint past the newer value\n{scene.new.describe()}")
        scene.release(held)
        time.sleep(QUIET_SECONDS)
        assert scene.watcher.latest == "1", f"something repaired it: is the residual gone? {scene.watcher.values}"
        assert any(scene.pair.differences()), "a diff finds it"
        put(scene.pair, 1, 3)
        wait_until(lambda: scene.watcher.latest == "3", 10, f"the next change\n{scene.new.describe()}")
        wait_until_equal(scene.pair, EQUAL_SECONDS_MAX)
        assert scene.new.stop() == 0, scene.new.describe()
