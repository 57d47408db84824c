"""What the build takes out of the bundle's packages, and what it keeps."""

import ssl
from typing import Any, cast

import pytest

from tests.support.bundle import BUNDLE
from tools.prune import ROOTS, pruned_roots


def test_the_pruned_bundle_describes_dynamodb_and_no_other_service() -> None:
    for package in ("boto3", "botocore"):
        services = {path.name for path in (BUNDLE / package / "data").iterdir() if path.is_dir()}
        assert services == {"dynamodb"}


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
