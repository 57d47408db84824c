"""Imports point inwards, from tools to handlers to domain, and domain imports pure modules only."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import python
from tools.sample import ROOT

DOMAIN = """
    domain pydantic rfc8785
    array codecs collections dataclasses decimal itertools json re typing
"""
"""What the domain may import. Of the standard library: nothing with a clock, an environment or I/O."""
ALLOWED = {
    "handlers": "domain handlers aws_lambda_powertools boto3 botocore snapshot_restore_py",
    "tests/unit": "domain handlers tests tools cryptography hypothesis pydantic pytest",
}
# None in sys.modules makes an import fail.
ON_A_REAL_TABLE = """
import sys
packages = ["moto", "flask", "cfnlint", "yaml", "werkzeug"]
modules = ["tools.replay", "tools.sample", "tools.serve", "tools.template", "tools.world"]
sys.modules |= dict.fromkeys(packages + modules)
from tools.__main__ import cli
cli()
"""


def imported_names(folder: str) -> Iterator[tuple[str, str]]:
    """The name of each file, and the full name of what each of its imports names."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = f"{folder}.{node.module}" if node.level else node.module
                yield from ((path.name, f"{module}.{alias.name}") for alias in node.names)


def imported(folder: str) -> Iterator[tuple[str, str]]:
    """The name of each file, and the top-level name of each module that it imports."""
    return ((file, name.partition(".")[0]) for file, name in imported_names(folder))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_its_allowed_packages(package: str) -> None:
    foreign = {
        (file, module)
        for file, module in imported(package)
        if module not in sys.stdlib_module_names
        and module not in ALLOWED[package].split()
        and module != "mypy_boto3_dynamodb"  # types only, under TYPE_CHECKING
    }
    assert foreign == set()


def test_the_domain_imports_only_the_modules_that_are_listed() -> None:
    assert {module for _, module in imported("domain")} - {*DOMAIN.split()} == set()


def test_events_know_nothing_of_answers_and_answers_nothing_of_events() -> None:
    files = {file for file, module in imported("handlers") if module == "handlers"}
    assert files & {"answers.py", "event.py"} == set()


def test_no_module_imports_from_a_test_module() -> None:
    assert [name for _, name in imported_names("tests") if ".test_" in name] == []


def test_a_command_for_a_real_table_imports_nothing_of_the_sample_world() -> None:
    ran = python("-c", ON_A_REAL_TABLE, "load", "events/state.json", "--table", "t")
    assert "line 1: begins a JSON array" in ran.stderr


def test_the_unit_tests_need_no_moto() -> None:
    script = "import sys, pytest; sys.modules['moto'] = None; sys.exit(pytest.main(sys.argv[1:]))"
    ran = python("-c", script, "--collect-only", "-q", "tests/unit")
    assert ran.returncode == 0, ran.stdout


def test_a_copy_of_the_domain_works_under_another_name(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "domain", tmp_path / "verifier")
    script = """if True:
        import json, sys
        from verifier.deallocation import parse_deallocation_request
        vector = json.load(sys.stdin)[0]
        enterprise_id, connection_id, body = vector["request"].values()
        body |= {"payload": vector["payload"], "signature": "s"}
        parse_deallocation_request(enterprise_id, connection_id, json.dumps(body).encode())
        print("domain" in sys.modules)
    """
    vectors = (ROOT / "tests/vectors.json").read_text()
    ran = python("-c", script, input=vectors, cwd=tmp_path)
    assert ran.stdout == "False\n", ran.stderr
