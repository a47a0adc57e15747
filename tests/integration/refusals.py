"""What cannot work is refused at the start: one sentence with the remedy, exit status 2, within seconds."""

import re

import runner
import tables
from emulators import free_port
from pairs import Pair
from program import run

REFUSE_SECONDS_MAX = 10
SHAPE = ("S", "N")


def refused(arguments, *words, environment=None, name="dynamodb-replicator"):
    """Runs it and wants a refusal that has all of these words (regular expressions) in one line."""
    status, _, log, seconds = run(arguments, environment, name, seconds=REFUSE_SECONDS_MAX + 20)
    described = f"{arguments}\nstatus {status} after {seconds:.1f} s:\n{log}"
    assert status == 2, described
    assert seconds <= REFUSE_SECONDS_MAX, described
    lines = [line for line in log.splitlines() if all(re.search(word, line, re.IGNORECASE) for word in words)]
    assert lines, f"no line with all of {words}: {described}"


def table(world, shape=SHAPE, stream="KEYS_ONLY"):
    name = world.name("refused")
    tables.create_table(world.dynamodb, name, shape, stream)
    return name


def at(world, name):
    return f"{world.dynamodb_url}/{name}"


@runner.test("refusals.missing_primary")
def _(world):
    refused(["replicate", at(world, "no-such-table"), at(world, table(world))], "no-such-table")


@runner.test("refusals.missing_replica_names_create_replica")
def _(world):
    refused(["replicate", at(world, table(world)), at(world, "no-such-replica")], "no-such-replica", "--create-replica")


@runner.test("refusals.no_stream_enabled")
def _(world):
    refused(["replicate", at(world, table(world, stream=None)), at(world, table(world))], "stream", "enable|--kinesis")


@runner.test("refusals.missing_kinesis_stream")
def _(world):
    refused(["replicate", at(world, table(world)), at(world, table(world)), "--kinesis", f"{world.kinesis_url}/no-such-stream"],
            "no-such-stream")


@runner.test("refusals.key_schemas_that_differ")
def _(world):
    for other in (("S", None), ("S", "S"), ("N", "N")):
        refused(["replicate", at(world, table(world)), at(world, table(world, other))], "key")


@runner.test("refusals.the_same_table_twice")
def _(world):
    one = at(world, table(world))
    refused(["replicate", one, one], "same")
    refused(["replicate", one, one.replace("127.0.0.1", "localhost")], "same")


@runner.test("refusals.an_endpoint_that_does_not_answer")
def _(world):
    silent = f"http://127.0.0.1:{free_port()}/table"
    refused(["replicate", silent, at(world, table(world))], "127.0.0.1")
    refused(["replicate", at(world, table(world)), silent], "127.0.0.1")


@runner.test("refusals.no_credentials")
def _(world):
    refused(["replicate", "us-east-1/primary", "eu-west-1/replica"], "credentials", "AWS_|profile|aws configure")


@runner.test("refusals.a_location_in_no_known_form_shows_the_four")
def _(world):
    status, _, log, _ = run(["replicate", "just-a-name", at(world, table(world))])
    assert status == 2, log
    for form in ("us-east-1/table", ":8000/table", "http://host:port/table", "arn:aws:dynamodb"):
        assert form in log, f"{form} is not shown: {log}"


def lease_table(world, hash_name, range_name=None):
    name = world.name("leases")
    names = [hash_name] + ([range_name] if range_name else [])
    world.dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        KeySchema=[{"AttributeName": n, "KeyType": role} for n, role in zip(names, ("HASH", "RANGE"))])
    return name


@runner.test("refusals.a_lease_table_of_the_kinesis_client_library")
def _(world):
    refused(["replicate", at(world, table(world)), at(world, table(world)), "--leases", lease_table(world, "leaseKey")],
            "leases", "--leases|import")


@runner.test("refusals.a_lease_table_of_the_node_library")
def _(world):
    refused(["replicate", at(world, table(world)), at(world, table(world)), "--leases", lease_table(world, "type", "id")],
            "leases", "--leases|import")


@runner.test("refusals.a_lease_table_of_another_replica")
def _(world):
    pair = Pair(world, world.name("leaseowner"), SHAPE, "streams", 5, 1)
    pair.change(5)
    status, _, log, _ = run(pair.arguments("--until-caught-up"), seconds=60)
    assert status == 0, log
    other = at(world, table(world))
    refused(["replicate", at(world, pair.primary), other, "--leases", pair.leases], pair.leases, "--leases")


@runner.test("refusals.a_worker_in_the_other_mode")
def _(world):
    pair = Pair(world, world.name("mode"), SHAPE, "streams", 5, 1)
    pair.change(5)
    status, _, log, _ = run(pair.arguments("--until-caught-up", "--mode", "fenced"), seconds=60)
    assert status == 0, log
    refused(pair.arguments("--mode", "fast"), pair.leases, "fenced mode", "--mode fenced")
    status, _, log, _ = run(pair.arguments("--until-caught-up", "--mode", "fenced", "--fence-stripes", "2"), seconds=60)
    assert status == 0, log
    assert len([row for _, row in world.lease_rows(pair.leases) if row.startswith("fence#")]) % 8 == 0, "8 a shard, as stored"


@runner.test("refusals.fenced_mode_with_a_lease_table_elsewhere")
def _(world):
    refused(["replicate", at(world, table(world)), at(world, table(world)), "--mode", "fenced",
             "--leases", f"http://localhost:{free_port()}/leases"], "beside the replica", "--leases")
    refused(["replicate", at(world, table(world)), at(world, table(world)), "--mode", "slow"], "fast and fenced")


@runner.test("refusals.wrong_usage")
def _(world):
    refused(["replicate", "us-east-1/only-one"], "replica")
    refused(["replicate", "--no-such-option"], "no-such-option|required")
    refused(["no-such-command"], "no-such-command|--help")


@runner.test("refusals.launch_without_its_tables")
def _(world):
    refused(["--stream", "s", "--table", "t"], "Primary(Region|Table)", name="launch-kinesis-cluster")
