"""A DynamoDB endpoint without delay: it gives every request the sample trader's three records.

Run as a process, so that its work is not the handler's: `python -m tools.bench.endpoint CERTIFICATE
KEY` prints its two URLs, over HTTP and over TLS, and serves until it is ended.
"""

import json
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from handlers.state import LICENSE_KEY, connection_key, credential_key, enterprise_key

PARTITION = enterprise_key("acme-capital")
CONNECTION = connection_key("6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01")
ITEMS: list[dict[str, object]] = [
    {"sk": {"S": LICENSE_KEY}, "status": {"S": "active"}},
    {
        "sk": {"S": credential_key("sample-token-trader")},
        "memberId": {"S": "member-trader"},
        "scopes": {"SS": ["settlement_network_read", "settlement_network_write"]},
    },
    {
        "sk": {"S": CONNECTION},
        "active": {"BOOL": True},
        "currencies": {"SS": ["BTC", "ETH"]},
        "partnerId": {"S": "partner-exchange"},
    },
]


def response() -> bytes:
    """The whole HTTP response."""
    items = [{"pk": {"S": PARTITION}, **item} for item in ITEMS]
    body = json.dumps({"Responses": {"StateTable": items}, "UnprocessedKeys": {}}).encode()
    head = ["HTTP/1.1 200 OK", "Content-Type: application/x-amz-json-1.0"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


def answer(connection: socket.socket) -> None:
    """Answers each request on a connection until the peer closes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answered = response()
    # A peer that has measured its handshake hangs up.
    with suppress(ConnectionError), connection, connection.makefile("rb") as stream:
        while stream.readline():
            length = 0
            while (header := stream.readline()) != b"\r\n":
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
            connection.sendall(answered)


def serve(server: socket.socket, wrap: Callable[[socket.socket], socket.socket]) -> None:
    """Answers each connection in a thread of its own."""
    while True:
        connection, _ = server.accept()
        Thread(target=lambda it=connection: answer(wrap(it)), daemon=True).start()


def main(certificate: str, key: str) -> None:
    """Serves on two ports of the system's choice."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    servers = {
        "http": (socket.create_server(("127.0.0.1", 0)), lambda connection: connection),
        "https": (
            socket.create_server(("127.0.0.1", 0)),
            lambda connection: tls.wrap_socket(connection, server_side=True),
        ),
    }
    threads = [Thread(target=serve, args=server) for server in servers.values()]
    for thread in threads:
        thread.start()
    for scheme, (server, _) in servers.items():
        sys.stdout.write(f"{scheme}://127.0.0.1:{server.getsockname()[1]}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
