"""`make sbom`: what the function is made of, as it is locked."""

import json
import re
import subprocess

from tools.world import ROOT


def test_the_bill_of_materials_lists_what_is_locked_with_its_hashes() -> None:
    subprocess.run(["make", "--silent", "sbom"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607 -- the make on PATH is what a reader runs
    bill = json.loads((ROOT / "sbom.json").read_text())
    listed = {
        f"{each['name']}=={each['version']}": {
            digest["content"] for digest in each["externalReferences"][0]["hashes"]
        }
        for each in bill["components"]
    }
    locked = {
        name: set(re.findall(r"--hash=sha256:(\w+)", rest))
        for name, rest in re.findall(
            r"^(\S+) \\\n((?: +--hash=.*\n)+)",
            (ROOT / "requirements/function.txt").read_text(),
            re.MULTILINE,
        )
    }
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "deallocation-signing",
    )
    assert listed == locked
    assert {name.partition("==")[0] for name in listed} >= {"botocore", "pydantic", "rfc8785"}
