"""Where the Node original loses data or dies: each of its habits, and that this program has none of them."""

import random

import records
import runner
import tables
from follow import EQUAL_SECONDS_MAX, dead_letters
from pairs import Pair
from proxy import FaultyDynamoDb
from world import wait_until, wait_until_equal

SHAPE = ("S", "N")


def both_sources(world, name, write):
    """Lets `write(pair)` change a pair of either source, and wants the replica equal."""
    for source in ("streams", "kinesis"):
        pair = Pair(world, world.name(name), SHAPE, source, 100, 1)
        with world.program(pair.arguments()) as program:
            write(pair)
            assert len(tables.content(world.dynamodb, pair.primary, SHAPE)) > 0, "nothing was written"
            try:
                wait_until_equal(pair, EQUAL_SECONDS_MAX)
            except AssertionError as failure:
                raise AssertionError(f"{failure}\n{program.describe()}") from None
            status = program.stop()
            assert status == 0, program.describe()


def put(pair, number, attributes):
    key = pair.key(number)
    pair.world.dynamodb.put_item(TableName=pair.primary, Item={**key, **attributes})
    pair.announce([(key, "INSERT")])


@runner.test("habits.numbers_of_20_and_38_digits_stay_exact")
def _(world):
    # The original's numbers pass through a double, which keeps about 17 digits.
    exact = ["12345678901234567890", "-98765432109876543210.5", "1" * 38, "0." + "1234567890" * 3 + "12345678", "1e-130", "9.9e125"]

    def write(pair):
        for number, digits in enumerate(exact):
            put(pair, number, {"n": {"N": digits}, "ns": {"NS": [digits, "1"]}, "m": {"M": {"deep": {"N": digits}}}})
    both_sources(world, "digits", write)


@runner.test("habits.bool_null_list_and_map_attributes")
def _(world):
    # The original dies of them: its library knows only strings, numbers, binary and sets.
    def write(pair):
        put(pair, 1, {"yes": {"BOOL": True}, "no": {"BOOL": False}, "nothing": {"NULL": True}})
        put(pair, 2, {"list": {"L": [{"L": []}, {"M": {}}, {"BOOL": False}, {"NULL": True}, {"S": ""}, {"B": b"\x00"}]}})
        put(pair, 3, {"map": {"M": {"a name with . and # and \u00e9": {"S": ""}, "deep": {"M": {"l": {"L": [{"N": "1"}]}}}}}})
    both_sources(world, "types", write)


@runner.test("habits.two_records_of_one_key_in_one_batch")
def _(world):
    # The original handles all records of a batch at once: an older read may be written last.
    def write(pair):
        dice = random.Random(3)
        for round_ in range(20):
            entries = []
            for number in range(12):
                key = pair.key(number)
                for step in range(2):
                    if dice.random() < 0.7:
                        world.dynamodb.put_item(TableName=pair.primary, Item={**key, "v": {"N": str(round_ * 2 + step)}})
                        event = "INSERT"
                    else:
                        world.dynamodb.delete_item(TableName=pair.primary, Key=key)
                        event = "REMOVE"
                    entries.append(records.dyno(dice, key, event, backwards=False))
            if pair.stream:
                answer = world.kinesis.put_records(StreamName=pair.stream, Records=entries)
                assert answer["FailedRecordCount"] == 0
        put(pair, 99, {"v": {"S": "one that stays"}})
    both_sources(world, "twice", write)


@runner.test("habits.unprocessed_items_are_sent_again")
def _(world):
    # The original does not look at what a batch hands back.
    for source in ("streams", "kinesis"):
        pair = Pair(world, world.name("unprocessed"), SHAPE, source, 200, 5)
        with FaultyDynamoDb(world.dynamodb_url, ["unprocessed"], share=0.5) as proxy:
            behind_proxy = [str(a).replace(world.dynamodb_url, proxy.url) for a in pair.arguments()]
            pair.change(600)
            with world.program(behind_proxy) as program:
                wait_until_equal(pair, EQUAL_SECONDS_MAX)
                assert program.running(), program.describe()
            assert proxy.counts["unprocessed"] > 0, "no batch was handed back: this shows nothing"


