"""Every kind of request is the one that botocore would send, and carries botocore's signature.

The program's client composes and signs each request and hands it over instead of sending it (tests/probes). Two
independent views of it: what botocore's own client for the same operation sends (target, content type, path, the
scope that it signs for), and botocore's signer over the very bytes of ours.
"""

import datetime
import json
import random
import subprocess

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session

import runner
from program import BIN

# Each operation that the program uses, with parameters that botocore accepts.
ITEM = {"id": {"S": "a\u00e9\U0001f600"}}
STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/t-1/stream/2026-01-02T03:04:05.678"
OPERATIONS = [
    ("dynamodb", "DescribeTable", {"TableName": "t-1"}),
    ("dynamodb", "DescribeTimeToLive", {"TableName": "t-1"}),
    ("dynamodb", "CreateTable", {
        "TableName": "t-1", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}),
    ("dynamodb", "BatchGetItem", {"RequestItems": {"t-1": {"Keys": [ITEM], "ConsistentRead": True}}}),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"t-1": [{"PutRequest": {"Item": ITEM}}]}}),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t-1", "Item": ITEM}}]}),
    ("dynamodb", "GetItem", {"TableName": "t-1", "Key": ITEM}),
    ("dynamodb", "PutItem", {"TableName": "t-1", "Item": ITEM}),
    ("dynamodb", "DeleteItem", {"TableName": "t-1", "Key": ITEM}),
    ("dynamodb", "UpdateItem", {"TableName": "t-1", "Key": ITEM}),
    ("dynamodb", "Query", {"TableName": "t-1", "KeyConditionExpression": "id = :i",
                           "ExpressionAttributeValues": {":i": {"S": "x"}}}),
    ("dynamodb", "Scan", {"TableName": "t-1", "Segment": 0, "TotalSegments": 3}),
    ("streams", "ListStreams", {"TableName": "t-1"}),
    ("streams", "DescribeStream", {"StreamArn": STREAM}),
    ("streams", "GetShardIterator", {"StreamArn": STREAM, "ShardId": "shardId-" + "0" * 20,
                                     "ShardIteratorType": "TRIM_HORIZON"}),
    ("streams", "GetRecords", {"ShardIterator": STREAM + "|1|AAAA+/=="}),
    ("kinesis", "DescribeStreamSummary", {"StreamName": "s"}),
    ("kinesis", "ListShards", {"StreamName": "s"}),
    ("kinesis", "GetShardIterator", {"StreamName": "s", "ShardId": "shardId-000000000000",
                                     "ShardIteratorType": "LATEST"}),
    ("kinesis", "GetRecords", {"ShardIterator": "AAAA+/=="}),
]
BOTOCORE_NAME = {"dynamodb": "dynamodb", "streams": "dynamodbstreams", "kinesis": "kinesis"}
ENDPOINTS = [
    (True, "dynamodb.us-east-1.amazonaws.com", 443), (False, "127.0.0.1", 8000), (False, "localhost", 80),
    (True, "localhost", 4567), (False, "localhost", 443), (True, "localhost", 80), (False, "::1", 8000),
]
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEBYaDExample+/Token==" * 20
NOW = datetime.datetime(2026, 3, 4, 5, 6, 7)


