"""How diff-tables runs: killed and resumed, interrupted, held to a budget, sampled; and what it refuses."""

import json
import os
import random
import re
import signal
import subprocess
import time

import runner
import tables
from compared import Edited, Run, Tables, diff, short_pages
from diff import SHAPE, item, several
from diff_oracle import KINDS
from program import BIN, clean_environment, run
from refusals import at, refused, table
from world import wait_until


def three_kinds(world, count, shape=SHAPE):
    replica = {n for n in range(count) if n % 60 != 7} | set(range(count, count + count // 60))
    return Tables(world, shape, several(range(count), shape), several(replica, shape, lambda n: n % 60 == 9))


def kill_and_resume(world, two, options, kills, dice):
    """Runs with --resume, kills it at random moments, lets it finish: all runs, and the last one's status is 0."""
    resume = world.directory / world.name("resume")
    runs = []
    with short_pages(two, items=20, seconds=0.03) as (locations, _):
        arguments = [*locations, "--settle", "0", "--resume", resume, "--concurrency", 2, *options]
        for _ in range(kills):
            with world.program(arguments, name="diff-tables") as program:
                time.sleep(dice.uniform(0.05, 1.0))
                ended = not program.running()
                program.kill()
                runs.append(Run(two.schema, None, whole_lines(program.output()), program.log(), 0))
                assert not ended or program.wait(1) == 0, program.describe()
        with world.program(arguments, name="diff-tables") as program:
            status = program.wait(120)
            assert status == 0, program.describe()
            runs.append(Run(two.schema, status, program.output(), program.log(), 0))
    return runs


def whole_lines(text):
    return text[:text.rfind("\n") + 1]


@runner.test("diff_runs.killed_at_random_moments_and_resumed")
def _(world):
    for seed in range(6 if world.long else 2):
        dice = random.Random(seed)
        two = three_kinds(world, 600)
        oracle = two.oracle()
        runs = kill_and_resume(world, two, [], 4, dice)
        for kind in KINDS:
            told = set().union(*(run.kind(kind) for run in runs))
            assert told == getattr(oracle, kind), f"seed {seed}, {kind}: {told ^ getattr(oracle, kind)}\n{runs[-1].describe()}"
        assert runs[-1].discrepancies == oracle.count, f"seed {seed}: {oracle.count} by the oracle\n{runs[-1].describe()}"


@runner.test("diff_runs.killed_repairs_and_backfills_are_finished_by_the_next")
def _(world):
    for seed in range(4 if world.long else 1):
        dice = random.Random(seed)
        two = three_kinds(world, 600)
        kill_and_resume(world, two, ["--repair"], 4, dice)
        two.assert_equal()
        empty = Tables(world, SHAPE, several(range(600), SHAPE))
        kill_and_resume(world, empty, ["--backfill", "--repair"], 3, dice)
        empty.assert_equal()


@runner.test("diff_runs.a_resumed_run_does_not_begin_again")
def _(world):
    two = three_kinds(world, 600)
    resume = world.directory / "not-again"
    with short_pages(two, items=20, seconds=0.05) as (locations, scans):
        arguments = [*locations, "--settle", "0", "--resume", resume, "--concurrency", "1"]
        with world.program(arguments, name="diff-tables") as program:
            wait_until(lambda: len(scans) > 40, 30, "most of the pages were scanned")
            program.send(signal.SIGINT)
            assert program.wait(10) == 130, program.describe()
        assert resume.exists(), "nothing was kept"
        before, began = len(scans), time.monotonic()
        with world.program([*arguments, "--json"], name="diff-tables") as program:
            assert program.wait(60) == 0, program.describe()
            told = json.loads(program.output().splitlines()[-1])["seconds"]
            assert told > time.monotonic() - began, f"{told} s: items of both runs in the time of the second"
        again = len(scans) - before
        assert again < 30, f"{again} pages after {before} of about 62: it began again"
    other = three_kinds(world, 100)
    with short_pages(two, items=20, seconds=0.05) as (locations, scans):
        with world.program([*locations, "--settle", "0", "--resume", resume], name="diff-tables") as program:
            wait_until(lambda: len(scans) > 10, 30, "it is scanning")
            program.send(signal.SIGINT)
            assert program.wait(10) == 130, program.describe()
    refused_run = diff(other, "--resume", resume, status=2)  # another pair's progress
    assert str(resume) in refused_run.err, refused_run.describe()


def interrupted(locations, scans, *options, environment=None, world):
    """Stops a run of diff-tables after some pages."""
    before = len(scans)
    arguments = [*locations, "--settle", "0", "--concurrency", "1", *options]
    with world.program(arguments, environment=environment, name="diff-tables") as program:
        wait_until(lambda: len(scans) > before + 4, 30, "it is scanning")
        program.send(signal.SIGINT)
        assert program.wait(10) == 130, program.describe()


@runner.test("diff_runs.a_backfill_does_not_go_on_from_one_that_wrote_nothing")
def _(world):
    two = Tables(world, SHAPE, several(range(200), SHAPE))
    dry, compared = world.directory / "dry", world.directory / "compared"
    with short_pages(two, items=10, seconds=0.05) as (locations, scans):
        interrupted(locations, scans, "--backfill", "--resume", dry, world=world)
        got = diff(two, "--backfill", "--repair", "--resume", dry, locations=locations, status=2)
        assert str(dry) in got.err and "--repair" in got.err and not two.items(1), got.describe()
        interrupted(locations, scans, "--resume", compared, world=world)
        diff(two, "--repair", "--resume", compared, locations=locations)  # what a comparison found is told again
    two.assert_equal()


@runner.test("diff_runs.another_jobs_segment_is_not_gone_on_from")
def _(world):
    two = three_kinds(world, 300)
    resume, parts = world.directory / "job", ["--segment", "auto", "--segments", "2"]
    with short_pages(two, items=10, seconds=0.05) as (locations, scans):
        interrupted(locations, scans, *parts, "--resume", resume, environment={"JOB_COMPLETION_INDEX": "0"}, world=world)
        got = diff(two, *parts, "--resume", resume, locations=locations, status=2, environment={"JOB_COMPLETION_INDEX": "1"})
        assert "--segment 0" in got.err, got.describe()
        diff(two, "--segment", "0", "--segments", "2", "--resume", resume, locations=locations)  # the same by its number


@runner.test("diff_runs.a_spoilt_resume_file_is_refused")
def _(world):
    two = three_kinds(world, 60)
    for content in (b"not ours", b"", b"{\"version\":"):
        resume = world.directory / world.name("spoilt")
        resume.write_bytes(content)
        if content:
            got = diff(two, "--resume", resume, status=2)
            assert str(resume) in got.err, got.describe()
        else:
            diff(two, "--resume", resume)  # nothing in it: as if it were not there


@runner.test("diff_runs.interrupted_exits_130")
def _(world):
    two = three_kinds(world, 600)
    for signals in ((signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)):
        with short_pages(two, items=20, seconds=0.1) as (locations, scans), world.program([*locations, "--settle", "0"], name="diff-tables") as program:
            wait_until(lambda scans=scans: len(scans) > 4, 30, "it is scanning")
            for number in signals:
                program.send(number)
            assert program.wait(10) == 130, program.describe()
            assert "[discrepancies] 0" not in program.log(), "it said 0 although it had not looked"


@runner.test("diff_runs.what_cannot_be_written_ends_it_with_2")
def _(world):
    two = Tables(world, SHAPE, several(range(40), SHAPE))
    key = '{"h":"x","r":1}'
    for name, *more in (("diff-tables", "--settle", "0"), ("diff-record", key), ("replicate-record", key), ("dynamodb-replicator",)):
        arguments = [*(["check"] if name == "dynamodb-replicator" else []), *two.locations, *more]
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([str(BIN / name), *arguments], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
                                  env=clean_environment(world.directory), text=True)
        assert done.returncode == 2 and "cannot write to standard output" in done.stderr, (name, done)
    resume = world.directory / "unread"
    with short_pages(two, items=2, seconds=0.05) as (locations, _):
        arguments = [str(BIN / "diff-tables"), *locations, "--settle", "0", "--resume", resume]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False,
                              env=clean_environment(world.directory), text=True)
        os.close(writer)
        assert done.returncode == 2 and str(resume) in done.stderr.splitlines()[-1], done
        again = diff(two, "--resume", resume, locations=locations)
        assert len(again.kind("missing")) == 40, again.describe()


@runner.test("diff_runs.a_part_never_says_0_of_the_whole")
def _(world):
    two = Tables(world, SHAPE, several(range(200), SHAPE), several(range(200), SHAPE))
    got = diff(two, "--sample", "0.1")
    assert re.search(r"sampl|%", got.err, re.IGNORECASE), f"it does not say that it looked at a part: {got.describe()}"
    assert not re.search(r"\[discrepancies\] 0\s*$", got.err, re.MULTILINE), got.describe()
    for fraction in ("0", "1.5", "-1", "some"):
        diff(two, "--sample", fraction, status=2)


@runner.test("diff_runs.keeps_to_a_budget_of_units")
def _(world):
    two = Tables(world, SHAPE)
    for side in (0, 1):
        two.put(side, *({**item("x", n), "t": {"S": "x" * 100_000}} for n in range(24)))  # 2.4 MB: about 300 units a side
    fast = diff(two)
    slow = diff(two, "--read-units", 100)
    assert slow.seconds > 3.5, f"600 units at 100 a second took {slow.seconds:.1f} s"
    assert fast.seconds < slow.seconds / 2, (fast.seconds, slow.seconds)
    empty = Tables(world, SHAPE, several(range(200), SHAPE))
    written = diff(empty, "--backfill", "--repair", "--write-units", 100)
    units = float(re.search(r"([\d.,]+) write units", written.err).group(1).replace(",", ""))
    assert units >= 200 and written.seconds > (units - 50) / 100, f"{units} units, but for a last batch, at 100 a second took {written.seconds:.1f} s"
    empty.assert_equal()


@runner.test("diff_runs.keeps_to_a_budget_where_the_engine_tells_no_units")
def _(world):
    def silent(operation, request, told):
        told.pop("ConsumedCapacity", None)
    two = Tables(world, SHAPE)
    two.put(0, *({**item("x", n), "t": {"S": "x" * 100_000}} for n in range(24)))
    with Edited(world.dynamodb_url, answer=silent) as proxy:
        places = two.through(proxy, proxy)
        slow = diff(two, "--backfill", "--read-units", 100, locations=places)
        assert slow.seconds > 2, f"300 units at 100 a second took {slow.seconds:.1f} s"
        written = diff(two, "--backfill", "--repair", "--write-units", 600, locations=places)
        assert written.seconds > 2, f"2,400 units at 600 a second took {written.seconds:.1f} s"
    two.assert_equal()


@runner.test("diff_runs.tables_change_while_it_runs_and_sums_still_add_up")
def _(world):
    # Items come and go between the pages of a scan; nothing fails and nothing that holds still is told wrongly.
    two = Tables(world, SHAPE, several(range(300), SHAPE), several(range(300), SHAPE))
    dice, version = random.Random(8), 0
    with short_pages(two, items=20, seconds=0.05) as (locations, _), world.program([*locations, "--settle", "2"], name="diff-tables") as program:
        while program.running():
            version += 1
            number = 1000 + dice.randrange(100)
            for side in (0, 1):
                if version % 3:
                    two.put(side, {**tables.make_key(SHAPE, number), "v": {"N": str(version)}})
                else:
                    two.delete(side, tables.make_key(SHAPE, number))
        assert program.wait(5) == 0, program.describe()
        wrong = [line for line in program.output().splitlines() if not line.startswith("[changing]")]
        assert not wrong, wrong


@runner.test("diff_runs.refusals")
def _(world):
    two = three_kinds(world, 60)
    one, other = two.locations
    for words, *arguments in (
            (["--segments"], one, other, "--segment", 1), (["--segment"], one, other, "--segments", 4),
            (["segment"], one, other, "--segment", 4, "--segments", 4), (["segment"], one, other, "--segment", -1, "--segments", 4),
            (["segments?"], one, other, "--segment", 0, "--segments", 0), (["segment"], one, other, "--segment", "x", "--segments", 4),
            (["same"], one, one), (["same"], one, one.replace("127.0.0.1", "localhost")), (["no-such-table"], at(world, "no-such-table"), other),
            (["no-such-table"], one, at(world, "no-such-table")), (["key"], one, at(world, table(world, ("S", "S"), None))),
            (["key"], one, at(world, table(world, ("S", None), None))), (["replica"], one), (["primary"],), (["no-such-option"], one, other, "--no-such-option"),
            (["concurrency"], one, other, "--concurrency", 0), (["settle"], one, other, "--settle", -1), (["settle"], one, other, "--settle", "soon"),
            (["read-units"], one, other, "--read-units", 0), (["us-east-1/table"], one, "just-a-name"), (["key|ignore"], one, other, "--ignore", "h"),
            (["127.0.0.1"], one, "http://127.0.0.1:9/table"), (["exit-code", "backfill"], one, other, "--backfill", "--exit-code")):
        refused(arguments, *words, name="diff-tables")


@runner.test("diff_runs.key_names_and_types_are_compared")
def _(world):
    one = at(world, table(world, ("S", None), None))
    name = world.name("other-name")
    world.dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    refused([one, at(world, name)], "key", name="diff-tables")
    refused([one, at(world, table(world, ("B", None), None))], "key", name="diff-tables")


@runner.test("diff_runs.help_and_other_names")
def _(world):

    two = three_kinds(world, 60)
    status, out, _, _ = run(["--help"], name="diff-tables")
    assert status == 0, out
    for option in ("--repair", "--segment", "--segments", "--backfill", "--json", "--exit-code", "--concurrency", "--settle", "--consistent",
                   "--ignore", "--ttl", "--resume", "--read-units", "--write-units", "--sample", "--yes", "--log-level", "--config"):
        assert option in out, f"{option} is not in --help:\n{out}"
    assert "--job" not in out, "what is not built is not offered"
    assert "diff-tables " in out, "an example"
    as_command = run(["diff-tables", *two.locations, "--settle", "0"])
    assert as_command[0] == 0 and sorted(as_command[1].splitlines()) == sorted(diff(two).lines), as_command
    options_first = diff(two, locations=["--exit-code", *two.locations], status=1)  # the original's parser swallowed a table here
    assert options_first.discrepancies == two.oracle().count


@runner.test("diff_runs.logs_no_item_values_and_json_stays_json")
def _(world):

    secret = {"secret": {"S": "hunter2hunter2"}}
    two = Tables(world, SHAPE, [item("x", n, **secret) for n in range(20)], [item("x", n, **{"secret": {"S": "hunter2hunter3"}}) for n in range(10)])
    status, out, err, _ = run([*two.locations, "--settle", "0", "--repair", "--log", "json", "--log-level", "debug", "--json"], name="diff-tables")
    assert status == 0, err
    assert "hunter2" not in out + err
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events.count("repaired") == 20 and events[-1] == "summary", events


@runner.test("diff_runs.options_from_a_file_and_flags_win")
def _(world):
    two = three_kinds(world, 60)
    file = world.directory / "diff.toml"
    file.write_text("settle = 0\nexit-code = true\nconcurrency = 2\n")
    status, _, err, seconds = run([*two.locations, "--config", file], name="diff-tables")
    assert status == 1 and seconds < 5, (status, seconds, err)
    file.write_text("settel = 0\n")
    refused([*two.locations, "--config", file], "settel", name="diff-tables")
