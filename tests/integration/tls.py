"""What TLS refuses, and in which words; and that large answers pass. Following over TLS is in signing.py."""

import ssl

import runner
import tables
from front import NAMES, Authority, SigningFront, hosts_prefix
from program import run
from signing import ACCESS_KEY, SECRET_KEY, TOKEN, authority, environment

REFUSE_SECONDS_MAX = 10


def refused(world, certificate, bundle, *words, newest=None):
    """One line with all of these words, status 2, and not one request was heard."""
    with SigningFront(world, certificate, ACCESS_KEY, SECRET_KEY, newest=newest) as front:
        status, _, log, seconds = run(["replicate", "us-east-1/some-table", "us-east-1/other-table"], environment(bundle),
                                      prefix=hosts_prefix(world.directory))
        assert status == 2 and seconds < REFUSE_SECONDS_MAX, (status, seconds, log)
        assert any(all(word in line for word in words) for line in log.splitlines()), f"no line with {words}: {log}"
        assert not front.seen, front.seen


@runner.test("tls.each_refusal_says_what_is_wrong_with_the_certificate")
def _(world):
    own = authority(world)
    refused(world, own.certificate("elsewhere", ["dynamodb.eu-west-1.amazonaws.com", "example.org"]), own.bundle,
            "another name", NAMES[0])
    refused(world, own.certificate("past", NAMES, expired=True), own.bundle, "has expired", NAMES[0])
    refused(world, own.certificate("future", NAMES, future=True), own.bundle, "not valid yet", "clock")


@runner.test("tls.unknown_authorities_are_refused_with_the_remedy")
def _(world):
    own = authority(world)
    stranger = Authority(world.directory / "stranger").certificate("stranger", NAMES)
    refused(world, stranger, own.bundle, "not trusted", "AWS_CA_BUNDLE")
    refused(world, own.certificate("valid", NAMES), None, "not trusted", "AWS_CA_BUNDLE")  # the system's authorities
    refused(world, own.certificate("valid", NAMES), "/nonexistent", "AWS_CA_BUNDLE", "/nonexistent")


@runner.test("tls.versions_before_1_2_are_refused")
def _(world):
    own = authority(world)
    refused(world, own.certificate("valid", NAMES), own.bundle, "TLS handshake", newest=ssl.TLSVersion.TLSv1_1)


@runner.test("tls.large_items_pass_and_no_secret_is_logged")
def _(world):
    shape = ("S", None)
    primary, replica = world.name("tls-large"), world.name("tls-large-replica")
    tables.create_table(world.dynamodb, primary, shape)
    tables.create_table(world.dynamodb, replica, shape, None)
    for number in range(40):
        world.dynamodb.put_item(TableName=primary, Item={"h": {"S": str(number)}, "large": {"S": chr(97 + number % 26) * 390_000}})
    own = authority(world)
    with SigningFront(world, own.certificate("valid", NAMES), ACCESS_KEY, SECRET_KEY, TOKEN) as front:
        status, out, log, _ = run(
            ["replicate", f"us-east-1/{primary}", f"us-east-1/{replica}", "--until-caught-up", "--log-level", "debug"],
            environment(own.bundle, TOKEN), seconds=120, prefix=hosts_prefix(world.directory))
        assert status == 0 and not front.wrong, (status, front.wrong[:5], log)
    for secret in (SECRET_KEY, TOKEN, "AWS4-HMAC-SHA256", "a" * 50):
        assert secret not in log + out, f"{secret} was printed"
    assert tables.content(world.dynamodb, primary, shape) == tables.content(world.dynamodb, replica, shape)
