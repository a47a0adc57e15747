"""diff-tables on tables that do not hold still, and on bad days of the service: what it tells is so all the same."""

import random
import time

import runner
import tables
from compared import Edited, Tables, check, diff, shorten
from diff import SHAPE, item, several
from proxy import FaultyDynamoDb


@runner.test("diff_moving.stale_scans_are_no_differences")
def _(world):
    # An eventually consistent scan may lack what was just written, or show what it was before.
    two = Tables(world, SHAPE, several(range(200), SHAPE), several(range(200), SHAPE))
    dice = random.Random(4)

    def make_stale(operation, request, told):
        if operation == "Scan" and not request.get("ConsistentRead"):
            told["Items"] = [each for each in told["Items"] if dice.random() > 0.1]
            for each in told["Items"]:
                if dice.random() < 0.1:
                    each["version"] = {"N": "-1"}
    with Edited(world.dynamodb_url, answer=make_stale) as proxy:
        for locations in (two.through(primary=proxy), two.through(replica=proxy), two.through(proxy, proxy)):
            got, _ = check(two, locations=locations, expected=0)
            assert got.out == "", got.describe()
        diff(two, "--repair", "--yes", locations=two.through(proxy, proxy))
    two.assert_equal()
    assert len(two.items(1)) == 200


@runner.test("diff_moving.bad_days_of_the_service")
def _(world):
    replica = set(range(200)) - {3, 17, 50} | {300, 301}
    two = Tables(world, SHAPE, several(range(200), SHAPE), several(replica, SHAPE, lambda n: n % 9 == 8))
    faults = dict(faults=["throttle", "error", "dropped"], share=0.3, operations=("Scan", "GetItem", "BatchGetItem", "DescribeTable"))
    with Edited(world.dynamodb_url, shorten(20)) as pages, FaultyDynamoDb(pages.url, seed=1, **faults) as first, \
            FaultyDynamoDb(pages.url, seed=2, **faults) as second:
        check(two, "--concurrency", 8, locations=two.through(first, second))
        assert sum(first.counts.values()) > 3 and sum(second.counts.values()) > 3, (first.counts, second.counts)
    with FaultyDynamoDb(world.dynamodb_url, ["unprocessed"], operations=("BatchGetItem",), share=1.0) as proxy:
        check(two, locations=two.through(proxy, proxy))


@runner.test("diff_moving.a_pair_whose_replica_lags_is_equal")
def _(world):
    # Each change reaches the replica some time later: nothing lasts as long as the time that a difference must last.
    two = Tables(world, SHAPE, several(range(100), SHAPE), several(range(100), SHAPE))
    dice, queue, version, stop = random.Random(5), [], 0, time.monotonic() + 14
    with world.program([*two.locations, "--settle", 4], name="diff-tables") as program:
        while program.running():
            assert time.monotonic() < stop + 60, program.describe()
            if time.monotonic() < stop:
                version += 1
                changed = {**tables.make_key(SHAPE, dice.randrange(100)), "version": {"N": str(version)}}
                two.put(0, changed)
                queue.append((time.monotonic() + 1, changed))
            while queue and queue[0][0] < time.monotonic():
                two.put(1, queue.pop(0)[1])
            time.sleep(0.01)
        assert program.wait(5) == 0, program.describe()
        assert "[different]" not in program.output() and "[missing]" not in program.output(), program.output() + program.describe()


@runner.test("diff_moving.a_key_that_does_not_hold_still_is_told_as_changing")
def _(world):
    two = Tables(world, SHAPE, [item("x", n, v={"N": "0"}) for n in range(50)], [item("x", n, v={"N": "0"}) for n in range(50)])
    two.put(1, item("x", 3, v={"N": "-1"}), item("x", 4, v={"N": "-1"}))
    reads = iter(range(1, 10**9))

    def move(operation, request, told):  # key 3 has another value each time it is read
        for each in [*told.get("Items", []), *(e for some in told.get("Responses", {}).values() for e in some), *filter(None, [told.get("Item")])]:
            if each["r"]["N"] == "3":
                each["v"] = {"N": str(next(reads))}
    with Edited(world.dynamodb_url, answer=move) as proxy:
        got = diff(two, "--exit-code", locations=two.through(primary=proxy), status=1)
    assert got.texts == {"changing": ['{"h":"x","r":3}'], "different": ['{"h":"x","r":4}']}, got.describe()
    assert got.discrepancies == 2, got.describe()


@runner.test("diff_moving.by_default_a_difference_must_last_at_least_5_seconds")
def _(world):
    two = Tables(world, SHAPE, [item("x", n) for n in range(20)], [item("x", n) for n in range(19)])
    with world.program(two.locations, name="diff-tables") as program:
        time.sleep(3.5)
        assert program.running() and "[missing]" not in program.output(), program.output() + program.describe()
        two.put(1, item("x", 19))  # the replicator's write, at last
        assert program.wait(30) == 0 and program.output() == "", program.output() + program.describe()
        assert "[discrepancies] 0" in program.log(), program.describe()
