"""Change records as producers other than us put them on a Kinesis stream. Only their keys mean anything.

- dyno: what mapbox's dyno 0.11 writes after each write of an item. Its partition key is the key's JSON in the
  caller's attribute order, so one item may be on two shards; binary keys have three spellings.
- kds: what AWS writes when a Kinesis stream is a table's destination (milliseconds or microseconds).
- aggregate: several of them in one record, as the Kinesis Producer Library packs them.
- junk: what can never be applied.
"""

import base64
import hashlib
import json
import time

BINARY_SPELLINGS = ("base64", "ints", "buffer")  # the service's own; node 0.10's; later nodes'
KPL_MAGIC = b"\xf3\x89\x9a\xc2"


def spell_key(key, binary="base64", backwards=False):
    """A key as it stands in a record: an attribute map ready for JSON."""
    def spell(value):
        if "B" not in value:
            return value
        raw = value["B"]
        if binary == "ints":
            return {"B": list(raw)}
        if binary == "buffer":
            return {"B": {"type": "Buffer", "data": list(raw)}}
        return {"B": base64.b64encode(raw).decode()}
    names = list(key)
    if backwards:
        names.reverse()
    return {name: spell(key[name]) for name in names}


def _json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def dyno(dice, key, event="INSERT", binary=None, backwards=None):
    """One PutRecords entry. `binary` and `backwards` None: as the dice fall."""
    binary = binary or dice.choice(BINARY_SPELLINGS)
    backwards = dice.random() < 0.5 if backwards is None else backwards
    spelled = spell_key(key, binary, backwards)
    record = {
        "awsRegion": "us-east-1", dice.choice(["eventID", "eventID", "eventID", "eventId"]): f"{dice.getrandbits(128):032x}",
        "eventName": event, "eventSource": "aws:dynamodb", "eventVersion": "1.0",
        "dynamodb": {"Keys": spelled, "SequenceNumber": "0", "SizeBytes": 0, "StreamViewType": "KEYS_ONLY"},
    }
    return {"Data": _json(record).encode(), "PartitionKey": _json(spelled)[:256]}


def kds(dice, key, table, event="MODIFY", item=None, microseconds=None):
    """As AWS spells it; with the image, which nobody may believe: it is made up here."""
    microseconds = dice.random() < 0.5 if microseconds is None else microseconds
    now = time.time()
    change = {"ApproximateCreationDateTime": int(now * (1_000_000 if microseconds else 1_000)),
              "Keys": spell_key(key), "NewImage": {**spell_key(key), "stale": {"S": "an image nobody may apply"}},
              "SizeBytes": 60}
    if microseconds:
        change["ApproximateCreationDateTimePrecision"] = "MICROSECOND"
    record = {
        "awsRegion": "us-east-1", "eventID": f"{dice.getrandbits(128):032x}", "eventName": event, "userIdentity": None,
        "recordFormat": "application/json", "tableName": table, "dynamodb": change, "eventSource": "aws:dynamodb",
    }
    partition = hashlib.md5(_json(spell_key(key)).encode()).hexdigest().upper()
    return {"Data": _json(record).encode(), "PartitionKey": partition}


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number, content):
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def aggregate(entries, partition="aggregate"):
    """One PutRecords entry that carries all of `entries`, under one partition key so that all are on its shard."""
    message = _field(1, partition.encode())
    for entry in entries:
        message += _field(3, b"\x08\x00" + _field(3, entry["Data"]))
    return {"Data": KPL_MAGIC + message + hashlib.md5(message).digest(), "PartitionKey": partition}


def junk(dice, number):
    """A record that can never be applied, of one of many kinds; unlike every other by `number`."""
    mark = f"junk-{number}"
    bodies = [
        mark.encode(),                                                        # not JSON
        b"\xff\xfe\x00" + mark.encode(),                                      # not text
        _json({"junk": mark}).encode(),                                       # JSON without keys
        _json({"junk": mark, "dynamodb": {}}).encode(),
        _json({"junk": mark, "dynamodb": {"Keys": {}}}).encode(),
        _json({"junk": mark, "dynamodb": {"Keys": {"other": {"S": "x"}}}}).encode(),    # keys of no such schema
        _json({"junk": mark, "dynamodb": {"Keys": {"h": {"BOOL": True}}}}).encode(),    # not a key's type
        _json({"junk": mark, "dynamodb": {"Keys": {"h": {"B": "***"}}}}).encode(),      # broken base64
        _json({"junk": mark, "dynamodb": {"Keys": {"h": {"N": "1e1e1"}}}}).encode(),    # not a number
        ("{\"junk\":\"" + mark + "\",\"dynamodb\":{\"Keys\":{").encode(),     # cut off
    ]
    return {"Data": bodies[number % len(bodies)], "PartitionKey": f"junk-{dice.getrandbits(32)}"}
