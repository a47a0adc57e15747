"""TLS with the real host names: `us-east-1/table` runs end to end against the emulators, and a certificate for another
name, an expired one and one of an unknown authority are each refused.

The names of DynamoDB, its Streams and Kinesis stand in an /etc/hosts that only the tested process sees (a mount
namespace) and lead to a TLS server on 127.0.0.1:443, which passes on what it decrypts. Runs in a network namespace
(script/netns), so the port is free and nothing can leave.
"""

import contextlib
import datetime
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading

import runner
import tables
from pairs import Pair
from program import BIN, Program
from world import wait_until_equal

NAMES = ("dynamodb.us-east-1.amazonaws.com", "streams.dynamodb.us-east-1.amazonaws.com", "kinesis.us-east-1.amazonaws.com")
SHAPE = ("S", "N")
REFUSE_SECONDS_MAX = 10
# Runs the rest of the command line where /etc/hosts is another file; the process stays the same one.
WITH_HOSTS = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


class Authority:
    """A certificate authority of our own, made with openssl."""

    def __init__(self, directory, name):
        self._directory = pathlib.Path(directory) / name
        self._directory.mkdir(exist_ok=True)
        self.certificate = self._directory / "ca.pem"
        self._key = self._directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", self._key, "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def issue(self, name, hosts, starts_days=-1, ends_days=1):
        """A file with a key and a certificate for these hosts, valid between these days from now."""
        base = self._directory / name
        key, request, issued, settings = (base.with_suffix(f".{end}") for end in ("key", "csr", "crt", "cnf"))
        alternatives = ",".join(f"DNS:{host}" for host in hosts)
        settings.write_text(f"""
[ca]
default_ca = own
[own]
database = {base.with_suffix('.index')}
new_certs_dir = {self._directory}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[leaf]
subjectAltName = {alternatives}
""")
        base.with_suffix(".index").write_text("")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", key, "-out", request, "-subj", "/CN=leaf")
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = (f"{now + datetime.timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (starts_days, ends_days))
        self._openssl("ca", "-batch", "-notext", "-config", settings, "-cert", self.certificate, "-keyfile", self._key,
                      "-in", request, "-out", issued, "-extensions", "leaf", "-startdate", start, "-enddate", end)
        both = base.with_suffix(".pem")
        both.write_text(key.read_text() + issued.read_text())
        return both


class Front:
    """Ends TLS on 127.0.0.1:443 and passes the bytes on to the server of the name that the client asked for."""

    def __init__(self, pem, backends, newest=None):
        """backends: {host name: port on 127.0.0.1}."""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        if newest is not None:
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            self._context.minimum_version = self._context.maximum_version = newest
        self._context.sni_callback = lambda tls, name, _: self._asked.__setitem__(id(tls), name)
        self._backends, self._asked, self._open = backends, {}, []
        self.names, self.versions, self.connections = set(), set(), 0

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 443), backlog=64)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *unused):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            tls = self._context.wrap_socket(client, server_side=True)
        except OSError:  # refused: what the tests below want
            client.close()
            return
        name = self._asked.pop(id(tls), None)
        self.names.add(name)
        self.versions.add(tls.version())
        if name not in self._backends:
            tls.close()
            return
        behind = socket.create_connection(("127.0.0.1", self._backends[name]))
        self._open += [tls, behind]
        threading.Thread(target=self._pass, args=(behind, tls), daemon=True).start()
        self._pass(tls, behind)

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Stage:
    """Authority, hosts file and backends; made once."""

    def __init__(self, world):
        self.directory = world.directory / "tls"
        self.directory.mkdir(exist_ok=True)
        self.authority = Authority(self.directory, "authority")
        self.good = self.authority.issue("good", NAMES)
        self.hosts = self.directory / "hosts"
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in NAMES))
        ports = [int(url.rsplit(":", 1)[1]) for url in (world.dynamodb_url, world.dynamodb_url, world.kinesis_url)]
        self.backends = dict(zip(NAMES, ports))

    def program(self, arguments, **environment):
        """The program under these hosts, with credentials and, by default, our authority."""
        environment = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                       "AWS_SESSION_TOKEN": "token+/==", "AWS_CA_BUNDLE": str(self.authority.certificate), **environment}
        command = ["--mount", "sh", "-c", WITH_HOSTS, "sh", self.hosts, BIN / "dynamodb-replicator", *arguments]
        return Program(command, environment, name=shutil.which("unshare"))


_stages = {}


