"""The locked packages: on each machine that the documents name, and in the bill of materials."""

import json
import re
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.needs import needs
from tests.support.processes import run
from tools.world import ROOT

PLATFORMS = {
    "Mac with Apple's processor": "aarch64-apple-darwin",
    "Linux, Intel or AMD": "x86_64-unknown-linux-gnu",
    "Linux on arm64": "aarch64-unknown-linux-gnu",
}
LOCKS = [path.stem for path in sorted((ROOT / "requirements").glob("*.txt"))]
LINUX_ONLY = {"bench", "runtime"}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_installs_from_wheels_on_each_machine(lock: str, tmp_path: Path) -> None:
    command = [find_uv_bin(), "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    command += ["--python", sys.executable, "--target", str(tmp_path), "--python-version", "3.13"]
    command += ["--only-binary", ":all:", "-r", str(ROOT / f"requirements/{lock}.txt")]
    for platform in PLATFORMS.values():
        if "linux" in platform or lock not in LINUX_ONLY:
            run(*command, "--python-platform", platform)


def test_the_documents_name_these_machines() -> None:
    text = (ROOT / "docs/local.md").read_text()
    machines = re.findall(r"^\| ((?:Mac|Linux)[^|]*?) \|", text, re.MULTILINE)
    assert machines == list(PLATFORMS)


def test_the_bill_of_materials_lists_what_is_locked_with_its_hashes() -> None:
    needs("make")
    run("make", "--silent", "sbom")
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
