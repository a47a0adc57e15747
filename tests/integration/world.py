"""What every integration test gets: both servers, clients, a directory, fresh names, and how much to do."""

import contextlib
import itertools
import pathlib
import tempfile
import time

import tables
from emulators import Emulators
from program import Program


class World(contextlib.AbstractContextManager):
    """long: the full numbers; else a form that fits into every test run. Both show the same behaviour."""

    def __init__(self, long):
        self.long = long
        self._numbers = itertools.count(1)

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="replicator-integration-")
        self.directory = pathlib.Path(self._directory.name)
        self._servers = Emulators(short_lived=not self.long).__enter__()
        self.dynamodb_url, self.kinesis_url = self._servers.dynamodb.url, self._servers.kinesis.url
        self.dynamodb = tables.client("dynamodb", self.dynamodb_url)
        self.kinesis = tables.client("kinesis", self.kinesis_url)
        return self

    def __exit__(self, *unused):
        self._servers.__exit__()
        self._directory.cleanup()

    def name(self, prefix):
        return f"{prefix}-{next(self._numbers)}"

    def create_stream(self, name, shards):
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.wait_for_stream(name)

    def wait_for_stream(self, name):
        wait_until(lambda: self.kinesis.describe_stream_summary(StreamName=name)[
            "StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE", 30, f"stream {name} active")

    def open_shards(self, stream):
        """Open shards by their place on the ring."""
        shards = [shard for shard in self.kinesis.list_shards(StreamName=stream)["Shards"]
                  if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]
        return sorted(shards, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def split_first_shard(self, stream):
        shard = self.open_shards(stream)[0]
        ring = shard["HashKeyRange"]
        middle = (int(ring["StartingHashKey"]) + int(ring["EndingHashKey"])) // 2
        self.kinesis.split_shard(StreamName=stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))
        self.wait_for_stream(stream)

    def merge_last_shards(self, stream):
        left, right = self.open_shards(stream)[-2:]
        self.kinesis.merge_shards(
            StreamName=stream, ShardToMerge=left["ShardId"], AdjacentShardToMerge=right["ShardId"])
        self.wait_for_stream(stream)

    def lease_rows(self, table):
        """The rows of a lease table as {(stream, row): {attribute: value}}; none while there is no such table."""
        try:
            rows = list(tables.scan(self.dynamodb, table))
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return {}
        return {(row["stream"]["S"], row["row"]["S"]): {n: next(iter(v.values())) for n, v in row.items()} for row in rows}

    def program(self, arguments, **more):
        return Program(arguments, **more)


def wait_until(condition, seconds, what):
    """Waits until condition() is true; fails with `what` after that long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def wait_until_equal(pair, seconds, meanwhile=lambda: None):
    """Waits until the replica equals the primary; says what differs if it never does."""
    deadline = time.monotonic() + seconds
    while any(pair.differences()):
        meanwhile()
        if time.monotonic() > deadline:
            pair.assert_equal()
        time.sleep(0.5)
