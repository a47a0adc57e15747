"""Every request as the services want it: signed as botocore signs, over TLS to a host that proved its name."""

import runner
import tables
from front import NAMES, Authority, SigningFront, hosts_prefix
from pairs import Pair
from program import run

SHAPE = ("S", "N")
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="

# Operations that following needs, at least.
OPERATIONS = {
    "DynamoDB_20120810": ["DescribeTable", "CreateTable", "BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem"],
    "DynamoDBStreams_20120810": ["DescribeStream", "GetShardIterator", "GetRecords"],
    "Kinesis_20131202": ["ListShards", "GetShardIterator", "GetRecords"],
}


def authority(world):
    if not hasattr(world, "authority"):
        world.authority = Authority(world.directory / "authority")
    return world.authority


def environment(bundle, token=None):
    given = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    return {**given, **({"AWS_SESSION_TOKEN": token} if token else {}), **({"AWS_CA_BUNDLE": str(bundle)} if bundle else {})}


def locations(pair):
    """The pair by region and table, as a user names it."""
    arguments = ["replicate", f"us-east-1/{pair.primary}", f"eu-west-1/{pair.replica}", "--leases", pair.leases, "--until-caught-up"]
    return arguments + (["--kinesis", f"us-east-1/{pair.stream}"] if pair.stream else [])


def follow_over_tls(world, token):
    prefix = hosts_prefix(world.directory)
    seen = set()
    for source in ("streams", "kinesis"):
        pair = Pair(world, world.name("tls"), SHAPE, source, 30, 1)
        pair.change(120)
        certificate = authority(world).certificate("good", NAMES)
        with SigningFront(world, certificate, ACCESS_KEY, SECRET_KEY, token) as front:
            status, _, log, _ = run(locations(pair), environment(authority(world).bundle, token), seconds=120, prefix=prefix)
            assert status == 0, log
            assert not front.wrong, front.wrong[:5]
            seen |= front.seen
        pair.assert_equal()
    wanted = {f"{service}.{operation}" for service, operations in OPERATIONS.items() for operation in operations}
    assert wanted <= seen, f"never asked for: {sorted(wanted - seen)}"


@runner.test("signing.each_operation_signs_as_botocore_does_over_tls")
def _(world):
    follow_over_tls(world, None)


@runner.test("signing.each_operation_signs_as_botocore_does_with_a_session_token")
def _(world):
    follow_over_tls(world, TOKEN)


def refused_by_tls(world, certificate, bundle, word):
    name = world.name("untrusted")
    for table in (f"{name}-primary", f"{name}-replica"):
        tables.create_table(world.dynamodb, table, SHAPE)
    with SigningFront(world, certificate, ACCESS_KEY, SECRET_KEY) as front:
        status, _, log, seconds = run(
            ["replicate", f"us-east-1/{name}-primary", f"eu-west-1/{name}-replica"], environment(bundle),
            prefix=hosts_prefix(world.directory))
        assert status == 2 and seconds < 20, (status, seconds, log)
        assert word in log.lower(), log
        assert not front.seen, f"a request was sent all the same: {front.seen}"


@runner.test("signing.a_certificate_for_another_name_is_refused")
def _(world):
    refused_by_tls(world, authority(world).certificate("other", ["example.com"]), authority(world).bundle, "certificate")


@runner.test("signing.an_expired_certificate_is_refused")
def _(world):
    refused_by_tls(world, authority(world).certificate("old", NAMES, expired=True), authority(world).bundle, "certificate")


@runner.test("signing.an_untrusted_certificate_is_refused")
def _(world):
    refused_by_tls(world, authority(world).certificate("unknown", NAMES), None, "certificate")
