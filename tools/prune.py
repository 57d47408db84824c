"""Removes the parts of a bundle's packages that the function does not use: `python prune.py BUNDLE`.

The client sends the same requests. It is created several times as fast, because botocore reads no
description of other services. A TLS connection takes less CPU, because OpenSSL reads all trusted
certificates for each one. The same packages always give the same bytes, and nothing is compressed:
gzip's output depends on the version of zlib.
"""

import gzip
import json
import re
import shutil
import ssl
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

SERVICE = "dynamodb"
OPERATIONS = {"BatchGetItem", "DescribeEndpoints"}  # the second is for endpoint discovery
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
    data = bundle / "botocore/data"
    endpoints = data / "endpoints.json"
    replace(endpoints, json.dumps(pruned_endpoints(json.loads(endpoints.read_bytes()))))
    for path in (data / SERVICE).glob("*/*.json"):
        path.unlink()  # examples, paginators, waiters
    for path in (data / SERVICE).glob("*/service-2.json.gz"):
        model = pruned_model(json.loads(gzip.decompress(path.read_bytes())))
        path.with_suffix("").write_text(json.dumps(model))
        path.unlink()
    trusted = bundle / "botocore/cacert.pem"
    replace(trusted, pruned_roots(trusted.read_text()))


def replace(path: Path, content: str) -> None:
    """Writes a new file, because an installer may have linked the old one to other environments."""
    path.unlink()
    path.write_text(content)


def pruned_endpoints(endpoints: dict[str, Any]) -> dict[str, Any]:
    """The endpoints of all partitions, for the one service."""
    partitions = [
        partition
        | {
            "services": {
                name: value for name, value in partition["services"].items() if name == SERVICE
            }
        }
        for partition in endpoints["partitions"]
    ]
    return endpoints | {"partitions": partitions}


def pruned_model(model: dict[str, Any]) -> dict[str, Any]:
    """The service's model with the operations in use and their shapes, without documentation."""
    operations = {name: value for name, value in model["operations"].items() if name in OPERATIONS}
    used: set[str] = set()
    found = shapes_in(operations)
    while found:
        used |= found
        found = shapes_in([model["shapes"][name] for name in found]) - used
    # In the model's own order, because the order of a set differs from run to run.
    shapes = {name: value for name, value in model["shapes"].items() if name in used}
    pruned: dict[str, Any] = without_documentation(
        model | {"operations": operations, "shapes": shapes}
    )
    return pruned


def shapes_in(description: Any) -> set[str]:
    """The names of the shapes that an operation or a shape refers to."""
    match description:
        case {"shape": str(name)}:
            return {name}
        case dict():
            return set().union(*map(shapes_in, description.values()))
        case list():
            return set().union(*map(shapes_in, description))
    return set()


def without_documentation(description: Any) -> Any:
    """A part of the model without the texts in it."""
    match description:
        case dict():
            return {
                name: without_documentation(value)
                for name, value in description.items()
                if not (name == "documentation" and isinstance(value, str))
            }
        case list():
            return [without_documentation(value) for value in description]
    return description


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