class Probe:
    def __enter__(self):
        self._process = subprocess.Popen([str(BIN / "sign_probe")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *unused):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(10) == 0

    def ask(self, service, operation, body, endpoint=ENDPOINTS[0], region="us-east-1", key="AKIDEXAMPLE",
            secret=SECRET, token="", now=NOW):
        question = {"service": service, "operation": operation, "body": body, "tls": endpoint[0],
                    "host": endpoint[1], "port": endpoint[2], "region": region, "access_key": key,
                    "secret_key": secret, "token": token,
                    "time": int(now.replace(tzinfo=datetime.timezone.utc).timestamp())}
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def header(request, name):
    found = [value for key, value in request["headers"] if key.lower() == name.lower()]
    assert len(found) == 1, (name, request["headers"])
    return found[0]


class At:
    """botocore's clock, stopped; it is read in one place under one of two names, by version."""

    def __init__(self, now):
        self._now = now

    def __enter__(self):
        now = self._now

        class Stopped(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return now

            @classmethod
            def now(cls, zone=None):
                return now.replace(tzinfo=zone)

        class Module:
            datetime, timezone, timedelta = Stopped, datetime.timezone, datetime.timedelta

        self._saved = {name: getattr(botocore.auth, name)
                       for name in ("datetime", "get_current_datetime") if hasattr(botocore.auth, name)}
        if "datetime" in self._saved:
            botocore.auth.datetime = Module
        if "get_current_datetime" in self._saved:
            botocore.auth.get_current_datetime = lambda *unused, **more: now

    def __exit__(self, *unused):
        for name, value in self._saved.items():
            setattr(botocore.auth, name, value)


def botocore_authorization(request, signing_name, region, key, secret, token, now):
    """botocore's signer over our bytes: same headers, but Host, date and token are its own."""
    added = ("authorization", "host", "x-amz-date", "x-amz-security-token", "accept-encoding", "user-agent")
    host = f"[{request['host']}]" if ":" in request["host"] else request["host"]
    url = f"{'https' if request['tls'] else 'http'}://{host}:{request['port']}{request['target']}"
    theirs = botocore.awsrequest.AWSRequest(
        method=request["method"], url=url, data=request["body"].encode(),
        headers={name: value for name, value in request["headers"] if name.lower() not in added})
    credentials = botocore.credentials.Credentials(key, secret, token or None)
    with At(now):
        botocore.auth.SigV4Auth(credentials, signing_name, region).add_auth(theirs)
    assert theirs.headers["X-Amz-Date"] == header(request, "X-Amz-Date")
    if token:
        assert theirs.headers["X-Amz-Security-Token"] == header(request, "X-Amz-Security-Token")
    return theirs.headers["Authorization"]


def compare(probe, service, operation, body, region="us-east-1", key="AKIDEXAMPLE", secret=SECRET, token="",
            now=NOW, **more):
    request = probe.ask(service, operation, body, region=region, key=key, secret=secret, token=token, now=now, **more)
    assert request["body"] == body
    ours = header(request, "Authorization")
    signing_name = "kinesis" if service == "kinesis" else "dynamodb"
    theirs = botocore_authorization(request, signing_name, region, key, secret, token, now)
    assert ours == theirs, f"{operation} with {more}:\nours   {ours}\ntheirs {theirs}"
    return request


def botocore_request(service, operation, parameters, token):
    """What botocore's own client would send, caught before it is sent."""
    session = botocore.session.Session()
    client = session.create_client(
        BOTOCORE_NAME[service], region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key=SECRET, aws_session_token=token or None)
    caught = []

    class Stop(Exception):
        pass

    def stop(request, **unused):
        caught.append(request)
        raise Stop

    client.meta.events.register("before-send", stop)
    try:
        client._make_api_call(operation, parameters)
    except Stop:
        pass
    return caught[0]


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


@runner.test("signer.every_operation_signs_as_botocore_does")
def _(_world):
    with Probe() as probe:
        for service, operation, parameters in OPERATIONS:
            for token in ("", TOKEN):
                for endpoint in ENDPOINTS:
                    for body in (json.dumps(parameters), json.dumps(parameters, ensure_ascii=False)):
                        compare(probe, service, operation, body, endpoint=endpoint, token=token)


@runner.test("signer.every_operation_is_addressed_as_botocore_does")
def _(_world):
    with Probe() as probe:
        for service, operation, parameters in OPERATIONS:
            for token in ("", TOKEN):
                theirs = botocore_request(service, operation, parameters, token)
                body = as_text(theirs.body)
                ours = compare(probe, service, operation, body, token=token)
                headers = {name.lower(): as_text(value) for name, value in theirs.headers.items()}
                for name in ("X-Amz-Target", "Content-Type"):
                    assert header(ours, name) == headers[name.lower()], (operation, name, headers)
                assert (ours["method"], ours["target"]) == (theirs.method, "/"), operation
                scope = headers["authorization"].split("Credential=")[1].split(",")[0].split("/")[2:]
                assert header(ours, "Authorization").split("Credential=")[1].split(",")[0].split("/")[2:] == scope
                assert (headers.get("x-amz-security-token") or "") == token


@runner.test("signer.random_requests_sign_as_botocore_does")
def _(world):
    dice = random.Random(4711)
    printable = [chr(code) for code in range(32, 127)] + list("\u00e9\u00df\u4e2d\u2028\U0001f600\n\t\0")

    def word(most, letters):
        return "".join(dice.choice(letters) for _ in range(dice.randrange(1, most)))

    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    with Probe() as probe:
        for _ in range(5000 if world.long else 500):
            service, operation, _ = dice.choice(OPERATIONS)
            compare(probe, service, operation, word(2000, printable),
                    endpoint=(dice.random() < 0.5, word(30, plain.lower()), dice.randrange(1, 65536)),
                    region=word(12, plain.lower() + "-"), key=word(30, plain), secret=word(60, plain + "+/="),
                    token=word(900, plain + "+/=") if dice.random() < 0.5 else "",
                    now=datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=dice.randrange(3_000_000_000)))
