"""The function's software bill of materials, which `make sbom` writes."""

import json
import re

from tests.support.needs import needs
from tests.support.processes import run
from tools.sample import ROOT


def test_the_bill_of_materials_lists_what_is_locked_with_its_hashes() -> None:
    needs("make")
    run("make", "--silent", "--assume-old=.venv/.installed-dev", "sbom")
    bill = json.loads((ROOT / "sbom.json").read_text())
    listed = {
        f"{component['name']}=={component['version']}": sorted(
            digest["content"] for digest in component["externalReferences"][0]["hashes"]
        )
        for component in bill["components"]
    }
    lock = (ROOT / "requirements/function.txt").read_text()
    locked = re.findall(r"^(\S+==\S+) \\\n((?: +--hash=.*\n)+)", lock, re.MULTILINE)
    assert bill["metadata"]["component"]["name"] == "deallocation-signing"
    assert listed == {
        package: sorted(re.findall(r"--hash=sha256:(\w+)", hashes)) for package, hashes in locked
    }
