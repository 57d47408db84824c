"""An HTTP proxy that hands every request to one server, in the name of signing.example."""

import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "signing.example"


@contextmanager
def proxy(server: str, certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields the proxy's address and a list of its requests' first lines and credentials.

    It writes the certificate of signing.example to the file. The server's address is `host:port`.
    """
    requests: list[str] = []
    tls = _tls(certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self._keep()
            self.send_response(200)
            self.end_headers()
            with (
                tls.wrap_socket(self.connection, server_side=True) as connection,
                connection.makefile("rb") as self.rfile,
                connection.makefile("wb") as self.wfile,
            ):
                self.handle_one_request()

        def do_GET(self) -> None:
            self._keep()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = re.sub("^http://[^/]*", "", self.path)
            with closing(HTTPConnection(server)) as connection:
                connection.request(self.command, target, body, dict(self.headers))
                answer = connection.getresponse()
                self.send_response(answer.status)
                self.end_headers()
                self.wfile.write(answer.read())
                self.wfile.flush()

        def _keep(self) -> None:
            requests.append(self.requestline)
            if credentials := self.headers["Proxy-Authorization"]:
                requests.append(b64decode(credentials.removeprefix("Basic ")).decode())

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.server_port}", requests
        finally:
            listener.shutdown()


def _tls(certificate: Path) -> SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    certificate.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
