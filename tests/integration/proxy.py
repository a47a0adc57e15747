"""A DynamoDB endpoint that does what the service may do on a bad day, in front of a good one.

Faults: "unprocessed" (does only a part of each batch and hands the rest back), "throttle" and "error" (some calls
fail before they are done), "lost" (some calls are done, and the answer is a 500), "dropped" (some calls are done, and
the connection ends without an answer), "slow" (answers late).

hold() catches one request on its way and keeps it until it is released: the network that delivers late.
"""

import http.client
import http.server
import json
import random
import threading
import time
import urllib.parse


BATCHES = ("BatchGetItem", "BatchWriteItem")
WRITES = ("BatchWriteItem", "TransactWriteItems")


def written_keys(request, table, name="h"):
    """The key attribute `name` of each item of `table` that a request writes, in its order; whatever the operation."""
    actions = request.get("TransactItems", [])
    found = [one["Item"] for action in actions for kind, one in action.items() if kind == "Put" and one["TableName"] == table]
    found += [one["Key"] for action in actions for kind, one in action.items() if kind == "Delete" and one["TableName"] == table]
    for one in request.get("RequestItems", {}).get(table, []) if not actions else []:
        found.append(one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"])
    return [item[name] for item in found]


class Held:
    """One request that the proxy has caught. It is served when it is released, whatever its sender does meanwhile."""

    def __init__(self, matches):
        self.matches = matches
        self.caught, self.answered = threading.Event(), threading.Event()
        self._released = threading.Event()
        self.status, self.answer = None, None

    def release(self, seconds=10):
        """Serves it: (status, body as JSON)."""
        assert self.caught.is_set(), "nothing was caught"
        self._released.set()
        assert self.answered.wait(seconds), "no answer to what was held"
        return self.status, json.loads(self.answer)

    def pass_through(self, forward):
        self.caught.set()
        self._released.wait()
        self.status, headers, self.answer = forward()
        self.answered.set()
        return self.status, headers, self.answer


class FaultyDynamoDb:
    """Serves until closed; `counts` says how often each fault was shown.

    share: of the `operations` that match which meet a fault; faults_max: so many in all, then it is a good day.
    """

    def __init__(self, url, faults, seed=1, share=0.3, slow_seconds=5.0, operations=BATCHES, matches=lambda request: True,
                 faults_max=None):
        self._target = urllib.parse.urlparse(url).netloc
        self._faults, self._dice, self._share, self._slow_seconds = tuple(faults), random.Random(seed), share, slow_seconds
        self._operations, self._matches, self._faults_max, self._lock = operations, matches, faults_max, threading.Lock()
        self._traps = []
        self.counts = {fault: 0 for fault in faults}
        self.seen = []  # (time, operation, request) of what came, faults included; of `recorded` operations
        self.recorded = ()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):  # noqa: N802  the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.answer(self.headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                try:
                    self._send(*answer)
                except ConnectionError:  # its sender did not wait
                    self.close_connection = True

            def _send(self, status, headers, answer):
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

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()

    def hold(self, operations, matches=lambda request: True):
        """The next request of these operations whose JSON matches is held."""
        trap = Held(lambda operation, request: operation in operations and matches(request))
        self._traps.append(trap)
        return trap

    def _trap_for(self, operation, body):
        if not self._traps and operation not in self.recorded:
            return None
        request = json.loads(body)
        with self._lock:
            if operation in self.recorded:
                self.seen.append((time.monotonic(), operation, request))
            caught = next((trap for trap in self._traps if trap.matches(operation, request)), None)
            if caught:
                self._traps.remove(caught)
            return caught

    def answer(self, headers, body):
        """What to answer: (status, headers, body); None: nothing, the connection ends."""
        operation = headers.get("X-Amz-Target", "").partition(".")[2]
        trap = self._trap_for(operation, body)
        if trap:
            return trap.pass_through(lambda: self._forward(headers, body))
        fault = self._choose(operation, body)
        if fault == "throttle":
            return self._failure(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
        if fault == "error":
            return self._failure(500, "com.amazonaws.dynamodb.v20120810#InternalServerError")
        kept = []
        if fault == "unprocessed":
            body, kept = self._halve(operation, json.loads(body))
        if fault == "slow":
            time.sleep(self._slow_seconds)
        status, answer_headers, answer = self._forward(headers, body)
        if fault == "lost":
            return self._failure(500, "com.amazonaws.dynamodb.v20120810#InternalServerError")
        if fault == "dropped":
            return None
        if kept and status == 200:
            answer = self._hand_back(operation, json.loads(answer), kept)
            answer_headers = [(n, v) for n, v in answer_headers if n.lower() != "x-amz-crc32"]
        return status, answer_headers, answer

    def _choose(self, operation, body):
        if not self._faults or operation not in self._operations or not self._matches(json.loads(body)):
            return None
        with self._lock:
            if self._dice.random() >= self._share:
                return None
            if self._faults_max is not None and sum(self.counts.values()) >= self._faults_max:
                return None
            fault = self._dice.choice(self._faults)
            self.counts[fault] += 1
            return fault

    @staticmethod
    def _failure(status, kind):
        return status, [("Content-Type", "application/x-amz-json-1.0")], json.dumps({"__type": kind, "message": "shown by a test"}).encode()

    @staticmethod
    def _halve(operation, request):
        """Keeps back a part of the batch: (body of the rest, what was kept)."""
        kept = {}
        for table, asked in request["RequestItems"].items():
            entries = asked["Keys"] if operation == "BatchGetItem" else asked
            if len(entries) < 2:
                continue
            rest, back = entries[: (len(entries) + 1) // 2], entries[(len(entries) + 1) // 2:]
            if operation == "BatchGetItem":
                kept[table] = {**asked, "Keys": back}
                asked["Keys"] = rest
            else:
                kept[table] = back
                request["RequestItems"][table] = rest
        return json.dumps(request).encode(), kept

    @staticmethod
    def _hand_back(operation, answer, kept):
        answer["UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"] = kept
        return json.dumps(answer).encode()

    def _forward(self, headers, body):
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            passed = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length", "connection", "accept-encoding")}
            connection.request("POST", "/", body, passed)
            answer = connection.getresponse()
            content = answer.read()
            kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server")]
            return answer.status, kept, content
        finally:
            connection.close()
