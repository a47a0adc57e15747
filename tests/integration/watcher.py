"""Looks all the time: a checkpoint never goes back, what is finished stays finished; which values an item had."""

import threading
import time

POLL_SECONDS = 0.25


def sequence_order(sequence):
    """Sequence numbers are decimal integers of any length."""
    return int(sequence or "0")


class CheckpointWatcher:
    def __init__(self, world, lease_tables):
        self._world, self._tables = world, lease_tables
        self._last = {}  # (table, stream, row) -> (checkpoint, finished)
        self._stopped = threading.Event()
        self._failure = None
        self.wrong = []
        self.advances = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stopped.is_set():
                for table in self._tables:
                    self._look(table)
                time.sleep(POLL_SECONDS)
        except BaseException as failure:
            self._failure = failure
            raise

    def _look(self, table):
        for (stream, row), values in self._world.lease_rows(table).items():
            if not row.startswith("shard#"):
                continue
            now = (sequence_order(values.get("checkpoint")), bool(values.get("finished", False)))
            before = self._last.get((table, stream, row), (0, False))
            if now[0] < before[0] or now[1] < before[1]:
                self.wrong.append(f"{table} {row}: from {before} back to {now}")
            self.advances += now[0] > before[0]
            self._last[(table, stream, row)] = now

    def assert_never_back(self):
        """Ends the watch; REQUIRES that something was seen to advance."""
        self._stopped.set()
        self._thread.join(30)
        assert self._failure is None, self._failure
        assert not self.wrong, self.wrong
        assert self.advances > 0, "the watcher saw no checkpoint advance: it proves nothing"


class ItemWatcher:
    """Reads one item of a table consistently, back to back; `values` are (time, value of `attribute`) as they changed.

    What it sees was there. What stood for less than a read's time (some milliseconds) it may miss.
    """

    def __init__(self, dynamodb, table, key, attribute):
        self._dynamodb, self._what, self._attribute = dynamodb, {"TableName": table, "Key": key}, attribute
        self._stopped, self._failure = threading.Event(), None
        self.values = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stopped.is_set():
                item = self._dynamodb.get_item(**self._what, ConsistentRead=True).get("Item", {})
                value = next(iter(item.get(self._attribute, {None: None}).values()))
                if not self.values or self.values[-1][1] != value:
                    self.values.append((time.monotonic(), value))
        except BaseException as failure:
            self._failure = failure
            raise

    @property
    def latest(self):
        assert self._failure is None, self._failure
        return self.values[-1][1] if self.values else None

    def steps_back(self):
        """How often a lower number came after a higher one, and for how many seconds such a value stood in all."""
        highest, times, seconds = 0, 0, 0.0
        ends = [moment for moment, _ in self.values[1:]] + [time.monotonic()]
        for (begin, value), end in zip(self.values, ends):
            number = int(value or 0)
            if number < highest:
                times += 1
                seconds += end - begin
            highest = max(highest, number)
        return times, seconds

    def close(self):
        self._stopped.set()
        self._thread.join(30)
        assert self._failure is None, self._failure

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
