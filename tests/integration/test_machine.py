"""The tests themselves and `make`, on a machine with other programs and other settings."""

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.needs import INSTALLED_BY, needs
from tests.support.processes import first_line, python, run, started

SETTINGS = (
    "AWS_PROFILE COLUMNS FORCE_COLOR GITHUB_ACTIONS HTTPS_PROXY LC_ALL NO_COLOR PORT POWERTOOLS_DEV "
    "PYTEST_ADDOPTS PYTHONWARNINGS PY_COLORS TERM https_proxy"
)


def test_a_test_gets_only_what_it_needs_of_the_callers_environment() -> None:
    script = "import json, os, tests.conftest; print(json.dumps(dict(os.environ)))"
    kept = {"CI": "true", "TMPDIR": "/tmp"}  # noqa: S108 -- nothing is written there
    ran = python("-c", script, env=dict.fromkeys(SETTINGS.split(), "1") | kept)
    assert json.loads(ran.stdout).items() >= kept.items()
    assert json.loads(ran.stdout).keys() == kept.keys() | {"BOTO_DISABLE_CRT", "PATH"}


def test_of_the_installers_settings_make_keeps_where_packages_come_from(tmp_path: Path) -> None:
    needs("make")
    kept = "NPM_CONFIG_CAFILE PIP_INDEX_URL UV_DEFAULT_INDEX npm_config_https_proxy npm_config_registry"
    dropped = "CONDA_PREFIX NPM_CONFIG_BEFORE PIP_USER PYTHONPATH UV_LINK_MODE VIRTUAL_ENV npm_config_dry_run"
    (tmp_path / "more.mk").write_text("shown:\n\t@env\n")
    settings = dict.fromkeys(f"{kept} {dropped}".split(), "1")
    words = ["--silent", "--file=Makefile", f"--file={tmp_path}/more.mk", "shown"]
    ran = run("make", *words, env=os.environ | settings)
    names = {line.partition("=")[0] for line in ran.stdout.splitlines()}
    assert names & settings.keys() == set(kept.split())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-program", "no-such-program is missing"),
        ("no-such-folder", "no-such-folder is missing: `make test` installs it"),
    ],
)
def test_a_missing_program_or_folder_skips_a_test_and_fails_it_in_ci(
    name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INSTALLED_BY, "no-such-folder", "make test")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"^{reason}$"):
        needs(name)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"^{reason}$"):
        needs(name)


def test_a_process_ends_with_its_block_after_a_failure_too() -> None:
    with suppress(LookupError), started("sh", "-c", "echo here; sleep 600") as process:
        assert first_line(process) == "here"
        raise LookupError
    assert process.returncode


def test_a_server_that_ends_without_a_line_is_a_failure_with_its_code() -> None:
    with started("sh", "-c", "exit 3") as process, pytest.raises(AssertionError, match="code 3"):
        first_line(process)
