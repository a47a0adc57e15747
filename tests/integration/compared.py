"""What the tests of diff-tables share: two tables that need not be equal, a run of it, and the oracle's answer beside.

A side is an engine (its client and its address) with a table's name; both sides may be of one engine or of two.
"""

import concurrent.futures
import contextlib
import json
import re
import time

import tables
from diff_oracle import KINDS, Comparison, Schema
from program import run
from proxy import FaultyDynamoDb

BATCH_MAX = 25
FILL_THREADS = 4
RUN_SECONDS_MAX = 120


class Engine:
    """A server that speaks DynamoDB, as a client of ours sees it and by the address that the program is given."""

    def __init__(self, url):
        self.url, self.client = url, tables.client("dynamodb", url)


def fill(client, table, items):
    """Puts them all, some batches at a time; keys all different."""
    items = list(items)
    with concurrent.futures.ThreadPoolExecutor(FILL_THREADS) as pool:
        batches = [items[begin:begin + BATCH_MAX] for begin in range(0, len(items), BATCH_MAX)]
        list(pool.map(lambda batch: tables.batch_write(client, table, batch, []), batches))


def key_of(item):
    return {name: item[name] for name in ("h", "r") if name in item}


class Tables:
    """A primary and a replica of one shape, filled at creation."""

    def __init__(self, world, shape, primary=(), replica=(), engines=None):
        self.world, self.shape = world, shape
        self.engines = engines or (Engine(world.dynamodb_url),) * 2
        name = world.name("compared")
        self.names = (f"{name}-primary", f"{name}-replica")
        for engine, table, items in zip(self.engines, self.names, (primary, replica)):
            tables.create_table(engine.client, table, shape, None)
            fill(engine.client, table, items)
        self.schema = Schema(self.engines[0].client.describe_table(TableName=self.names[0])["Table"])

    @property
    def locations(self):
        return [f"{engine.url}/{table}" for engine, table in zip(self.engines, self.names)]

    def through(self, primary=None, replica=None):
        """The locations, with a proxy in front of a side."""
        return [f"{(proxy or engine).url}/{table}"
                for proxy, engine, table in zip((primary, replica), self.engines, self.names)]

    def put(self, side, *items):
        for item in items:
            self.engines[side].client.put_item(TableName=self.names[side], Item=item)

    def delete(self, side, *keys):
        for key in keys:
            self.engines[side].client.delete_item(TableName=self.names[side], Key=key_of(key))

    def get(self, side, key):
        return self.engines[side].client.get_item(TableName=self.names[side], Key=key_of(key), ConsistentRead=True).get("Item")

    def items(self, side):
        return list(tables.scan(self.engines[side].client, self.names[side]))

    def oracle(self, **options):
        return Comparison(*((engine.client, table) for engine, table in zip(self.engines, self.names)), **options)

    def assert_equal(self, **options):
        left = self.oracle(**options).keys()
        assert not any(left.values()), f"the oracle: {({kind: list(keys)[:3] for kind, keys in left.items() if keys})}"


class Run:
    """A finished run of diff-tables: what it printed, by kind, as keys that compare with the oracle's."""

    def __init__(self, schema, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds
        self.lines = out.splitlines()
        self.texts, self.keys = {}, {}  # by kind: what stands behind it; the keys
        for line in self.lines:
            found = re.fullmatch(r"\[(\w+)\] (\{.*\})", line)
            assert found, f"no line of the contract: {line!r}\n{self.describe()}"
            self.texts.setdefault(found[1], []).append(found[2])
            self.keys.setdefault(found[1], []).append(schema.read(found[2]))

    def kind(self, name):
        return set(self.keys.get(name, ()))

    @property
    def discrepancies(self):
        found = re.findall(r"\[discrepancies\] (\d+)", self.err)
        assert len(found) == 1, f"one line of discrepancies is wanted: {self.describe()}"
        return int(found[0])

    def describe(self):
        return f"status {self.status} after {self.seconds:.1f} s\n{self.out[-2000:]}\n--\n{self.err[-3000:]}"


def diff(two, *options, status=0, locations=None, environment=None, seconds=RUN_SECONDS_MAX):
    """Runs diff-tables without waiting for differences to last, unless the options say otherwise."""
    settle = [] if "--settle" in options else ["--settle", "0"]
    done = run([*(locations or two.locations), *settle, *options], environment, "diff-tables", seconds)
    assert done[0] == status, f"status {status} was expected, not {done[0]}, of diff-tables {options}\n{done[1][-2000:]}\n{done[2][-3000:]}"
    return Run(two.schema, *done)


def check(two, *options, expected=None, locations=None, **oracle_options):
    """Compares one run with the oracle: the kinds, each key once, and the number at the end. Returns (run, oracle)."""
    oracle = two.oracle(**oracle_options)
    got = diff(two, *options, locations=locations)
    for kind in KINDS:
        printed = got.keys.get(kind, [])
        assert len(printed) == len(set(printed)), f"{kind}: a key twice\n{got.describe()}"
        wrong, lacking = set(printed) - getattr(oracle, kind), getattr(oracle, kind) - set(printed)
        assert not wrong and not lacking, (
            f"{kind}: {len(wrong)} that are not ({list(wrong)[:3]}), {len(lacking)} not told ({list(lacking)[:3]})\n{got.describe()}")
    assert got.kind("changing") == set(), got.describe()
    assert got.discrepancies == oracle.count, f"{oracle.count} by the oracle\n{got.describe()}"
    if expected is not None:  # the case shows what it is meant to show
        assert oracle.count == expected, f"the case has {oracle.count} differences, not {expected}"
    return got, oracle


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Edited(FaultyDynamoDb):
    """A proxy that changes requests on their way in and answers on their way out, in place:
    request(operation, content), answer(operation, request, content)."""

    def __init__(self, url, request=None, answer=None):
        super().__init__(url, [])
        self._edits = request, answer

    def answer(self, headers, body):
        edit_request, edit_answer = self._edits
        operation, content = headers.get("X-Amz-Target", "").partition(".")[2], json.loads(body)
        if edit_request:
            edit_request(operation, content)
        status, answer_headers, answer = self._forward(headers, json.dumps(content).encode())
        if edit_answer and status == 200:
            told = json.loads(answer)
            edit_answer(operation, content, told)
            answer = json.dumps(told).encode()
            answer_headers = [(name, value) for name, value in answer_headers if name.lower() != "x-amz-crc32"]
        return status, answer_headers, answer


def shorten(items, seconds=0.0, seen=None):
    """For Edited: pages of a few items, each after some seconds; each Scan is noted in `seen`."""
    def edit(operation, request):
        if operation == "Scan":
            request["Limit"] = min(items, request.get("Limit", items))
            if seen is not None:
                seen.append(request)
            time.sleep(seconds)
    return edit


def expires(attribute):
    """For Edited: says that the table has TTL. DynamoDB Local itself deletes what has expired within seconds, where the
    service takes days; so nobody tells it."""
    def edit(operation, request, told):
        del request
        if operation == "DescribeTimeToLive":
            told["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
    return edit


@contextlib.contextmanager
def short_pages(two, items=10, seconds=0.0):
    """(locations of the tables through proxies that give short pages, a list that grows with each Scan)."""
    seen = []
    edit = shorten(items, seconds, seen)
    with Edited(two.engines[0].url, edit) as first, Edited(two.engines[1].url, edit) as second:
        yield two.through(first, second), seen
