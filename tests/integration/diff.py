"""diff-tables finds exactly what differs: each case beside the answer of an independent program (diff_oracle)."""

import random
import time

import runner
import tables
from compared import Edited, Engine, Tables, check, diff, expires, json_lines
from emulators import Dynalite
from program import run

SHAPE = ("S", "N")


def item(hash_key, range_key=None, **attributes):
    """Strings and whole numbers are keys of those types; attributes are in wire form."""
    key = {"h": {"S": hash_key}}
    if range_key is not None:
        key["r"] = {"N": str(range_key)}
    return {**key, **attributes}


def several(numbers, shape, version=lambda number: 0):
    return [{**tables.make_key(shape, n), **tables.every_type(random.Random(n), int(version(n)))} for n in numbers]


@runner.test("diff.every_key_type_and_pair")
def _(world):
    for shape in tables.KEY_SHAPES:
        replica = set(range(40)) - {3, 17, 30} | {200, 201}
        two = Tables(world, shape, several(range(40), shape), several(replica, shape, lambda n: n in (8, 20)))
        check(two, expected=7)
    check(two, "--consistent", expected=7)


@runner.test("diff.equal_tables_and_what_is_told_of_them")
def _(world):
    two = Tables(world, SHAPE, several(range(150), SHAPE), several(range(150), SHAPE))
    got, _ = check(two, expected=0)
    assert got.out == "", got.describe()
    assert got.err.count("150") >= 2, f"items scanned on each side: {got.describe()}"
    assert "units" in got.err, got.describe()


@runner.test("diff.one_extra_collection")
def _(world):
    # Lock-step comparisons that look only so far ahead give up here, or hold a whole segment in memory.
    size = 50_000 if world.long else 12_000
    common = [item(f"p{n % 20}", n) for n in range(100)]
    with Dynalite() as other:
        engines = (Engine(other.dynamodb.url),) * 2
        extra = [item("extra", n) for n in range(size)]
        two = Tables(world, SHAPE, common, common + extra, engines)
        check(two, expected=size)
        if world.long:  # the same on the primary's side
            two.names = two.names[::-1]
            check(two, expected=size)


@runner.test("diff.disjoint_tables")
def _(world):
    two = Tables(world, SHAPE, [item(f"a{n}", n) for n in range(120)], [item(f"b{n}", n) for n in range(130)])
    check(two, expected=250)


@runner.test("diff.empty_tables")
def _(world):
    some = [item("x", n) for n in range(30)]
    check(Tables(world, SHAPE), expected=0)
    check(Tables(world, SHAPE, some), expected=30)
    check(Tables(world, SHAPE, (), some), expected=30)


@runner.test("diff.numeric_sort_keys_in_the_order_of_numbers")
def _(world):
    # By text "10" comes before "9": a comparison in step by text loses its place here.
    numbers = [-100, -9, -1, "0", "0.5", 9, 10, 11, 100, 101, "1000000000000000000000", "1e-20"]
    two = Tables(world, SHAPE, [item("x", n) for n in numbers], [item("x", n) for n in numbers if n not in (9, 100)])
    got, _ = check(two, expected=2)
    assert sorted(got.texts["missing"]) == ['{"h":"x","r":100}', '{"h":"x","r":9}'], got.describe()


@runner.test("diff.keys_and_attributes_of_20_and_38_digits")
def _(world):
    ones = "1" * 37
    keys = ["12345678901234567890", "12345678901234567891", ones + "1", ones + "2", "-" + ones + "3", "1e-130", "9.99e125"]
    primary = [{"h": {"N": k}, "v": {"N": ones + "1"}, "m": {"M": {"n": {"NS": [ones + "1", "5"]}}}} for k in keys]
    replica = [{"h": {"N": k}, "v": {"N": ones + "1"}, "m": {"M": {"n": {"NS": [ones + "1", "5"]}}}} for k in keys]
    replica[0]["v"] = {"N": ones + "2"}
    replica[2]["m"] = {"M": {"n": {"NS": [ones + "2", "5"]}}}
    replica[1]["h"] = {"N": "12345678901234567892"}
    got, _ = check(Tables(world, ("N", None), primary, replica), expected=4)
    assert '{"h":12345678901234567891}' in got.texts["missing"], f"the exact digits are printed: {got.describe()}"
    assert f'{{"h":{ones}1}}' in got.texts["different"], got.describe()


