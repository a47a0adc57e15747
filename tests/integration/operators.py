"""What an operator sees: endpoints, the lease table's listing, signals, and the original's way to start."""

import json
import random
import urllib.error
import urllib.request

import records
import runner
import tables
from emulators import free_port
from follow import EQUAL_SECONDS_MAX
from pairs import Pair, shard_of
from program import run
from world import wait_until, wait_until_equal

SHAPE = ("B", "S")
DICE = random.Random(1)


def get(port, path, method="GET"):
    """(status, body)"""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as failure:
        return failure.code, failure.read().decode()


def answers(port):
    try:
        return get(port, "/healthz")[0] == 200
    except OSError:
        return False


def sample(text, part):
    """Values of the metrics whose name contains `part`."""
    return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
            if line and not line.startswith("#") and part in line.split("{")[0].split(" ")[0]]


@runner.test("operators.health_readiness_and_metrics")
def _(world):
    pair = Pair(world, world.name("metrics"), SHAPE, "kinesis", 50, 1)
    pair.change(300)
    port = free_port()
    with world.program(pair.arguments("--http", f"127.0.0.1:{port}")) as program:
        wait_until(lambda: answers(port), 20, f"/healthz\n{program.describe()}")
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        wait_until(lambda: get(port, "/readyz")[0] == 200, 30, "/readyz 200")
        wait_until(lambda: sample(get(port, "/metrics")[1], "lag") == [0.0], 60, "a lag of zero once caught up")
        _, metrics = get(port, "/metrics")
        for part in ("read", "applied", "coalesced", "dead_letter", "retries", "throttles", "gaps", "lag", "checkpoint_age", "leases"):
            assert sample(metrics, part), f"no metric about {part}:\n{metrics}"
        # The lag is of the shards that the process has: one that nobody has taken yet does not count.
        wait_until(lambda: max(sample(get(port, "/metrics")[1], "applied")) >= 300, 60, "all 300 records applied")
        assert get(port, "/metrics", "POST")[0] in (404, 405)
        assert get(port, "/no-such-page")[0] == 404
        assert program.stop() == 0, program.describe()


@runner.test("operators.a_stopped_shard_stops_alone_and_readiness_names_it")
def _(world):
    pair = Pair(world, world.name("alone"), SHAPE, "kinesis", 50, 6)
    bad, good = [shard["ShardId"] for shard in world.open_shards(pair.stream)]
    port = free_port()
    arguments = [a for a in pair.arguments("--http", f"127.0.0.1:{port}") if a not in ("--dead-letter", pair.dead_letter)]
    with world.program(arguments) as program:
        wait_until(lambda: answers(port) and get(port, "/readyz")[0] == 200, 20, "/readyz 200")
        world.kinesis.put_record(StreamName=pair.stream, Data=b"this is not JSON", PartitionKey="x", ExplicitHashKey="0")
        wait_until(lambda: get(port, "/readyz")[0] == 503, 20, "/readyz 503")
        assert bad in get(port, "/readyz")[1] and good not in get(port, "/readyz")[1], get(port, "/readyz")[1]
        keys = [key for key in map(pair.key, range(50))
                if shard_of(world.kinesis, pair.stream, records.dyno(DICE, key, "INSERT", "base64", False)) == good][:10]
        for key in keys:
            world.dynamodb.put_item(TableName=pair.primary, Item={**key, "still": {"BOOL": True}})
            world.kinesis.put_record(StreamName=pair.stream, **records.dyno(DICE, key, "INSERT", "base64", False))
        assert keys
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        assert program.running(), program.describe()
        assert program.stop() == 2, program.describe()


@runner.test("operators.options_from_a_file_and_flags_win")
def _(world):
    pair = Pair(world, world.name("config"), SHAPE, "kinesis", 20, 7)
    pair.change(40)
    file = world.directory / "options.toml"
    file.write_text(f'kinesis = "{world.kinesis_url}/{pair.stream}"\nleases = "not-this-one"\nuntil-caught-up = true\n')
    url = world.dynamodb_url
    status, _, log, _ = run(["replicate", f"{url}/{pair.primary}", f"{url}/{pair.replica}", "--config", file,
                             "--leases", pair.leases], seconds=60)
    assert status == 0, log
    pair.assert_equal()
    assert world.lease_rows(pair.leases) and not world.lease_rows("not-this-one")


