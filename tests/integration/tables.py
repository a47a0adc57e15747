"""Tables as an independent client sees them: boto3's low-level client, which hands attribute values over as they are.

Nothing here shares code or an idea of equality with the program under test: numbers are decimal.Decimal, sets are
frozensets, binary is bytes.
"""

import decimal
import itertools

import boto3
import botocore.config

REGION = "us-east-1"
KEY_TYPES = ("S", "N", "B")
# Every key type alone, and every pair: twelve shapes of table.
KEY_SHAPES = [(h, None) for h in KEY_TYPES] + list(itertools.product(KEY_TYPES, KEY_TYPES))

# boto3 must not round what it passes on; the default traps are for its own Decimal conversion, not for ours.
_exact = decimal.Context(prec=200)


def client(service, url, **more):
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id="local", aws_secret_access_key="local",
        config=botocore.config.Config(retries={"max_attempts": 10, "mode": "standard"}, max_pool_connections=50,
                                      connect_timeout=5, read_timeout=30, **more))


def shape_name(shape):
    return "".join(kind for kind in shape if kind)


def create_table(dynamodb, name, shape, stream_view="KEYS_ONLY"):
    """shape: (hash type, range type or None). stream_view None: no stream."""
    names = [("h", "HASH"), ("r", "RANGE")] if shape[1] else [("h", "HASH")]
    arguments = {} if stream_view is None else {
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": stream_view}}
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for (n, _), t in zip(names, shape)],
        KeySchema=[{"AttributeName": n, "KeyType": role} for n, role in names], **arguments)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def key_value(kind, number):
    """A key value of that type which differs for every number and is awkward in its type's own way."""
    if kind == "S":
        return {"S": ("k\"\u00e9\U0001f600-" if number % 5 == 0 else "k-") + str(number)}
    if kind == "N":
        exact = "1234567890123456789" if number % 5 == 0 else ""  # more digits than a double has
        return {"N": ("-" if number % 3 == 0 else "") + f"{exact}{number + 1}" + (".5" if number % 7 == 0 else "")}
    return {"B": b"\x00\xff" + number.to_bytes(3, "big")}


def make_key(shape, number):
    """Key `number` of a table of that shape. With a range key, eight keys share a partition."""
    if shape[1] is None:
        return {"h": key_value(shape[0], number)}
    return {"h": key_value(shape[0], number // 8), "r": key_value(shape[1], number)}


def every_type(dice, version):
    """Attributes of all ten types; `version` makes this write differ from every other."""
    digits = "".join(dice.choice("123456789") for _ in range(38))
    return {
        "version": {"N": str(version)},
        "string": {"S": dice.choice(["", "plain", "quote \" backslash \\ \u2028 \U0001f600", "x" * 300])},
        "number": {"N": dice.choice([digits, "-" + digits[:20], "1e-130", "9.99e125", "0.1", "12345678901234567890"])},
        "binary": {"B": bytes(dice.randrange(256) for _ in range(dice.randrange(20)))},
        "yes": {"BOOL": dice.random() < 0.5},
        "nothing": {"NULL": True},
        "strings": {"SS": dice.sample(["a", "b", "c", "d\u00e9"], 3)},
        "numbers": {"NS": dice.sample(["1", "2.5", "-3e10", digits], 3)},
        "binaries": {"BS": dice.sample([b"\x00", b"\x01\x02", b"\xff" * 9], 2)},
        "list": {"L": [{"N": "1.50"}, {"S": ""}, {"L": []}, {"M": {}}, {"NULL": True}]},
        "map": {"M": {"deep": {"M": {"n": {"N": digits}, "b": {"B": b"\x80"}, "t": {"BOOL": False}}}}},
    }


def canonical(value):
    """An attribute value {type: ...} as something that compares and hashes by meaning."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, _exact.create_decimal(content)
    if kind == "NS":
        return kind, frozenset(_exact.create_decimal(number) for number in content)
    if kind == "SS":
        return kind, frozenset(content)
    if kind == "B":
        return kind, bytes(content)
    if kind == "BS":
        return kind, frozenset(bytes(each) for each in content)
    if kind == "L":
        return kind, tuple(canonical(each) for each in content)
    if kind == "M":
        return kind, canonical_item(content)
    if kind in ("S", "BOOL", "NULL"):
        return kind, content
    raise ValueError(f"not an attribute type: {kind}")


def canonical_item(item):
    return frozenset((name, canonical(value)) for name, value in item.items())


def canonical_key(shape, item):
    return canonical_item({name: item[name] for name in ("h", "r")[:1 if shape[1] is None else 2]})


def scan(dynamodb, table):
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def content(dynamodb, table, shape):
    """{canonical key: canonical item} of a whole table."""
    return {canonical_key(shape, item): canonical_item(item) for item in scan(dynamodb, table)}


def differences(primary, replica):
    """Keys that are not the same in two content() maps, as (missing, different, extraneous)."""
    missing = [key for key in primary if key not in replica]
    different = [key for key in primary if key in replica and primary[key] != replica[key]]
    extraneous = [key for key in replica if key not in primary]
    return missing, different, extraneous


def batch_write(dynamodb, table, puts=(), deletes=()):
    """At most 25 in all, keys all different; unprocessed ones are sent again."""
    pending = [{"PutRequest": {"Item": item}} for item in puts] + [{"DeleteRequest": {"Key": key}} for key in deletes]
    while pending:
        answer = dynamodb.batch_write_item(RequestItems={table: pending})
        pending = answer["UnprocessedItems"].get(table, [])