@runner.test("diff.binary_keys_and_values")
def _(world):
    keys = [bytes([a, b]) for a in (0, 1, 0x7f, 0x80, 0xfe, 0xff) for b in (0, 0x80, 0xff)]
    for shape, make in ((("B", None), lambda k: {"h": {"B": k}}), (("B", "B"), lambda k: {"h": {"B": k[:1]}, "r": {"B": k}})):
        primary = [{**make(k), "v": {"B": k * 3}, "s": {"BS": [k, b"\x00"]}} for k in keys if k != b"\x00\x00"]
        replica = [dict(each) for each in primary if each["v"]["B"] != b"\xff\xff" * 3]
        replica[4]["v"] = {"B": b"\x00\xff\x00"}
        replica[5]["s"] = {"BS": [b"\x01", b"\x02"]}
        check(Tables(world, shape, primary, [*replica, {**make(b"\x00\x00"), "v": {"B": b""}}]), expected=4)


@runner.test("diff.set_order_is_no_difference")
def _(world):
    # dynalite keeps the order in which a set was written.
    sets = {"ss": {"SS": ["b", "a", "\u00e9"]}, "ns": {"NS": ["10", "9", "1"]}, "bs": {"BS": [b"\xff", b"\x00", b"b"]}}
    turned = {name: {kind: content[::-1]} for name, value in sets.items() for kind, content in value.items()}
    with Dynalite() as other:
        dynalite, local = Engine(other.dynamodb.url), Engine(world.dynamodb_url)
        for engines in ((dynalite, dynalite), (dynalite, local), (local, dynalite)):
            two = Tables(world, SHAPE, [item("x", n, **sets) for n in range(30)],
                         [item("x", n, **turned) for n in range(29)] + [item("x", 29, **{**turned, "ss": {"SS": ["b", "a", "c"]}})], engines)
            if engines == (dynalite, dynalite):
                assert two.items(0)[0]["ss"] != two.items(1)[0]["ss"], "the engine sorts: this shows nothing"
            check(two, expected=1)


