"""What diff-record prints, how replicate-record goes on after a kill, and what check says, line by line."""

import base64
import json
import re
import signal

import runner
import tables
from program import Program, run
from proxy import FaultyDynamoDb
from refusals import at, refused, table
from world import wait_until

SHAPE = ("S", "N")
KEY = {"h": {"S": "x"}, "r": {"N": "12345678901234567890"}}
PLAIN = '{"h":"x","r":12345678901234567890}'


class Two:
    """A primary and a replica; an item of each, or None."""

    def __init__(self, world, primary=None, replica=None, shape=SHAPE, stream=None):
        self.world = world
        self.names = [table(world, shape, stream), table(world, shape, None)]
        for side, item in enumerate((primary, replica)):
            if item is not None:
                self.put(side, item)

    @property
    def locations(self):
        return [at(self.world, name) for name in self.names]

    def put(self, side, item):
        self.world.dynamodb.put_item(TableName=self.names[side], Item=item)

    def get(self, side, key=None):
        return self.world.dynamodb.get_item(TableName=self.names[side], Key=key or KEY, ConsistentRead=True).get("Item")


def ran(name, arguments, status=0, environment=None):
    done = run(arguments, environment, name)
    assert done[0] == status, f"status {status} was expected, not {done[0]}, of {name} {arguments}\n{done[1]}\n{done[2]}"
    return done[1]


@runner.test("one_key.diff_record_prints_both_records_and_each_difference")
def _(world):
    two = Two(world, {**KEY, "b": {"B": b"\x00\xff"}, "deep": {"M": {"l": {"L": [{"N": "1"}, {"NULL": True}]}}}, "gone": {"S": "p"}, "set": {"NS": ["1", "2"]}},
              {**KEY, "b": {"B": b"\x00\xfe"}, "deep": {"M": {"l": {"L": [{"NULL": True}, {"N": "1"}]}}}, "more": {"S": ""}, "set": {"NS": ["2", "1"]}})
    out = ran("diff-record", [*two.locations, PLAIN, "--exit-code"], status=1)
    assert out.splitlines()[0] == PLAIN, out
    first, second = re.findall(r"^\{\n.*?^\}", out, re.MULTILINE | re.DOTALL)
    assert json.loads(first) == {**{n: dict(v) for n, v in KEY.items()}, "b": {"B": "AP8="}, "deep": {"M": {"l": {"L": [{"N": "1"}, {"NULL": True}]}}},
                                 "gone": {"S": "p"}, "set": json.loads(first)["set"]}, first
    assert list(json.loads(second)) == ["h", "r", "b", "deep", "more", "set"], second
    tail = out[out.index("not equivalent"):]
    assert tail.splitlines() == [
        "not equivalent", '[different] "b"', '  primary: {"B":"AP8="}', '  replica: {"B":"AP4="}',
        '[different] "deep"', '  primary: {"M":{"l":{"L":[{"N":"1"},{"NULL":true}]}}}', '  replica: {"M":{"l":{"L":[{"NULL":true},{"N":"1"}]}}}',
        '[only in primary] "gone": {"S":"p"}', '[only in replica] "more": {"S":""}'], tail
    assert ran("diff-record", [*two.locations, PLAIN, "--ignore", "b", "--ignore", "deep", "--ignore", "gone", "--ignore", "more", "--exit-code"]).endswith("\nequivalent\n")


@runner.test("one_key.diff_record_says_which_side_has_no_item")
def _(world):
    for primary, replica, word, status in ((KEY, None, "[missing]", 1), (None, KEY, "[extraneous]", 1), (None, None, "equivalent", 0)):
        out = ran("diff-record", [*Two(world, primary, replica).locations, json.dumps(KEY), "--exit-code"], status=status)
        assert word in out and out.count("(no such item)") == (primary, replica).count(None), out


@runner.test("one_key.what_is_printed_can_be_pasted")
def _(world):
    for shape in tables.KEY_SHAPES:
        key = tables.make_key(shape, 5)
        two = Two(world, {**key, "v": {"N": "1"}}, shape=shape)
        wire = {name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
                for name, typed in key.items()}
        plain = ran("diff-record", [*two.locations, json.dumps(wire), "--exit-code"], status=1).splitlines()[0]
        assert ran("replicate-record", [*two.locations, plain]) == f"[repaired] {plain}\n"
        assert two.get(1, key) == {**key, "v": {"N": "1"}}
        assert ran("replicate-record", [*two.locations, plain]) == f"[equivalent] {plain}\n"


