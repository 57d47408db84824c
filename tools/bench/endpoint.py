"""A local DynamoDB that gives every read the same answer, and Lambda's endpoint for credentials."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tools.sample import CONNECTION_ID, ENTERPRISE_ID, EVENTS, ROOT, TABLE_NAME, TOKEN, item

ITEMS = [
    item(record)
    for record in json.loads((EVENTS / "state.json").read_text())
    if record["enterprise"] == ENTERPRISE_ID
    and any(value in ("OES", TOKEN, CONNECTION_ID) for value in record.values())
]
ANSWER = json.dumps({"Responses": {TABLE_NAME: ITEMS}, "UnprocessedKeys": {}}).encode()


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection open
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(ANSWER)

    def do_GET(self) -> None:
        """Credentials that end so soon that botocore gets new ones for the next request."""
        end = datetime.now(UTC) + timedelta(minutes=12)
        credentials = dict.fromkeys(["AccessKeyId", "SecretAccessKey", "Token"], "none")
        self.answer(json.dumps(credentials | {"Expiration": end.isoformat()}).encode())

    def answer(self, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


def serve() -> dict[str, str]:
    """Serves until the process ends, and returns the URLs by scheme."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ROOT / ".aws-sam/bench/certificate.pem", ROOT / ".aws-sam/bench/key.pem")
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) for name in ("http", "https")}
    servers["https"].socket = tls.wrap_socket(servers["https"].socket, server_side=True)
    for server in servers.values():
        Thread(target=server.serve_forever, daemon=True).start()
    return {name: f"{name}://127.0.0.1:{server.server_port}" for name, server in servers.items()}
