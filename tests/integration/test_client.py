"""A client that a common generator (openapi-python-client) makes of openapi.yaml works."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from httpx import Timeout
from werkzeug.wrappers import Response

from tests.support.calls import ask
from tests.support.processes import run
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID, TOKEN
from tools.serve import OPENAPI
from tools.world import listening

PACKAGE = "generated_client"


@pytest.fixture(scope="module", autouse=True)
def _generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    directory = tmp_path_factory.mktemp("client")
    generator = Path(sys.executable).with_name("openapi-python-client")
    output = ("--meta=none", "--output-path", directory / PACKAGE)
    run(generator, "generate", "--path", OPENAPI, *output)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(directory)
        yield


def answer(url: str, method: str, currency: str = "BTC") -> Any:
    """What the generated client returns for a request of acme-capital."""
    module = f"{PACKAGE}.api.signing.v1_client_deallocations_signing_{method}_route"
    body = BODY | {"amount": {"currency": currency, "quantity": "150000000"}}
    make_client = import_module(PACKAGE).AuthenticatedClient
    with make_client(base_url=url, token=TOKEN, timeout=Timeout(60)) as client:
        return import_module(module).sync(
            ENTERPRISE_ID,
            CONNECTION_ID,
            client=client,
            body=import_module(f"{PACKAGE}.models").SigningBody.from_dict(body),
        )


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_gets_the_payload(url: str, method: str) -> None:
    assert answer(url, method).payload == ask().body["payload"]


def test_it_gives_the_name_of_an_error(url: str) -> None:
    assert answer(url, "post", currency="DOGE").name == "CurrencyNotSupported"


@pytest.mark.parametrize(("status", "name"), [(415, "RequestRefused"), (504, "InternalError")])
def test_it_gives_the_name_of_an_error_of_the_gateway(status: int, name: str) -> None:
    error = {"error": "A sentence.", "name": name, "requestId": "1"}
    with listening(Response(json.dumps(error), status), "127.0.0.1", 0) as url:
        assert answer(url, "post").name == name
