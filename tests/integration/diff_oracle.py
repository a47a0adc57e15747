"""Works out by itself how two tables differ: the answer that diff-tables is held against.

    diff_oracle.py URL/PRIMARY URL/REPLICA [--ignore ATTRIBUTE]... [--ttl ATTRIBUTE --now SECONDS]

Prints one JSON object a line, {"event": "missing", "key": {...}}, with the key in wire form; the last is a summary. It
reads both tables whole, consistently, with boto3's low-level client; it imports nothing of this repository, and equality
is its own: numbers are decimal.Decimal, sets are frozensets, binary is bytes, and a type is part of a value.
"""

import argparse
import base64
import decimal
import json
import sys

import boto3
import botocore.config

KINDS = ("missing", "different", "extraneous")


def connect(url):
    return boto3.client("dynamodb", endpoint_url=url, region_name="us-east-1", aws_access_key_id="local",
                        aws_secret_access_key="local", config=botocore.config.Config(retries={"max_attempts": 10, "mode": "standard"}))


def meaning(value):
    """An attribute value {type: ...} as what it means; hashable, equal exactly if the values are."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, decimal.Decimal(content)
    if kind in ("SS", "NS", "BS"):
        return kind, frozenset(meaning({kind[0]: each}) for each in content)
    if kind == "L":
        return kind, tuple(map(meaning, content))
    if kind == "M":
        return kind, record(content)
    return kind, bytes(content) if kind == "B" else content


def record(item):
    return frozenset((name, meaning(value)) for name, value in item.items())


class Schema:
    """The key attributes of a table, hash first, with their types."""

    def __init__(self, description):
        types = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
        names = sorted(description["KeySchema"], key=lambda each: each["KeyType"] != "HASH")
        self.attributes = [(each["AttributeName"], types[each["AttributeName"]]) for each in names]

    def key(self, item):
        return tuple(meaning(item[name]) for name, _ in self.attributes)

    def read(self, text):
        """A key as diff-tables prints it: plain JSON, in key-schema order, numbers bare and exact, binary as base64."""
        pairs = json.loads(text, object_pairs_hook=list, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
        return self.read_pairs(pairs)

    def read_pairs(self, pairs):
        assert [name for name, _ in pairs] == [name for name, _ in self.attributes], f"not in key-schema order: {pairs}"
        wanted = {"S": str, "N": decimal.Decimal, "B": str}
        for (name, value), (_, kind) in zip(pairs, self.attributes):
            assert isinstance(value, wanted[kind]), f"{name} is no plain {kind}: {value!r}"
        return tuple((kind, base64.b64decode(value, validate=True) if kind == "B" else value)
                     for (_, value), (_, kind) in zip(pairs, self.attributes))

    def wire(self, key):
        return {name: {kind: base64.b64encode(value).decode() if kind == "B" else str(value)}
                for (name, _), (kind, value) in zip(self.attributes, key)}


class Comparison:
    """missing, different, extraneous: sets of keys. primary, replica: {key: record} of what counts."""

    def __init__(self, primary, replica, ignore=(), ttl=None, now=0):
        """primary, replica: (client, table name)."""
        self.schema = Schema(primary[0].describe_table(TableName=primary[1])["Table"])
        self._ignored = lambda name: name in ignore or name.startswith("aws:rep:")
        self._ttl, self._now = ttl, now
        self.primary, self.replica = self._read(*primary), self._read(*replica)
        self.missing = {key for key in self.primary if key not in self.replica}
        self.extraneous = {key for key in self.replica if key not in self.primary}
        self.different = {key for key, item in self.primary.items() if self.replica.get(key, item) != item}

    def _read(self, client, table):
        found = {}
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                if not self._expired(item):
                    found[self.schema.key(item)] = record({n: v for n, v in item.items() if not self._ignored(n)})
        return found

    def _expired(self, item):
        if self._ttl is None or "N" not in item.get(self._ttl, {}):
            return False
        return decimal.Decimal(item[self._ttl]["N"]) < self._now

    def keys(self):
        return {kind: getattr(self, kind) for kind in KINDS}

    @property
    def count(self):
        return sum(map(len, self.keys().values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs=2, metavar="URL/TABLE")
    parser.add_argument("--ignore", action="append", default=[])
    parser.add_argument("--ttl")
    parser.add_argument("--now", type=int, default=0)
    options = parser.parse_args()
    sides = [(connect(url), table) for url, _, table in (each.rpartition("/") for each in options.tables)]
    compared = Comparison(*sides, ignore=options.ignore, ttl=options.ttl, now=options.now)
    for kind, keys in compared.keys().items():
        for key in keys:
            print(json.dumps({"event": kind, "key": compared.schema.wire(key)}))
    print(json.dumps({"event": "summary", **{kind: len(keys) for kind, keys in compared.keys().items()}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
