"""A replica follows its primary through kills, splits, merges and junk, from both kinds of stream."""

import base64
import json
import random
import time

import runner
import tables
from pairs import Load, Pair
from watcher import CheckpointWatcher
from world import wait_until, wait_until_equal

LEASE_SECONDS = 3
# After a takeover a checkpoint waits for the doubt of fast mode (15 s); equality does not.
EQUAL_SECONDS_MAX = 180


def amounts(world):
    """(changes in all, keys in all, kills, seconds over which clients write)"""
    if not world.long:
        return (5_000, 240, 3, 20)
    return (50_000, 2_000, 10, 90)


def make_pairs(world, source, keys):
    prefix = world.name(source)
    per_pair = -(-keys // len(tables.KEY_SHAPES))
    return [Pair(world, f"{prefix}-{tables.shape_name(shape)}", shape, source, per_pair, seed)
            for seed, shape in enumerate(tables.KEY_SHAPES)]


class Fleet:
    """One program for each pair; a killed one is started again at once.

    An emulator under this load may let a starting program wait for longer than its patience at start (some seconds):
    then it ends with status 2 before it has followed anything, says so last, and is started again, as a supervisor
    would. However else a program ends is a failure.
    """

    IMPATIENT_MAX = 20

    def __init__(self, world, pairs, mode):
        self._world, self._pairs, self._mode = world, pairs, mode
        self._more, self._impatient = (), 0
        self._programs = [self._start(pair) for pair in pairs]

    def _start(self, pair):
        return self._world.program(pair.arguments("--lease-time", LEASE_SECONDS, "--mode", self._mode, *self._more))

    def kill_one(self, dice):
        number = dice.randrange(len(self._pairs))
        self._programs[number].kill()
        self._programs[number].__exit__()
        self._programs[number] = self._start(self._pairs[number])

    def supervise(self):
        for number, program in enumerate(self._programs):
            if program.running() or program.wait(0) != 2:
                continue
            lines = program.log().splitlines()
            if not lines or "no answer in time" not in lines[-1] or any(" following " in line for line in lines):
                continue
            self._impatient += 1
            assert self._impatient <= self.IMPATIENT_MAX, program.describe()
            program.__exit__()
            self._programs[number] = self._start(self._pairs[number])

    def describe(self, pair):
        rows = sorted((row, values) for (_, row), values in self._world.lease_rows(pair.leases).items())
        return "\n".join([self._programs[self._pairs.index(pair)].describe(), *(f"{row}: {values}" for row, values in rows)])

    def assert_running(self):
        for program in self._programs:
            assert program.running(), f"it ended by itself: {program.describe()}"

    def stop(self):
        """SIGTERM to all: each ends with status 0 in time."""
        for program in self._programs:
            program.send(15)
        for program in self._programs:
            status = program.wait(20)
            assert status == 0, program.describe()

    def run_until_caught_up(self):
        self.close()
        self._more = ("--until-caught-up",)
        self._programs = [self._start(pair) for pair in self._pairs]

        def all_ended():
            self.supervise()
            return not any(program.running() for program in self._programs)
        wait_until(all_ended, 180, "all caught up")
        for program in self._programs:
            assert program.wait(0) == 0, program.describe()

    def close(self):
        for program in self._programs:
            program.__exit__()


def follow_through_kills(world, source, mode="fast"):
    changes, keys, kills, seconds = amounts(world)
    dice = random.Random(42)
    pairs = make_pairs(world, source, keys)
    fleet = Fleet(world, pairs, mode)
    try:
        watcher = CheckpointWatcher(world, [pair.leases for pair in pairs])
        load = Load(pairs, changes, seconds)
        moments = sorted(dice.uniform(0.05, 1.0) for _ in range(kills))
        reshards = [] if source != "kinesis" else [(0.35, world.split_first_shard), (0.65, world.merge_last_shards)]
        start = told = time.monotonic()
        while load.running() or moments or reshards:
            share = (time.monotonic() - start) / seconds
            if moments and share >= moments[0]:
                moments.pop(0)
                fleet.kill_one(dice)
            if reshards and share >= reshards[0][0]:
                _, reshard = reshards.pop(0)
                for pair in pairs:
                    reshard(pair.stream)
            fleet.supervise()
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"    {load.done} changes after {told - start:.0f} s", flush=True)
            time.sleep(0.05)
        assert load.done >= changes, load.done
        written = time.monotonic()
        for pair in pairs:
            try:
                wait_until_equal(pair, EQUAL_SECONDS_MAX, fleet.supervise)
            except AssertionError:
                print(fleet.describe(pair), flush=True)
                raise
        equal = time.monotonic()
        fleet.assert_running()
        fleet.stop()
        fleet.run_until_caught_up()
        print(f"    {load.done} changes in {written - start:.0f} s, equal {equal - written:.0f} s later, stopped and caught up "
              f"again in {time.monotonic() - equal:.0f} s", flush=True)
        for pair in pairs:
            pair.assert_equal()
        watcher.assert_never_back()
        for pair in pairs:
            assert_only_junk_is_dead_lettered(pair)
        if source == "kinesis":
            assert_resharded_to_the_end(world, pairs)
    finally:
        fleet.close()


