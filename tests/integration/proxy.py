"""A DynamoDB endpoint that does what the service may do on a bad day, in front of a good one.

Faults: "unprocessed" (does only a part of each batch and hands the rest back), "throttle" and "error" (some calls
fail before they are done), "lost" (some calls are done, and the answer is a 500), "slow" (answers late).
"""

import http.client
import http.server
import json
import random
import threading
import time
import urllib.parse


class FaultyDynamoDb:
    """Serves until closed; `counts` says how often each fault was shown."""

    def __init__(self, url, faults, seed=1, share=0.3, slow_seconds=5.0):
        self._target = urllib.parse.urlparse(url).netloc
        self._faults, self._dice, self._share, self._slow_seconds = tuple(faults), random.Random(seed), share, slow_seconds
        self.counts = {fault: 0 for fault in faults}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):  # noqa: N802  the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, answer = outer.answer(self.headers, body)
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

    def answer(self, headers, body):
        operation = headers.get("X-Amz-Target", "").partition(".")[2]
        fault = self._choose(operation)
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
        if kept and status == 200:
            answer = self._hand_back(operation, json.loads(answer), kept)
            answer_headers = [(n, v) for n, v in answer_headers if n.lower() != "x-amz-crc32"]
        return status, answer_headers, answer

    def _choose(self, operation):
        if operation not in ("BatchGetItem", "BatchWriteItem") or self._dice.random() >= self._share:
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
