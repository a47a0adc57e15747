"""diff-tables --repair and --backfill make the replica equal, delete nothing by mistake, and ask before much is lost."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import runner
import tables
from compared import Edited, Engine, Tables, check, diff, expires, json_lines, short_pages
from diff import SHAPE, item, several
from emulators import Dynalite, die_with_parent
from pairs import Pair
from program import BIN, clean_environment, run
from proxy import FaultyDynamoDb

WRITES = ("PutItem", "DeleteItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems")


def differing(world, shape, engines=None):
    replica = set(range(40)) - {3, 17, 30} | {200, 201}
    return Tables(world, shape, several(range(40), shape), several(replica, shape, lambda n: n in (8, 20)), engines)


class Writes:
    """Counts what reaches a table through a proxy: written keys, by operation. `fails(operation)` may stop one."""

    def __init__(self, url):
        self.operations = []
        self.proxy = Edited(url, self._note)

    def _note(self, operation, request):
        del request
        if operation in WRITES:
            self.operations.append(operation)


def repair(two, *options, expected, **more):
    """Repairs; what is printed agrees with the oracle of before, and the oracle of after finds nothing."""
    oracle = two.oracle()
    assert oracle.count == expected, oracle.keys()
    got = diff(two, "--repair", *options, **more)
    everything = oracle.missing | oracle.different | oracle.extraneous
    for kind, keys in oracle.keys().items():
        assert got.kind(kind) == keys, f"{kind}: {keys ^ got.kind(kind)}\n{got.describe()}"
    assert got.kind("repaired") == everything, f"{everything ^ got.kind('repaired')}\n{got.describe()}"
    assert len(got.keys.get("repaired", [])) == expected, got.describe()
    two.assert_equal()
    again, _ = check(two, expected=0)
    assert again.out == "", again.describe()
    return got


@runner.test("diff_repair.every_key_type_and_pair")
def _(world):
    for shape in tables.KEY_SHAPES:
        repair(differing(world, shape), expected=7)
    with Dynalite() as other:
        for engines in ((Engine(world.dynamodb_url), Engine(other.dynamodb.url)), (Engine(other.dynamodb.url), Engine(world.dynamodb_url))):
            repair(differing(world, SHAPE, engines), expected=7)


@runner.test("diff_repair.items_too_wide_or_too_large_for_a_condition")
def _(world):
    # An expression names at most 300 operands and has at most 4 KB.
    wide = {f"attribute-{n}": {"N": str(n)} for n in range(400)}
    big = {"t": {"S": "x" * 390_000}}
    many = {"l": {"L": [{"M": {f"n{n}": {"SS": ["a", str(n)]}}} for n in range(2000)]}}
    odd = {"a b.c#d:e": {"S": ""}, "\u00e9\U0001f600": {"N": "1e-130"}, "size": {"NULL": True}, "x" * 500: {"BOOL": True}}
    primary = [item("x", n, v={"N": "1"}, **each) for n, each in enumerate((wide, big, many, odd))]
    replica = [item("x", n, v={"N": "2"}, **each) for n, each in enumerate((wide, big, many, odd))]
    two = Tables(world, SHAPE)
    for side, items in ((0, primary), (1, replica)):
        two.put(side, *items)
    two.put(0, item("only", 1, **wide), item("only", 2, **big))
    two.put(1, item("extra", 1, **wide), item("extra", 2, **big), item("extra", 3, **odd))
    repair(two, expected=9)


@runner.test("diff_repair.ignored_attributes_keep_the_replicas_own")
def _(world):
    primary = [item("x", n, v={"N": "1"}, own={"S": "primary"}) for n in range(3)]
    two = Tables(world, SHAPE, primary, [item("x", 0, v={"N": "2"}, own={"S": "replica"}), item("x", 1, v={"N": "1"}, own={"S": "replica"})])
    diff(two, "--repair", "--ignore", "own")
    assert two.get(1, item("x", 0)) == item("x", 0, v={"N": "1"}, own={"S": "replica"}), two.items(1)
    assert two.get(1, item("x", 1)) == item("x", 1, v={"N": "1"}, own={"S": "replica"}), two.items(1)
    two.assert_equal(ignore=("own",))


@runner.test("diff_repair.attributes_that_the_service_refuses_are_not_written")
def _(world):
    own = {"aws:rep:updateregion": {"S": "eu-west-1"}, "aws:rep:deleting": {"BOOL": False}}
    two, written = Tables(world, SHAPE, [item("x", n, v={"N": "1"}, **own) for n in range(4)], [item("x", 1, v={"N": "2"}, **own)]), []
    with Edited(world.dynamodb_url, lambda operation, request: written.append(str(request)) if operation in WRITES else None) as proxy:
        diff(two, "--repair", locations=two.through(replica=proxy))
        assert written and not any("aws:rep" in each for each in written), written
    two.assert_equal()


@runner.test("diff_repair.expired_items_are_left_alone")
def _(world):
    past = {"gone": {"N": str(int(time.time()) - 1000)}}
    two = Tables(world, SHAPE, [item("p", 1, **past), item("q", 1)], [item("r", 1, **past), item("s", 1)])
    with Edited(world.dynamodb_url, answer=expires("gone")) as proxy:
        diff(two, "--repair", locations=two.through(proxy, proxy))
    assert {each["h"]["S"] for each in two.items(1)} == {"q", "r"}, two.items(1)


@runner.test("diff_repair.bad_days_of_the_service")
def _(world):
    replica = set(range(150)) - set(range(20, 40)) | set(range(300, 320))
    two = Tables(world, SHAPE, several(range(150), SHAPE), several(replica, SHAPE, lambda n: n < 15))
    faults = dict(faults=["throttle", "error", "lost", "dropped"], share=0.25, operations=WRITES + ("GetItem", "BatchGetItem", "Scan"))
    with FaultyDynamoDb(world.dynamodb_url, seed=3, **faults) as first, FaultyDynamoDb(world.dynamodb_url, seed=4, **faults) as second:
        diff(two, "--repair", "--yes", locations=two.through(first, second))
        assert second.counts["lost"] + second.counts["dropped"] > 2, second.counts
    two.assert_equal()


@runner.test("diff_repair.does_not_write_an_older_value_over_a_newer_one")
def _(world):
    # Between the read of the primary and the write of the replica both get a newer value, from the application and its
    # replicator: the oldest trap of repairs.
    for newer in (item("x", 1, v={"S": "newest"}), None):
        for at_start in ("missing", "different", "extraneous"):
            primary = [item("x", n) for n in range(2, 5)] + ([item("x", 1, v={"S": "old"})] if at_start != "extraneous" else [])
            replica = [item("x", n) for n in range(2, 5)] + ([item("x", 1, v={"S": "oldest"})] if at_start != "missing" else [])
            two, moved = Tables(world, SHAPE, primary, replica), []

            def move(operation, request):
                del request
                if operation in WRITES and not moved:
                    moved.append(operation)
                    for side in (0, 1):
                        two.put(side, newer) if newer else two.delete(side, item("x", 1))
            with Edited(world.dynamodb_url, move) as proxy:
                diff(two, "--repair", locations=two.through(replica=proxy))
            assert moved, "nothing was written: this shows nothing"
            assert two.get(1, item("x", 1)) == newer, (at_start, newer, two.items(1))
            two.assert_equal()


@runner.test("diff_repair.an_item_that_comes_back_is_not_deleted")
def _(world):
    # Absent at the scan and at the first look, there again before the delete lands.
    two, state = Tables(world, SHAPE, [item("x", 1)], [item("x", 1), item("x", 2, v={"S": "old"})]), []

    def bring_back(operation, request):
        del request
        if operation in WRITES and not state:
            state.append(operation)
            two.put(0, item("x", 2, v={"S": "back"}))
    with Edited(world.dynamodb_url, bring_back) as proxy:
        diff(two, "--repair", locations=two.through(replica=proxy))
    assert state and two.get(1, item("x", 2)) == item("x", 2, v={"S": "back"}), two.items(1)


# ---- guards against the loss of many items ----------------------------------------------------------------------------


@runner.test("diff_repair.guards_against_mass_deletion")
def _(world):
    common = [item("x", n) for n in range(100)]
    extra = [item("y", n) for n in range(150)]
    two = Tables(world, SHAPE, common + [item("missing", 1)], common + extra)
    refused = diff(two, "--repair", status=2)
    assert "--yes" in refused.err and refused.discrepancies == 151 and "repaired    1, 150 remain" in refused.err, refused.describe()
    assert len(two.oracle().extraneous) == 150, "something was deleted"
    repair(two, "--yes", expected=len(two.oracle().extraneous | two.oracle().missing))

    empty = Tables(world, SHAPE, (), [item("x", n) for n in range(5)])
    refused = diff(empty, "--repair", status=2)
    assert "--yes" in refused.err and "empty" in refused.err.lower(), refused.describe()
    assert len(empty.items(1)) == 5, "something was deleted"
    repair(empty, "--yes", expected=5)

    for shape, present, additional in ((SHAPE, 100, 100), (SHAPE, 1100, 110)):  # 100 are not more than 100; 110 of 1,210 are not 10 %
        common = [item("x", n) for n in range(present)]
        two = Tables(world, shape, common, common + [item("y", n) for n in range(additional)])
        repair(two, expected=additional)


COLUMNS = 60


def on_a_terminal(arguments, typed, seconds=60):
    """Runs diff-tables with a terminal as its three streams, types `typed` when it asks: (status, all that was shown)."""
    def begin():
        die_with_parent()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that a typed Ctrl-C is a signal
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    process = subprocess.Popen([str(BIN / "diff-tables"), *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env=clean_environment("/tmp", TERM="xterm"), preexec_fn=begin)
    os.close(slave)
    shown, deadline, answered = b"", time.monotonic() + seconds, False
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    more = os.read(master, 4096)
                except OSError:  # the terminal's other end is closed
                    break
                if not more:
                    break
                shown += more
            elif not answered and b"?" in shown:
                os.write(master, typed)
                answered = True
        return process.wait(5), shown.decode(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


@runner.test("diff_repair.asks_on_a_terminal")
def _(world):
    def pair():
        return Tables(world, SHAPE, [item("x", 0)], [item("x", n) for n in range(200)])
    two = pair()
    status, shown = on_a_terminal([*two.locations, "--repair", "--settle", 0], b"n\n")
    assert status == 2 and len(two.items(1)) == 200, shown
    assert "?" in shown, shown
    status, shown = on_a_terminal([*two.locations, "--repair", "--settle", 0], b"y\n")
    assert status == 0, shown
    two.assert_equal()
    two = pair()
    began = time.monotonic()
    status, shown = on_a_terminal([*two.locations, "--repair", "--settle", 0], b"\x03")
    assert status == 130 and len(two.items(1)) == 200 and time.monotonic() - began < 10, (status, shown)
    status, shown = on_a_terminal([*pair().locations, "--repair", "--settle", 0, "--yes"], b"")
    assert status == 0, shown


@runner.test("diff_repair.shows_progress_on_a_terminal_in_one_line")
def _(world):
    two = Tables(world, SHAPE, several(range(300), SHAPE), several(range(300), SHAPE))
    with short_pages(two, items=10, seconds=0.15) as (locations, _):
        status, shown = on_a_terminal([*locations, "--settle", 0, "--concurrency", 1], b"")
    assert status == 0, shown
    progress = shown.split("[discrepancies]")[0]
    assert progress.count("\r") > 3 and progress.count("\n") < 8, f"no line that redraws: {shown!r}"
    assert "items" in progress and "/s" in progress, shown
    drawn = [line for line in re.split(r"[\r\n]|\x1b\[K", progress) if line.startswith("primary ")]
    assert drawn and max(map(len, drawn)) < COLUMNS, f"it wraps: {drawn}"


@runner.test("diff_repair.beside_a_fenced_replicator_it_says_what_it_costs")
def _(world):
    pair = Pair(world, world.name("fenced"), SHAPE, "streams", 20, 1)
    pair.change(40)
    status, _, log, _ = run(pair.arguments("--until-caught-up", "--mode", "fenced"), seconds=60)
    assert status == 0, log
    world.dynamodb.put_item(TableName=pair.replica, Item={**pair.key(5000), "v": {"S": "damage"}})
    places = [f"{world.dynamodb_url}/{name}" for name in (pair.primary, pair.replica)]
    status, out, err, _ = run([*places, "--repair", "--settle", 0, "--leases", pair.leases], name="diff-tables")
    assert status == 0, out + err
    assert "fence" in err, f"nothing is said of the fenced replicator: {err}"
    pair.assert_equal()
    other = Tables(world, SHAPE)
    theirs = [f"{world.dynamodb_url}/{name}" for name in other.names]
    key = json.dumps(pair.key(5000))
    for table, said in ((pair.leases, pair.primary), (other.names[0], "no lease table"), ("none-such", "no such table")):
        for name, places in (("diff-tables", theirs), ("replicate-record", [*theirs, key])):
            status, out, err, _ = run([*places, "--leases", table], name=name)
            assert status == 2 and said in err and "--leases" in err, (name, table, status, out, err)


# ---- backfill ---------------------------------------------------------------------------------------------------------


@runner.test("diff_repair.backfill_says_what_it_would_write_and_writes_with_repair")
def _(world):
    for shape in (SHAPE, ("B", None)):
        two = Tables(world, shape, several(range(300), shape))
        writes = Writes(world.dynamodb_url)
        with writes.proxy as proxy:
            dry = diff(two, "--backfill", locations=two.through(replica=proxy))
        assert not writes.operations and not two.items(1), f"it wrote without --repair: {writes.operations}"
        assert "would write 300 items" in dry.err, dry.describe()
        told = json_lines(run([*two.locations, "--backfill", "--json"], name="diff-tables")[1])[-1]
        assert told["would_write"] == 300 and told["written"] == 0, told
        diff(two, "--backfill", "--repair")
        two.assert_equal()
        check(two, expected=0)


@runner.test("diff_repair.backfill_batches_and_sends_again_what_was_not_processed")
def _(world):
    two = Tables(world, SHAPE, several(range(500), SHAPE))
    with FaultyDynamoDb(world.dynamodb_url, ["unprocessed", "throttle", "lost"], share=0.3, operations=("BatchWriteItem",)) as proxy:
        proxy.recorded = WRITES
        diff(two, "--backfill", "--repair", locations=two.through(replica=proxy))
        assert proxy.counts["unprocessed"] > 0, proxy.counts
        batches = sum(operation == "BatchWriteItem" for _, operation, _ in proxy.seen)
        assert batches >= 20 and len(proxy.seen) - batches <= 50, "the bulk goes in batches"
    two.assert_equal()


@runner.test("diff_repair.backfill_leaves_extraneous_items_and_reads_no_replica_scan")
def _(world):
    two = Tables(world, SHAPE, [item("x", n, v={"N": "1"}) for n in range(50)], [item("x", 3, v={"N": "0"}), item("y", 1)])
    scans = []
    with Edited(world.dynamodb_url, lambda operation, request: scans.append(operation) if operation == "Scan" else None) as proxy:
        diff(two, "--backfill", "--repair", locations=two.through(replica=proxy))
    assert not scans, "a backfill scans the primary alone"
    assert two.oracle().keys() == {"missing": set(), "different": set(), "extraneous": {(("S", "y"), ("N", 1))}}, two.oracle().keys()


@runner.test("diff_repair.backfill_beside_changes_loses_none")
def _(world):
    # While the copy runs, items that it has read and not yet written change on both sides, as under a replicator.
    two, moved = Tables(world, SHAPE, [item("x", n, v={"N": "0"}) for n in range(300)]), []

    def move(operation, request):
        for asked in (request.get("RequestItems", {}).get(two.names[1], []) if operation == "BatchWriteItem" else ())[:2]:
            if "PutRequest" in asked and len(moved) < 20:
                changed = {**asked["PutRequest"]["Item"], "v": {"N": "1"}}
                moved.append(changed)
                for side in (0, 1):
                    two.put(side, changed)
    with Edited(world.dynamodb_url, move) as proxy:
        diff(two, "--backfill", "--repair", locations=two.through(replica=proxy))
    assert moved, "no batch was seen: this shows nothing"
    two.assert_equal()


# ---- one item: what is printed can be pasted --------------------------------------------------------------------------


@runner.test("diff_repair.what_is_printed_can_be_pasted_into_diff_record_and_replicate_record")
def _(world):
    for shape in (("N", "B"), ("S", "N"), ("S", None), ("B", "S")):
        two = differing(world, shape)
        got, oracle = check(two, expected=7)
        out = run([*two.locations, "--settle", 0, "--json"], name="diff-tables")[1]
        events = [line for line in out.splitlines() if '"key"' in line]
        assert len(events) == 7, events
        for line in got.out.splitlines() + events:  # a whole line will do as well
            status, out, err, _ = run([*two.locations, line, "--exit-code"], name="diff-record")
            assert status == 1, f"{line}: {status}\n{out}\n{err}"
        for kind, texts in got.texts.items():
            for text in texts:
                status, out, err, _ = run([*two.locations, text, "--exit-code"], name="diff-record")
                assert status == 1, f"{kind} {text}: {status}\n{out}\n{err}"
                status, out, err, _ = run([*two.locations, text], name="replicate-record")
                assert status == 0, f"{kind} {text}: {status}\n{out}\n{err}"
                status, out, err, _ = run([*two.locations, text, "--exit-code"], name="diff-record")
                assert status == 0, f"{kind} {text}: {status}\n{out}\n{err}"
        two.assert_equal()
        del oracle


@runner.test("diff_repair.counts_add_up")
def _(world):
    two = differing(world, SHAPE)
    got = diff(two)
    told = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", got.err)}
    assert {40, 39, 7} <= told, f"items of each side, and what differs: {got.describe()}"
