"""The bundle that `make build` makes: what is in it, and that it runs under Lambda's own runtime.

`make test-artifact` runs this, and `make test` does not, because it needs a built bundle.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import py_compile
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from handlers.signing import lambda_handler
from tests.support.bundle import BUNDLE, digests
from tests.support.dynamodb import embedded_dynamodb
from tests.support.environment import CALLERS
from tests.support.processes import free_address, run, started, wait_for
from tests.support.shell import run_as_shown
from tools.replay import SampleEvent, sample_events
from tools.sample import ROOT, lambda_context
from tools.world import sample_world

type Invoke = Callable[[Any], Any]

PROCESSOR = "x86_64" if platform.machine() == "x86_64" else "arm64"
EMULATOR = f"lib/python3.13/site-packages/samcli/local/rapid/aws-lambda-rie-{PROCESSOR}"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
UNCHECKED_HASH = 0b01  # PEP 552


def test_the_bundle_has_at_most_20_megabytes() -> None:
    assert sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file()) <= 20e6


def test_the_bundle_holds_the_code_and_the_locked_dependencies_and_nothing_else() -> None:
    installed = {
        (re.sub(r"[-_.]+", "-", name).lower(), version)
        for name, version in (
            path.name.removesuffix(".dist-info").rsplit("-", 1)
            for path in BUNDLE.glob("*.dist-info")
        )
    }
    locked = re.findall(
        r"^(\S+)==(\S+)", (ROOT / "requirements/function.txt").read_text(), re.MULTILINE
    )
    assert installed == set(locked)
    packages = {
        file.parts[0].removesuffix(".py")
        for name, _ in locked
        for file in importlib.metadata.files(name) or []
    }
    top = {path.name.removesuffix(".pyc") for path in BUNDLE.iterdir()}
    assert top - packages == {"domain", "handlers", "python-release"}


def test_a_build_elsewhere_is_the_same_to_the_byte(tmp_path: Path) -> None:
    settings = {
        "CONDA_PREFIX": "/nowhere",
        "LC_ALL": "C",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "1",
        "PYTHONHOME": "/nowhere",
        "PYTHONNODEBUGRANGES": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONPATH": "/nowhere",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "prefix"),
        "PYTHONUTF8": "0",
        "TZ": "Pacific/Auckland",
        "UV_COMPILE_BYTECODE": "1",
        "UV_CONSTRAINT": "/nowhere",
        "UV_EXCLUDE_NEWER": "2020-01-01",
        "UV_LINK_MODE": "symlink",
        "UV_NO_VERIFY_HASHES": "1",
        "UV_PYTHON": "2.7",
        "UV_WORKING_DIR": "/",
        "VIRTUAL_ENV": "/nowhere",
    }
    checkout, built = tmp_path / "a checkout", tmp_path / "built"
    for folder in ("domain", "handlers", "requirements", "tools"):
        shutil.copytree(ROOT / folder, checkout / folder)
    for file in ("Makefile", ".python-version"):
        shutil.copy(ROOT / file, checkout)
    release = (BUNDLE / "python-release").read_text().strip()
    subprocess.run(  # noqa: S603 -- our own words
        [
            *("make", "--silent", "build-SigningFunction"),
            *(f"ARTIFACTS_DIR={built}", f"PYTHON={release}"),
        ],
        cwd=checkout,
        env=CALLERS | settings,
        umask=0o077,
        check=True,
    )
    assert digests(built) == digests(BUNDLE)


def test_the_documented_comparison_shows_changed_bytecode(tmp_path: Path) -> None:
    """One compiled module without the check of the licence. Its source stays as it is."""
    document = (ROOT / "docs/operate.md").read_text()
    (comparison,) = re.findall(r"^diff -r deployed .*", document, re.MULTILINE)
    deployed = tmp_path / "deployed"
    shutil.copytree(BUNDLE, deployed)
    (tmp_path / ".aws-sam").symlink_to(ROOT / ".aws-sam")

    def compared() -> str:
        return subprocess.run(  # noqa: S602 -- our own document's words
            comparison, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        ).stdout

    assert compared() == "the same\n"
    source = tmp_path / "access.py"
    rules = (ROOT / "domain/access.py").read_text()
    source.write_text(rules.replace("raise OesLicenseRequired", "pass"))
    py_compile.compile(
        str(source),
        str(deployed / "domain/__pycache__/access.cpython-313.pyc"),
        "/var/task/domain/access.py",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    assert "access.cpython-313.pyc" in compared()


@pytest.mark.parametrize("package", ["domain", "handlers"])
def test_the_bundle_holds_every_module_of_a_package_as_it_is(package: str) -> None:
    def modules(root: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (root / package).rglob("*.py")}

    assert modules(BUNDLE) == modules(ROOT)


def test_every_module_has_bytecode_that_no_read_only_file_system_makes_stale() -> None:
    for package in ("domain", "handlers"):
        for module in (BUNDLE / package).rglob("*.py"):
            assert Path(importlib.util.cache_from_source(str(module))).is_file()
    for bytecode in (path.read_bytes() for path in BUNDLE.rglob("*.pyc")):
        assert bytecode[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(bytecode[4:8], "little") == UNCHECKED_HASH


def test_the_source_of_no_package_is_shipped() -> None:
    with_source = {path.relative_to(BUNDLE).parts[0] for path in BUNDLE.rglob("*.py")}
    assert with_source == {"domain", "handlers"}


def test_the_bundle_has_each_compiled_module_for_both_processors() -> None:
    compiled = {str(path.relative_to(BUNDLE)) for path in BUNDLE.rglob("*.so")}
    modules = {name.partition(".")[0] for name in compiled}
    assert modules
    assert compiled == {
        f"{module}.cpython-313-{processor}-linux-gnu.so"
        for module in modules
        for processor in ("aarch64", "x86_64")
    }


@pytest.fixture(scope="module")
def bundle_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle that may not be written to, as /var/task is in Lambda."""
    copy = tmp_path_factory.mktemp("var") / "task"
    shutil.copytree(BUNDLE, copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return copy


@pytest.fixture(scope="module")
def invoke(bundle_copy: Path) -> Iterator[Invoke]:
    """Calls the built function; there is nothing but Lambda's runtime to import beside the bundle."""
    address, runtime_api = free_address(), free_address()
    with (
        embedded_dynamodb() as environment,
        started(
            ROOT / ".venv-sam" / EMULATOR,
            *("--runtime-interface-emulator-address", address),
            *("--runtime-api-address", runtime_api),
            *(ROOT / ".venv-runtime/bin/python", "-m", "awslambdaric"),
            "handlers.signing.lambda_handler",
            cwd=bundle_copy,
            env=environment
            | {
                "AWS_LAMBDA_FUNCTION_NAME": "SigningFunction",
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(bundle_copy),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as emulator,
    ):
        wait_for(address, emulator)

        def call(event: Any) -> Any:
            connection = HTTPConnection(address)
            connection.request("POST", INVOCATIONS, json.dumps(event))
            answer = json.load(connection.getresponse())
            connection.close()
            return answer

        yield call


@pytest.fixture(scope="module")
def world() -> Iterator[None]:
    """The sample world, for the handler that the built function is compared to."""
    with sample_world():
        yield


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
def test_the_built_function_answers_what_the_handler_does(
    invoke: Invoke, sample: SampleEvent
) -> None:
    answer = invoke(sample.event)
    assert answer["statusCode"] == sample.status
    assert answer == lambda_handler(sample.event, lambda_context())


def test_the_built_function_writes_nothing_beside_itself(invoke: Invoke, bundle_copy: Path) -> None:
    (sample, *_) = sample_events()
    assert invoke(sample.event)["statusCode"] == sample.status
    assert digests(bundle_copy) == digests(BUNDLE)


def test_an_operator_builds_another_commit_beside_this_folder(tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.mkdir()
    for name in ("domain", "handlers", "requirements", "tools"):
        shutil.copytree(ROOT / name, present / name)
    for name in (".gitignore", "Makefile", "samconfig.toml", "template.yaml"):
        shutil.copy(ROOT / name, present)
    identity = ["-c", "user.name=an operator", "-c", "user.email=operator@example.com"]
    for words in (["init"], ["add", "."], [*identity, "commit", "--message", "A commit"]):
        run("git", *words, cwd=present)
    for name in (".uv", ".venv-sam"):
        (present / name).symlink_to(ROOT / name)
    ran = run_as_shown(
        "operate.md",
        "git worktree add",
        words={"COMMIT": "HEAD"},
        environment=CALLERS,
        folder=present,
    )
    assert ran.returncode == 0, ran.stderr
    assert digests(tmp_path / "rollback/.aws-sam/build/SigningFunction") == digests(BUNDLE)
    ran = run_as_shown(
        "operate.md", "git worktree remove", words={}, environment=CALLERS, folder=present
    )
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "rollback").exists()
