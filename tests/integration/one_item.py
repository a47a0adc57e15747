"""diff-record, replicate-record and check: one item of a pair, and the pair before anything is done to it."""

import base64
import json
import signal
import socket

import runner
import tables
from compared import Edited, Tables, key_of
from diff import SHAPE, item
from diff_repair import WRITES
from program import run
from refusals import at, refused, table
from world import wait_until


def record(two, key, *options, status=0, name="diff-record", locations=None):
    done = run([*(locations or two.locations), key, *options], name=name)
    assert done[0] == status, f"status {status} was expected, not {done[0]}, of {name} {key}\n{done[1]}\n{done[2]}"
    return done[1]


def wire(key):
    """The key in wire form, as JSON."""
    return json.dumps({name: {kind: base64.b64encode(content).decode() if kind == "B" else content}
                       for name, value in key.items() for kind, content in value.items()})


@runner.test("one_item.diff_record_tells_equal_different_missing_and_extraneous")
def _(world):
    equal = {"n": {"N": "1"}, "s": {"SS": ["a", "b"]}}
    two = Tables(world, SHAPE, [item("x", 1, **equal), item("x", 2, same={"S": "as-it-was"}, n={"N": "1"}, gone={"S": "only-here"}), item("x", 3, v={"S": "not-there"})],
                 [item("x", 1, **equal), item("x", 2, same={"S": "as-it-was"}, n={"N": "12345678901234567890"}), item("x", 4, v={"S": "not-here"})])
    cases = ((1, 0, ["equivalent"], ["differ"]), (2, 1, ["n", "gone", "only-here", "12345678901234567890"], []),
             (3, 1, ["not-there"], []), (4, 1, ["not-here"], []), (5, 0, [], []))
    for number, code, words, never in cases:
        for key in (f'{{"h":"x","r":{number}}}', f'{{"r": {number}.0, "h": "x"}}', wire(key_of(item("x", number)))):
            out = record(two, key)
            assert out == record(two, key, "--exit-code", status=code), "the same is printed with --exit-code"
            for word in words:
                assert word in out, f"{number}: {word} is not told\n{out}"
            assert not any(word in out.lower() for word in never), out


@runner.test("one_item.keys_of_every_type_in_both_forms")
def _(world):
    for shape in tables.KEY_SHAPES:
        keys = [tables.make_key(shape, number) for number in (0, 3, 5, 7)]
        two = Tables(world, shape, [{**key, "v": {"N": "1"}} for key in keys], [{**key, "v": {"N": "2"}} for key in keys[:3]])
        for key in keys[:1] if shape[1] and not world.long else keys:
            record(two, wire(key), "--exit-code", status=1)
            record(two, wire(key), name="replicate-record")
            record(two, wire(key), "--exit-code")
            assert two.get(1, key) == {**key, "v": {"N": "1"}}


@runner.test("one_item.ignored_attributes_and_the_service_s_own")
def _(world):
    two = Tables(world, SHAPE, [item("x", 1, v={"N": "1"})], [item("x", 1, v={"N": "1"}, **{"aws:rep:updatetime": {"N": "5"}})])
    record(two, '{"h":"x","r":1}', "--exit-code")


@runner.test("one_item.replicate_record_puts_overwrites_and_deletes")
def _(world):
    exact = {"n": {"N": "1" * 38}, "m": {"M": {"deep": {"L": [{"BS": [b"\x00", b"\xff"]}, {"NULL": True}]}}}, "e": {"S": ""}}
    two = Tables(world, SHAPE, [item("x", 1, **exact), item("x", 2, **exact)], [item("x", 2, v={"S": "old"}), item("x", 3)])
    for number in (1, 2, 3, 4):
        record(two, f'{{"h":"x","r":{number}}}', name="replicate-record")
        assert two.get(0, item("x", number)) == two.get(1, item("x", number)), number
        record(two, f'{{"h":"x","r":{number}}}', "--exit-code")
    two.assert_equal()