@runner.test("operators.nothing_of_items_or_credentials_is_logged")
def _(world):
    pair = Pair(world, world.name("secrets"), SHAPE, "streams", 20, 8)
    secret, value = "c2VjcmV0LW9mLWEtdGVzdA", "a value that nobody may see"
    for number in range(20):
        world.dynamodb.put_item(TableName=pair.primary, Item={**pair.key(number), "v": {"S": value}})
    status, out, log, _ = run(pair.arguments("--until-caught-up", "--log-level", "trace"),
                              {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": secret + "T"}, seconds=60)
    assert status == 0, log
    pair.assert_equal()
    assert log and secret not in out + log and value not in out + log, log


@runner.test("operators.leases_list_and_show")
def _(world):
    pair = Pair(world, world.name("listed"), SHAPE, "kinesis", 50, 2)
    pair.change(200)
    with world.program(pair.arguments("--until-caught-up")) as program:
        assert program.wait(120) == 0, program.describe()
    location = f"{world.dynamodb_url}/{pair.leases}"
    shards = [shard["ShardId"] for shard in world.open_shards(pair.stream)]

    status, out, log, _ = run(["leases", "list", location])
    assert status == 0, log
    assert all(sum(shard in line for line in out.splitlines()) == 1 for shard in shards), out

    status, out, log, _ = run(["leases", "list", location, "--json"])
    assert status == 0, log
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == len(shards), out

    status, out, log, _ = run(["leases", "show", location, shards[0]])
    assert status == 0 and shards[0] in out, (out, log)
    status, _, log, _ = run(["leases", "show", location, "shardId-999"])
    assert status == 2, log


@runner.test("operators.launch_kinesis_cluster_with_tables_from_the_environment")
def _(world):
    pair = Pair(world, world.name("launch"), SHAPE, "kinesis", 50, 3)
    environment = {
        "PrimaryRegion": tables.REGION, "PrimaryTable": pair.primary, "ReplicaRegion": tables.REGION,
        "ReplicaTable": pair.replica}
    arguments = ["--consumer", "./consumer.js", "--table", pair.leases, "--stream", pair.stream,
                 "--kinesis-endpoint", world.kinesis_url, "--dynamo-endpoint", world.dynamodb_url]
    with world.program(arguments, environment=environment, name="launch-kinesis-cluster") as program:
        pair.change(150)
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        assert program.stop() == 0, program.describe()
        assert "consumer.js" in program.log() or "--consumer" in program.log(), program.describe()
    assert any(row.startswith("shard#") for _, row in world.lease_rows(pair.leases))


@runner.test("operators.create_replica_copies_the_key_schema")
def _(world):
    pair = Pair(world, world.name("created"), SHAPE, "streams", 20, 4)
    pair.change(50)
    world.dynamodb.delete_table(TableName=pair.replica)
    with world.program(pair.arguments("--create-replica", "--until-caught-up")) as program:
        assert program.wait(60) == 0, program.describe()
    described = [world.dynamodb.describe_table(TableName=name)["Table"] for name in (pair.primary, pair.replica)]
    assert described[0]["KeySchema"] == described[1]["KeySchema"]
    pair.assert_equal()


@runner.test("operators.a_stream_that_was_disabled_and_enabled_again_is_followed")
def _(world):
    pair = Pair(world, world.name("reenabled"), SHAPE, "streams", 30, 5)
    with world.program(pair.arguments()) as program:
        pair.change(60)
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        for enabled in (False, True):
            specification = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"} if enabled else {"StreamEnabled": False}
            world.dynamodb.update_table(TableName=pair.primary, StreamSpecification=specification)
        for number in range(30):
            world.dynamodb.put_item(TableName=pair.primary, Item={**pair.key(number), "after": {"BOOL": True}})
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        assert program.running(), program.describe()
