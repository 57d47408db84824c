"""What the build took out of the bundle's botocore is what the function never uses."""

import json
import ssl
from pathlib import Path
from typing import Any, cast

import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import Loader
from botocore.session import Session, get_session
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.e2e.test_bundle import BUNDLE
from tools.prune import OPERATIONS, ROOTS, pruned_roots, replace

INSTALLED = Path(botocore.__file__).parent
PARTITIONS = json.loads((INSTALLED / "data/endpoints.json").read_text())["partitions"]
REGIONS = [*(region for part in PARTITIONS for region in part["regions"]), "eu-future-7", "nowhere"]
REQUESTS = [
    (table, {"pk": {"S": enterprise}, "sk": {"S": "LICENSE#OES"}})
    for table, enterprise in [
        ("StateTable", "ENTERPRISE#acme-capital"),
        ("StateTable", "ENTERPRISE#Ünïcødé 🔑\n"),
        ("arn:aws:dynamodb:eu-central-1:123456789012:table/StateTable", "ENTERPRISE#acme-capital"),
    ]
]
ANSWER = b'{"Endpoints": [{"Address": "discovered.example", "CachePeriodInMinutes": 9}]}'
"""What DescribeEndpoints answers; to BatchGetItem it is an empty answer."""


def session_of(data: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session that reads botocore's data from there and from nowhere else."""
    session = get_session()
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    # What it finds elsewhere, it takes for a customer's own.
    monkeypatch.setattr(loader, "BUILTIN_DATA_PATH", str(data))
    session.register_component("data_loader", loader)
    return session


def requests_of(session: Any, region: str, **config: Any) -> list[Any]:
    """Method, URL, headers and body of what a client sends, or what it raises instead."""
    sent: list[Any] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append((request.method, request.url, dict(request.headers.items()), request.body))
        return AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(ANSWER))

    try:
        client = session.create_client(
            "dynamodb",
            region_name=region,
            aws_access_key_id="sample",
            aws_secret_access_key="sample",  # noqa: S106 -- anything will do
            aws_account_id="123456789012",
            config=Config(**config),
        )
        client.meta.events.unregister("before-send", botocore_stubber)  # moto's, in every session
        client.meta.events.register("before-send", answer)
        for table, key in REQUESTS:
            client.batch_get_item(RequestItems={table: {"Keys": [key]}})
    except BotoCoreError as error:
        sent.append(repr(error))
    return sent


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"use_fips_endpoint": True},
        {"use_dualstack_endpoint": True},
        {"use_fips_endpoint": True, "use_dualstack_endpoint": True},
        {"account_id_endpoint_mode": "disabled"},
        {"endpoint_discovery_enabled": True},
    ],
    ids=" ".join,
)
def test_the_pruned_client_sends_the_same_bytes(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = botocore.compat.get_current_datetime()
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    monkeypatch.setattr("uuid.uuid4", lambda: "00000000-0000-4000-8000-000000000000")
    whole = session_of(INSTALLED / "data", monkeypatch)
    pruned = session_of(BUNDLE / "botocore/data", monkeypatch)
    for region in REGIONS:
        assert requests_of(pruned, region, **config) == requests_of(whole, region, **config)


def test_the_pruned_bundle_describes_the_operations_in_use_and_nothing_else() -> None:
    for package in ("boto3", "botocore"):
        services = {path.name for path in (BUNDLE / package / "data").iterdir() if path.is_dir()}
        assert services == {"dynamodb"}
    endpoints = json.loads((BUNDLE / "botocore/data/endpoints.json").read_text())
    assert {name for part in endpoints["partitions"] for name in part["services"]} == {"dynamodb"}
    (file,) = BUNDLE.glob("botocore/data/dynamodb/*/service-2.json*")
    model = file.read_text()
    assert json.loads(model)["operations"].keys() == OPERATIONS
    assert "documentation" not in model
    others = {path.name for path in file.parent.iterdir()} - {file.name}
    assert others == {"endpoint-rule-set-1.json.gz"}


def test_the_pruned_bundle_trusts_the_roots_of_amazon_and_no_other() -> None:
    context = ssl.create_default_context(cafile=str(BUNDLE / "botocore/cacert.pem"))
    names = {
        value
        for root in context.get_ca_certs()
        for ((key, value),) in cast("Any", root["subject"])
        if key == "commonName"
    }
    assert names == set(ROOTS.values())


def test_a_root_that_botocore_no_longer_has_fails_the_build() -> None:
    trusted = (BUNDLE / "botocore/cacert.pem").read_text()
    _, _, without_the_first = trusted.partition("-----END CERTIFICATE-----\n")
    with pytest.raises(LookupError, match="lack Amazon Root CA 1"):
        pruned_roots(without_the_first)


def test_a_file_that_an_installer_linked_to_the_bundle_stays_as_it_is(tmp_path: Path) -> None:
    installed, linked = tmp_path / "installed", tmp_path / "linked"
    installed.write_text("whole")
    linked.hardlink_to(installed)
    replace(linked, "pruned")
    assert (installed.read_text(), linked.read_text()) == ("whole", "pruned")