def respelled(value):
    """The same value as another engine may spell it: numbers with more zeros, sets and maps the other way round."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": content + ("0" if "." in content else ".0")}
    if kind == "NS":
        return {"NS": [respelled({"N": each})["N"] for each in reversed(content)]}
    if kind in ("SS", "BS"):
        return {kind: content[::-1]}
    if kind == "L":
        return {"L": [respelled(each) for each in content]}
    if kind == "M":
        return {"M": {name: respelled(each) for name, each in reversed(content.items())}}
    return value


def respell_answer(operation, request, told):
    del operation, request
    for one in [*told.get("Items", []), *(each for some in told.get("Responses", {}).values() for each in some), *filter(None, [told.get("Item")])]:
        turned = {name: respelled(value) for name, value in reversed(one.items())}
        one.clear()
        one.update(turned)


@runner.test("diff.spelling_of_numbers_is_no_difference")
def _(world):
    # An engine that keeps numbers as they were written, in keys too: here a proxy that respells what comes back.
    exact = {"n": {"N": "1"}, "ns": {"NS": ["1", "2.5", "100"]}, "m": {"M": {"a": {"N": "0.1"}, "b": {"L": [{"N": "7"}, {"NULL": True}]}}}}
    primary = [item("x", n, **exact) for n in range(-20, 40)] + [item("x", 99)]
    replica = [item("x", n, **exact) for n in range(-20, 39)] + [item("x", 39, **{**exact, "n": {"N": "1.01"}}), item("x", 100)]
    two = Tables(world, SHAPE, primary, replica)
    with Edited(world.dynamodb_url, answer=respell_answer) as proxy:
        for locations in (two.through(replica=proxy), two.through(primary=proxy), two.through(proxy, proxy)):
            check(two, locations=locations, expected=3)


@runner.test("diff.nested_values_types_and_absence")
def _(world):
    deep = {"M": {"l": {"L": [{"M": {"n": {"N": "1"}, "s": {"SS": ["a", "b"]}}}, {"S": "x"}]}, "e": {"M": {}}}}
    variants = [  # (primary's attributes, replica's, whether they differ)
        ({"v": deep}, {"v": deep}, False),
        ({"v": deep}, {"v": {"M": {"e": {"M": {}}, "l": deep["M"]["l"]}}}, False),
        ({"v": deep}, {"v": {"M": {"l": {"L": [{"M": {"n": {"N": "2"}, "s": {"SS": ["a", "b"]}}}, {"S": "x"}]}, "e": {"M": {}}}}}, True),
        ({"v": deep}, {"v": {"M": {"l": {"L": deep["M"]["l"]["L"][::-1]}, "e": {"M": {}}}}}, True),
        ({"v": deep}, {"v": {"M": {"l": deep["M"]["l"]}}}, True),
        ({}, {"v": {"NULL": True}}, True), ({"v": {"NULL": True}}, {"v": {"S": ""}}, True), ({}, {"v": {"S": ""}}, True),
        ({"v": {"L": []}}, {"v": {"M": {}}}, True), ({"v": {"L": []}}, {}, True), ({"v": {"BOOL": False}}, {"v": {"NULL": True}}, True),
        ({"v": {"BOOL": False}}, {"v": {"BOOL": True}}, True), ({"v": {"S": "1"}}, {"v": {"N": "1"}}, True),
        ({"v": {"SS": ["1"]}}, {"v": {"NS": ["1"]}}, True), ({"v": {"S": "YQ=="}}, {"v": {"B": b"a"}}, True),
        ({"v": {"L": [{"S": "a"}]}}, {"v": {"SS": ["a"]}}, True), ({"v": {"S": "a"}}, {"w": {"S": "a"}}, True),
        ({"v": {"S": "\u00e9"}}, {"v": {"S": "e\u0301"}}, True),  # one letter to a reader, two strings to the service
        ({"v": {"S": "\u2028\"\\/\b\t\x00"}}, {"v": {"S": "\u2028\"\\/\b\t\x00"}}, False),
        ({"a": {"S": "bc"}}, {"ab": {"S": "c"}}, True), ({"v": {"L": [{"S": "ab"}, {"S": "c"}]}}, {"v": {"L": [{"S": "a"}, {"S": "bc"}]}}, True),
        ({"v": {"N": "0"}}, {"v": {"N": "-0.0"}}, False), ({"v": {"N": "100"}}, {"v": {"N": "1e2"}}, False),
    ]
    sides = [[item("x", n, **each[side]) for n, each in enumerate(variants)] for side in (0, 1)]
    got, _ = check(Tables(world, SHAPE, *sides), expected=sum(each[2] for each in variants))
    wanted = {n for n, each in enumerate(variants) if each[2]}
    assert {int(key[1][1]) for key in got.kind("different")} == wanted, got.describe()  # the table of variants, not only the oracle


@runner.test("diff.items_of_400_kb")
def _(world):
    def large(number, last="z"):
        return {**item("x", number), "t": {"S": "x" * (400 * 1024 - 30) + last}}
    two = Tables(world, SHAPE)
    for number in range(8):
        two.put(0, large(number))
        if number != 3:
            two.put(1, large(number, "y" if number == 6 else "z"))
    check(two, expected=2)


@runner.test("diff.expired_items_do_not_count_unless_asked")
def _(world):
    now = int(time.time())
    expired, alive = {"gone": {"N": str(now - 1000)}}, {"gone": {"N": str(now + 100_000)}}
    primary = [item("expired", n, **expired) for n in range(10)] + [item("alive", n, **alive) for n in range(10)]
    replica = [item("alive", n, **alive) for n in range(9)] + [item("expired-too", n, **expired) for n in range(5)]
    odd = [item("odd", 1, gone={"S": str(now - 1000)}), item("odd", 2)]  # neither is a time that has passed
    two = Tables(world, SHAPE, primary + odd, replica)
    check(two, expected=18)  # the table has no TTL: an attribute is an attribute
    with Edited(world.dynamodb_url, answer=expires("gone")) as proxy:
        locations = two.through(proxy, proxy)
        check(two, "--ttl", "compare", locations=locations, expected=18)
        check(two, locations=locations, ttl="gone", now=now, expected=3)
        check(two, "--ttl", "ignore", locations=locations, ttl="gone", now=now, expected=3)
    diff(two, "--ttl", "sometimes", status=2)


@runner.test("diff.ignored_attributes")
def _(world):
    primary = [item("x", n, v={"N": "1"}, seen={"N": str(n)}, note={"S": "p"}) for n in range(20)]
    replica = [item("x", n, v={"N": "1"}, seen={"N": str(-n - 1)}) for n in range(19)] + [item("x", 19, v={"N": "2"})]
    two = Tables(world, SHAPE, primary, replica)
    check(two, expected=20)
    check(two, "--ignore", "seen", ignore=("seen",), expected=20)
    check(two, "--ignore", "seen", "--ignore", "note", ignore=("seen", "note"), expected=1)
    for number in range(20):  # global tables of the old kind put these into every item
        two.put(1, {**replica[number], "note": {"S": "p"}, "aws:rep:updateregion": {"S": "eu-west-1"}, "aws:rep:deleting": {"BOOL": False}})
    check(two, "--ignore", "seen", ignore=("seen",), expected=1)
    status, out, err, _ = run(["--ignore", "seen", *two.locations, "--settle", "0"], name="diff-tables")
    assert status == 0 and "[discrepancies] 1" in err, (status, out, err)
    status, out, err, _ = run([*two.locations, "--ignore", "seen", "stray"], name="diff-tables")
    assert status == 2 and "stray" in err and not out, (status, out, err)


@runner.test("diff.segments_run_separately_are_the_whole")
def _(world):
    with Dynalite() as other:
        dynalite, local = Engine(other.dynamodb.url), Engine(world.dynamodb_url)
        for engines in ((local, local), (local, dynalite)):  # the second pair has no segment in common
            shape = ("S", "S")
            replica = set(range(300)) - {1, 99} | {500, 501}
            two = Tables(world, shape, several(range(300), shape), several(replica, shape, lambda n: n % 70 == 5), engines)
            oracle = two.oracle()
            union = {}
            for segment in range(5):
                one = diff(two, "--segment", segment, "--segments", 5)
                by_environment = diff(two, "--segment", "auto", "--segments", 5, environment={
                    ("AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX")[segment % 2]: str(segment)})
                assert sorted(one.lines) == sorted(by_environment.lines), (one.describe(), by_environment.describe())
                for kind in one.keys:
                    union.setdefault(kind, set()).update(one.kind(kind))
            assert union == {kind: keys for kind, keys in oracle.keys().items() if keys}, (union, oracle.keys())
        diff(two, "--segment", "auto", "--segments", 5, status=2)  # neither variable is set


@runner.test("diff.json_lines")
def _(world):
    primary = [{"h": {"N": "12345678901234567890"}, "r": {"B": b"\xff"}}, {"h": {"N": "1"}, "r": {"B": b"a"}, "v": {"S": "1"}}]
    replica = [{"h": {"N": "1"}, "r": {"B": b"a"}, "v": {"S": "2"}}, {"h": {"N": "0.5"}, "r": {"B": b"b"}}]
    two = Tables(world, ("N", "B"), primary, replica)
    text = check(two, expected=3)[0]
    got = diff_json(two)
    assert {(each["event"], str(each["key"])) for each in got[:-1]} == {
        (kind, str(json_lines(key)[0])) for kind, keys in text.texts.items() for key in keys}, got
    assert all(each["event"] != "summary" for each in got[:-1]) and got[-1]["event"] == "summary", got
    assert 3 in got[-1].values(), got[-1]


def diff_json(two, *options):
    status, out, err, _ = run([*two.locations, "--settle", 0, "--json", *options], name="diff-tables")
    assert status == 0, err
    assert '12345678901234567890' in out, out
    return json_lines(out)


@runner.test("diff.exit_code")
def _(world):
    two = Tables(world, SHAPE, [item("x", n) for n in range(5)], [item("x", n) for n in range(4)])
    diff(two)
    diff(two, "--exit-code", status=1)
    diff(two, "--exit-code", "--repair")
    diff(two, "--exit-code")
    two.assert_equal()
