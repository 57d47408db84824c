"""A DynamoDB endpoint without delay: it gives every request the sample trader's three records.

Run as a process, so that its work is not the handler's: prints its URL and serves until it is ended.
"""

import json
import socket
import sys
from threading import Thread

from tools.world import EVENTS, TABLE_NAME, item


def answer() -> bytes:
    """The whole HTTP response, written once."""
    records = [
        record
        for record in json.loads((EVENTS / "state.json").read_text())
        if record["enterprise"] == "acme-capital"
        and (
            "license" in record
            or record.get("credential") == "sample-token-trader"
            or record.get("connection", "").endswith("01")
        )
    ]
    found = {TABLE_NAME: [item(record) for record in records]}
    body = json.dumps({"Responses": found, "UnprocessedKeys": {}}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def serve(connection: socket.socket, response: bytes) -> None:
    """Answers each request on a connection until the peer closes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while stream.readline():
            length = 0
            while (header := stream.readline()) != b"\r\n":
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
            connection.sendall(response)


def main() -> None:
    """Serves on a port of the system's choice."""
    response = answer()
    with socket.create_server(("127.0.0.1", 0)) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            Thread(target=serve, args=(connection, response), daemon=True).start()


if __name__ == "__main__":
    main()