@runner.test("habits.throttles_errors_and_lost_answers_do_not_lose_changes")
def _(world):
    for source in ("streams", "kinesis"):
        pair = Pair(world, world.name("faults"), SHAPE, source, 200, 6)
        with FaultyDynamoDb(world.dynamodb_url, ["throttle", "error", "lost", "unprocessed"], share=0.3) as proxy:
            behind_proxy = [str(a).replace(world.dynamodb_url, proxy.url) for a in pair.arguments()]
            with world.program(behind_proxy) as program:
                pair.change(600)
                wait_until_equal(pair, EQUAL_SECONDS_MAX)
                assert program.running(), program.describe()
            assert all(proxy.counts.values()), f"not every fault was shown: {proxy.counts}"


@runner.test("habits.a_record_that_is_not_json_goes_to_the_dead_letters")
def _(world):
    # The original's process dies of it, again and again until the record leaves the stream.
    pair = Pair(world, world.name("notjson"), SHAPE, "kinesis", 50, 7)
    sent = world.kinesis.put_record(StreamName=pair.stream, Data=b"this is not JSON", PartitionKey="x")
    pair.change(100)
    with world.program(pair.arguments()) as program:
        wait_until_equal(pair, EQUAL_SECONDS_MAX)
        wait_until(lambda: dead_letters(pair)[0], 10, "a dead letter")
        assert program.stop() == 0, program.describe()
    assert dead_letters(pair)[0] == {(sent["ShardId"], sent["SequenceNumber"])}


@runner.test("habits.without_a_dead_letter_file_junk_stops_its_shard_and_the_end_says_so")
def _(world):
    pair = Pair(world, world.name("nofile"), SHAPE, "kinesis", 50, 8)
    pair.change(100)
    for shard in world.open_shards(pair.stream):  # both shards: then nothing is left to do
        world.kinesis.put_record(StreamName=pair.stream, Data=b"this is not JSON", PartitionKey="x",
                                 ExplicitHashKey=shard["HashKeyRange"]["StartingHashKey"])
    arguments = [a for a in pair.arguments() if a not in ("--dead-letter", pair.dead_letter)]
    with world.program(arguments) as program:
        status = program.wait(60)
        assert status == 2, program.describe()
        assert "dead-letter" in program.log(), program.describe()
    with world.program(pair.arguments("--until-caught-up")) as program:  # with the file it goes on where it stopped
        assert program.wait(60) == 0, program.describe()
    pair.assert_equal()


@runner.test("habits.too_much_junk_stops_the_shard_as_a_wrong_stream")
def _(world):
    pair = Pair(world, world.name("wrong"), SHAPE, "kinesis", 50, 9)
    for shard in world.open_shards(pair.stream):
        world.kinesis.put_records(StreamName=pair.stream, Records=[
            {"Data": f"junk {n}".encode(), "PartitionKey": "x",
             "ExplicitHashKey": shard["HashKeyRange"]["StartingHashKey"]} for n in range(40)])
    with world.program(pair.arguments()) as program:
        status = program.wait(60)
        assert status == 2, program.describe()
        assert "Is this the stream of the primary table?" in program.log(), program.describe()


@runner.test("habits.batches_beyond_the_first_page")
def _(world):
    # More than one answer of GetRecords holds, written before the program starts: 1,000 on DynamoDB Streams; on
    # Kinesis pages of 100, which --num-records asks for.
    pair = Pair(world, world.name("pages"), SHAPE, "streams", 200, 10)
    pair.change(2_500)
    with world.program(pair.arguments("--until-caught-up")) as program:
        assert program.wait(180) == 0, program.describe()
    pair.assert_equal()

    other = Pair(world, world.name("pages"), SHAPE, "kinesis", 200, 11)
    other.change(1_500)
    environment = {"PrimaryRegion": tables.REGION, "PrimaryTable": other.primary, "ReplicaRegion": tables.REGION,
                   "ReplicaTable": other.replica}
    arguments = ["--stream", other.stream, "--table", other.leases, "--num-records", 100, "--dead-letter", other.dead_letter,
                 "--kinesis-endpoint", world.kinesis_url, "--dynamo-endpoint", world.dynamodb_url]
    with world.program(arguments, environment=environment, name="launch-kinesis-cluster") as program:
        wait_until_equal(other, EQUAL_SECONDS_MAX)
        assert program.stop() == 0, program.describe()