@runner.test("one_key.replicate_record_keeps_what_is_ignored")
def _(world):
    two = Two(world, {**KEY, "v": {"N": "1"}, "own": {"S": "primary"}}, {**KEY, "v": {"N": "2"}, "own": {"S": "replica"}})
    ran("replicate-record", [*two.locations, PLAIN, "--ignore", "own"])
    assert two.get(1) == {**KEY, "v": {"N": "1"}, "own": {"S": "replica"}}


@runner.test("one_key.replicate_record_writes_items_of_more_attributes_than_a_condition_takes")
def _(world):
    wide = {f"a{n}": {"N": str(n)} for n in range(200)}
    two = Two(world, {**KEY, **wide}, {**KEY, **wide, "a7": {"S": "other"}})
    ran("replicate-record", [*two.locations, PLAIN])
    assert two.get(1) == {**KEY, **wide}
    narrow = {f"a{n}": {"M": {"deep": {"L": [{"BS": [b"1", b"2"]}, {"N": "1" * 38}]}}} for n in range(150)}
    two = Two(world, {**KEY, "v": {"N": "1"}}, {**KEY, **narrow})
    ran("replicate-record", [*two.locations, PLAIN])
    assert two.get(1) == {**KEY, "v": {"N": "1"}}


@runner.test("one_key.what_a_kill_left_is_finished_by_the_next_run")
def _(world):
    two = Two(world, {**KEY, "v": {"S": "old"}})
    other = {"h": {"S": "y"}, "r": {"N": "1"}}
    state = str(world.directory / world.name("state"))
    with FaultyDynamoDb(world.dynamodb_url, []) as proxy:
        held = proxy.hold(("PutItem",))
        with Program([two.locations[0], f"{proxy.url}/{two.names[1]}", PLAIN, "--state", state], name="replicate-record") as killed:
            wait_until(held.caught.is_set, 20, "the write is on its way")
            killed.send(signal.SIGKILL)
            killed.wait(10)
        assert held.release()[0] == 200, "the write that was on its way lands"
        two.put(0, {**KEY, "v": {"S": "new"}})
        assert two.get(1)["v"] == {"S": "old"}
        two.put(0, other)
        locations = [two.locations[0], f"{proxy.url}/{two.names[1]}"]
        status, out, err, _ = run([*locations, json.dumps(other), "--state", state], name="replicate-record")
        assert status == 0 and "interrupted" in err, out + err
        assert two.get(1)["v"] == {"S": "new"} and two.get(1, other) == other
        status, out, err, _ = run([*locations, json.dumps(other), "--state", state], name="replicate-record")
        assert status == 0 and "interrupted" not in err, out + err
    assert not list((world.directory / state).iterdir()), "the journal is gone when nothing in it is open"