def stage_of(world):
    if world not in _stages:
        _stages[world] = Stage(world)
    return _stages[world]


def refused(world, pem, words, newest=None, **environment):
    stage = stage_of(world)
    with Front(pem, stage.backends, newest) as front:
        with stage.program(["replicate", "us-east-1/some-table", "us-east-1/other-table"], **environment) as program:
            status = program.wait(REFUSE_SECONDS_MAX)
            lines = [line for line in program.log().splitlines() if all(word in line for word in words)]
            assert status == 2, program.describe()
            assert lines, f"no line with {words}: {program.describe()}"
            print(f"    {lines[-1]}")
        assert front.connections > 0
        assert not front.names, front.names  # no handshake ended well, so no request was heard


@runner.test("tls.region_form_follows_a_dynamodb_stream_over_tls")
def _(world):
    follow(world, "dynamodb", NAMES[:2])


@runner.test("tls.region_form_follows_a_kinesis_stream_over_tls")
def _(world):
    follow(world, "kinesis", (NAMES[0], NAMES[2]))


def follow(world, source, names):
    stage = stage_of(world)
    pair = Pair(world, world.name(f"tls-{source}"), SHAPE, source, 50, seed=7)
    pair.change(300)
    arguments = ["replicate", f"us-east-1/{pair.primary}", f"us-east-1/{pair.replica}", "--leases", pair.leases]
    if pair.stream:
        arguments += ["--kinesis", f"us-east-1/{pair.stream}", "--dead-letter", pair.dead_letter]
    with Front(stage.good, stage.backends) as front:
        with stage.program(arguments) as program:
            wait_until_equal(pair, 60)
            pair.change(300)
            wait_until_equal(pair, 60)
            assert program.stop() == 0, program.describe()
    assert front.names == set(names), front.names
    assert front.versions <= {"TLSv1.2", "TLSv1.3"}, front.versions


@runner.test("tls.large_items_pass_over_tls")
def _(world):
    stage = stage_of(world)
    primary, replica = world.name("tls-large"), world.name("tls-large-replica")
    tables.create_table(world.dynamodb, primary, ("S", None))
    tables.create_table(world.dynamodb, replica, ("S", None), None)
    for number in range(40):
        world.dynamodb.put_item(TableName=primary, Item={"h": {"S": str(number)}, "large": {"S": chr(97 + number % 26) * 390_000}})
    with Front(stage.good, stage.backends):
        with stage.program(["replicate", f"us-east-1/{primary}", f"us-east-1/{replica}", "--until-caught-up"]) as program:
            assert program.wait(90) == 0, program.describe()
    shape = ("S", None)
    assert tables.content(world.dynamodb, primary, shape) == tables.content(world.dynamodb, replica, shape)


@runner.test("tls.certificate_for_another_name_is_refused")
def _(world):
    pem = stage_of(world).authority.issue("other", ["dynamodb.eu-west-1.amazonaws.com", "example.org"])
    refused(world, pem, ("another name", "dynamodb.us-east-1.amazonaws.com"))


@runner.test("tls.expired_certificate_is_refused")
def _(world):
    pem = stage_of(world).authority.issue("expired", NAMES, -10, -1)
    refused(world, pem, ("expired", "dynamodb.us-east-1.amazonaws.com"))


@runner.test("tls.certificate_of_the_future_is_refused")
def _(world):
    pem = stage_of(world).authority.issue("future", NAMES, 1, 2)
    refused(world, pem, ("not valid yet",))


@runner.test("tls.certificate_of_an_unknown_authority_is_refused")
def _(world):
    stage = stage_of(world)
    stranger = Authority(stage.directory, "stranger").issue("stranger", NAMES)
    refused(world, stranger, ("not trusted", "AWS_CA_BUNDLE"))
    refused(world, stage.good, ("not trusted", "AWS_CA_BUNDLE"), AWS_CA_BUNDLE="")  # the system's authorities


@runner.test("tls.unreadable_bundle_is_refused")
def _(world):
    stage = stage_of(world)
    with stage.program(["replicate", "us-east-1/some-table", "us-east-1/other-table"], AWS_CA_BUNDLE="/nonexistent") as program:
        assert program.wait(REFUSE_SECONDS_MAX) == 2, program.describe()
        assert "/nonexistent" in program.log(), program.describe()


@runner.test("tls.older_versions_are_refused")
def _(world):
    refused(world, stage_of(world).good, ("TLS",), newest=ssl.TLSVersion.TLSv1_1)
