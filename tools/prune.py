"""Removes the parts of a bundle's packages that the function does not use: `python prune.py BUNDLE`.

docs/decisions.md says why ("The bundle"). The same packages always give the same bytes.
"""

import re
import shutil
import ssl
import sys
from hashlib import sha256
from pathlib import Path

SERVICE = "dynamodb"
# https://www.amazontrust.com/repository/: the five roots that every AWS endpoint chains to.
ROOTS = {
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e": "Amazon Root CA 1",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4": "Amazon Root CA 2",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4": "Amazon Root CA 3",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092": "Amazon Root CA 4",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5": (
        "Starfield Services Root Certificate Authority - G2"
    ),
}
"""SHA-256 of each certificate, and its name."""
UNUSED = (
    "pydantic/v1",  # the former version
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.min.*",  # a page that is not served
    "*.dist-info/RECORD",  # the installed files, of which many are removed; some hashes are of paths
)
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def prune(bundle: Path) -> None:
    """Prunes the bundle. Raises `LookupError` if botocore does not trust all of `ROOTS`."""
    for package in ("boto3", "botocore"):
        for path in (bundle / package / "data").iterdir():
            if path.is_dir() and path.name != SERVICE:
                shutil.rmtree(path)
    for path in [path for pattern in UNUSED for path in bundle.glob(pattern)]:
        (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    trusted = bundle / "botocore/cacert.pem"
    trusted.write_text(pruned_roots(trusted.read_text()))


def pruned_roots(trusted: str) -> str:
    """The certificates that AWS's endpoints chain to. Raises `LookupError` if one is missing."""
    certificates = {
        sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest(): certificate
        for certificate in _CERTIFICATE.findall(trusted)
    }
    if missing := [name for digest, name in ROOTS.items() if digest not in certificates]:
        raise LookupError(f"botocore's certificates lack {', '.join(missing)}")
    return "".join(certificates[digest] for digest in ROOTS)


if __name__ == "__main__":
    try:
        prune(Path(sys.argv[1]))
    except LookupError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