@runner.test("one_key.an_item_that_the_replica_refuses_blocks_no_other")
def _(world):
    two = Two(world, {**KEY, "mail": {"NULL": True}})
    other = {"h": {"S": "y"}, "r": {"N": "1"}}
    two.put(0, other)
    world.dynamodb.update_table(
        TableName=two.names[1], AttributeDefinitions=[{"AttributeName": "mail", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "mail", "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}])
    state = ["--state", str(world.directory / world.name("state"))]
    for _ in range(2):
        status, out, err, _ = run([*two.locations, PLAIN, *state], name="replicate-record")
        assert status == 2 and "ValidationException" in err and "interrupted" not in err, (status, out, err)
    ran("replicate-record", [*two.locations, json.dumps(other), *state])
    status, out, err, _ = run([*two.locations, "--repair", "--settle", "0", *state], name="diff-tables")
    assert status == 2 and "ValidationException" in err and "interrupted" not in err, (status, out, err)
    assert two.get(1, other) == other and two.get(1) is None


@runner.test("one_key.a_state_directory_that_cannot_be_is_refused")
def _(world):
    two = Two(world, KEY)
    refused([*two.locations, PLAIN, "--state", "/dev/null/state"], "/dev/null", "--state", name="replicate-record")
    assert two.get(1) is None


@runner.test("one_key.lost_answers_and_throttles_end_equal")
def _(world):
    for faults in (["lost"], ["throttle", "error"], ["dropped"]):
        two = Two(world, {**KEY, "v": {"N": "1"}}, {**KEY, "v": {"N": "2"}})
        with FaultyDynamoDb(world.dynamodb_url, faults, share=1, operations=("PutItem", "BatchGetItem"), faults_max=2) as proxy:
            out = ran("replicate-record", [two.locations[0], f"{proxy.url}/{two.names[1]}", PLAIN])
            assert sum(proxy.counts.values()) == 2, proxy.counts
        assert out == f"[repaired] {PLAIN}\n" and two.get(1) == two.get(0), out


@runner.test("one_key.beside_a_fenced_replicator_it_says_what_that_costs")
def _(world):
    two = Two(world, stream="KEYS_ONLY")
    two.put(0, KEY)
    with Program(["replicate", *two.locations, "--mode", "fenced"]) as replicator:
        wait_until(lambda: two.get(1) == KEY, 30, "the replica has it", )
        two.world.dynamodb.delete_item(TableName=two.names[1], Key=KEY)
        status, out, err, _ = run([*two.locations, PLAIN], name="replicate-record")
        assert status == 0 and out.startswith("[repaired]"), out + err
        assert err.count("fence") >= 1 and "never goes back" in err, err
        assert replicator.stop() == 0, replicator.describe()
    two = Two(world, KEY)
    assert "fence" not in run([*two.locations, PLAIN], name="replicate-record")[2]


def points(text):
    return {name: (state, rest) for state, name, rest in re.findall(r"^(ok|problem) +(\S+) +(.*)$", text, re.MULTILINE)}


@runner.test("one_key.check_has_a_line_for_each_point")
def _(world):
    two = Two(world, KEY, stream="NEW_AND_OLD_IMAGES")
    found = points(ran("dynamodb-replicator", ["check", *two.locations]))
    assert list(found) == ["primary", "replica", "keys", "stream", "retention", "diff", "copy"], found
    assert {state for state, _ in found.values()} == {"ok"}, found
    assert "1 items" in found["primary"][1] and "NEW_AND_OLD_IMAGES" in found["stream"][1], found
    assert "24 h" in found["retention"][1] and "read units" in found["diff"][1] and "$" in found["copy"][1], found
    stream = world.name("checked")
    world.create_stream(stream, 2)
    found = points(ran("dynamodb-replicator", ["check", *two.locations, "--kinesis", f"{world.kinesis_url}/{stream}"]))
    assert found["stream"][0] == "ok" and "2 open shards" in found["stream"][1] and stream in found["stream"][1], found


@runner.test("one_key.check_names_each_problem_with_its_remedy")
def _(world):
    two = Two(world, KEY)
    found = points(ran("dynamodb-replicator", ["check", *two.locations], status=2))
    assert found["stream"][0] == "problem" and "update-table" in found["stream"][1], found
    assert found["primary"][0] == found["keys"][0] == "ok", found
    other = at(world, table(world, ("B", None)))
    found = points(ran("dynamodb-replicator", ["check", other, two.locations[1]], status=2))
    assert found["keys"][0] == "problem" and "h (B)" in found["keys"][1] and "h (S), r (N)" in found["keys"][1], found
    found = points(ran("dynamodb-replicator", ["check", two.locations[0], at(world, "none-such"), "--kinesis", f"{world.kinesis_url}/none-such"], status=2))
    assert found["replica"][0] == "problem" and "--create-replica" in found["replica"][1], found
    assert found["stream"][0] == "problem" and "does not exist" in found["stream"][1] and found["primary"][0] == "ok", found
    assert "same" in points(ran("dynamodb-replicator", ["check", two.locations[0], two.locations[0]], status=2))["replica"][1]
    assert points(ran("dynamodb-replicator", ["check", "nonsense", two.locations[1]], status=2))["primary"][0] == "problem"
