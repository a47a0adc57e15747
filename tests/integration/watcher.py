"""Looks at lease tables all the time: a checkpoint never goes back, and what is finished stays finished."""

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
