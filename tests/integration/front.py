"""The services' real host names over TLS on loopback: a front that checks every signature and passes the request on.

The signer it checks against is botocore's. Needs port 443 and a hosts file of its own: a network and a mount
namespace, which script/netns and PREFIX give.
"""

import http.client
import http.server
import pathlib
import ssl
import subprocess
import threading
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

NAMES = ["dynamodb.us-east-1.amazonaws.com", "streams.dynamodb.us-east-1.amazonaws.com",
         "kinesis.us-east-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com"]
MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-target", "content-type"}


def hosts_prefix(directory, names=tuple(NAMES)):
    """A command prefix under which these names are this machine."""
    hosts = pathlib.Path(directory) / "hosts"
    hosts.write_text("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in names))
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]


class Authority:
    """A certificate authority of our own, by the openssl command."""

    def __init__(self, directory):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self.bundle = self._directory / "ca.pem"
        self._key = self._directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a test's authority",
                      "-keyout", self._key, "-out", self.bundle)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=self._directory, check=True, capture_output=True)

    def certificate(self, label, names, expired=False, future=False):
        """A file with key and certificate for these names."""
        base = self._directory / label
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={names[0]}", "-keyout", f"{base}.key", "-out", f"{base}.csr")
        (self._directory / f"{label}.cnf").write_text(
            "[ca]\ndefault_ca=here\n[here]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
            "policy=any\nunique_subject=no\nx509_extensions=names\n[any]\ncommonName=supplied\n[names]\nsubjectAltName="
            + ",".join(f"DNS:{name}" for name in names) + "\n")
        (self._directory / "index").write_text("")
        dates = ["-days", "2"]
        if expired or future:
            year = 2020 if expired else 2048
            dates = ["-startdate", f"{year}0101000000Z", "-enddate", f"{year}0102000000Z"]
        self._openssl("ca", "-batch", "-notext", "-config", f"{base}.cnf", "-cert", self.bundle, "-keyfile", self._key,
                      "-in", f"{base}.csr", "-out", f"{base}.crt", *dates)
        pem = self._directory / f"{label}.pem"
        pem.write_text((self._directory / f"{label}.key").read_text() + (self._directory / f"{label}.crt").read_text())
        return pem


class SigningFront:
    """Serves NAMES on 127.0.0.1:443. `wrong` lists what was signed otherwise than botocore would; `seen` the operations."""

    def __init__(self, world, certificate, access_key, secret_key, token=None, newest=None):
        """newest: the one version of TLS that is spoken; else what this Python speaks."""
        self._targets = {"kinesis": urllib.parse.urlparse(world.kinesis_url).netloc,
                         "dynamodb": urllib.parse.urlparse(world.dynamodb_url).netloc}
        self._credentials = botocore.credentials.Credentials(access_key, secret_key, token)
        self.seen, self.wrong = set(), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):  # noqa: N802  the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = outer.answer(self.headers, self.path, body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *unused):
                pass  # a client that refuses the certificate: what some tests want

            def finish_request(self, request, address):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                if newest is not None:
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    context.minimum_version = context.maximum_version = newest
                request.settimeout(30)
                super().finish_request(context.wrap_socket(request, server_side=True), address)

        self._server = Server(("127.0.0.1", 443), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, headers, path, body):
        host = headers["Host"]
        operation = headers["X-Amz-Target"]
        self.seen.add(operation)
        problem = self._check(host, path, headers, body)
        if problem:
            self.wrong.append(f"{operation} to {host}: {problem}")
        kind = "kinesis" if host.startswith("kinesis.") else "dynamodb"
        return self._forward(self._targets[kind], headers, path, body)

    def _check(self, host, path, headers, body):
        service = "kinesis" if host.startswith("kinesis.") else "dynamodb"
        region = host.split(".")[-3]
        scheme, _, rest = headers["Authorization"].partition(" ")
        given = dict(part.strip().split("=", 1) for part in rest.split(","))
        names = given["SignedHeaders"].split(";")
        must = MUST_BE_SIGNED | ({"x-amz-security-token"} if self._credentials.token else set())
        if scheme != "AWS4-HMAC-SHA256" or not must <= set(names):
            return f"signs {names}, must sign {sorted(must)}"
        if headers.get("X-Amz-Security-Token") != self._credentials.token:
            return "not the session token that was given"
        request = botocore.awsrequest.AWSRequest(
            "POST", f"https://{host}{path}", headers={name: headers[name] for name in names}, data=body)
        request.context["timestamp"] = headers["X-Amz-Date"]
        signer = botocore.auth.SigV4Auth(self._credentials, service, region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        if given["Credential"] != signer.scope(request):
            return f"scope {given['Credential']}, botocore's is {signer.scope(request)}"
        if given["Signature"] != signer.signature(text, request):
            return "another signature than botocore's"
        return None

    @staticmethod
    def _forward(target, headers, path, body):
        connection = http.client.HTTPConnection(target, timeout=60)
        try:
            dropped = ("host", "content-length", "connection", "accept-encoding")
            connection.request("POST", path, body, {n: v for n, v in headers.items() if n.lower() not in dropped})
            answer = connection.getresponse()
            content = answer.read()
            dropped = ("content-length", "connection", "transfer-encoding", "date", "server")
            return answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in dropped], content
        finally:
            connection.close()