def dead_letters(pair):
    """(shard, sequence) of each dead letter of a pair. A line that a kill tore is no dead letter yet."""
    found, torn = set(), 0
    text = pair.dead_letter.read_bytes() if pair.dead_letter.exists() else b""
    for line in text.split(b"\n"):
        if not line:
            continue
        try:
            letter = json.loads(line)
        except ValueError:
            torn += 1
            continue
        assert pair.stream in letter["stream"], letter
        assert letter["reason"], letter
        base64.b64decode(letter["raw"], validate=True)
        found.add((letter["shard"], letter["sequence"]))
    return found, torn


def what_the_stream_has(pair, shard, sequence):
    """What the stream itself shows at an acknowledged place: for the failure's message."""
    kinesis = pair.world.kinesis
    try:
        iterator = kinesis.get_shard_iterator(StreamName=pair.stream, ShardId=shard, StartingSequenceNumber=sequence,
                                              ShardIteratorType="AT_SEQUENCE_NUMBER")["ShardIterator"]
        first = kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]
    except kinesis.exceptions.ClientError as error:
        return f"refused: {error}"
    if not first:
        return "nothing at or after it"
    return first[0]["Data"][:80] if first[0]["SequenceNumber"] == sequence else f"not there; the next is {first[0]['SequenceNumber']}"


def assert_only_junk_is_dead_lettered(pair):
    found, torn = dead_letters(pair)
    assert torn <= 10, f"{torn} torn lines: more than there were kills"
    missing = [place for place in sorted(pair.junk - found)]
    assert found == pair.junk, (
        f"{pair.primary}: {len(missing)} junk records not dead-lettered, {len(found - pair.junk)} others were; "
        f"missing: {[(place, what_the_stream_has(pair, *place)) for place in missing]}")
    assert not pair.stream or pair.junk, "no junk was sent: this shows nothing"


def assert_resharded_to_the_end(world, pairs):
    """Closed shards were read to their end, and said so."""
    for pair in pairs:
        rows = {row: values for (_, row), values in world.lease_rows(pair.leases).items()}
        finished = [row for row, values in rows.items() if row.startswith("shard#") and values.get("finished")]
        assert len(finished) >= 3, f"{pair.primary}: of the one split and two merged shards only these are finished: {finished}"


@runner.test("follow.dynamodb_streams_through_kills")
def _(world):
    follow_through_kills(world, "streams")


@runner.test("follow.kinesis_through_kills_splits_merges_and_junk")
def _(world):
    follow_through_kills(world, "kinesis")


@runner.test("follow.dynamodb_streams_in_fenced_mode_through_kills")
def _(world):
    follow_through_kills(world, "streams", "fenced")