@runner.test("one_item.replicate_record_writes_no_older_value_over_a_newer_one")
def _(world):
    for newer in (item("x", 1, v={"S": "newest"}), None):
        two, moved = Tables(world, SHAPE, [item("x", 1, v={"S": "old"})], [item("x", 1, v={"S": "oldest"})]), []

        def move(operation, request):
            del request
            if operation in WRITES and not moved:
                moved.append(operation)
                for side in (0, 1):
                    two.put(side, newer) if newer else two.delete(side, item("x", 1))
        with Edited(world.dynamodb_url, move) as proxy:
            record(two, '{"h":"x","r":1}', name="replicate-record", locations=two.through(replica=proxy))
        assert moved and two.get(1, item("x", 1)) == newer, (newer, two.items(1))


@runner.test("one_item.keys_that_are_none_are_refused")
def _(world):
    two = Tables(world, SHAPE, [item("x", 1)], [item("x", 1)])
    for name in ("diff-record", "replicate-record"):
        for key, *words in (('{"h":"x"}', "r"), ('{"h":"x","r":1,"z":2}', "z"), ('{"h":1,"r":1}', "h"), ('{"h":"x","r":"one"}', "r"), ("x", "JSON"), ("{", "JSON"),
                            ('{"h":{"S":"x"},"r":{"S":"1"}}', "r"), ('{"h":"","r":1}', "h"), ('{"h":"x","r":1e200}', "r"), ("[]", "key"), ("", "key")):
            refused([*two.locations, key], *words, name=name)
        refused([*two.locations], "key", name=name)
        refused([two.locations[0], two.locations[0], '{"h":"x","r":1}'], "same", name=name)
        refused([two.locations[0], at(world, "no-such-table"), '{"h":"x","r":1}'], "no-such-table", name=name)


@runner.test("one_item.check_tells_what_is_there_and_changes_nothing")
def _(world):
    two = Tables(world, SHAPE, [item("x", n) for n in range(30)], [item("x", n) for n in range(20)])
    streamed = at(world, table(world, SHAPE, "NEW_IMAGE"))
    operations = []
    with Edited(world.dynamodb_url, lambda operation, request: operations.append(operation)) as proxy:
        status, out, err, _ = run(["check", streamed.replace(world.dynamodb_url, proxy.url), two.through(replica=proxy)[1]])
    assert status == 0, out + err
    assert "NEW_IMAGE" in out + err, out + err
    assert not set(operations) & {*WRITES, "CreateTable", "UpdateTable", "DeleteTable", "Scan"}, operations
    before = world.dynamodb.list_tables()["TableNames"]
    status, out, err, _ = run(["check", *two.locations])
    assert "stream" in (out + err).lower(), out + err
    assert world.dynamodb.list_tables()["TableNames"] == before


@runner.test("one_item.a_signal_ends_each_command_with_130")
def _(world):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        places = [f"http://127.0.0.1:{silent.getsockname()[1]}/{name}" for name in ("one", "two")]
        for name, arguments in (("diff-record", [*places, '{"h":"x"}']), ("replicate-record", [*places, '{"h":"x"}']), ("dynamodb-replicator", ["check", *places])):
            for number in (signal.SIGTERM, signal.SIGINT):
                with world.program(arguments, name=name) as program:
                    wait_until(lambda program=program: "placeholders" in program.log(), 10, "it asks")
                    program.send(number)
                    assert program.wait(5) == 130, program.describe()


@runner.test("one_item.check_refuses_what_cannot_work")
def _(world):
    one = at(world, table(world))
    for arguments, *words in (([one, at(world, "no-such-table")], "no-such-table"), ([at(world, "no-such-table"), one], "no-such-table"), ([one, one], "same"),
                              ([one, at(world, table(world, ("S", "S")))], "key"), ([one], "replica")):
        status, out, err, _ = run(["check", *arguments])
        assert status == 2, (arguments, status, out, err)
        assert all(word in (out + err).lower() for word in words), (arguments, words, out, err)
