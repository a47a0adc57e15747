"""Table pairs under load: a primary of some shape, its empty replica, a change stream, and a client that changes it."""

import hashlib
import random
import threading
import time

import records
import tables

BATCH_MAX = 25
# Records in one PutRecords (the service takes 500). kinesis-mock spends most of its time on being asked, not on records.
PUT_TOGETHER = 100
JUNK_EVERY = 200  # one record in so many can never be applied: half of what stops a shard


class Pair:
    """Primary and replica of one key shape, with their lease table and (source "kinesis") a stream of two shards.

    change() is for one thread; the counters may be read by others.
    """

    def __init__(self, world, name, shape, source, keys, seed):
        self.world, self.shape, self.source, self.keys = world, shape, source, keys
        self.primary, self.replica, self.leases = f"{name}-primary", f"{name}-replica", f"{name}-leases"
        self.stream = f"{name}-stream" if source == "kinesis" else None
        self.dead_letter = world.directory / f"{name}.dead"
        self.junk = set()  # (shard, sequence) of what can never be applied
        self.changes = 0
        self._dice = random.Random(seed)
        self._announced = 0
        self._entries = []  # (entry, whether it holds junk): not put yet
        tables.create_table(world.dynamodb, self.primary, shape, None if self.stream else "KEYS_ONLY")
        tables.create_table(world.dynamodb, self.replica, shape, None)
        if self.stream:
            world.create_stream(self.stream, 2)

    def arguments(self, *more):
        """The command line that follows this pair."""
        url = self.world.dynamodb_url
        source = ["--kinesis", f"{self.world.kinesis_url}/{self.stream}", "--dead-letter", self.dead_letter] \
            if self.stream else []
        return ["replicate", f"{url}/{self.primary}", f"{url}/{self.replica}", "--leases", self.leases, *source, *more]

    def key(self, number):
        return tables.make_key(self.shape, number)

    # ---- changing the primary ---------------------------------------------------------------------------------

    def change(self, wanted):
        """About `wanted` changes at random: puts, updates and deletes, one at a time and in batches, some on hot keys."""
        until = self.changes + wanted
        while self.changes < until:
            if self._dice.random() < 0.1:
                self._one()
            else:
                self._batch(min(BATCH_MAX, until - self.changes))
            if len(self._entries) >= PUT_TOGETHER:
                self._put()
        self._put()

    def _number(self):
        return self._dice.randrange(min(4, self.keys)) if self._dice.random() < 0.2 else self._dice.randrange(self.keys)

    def _item(self, key):
        return {**key, **tables.every_type(self._dice, self.changes)}

    def _one(self):
        key = self.key(self._number())
        event = self._dice.choice(["INSERT", "MODIFY", "REMOVE"])
        if event == "INSERT":
            self.world.dynamodb.put_item(TableName=self.primary, Item=self._item(key))
        elif event == "MODIFY":
            self.world.dynamodb.update_item(
                TableName=self.primary, Key=key, UpdateExpression="SET touched = :v",
                ExpressionAttributeValues={":v": {"N": str(self.changes)}})
        else:
            self.world.dynamodb.delete_item(TableName=self.primary, Key=key)
        self.changes += 1
        self._make_records([(key, event)])

    def _batch(self, size):
        numbers = {self._number() for _ in range(size)}
        puts, deletes = [], []
        for number in sorted(numbers):
            key = self.key(number)
            if self._dice.random() < 0.75:
                puts.append(self._item(key))
            else:
                deletes.append(key)
        tables.batch_write(self.world.dynamodb, self.primary, puts, deletes)
        self.changes += len(puts) + len(deletes)
        names = ("h", "r")[:1 if self.shape[1] is None else 2]
        self._make_records([({name: item[name] for name in names}, "INSERT") for item in puts] +
                           [(key, "REMOVE") for key in deletes])

    # ---- telling the stream -----------------------------------------------------------------------------------

    def announce(self, changed):
        """Puts a record for each (key, event) on the stream, in one of the forms that producers use; junk in between."""
        self._make_records(changed)
        self._put()

    def _make_records(self, changed):
        if not self.stream:
            return
        entries = []  # (entry, whether it holds junk)
        form = self._dice.choices(["dyno", "kds", "aggregate"], [6, 2, 1])[0]
        if form == "aggregate":
            inside = [records.dyno(self._dice, key, event) for key, event in changed]
            entries.append((records.aggregate(inside, f"aggregate-{self._dice.getrandbits(32)}"), False))
        else:
            for key, event in changed:
                entries.append((records.dyno(self._dice, key, event) if form == "dyno" else
                                records.kds(self._dice, key, self.primary, event), False))
        for _ in changed:
            self._announced += 1
            if self._announced % JUNK_EVERY == 0:
                entries.insert(self._dice.randrange(len(entries) + 1), (self._some_junk(changed[0][0]), True))
        if self._dice.random() < 0.05:  # another table's record on a shared stream: neither applied nor junk
            entries.append((records.kds(self._dice, self.key(0), "somebody-elses-table"), False))
        self._entries += entries

    def _some_junk(self, key):
        junk = records.junk(self._dice, self._announced // JUNK_EVERY)
        if self._dice.random() < 0.2:  # hidden in an aggregate, between two good ones
            good = records.dyno(self._dice, key)
            return records.aggregate([good, junk, good], junk["PartitionKey"])
        return junk

    def _put(self):
        entries, self._entries = self._entries, []
        if not entries:
            return
        answer = self.world.kinesis.put_records(StreamName=self.stream, Records=[entry for entry, _ in entries])
        assert answer["FailedRecordCount"] == 0, answer
        for (_, is_junk), put in zip(entries, answer["Records"]):
            if is_junk:
                self.junk.add((put["ShardId"], put["SequenceNumber"]))

    # ---- looking ----------------------------------------------------------------------------------------------

    def differences(self):
        left, right = (tables.content(self.world.dynamodb, name, self.shape) for name in (self.primary, self.replica))
        return tables.differences(left, right)

    def assert_equal(self):
        missing, different, extraneous = self.differences()
        assert not (missing or different or extraneous), (
            f"{self.primary}: {len(missing)} missing, {len(different)} different, {len(extraneous)} extraneous; "
            f"for example {(missing + different + extraneous)[0]}")


class Load:
    """Threads that change pairs, evenly, at a steady rate; `done` counts all changes so far."""

    def __init__(self, pairs, changes, seconds, threads=6):
        self._pairs, self._changes, self._seconds = pairs, changes, seconds
        self._failures = []
        self._start = time.monotonic()
        self._threads = [threading.Thread(target=self._run, args=(pairs[n::threads],), daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, pairs):
        per_pair = -(-self._changes // len(self._pairs))
        steps = max(10, per_pair // PUT_TOGETHER)
        try:
            for step in range(1, steps + 1):
                for pair in pairs:
                    pair.change(per_pair * step // steps - pair.changes)
                self._pace(step / steps)
        except BaseException as failure:
            self._failures.append(failure)
            raise

    def _pace(self, share):
        ahead = self._start + self._seconds * share - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)

    @property
    def done(self):
        return sum(pair.changes for pair in self._pairs)

    def running(self):
        assert not self._failures, self._failures
        return any(thread.is_alive() for thread in self._threads)


def partition_hash(entry):
    """Where on the ring of shards a PutRecords entry falls."""
    return int.from_bytes(hashlib.md5(entry["PartitionKey"].encode()).digest(), "big")


def shard_of(kinesis, stream, entry):
    """The open shard that takes this entry."""
    place = partition_hash(entry)
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        ring = shard["HashKeyRange"]
        closed = "EndingSequenceNumber" in shard["SequenceNumberRange"]
        if not closed and int(ring["StartingHashKey"]) <= place <= int(ring["EndingHashKey"]):
            return shard["ShardId"]
    raise AssertionError("no open shard takes it")
