"""The tables, commands, examples and links of the documents, held to the code."""

import json
import os
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped] # -- it has no types
import pytest
import yaml
from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator

from handlers.log import Fields
from tests.support.calls import Lines, call, event_for, sample_event
from tests.support.needs import needs
from tests.support.processes import run
from tools.bench.run import PROCESSES, goals
from tools.replay import BROKEN_BASE64, NOT_IN_SAM_LOCAL
from tools.sample import ROOT
from tools.state_file import read_state
from tools.template import template

DOCUMENTS = {path: path.read_text() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]}
README = DOCUMENTS[ROOT / "README.md"]
OPERATE = DOCUMENTS[ROOT / "docs/operate.md"]
ALL = "\n".join(DOCUMENTS.values())
MAKEFILE = (ROOT / "Makefile").read_text()
TEMPLATE: dict[str, Any] = template()


def table(heading: str) -> list[list[str]]:
    """The rows of the only table whose first column has this heading, in any document."""
    (rows,) = re.findall(
        rf"^\| {re.escape(heading)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", ALL, re.MULTILINE
    )
    return [
        [cell.strip().strip("`") for cell in row.strip("|").split(" | ")]
        for row in rows.strip().replace("| |", "|  |").splitlines()
    ]


def anchors(document: str) -> set[str]:
    """What a link can name in a document: its headings, spelt as GitHub spells their anchors."""
    text = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", DOCUMENTS[path])
    for file, anchor in links:
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), file
        if anchor:
            assert anchor in anchors(DOCUMENTS[target]), f"{file}#{anchor}"


def test_every_file_that_is_named_exists() -> None:
    folders = "docs|domain|events|handlers|requirements|tests|tools"
    named = re.findall(rf"`((?:{folders})/[^`\s]+)`", ALL)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_that_is_named_exists() -> None:
    code = re.findall(r"`[^`\n]+`|^```sh\n.*?^```", ALL, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"(?<!install )\bmake ([a-z][a-z-]*)", "\n".join(code)))
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_curl_example_gets_the_answer_that_is_shown(method: str) -> None:
    (shown,) = re.findall(r"```json\n(.*)\n```", README)
    ((path, body),) = re.findall(
        r"--request GET \"\$URL(\S+)\".*?--data '(.*?)'", README, re.DOTALL
    )
    answer = call(event_for(method, body=body) | {"path": path})
    assert answer.text == shown


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("number", "name"), [(0, "200-get"), (1, "500-corrupt-record")])
def test_the_log_lines_that_are_shown_are_what_the_function_writes(
    number: int, name: str, log_lines: Lines
) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)\n```", OPERATE, re.DOTALL)[number])
    call(sample_event(name))
    (line,) = log_lines()
    assert shown.keys() <= line.keys()
    chance = {"timestamp", "duration", "functionVersion", "exception"}
    for same in shown.keys() - chance:
        assert shown[same] == line[same]


def test_the_queries_name_fields_of_the_logs() -> None:
    queries = re.sub(
        r'"[^"]*"|@\w+', "", " ".join(re.findall(r"^filter .*", OPERATE, re.MULTILINE))
    )
    words = {"filter", "and", "display", "stats", "count", "by"}
    named = set(re.findall(r"[a-z]\w+", queries, re.IGNORECASE)) - words
    access_log = TEMPLATE["Resources"]["Api"]["Properties"]["AccessLogSetting"]["Format"]
    # `message` is one of Powertools' own keys.
    assert named <= Fields.__annotations__.keys() | {"message"} | json.loads(access_log).keys()


OPERATORS = ("load", "delete", "show", "mint", "revoke", "revoke-all")
OURS = [f".venv/bin/python -m tools {name}" for name in ("replay", *OPERATORS)]
OF_SAM = ("build", "delete", "deploy", "local invoke", "local start-api", "logs", "remote invoke")


COMMANDS = OURS + [f".venv-sam/bin/sam {name}" for name in OF_SAM]
OPTION = r"--[a-z][a-z-]*"


@cache
def options_of(command: str) -> set[str]:
    """The options that a command's help lists."""
    if not command.startswith(".venv/"):
        needs(".venv-sam")
    environment = os.environ | {"COLUMNS": "200", "SAM_CLI_TELEMETRY": "0", "TERM": "dumb"}
    return set(re.findall(OPTION, run(*command.split(), "--help", env=environment).stdout))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_the_options_that_are_shown(command: str) -> None:
    shown = re.findall(rf"{re.escape(command)}\b(.*?)(?:`|\n)", ALL)
    assert shown
    assert set(re.findall(OPTION, " ".join(shown))) <= options_of(command)


def test_an_option_that_is_named_without_its_command_is_one_of_a_command() -> None:
    named = re.findall(rf"`({OPTION})", OPERATE + DOCUMENTS[ROOT / "docs/local.md"])
    assert named
    assert set(named) <= set().union(*map(options_of, COMMANDS))


OF_AWS = re.findall(r"\baws ((?!configure)[a-z]+ (?!wait)[a-z-]+(?: [^`\n|)]*)?)", OPERATE)


@pytest.mark.parametrize("command", sorted(set(OF_AWS)))
def test_a_command_of_aws_takes_the_parameters_that_are_shown(command: str) -> None:
    service, operation, *words = command.split()
    model = get_session().get_service_model({"deploy": "codedeploy"}.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    taken: Any = model.operation_model(operations[operation]).input_shape
    known = {xform_name(name, "-"): name for name in (taken.members if taken else ())}
    shown = {re.sub(r"^--(no-)?", "", word) for word in words if word.startswith("--")}
    assert shown - {"query", "output", "region"} <= known.keys()
    for name, written in re.findall(r"--([a-z-]+) '([{\[].*?)'(?: |$)", command):
        shape = taken.members[known[name]]
        assert not ParamValidator().validate(json.loads(written), shape).generate_report()


PATHS = re.findall(r"\baws (\S+) (\S+) [^`\n]*--query ([\w.]+)(?: |`|$)", OPERATE, re.MULTILINE)


@pytest.mark.parametrize(("service", "operation", "path"), PATHS)
def test_an_answer_of_aws_has_what_a_command_asks_for(
    service: str, operation: str, path: str
) -> None:
    model = get_session().get_service_model({"deploy": "codedeploy"}.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    shape: Any = model.operation_model(operations[operation]).output_shape
    for name in path.split("."):
        shape = shape.members[name]


def test_the_queries_of_a_stack_find_what_the_text_says() -> None:
    outputs, resources = re.findall(r'--query "(.*?)"', OPERATE)
    described: dict[str, Any] = {"Stacks": [{"Outputs": [{"OutputKey": "a", "OutputValue": "b"}]}]}
    assert jmespath.search(outputs, described) == [["a", "b"]]
    types = ("CodeDeploy::Application", "CodeDeploy::DeploymentGroup", "Lambda::Function")
    described = {
        "StackResources": [
            {"ResourceType": f"AWS::{name}", "PhysicalResourceId": name} for name in types
        ]
    }
    found = [physical_id for _, physical_id in jmespath.search(resources, described)]
    assert found == ["CodeDeploy::Application", "CodeDeploy::DeploymentGroup"]


ADD_ONS = ("domain", "firewall", "global-table")


def test_sam_reads_the_parameters_that_are_shown() -> None:
    needs(".venv-sam")
    shown = re.findall(r"--parameter-overrides ([^`\n]+)", OPERATE)
    add_ons = [template(f"docs/add-ons/{name}.yaml") for name in ADD_ONS]
    names = {name for stack in (TEMPLATE, *add_ons) for name in stack["Parameters"]}
    words = [word for line in shown for word in shlex.split(line)]
    parse = "import sys; from samcli.cli.types import CfnParameterOverridesType as Overrides;"
    parse += "[Overrides().convert((word,), None, None) for word in sys.argv[1:]]"
    run(".venv-sam/bin/python", "-c", parse, *words)
    assert {word.split("=")[0] for word in words} <= names | {"NAME"}


RESOURCES = [
    text for text in re.findall(r"```yaml\n(.*?)```", OPERATE, re.DOTALL) if "Type: AWS::" in text
]


@pytest.mark.parametrize("resources", RESOURCES)
def test_the_resources_that_are_shown_are_valid(resources: str) -> None:
    needs(".venv-sam")
    firewall = (ROOT / "docs/add-ons/firewall.yaml").read_text()
    stack = firewall.replace("\nOutputs:", f"\n{resources}\nOutputs:")
    ran = run(".venv-sam/bin/cfn-lint", input=stack, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_job_that_is_shown_deploys_without_a_stored_key() -> None:
    (shown,) = re.findall(r"```yaml\n(jobs:.*?)```", OPERATE, re.DOTALL)
    (job,) = yaml.safe_load(shown)["jobs"].values()
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    commands = [step["run"] for step in job["steps"] if "run" in step]
    (written,) = re.findall(r"## From a pipeline\n\n```sh\n(.*?)```", OPERATE, re.DOTALL)
    assert commands == written.splitlines()


def test_the_search_for_another_python_finds_every_place() -> None:
    (shown,) = re.findall(r"^git grep -nE '(.*?)' -- ':!requirements'", OPERATE, re.MULTILINE)
    folders = (
        ".ci",
        ".github/workflows",
        "docs",
        "domain",
        "handlers",
        "tests/*",
        "tools",
        "tools/*",
    )
    files = [path for name in (".", *folders) for path in ROOT.glob(f"{name}/*") if path.is_file()]
    texts = [
        path.read_text(errors="ignore")
        for path in files
        if path.suffix not in (".json", ".pyc", ".gz")
    ]
    places = [
        line
        for line in "\n".join(texts).splitlines()
        if re.search(r"(?<![\d.])3[._-]?13(?!\d)", line)
    ]
    assert len(places) > 5
    assert not [line for line in places if not re.search(shown, line)]


def test_the_commands_for_a_machine_name_its_processor() -> None:
    for machine, _, serve in table("machine"):
        assert ("Intel" in machine) is ("--config-env x86_64" in serve)


def test_the_events_that_are_not_replayed_over_http_are_those_of_the_tool() -> None:
    documented = {name: reason.split("only: ")[-1] for name, reason in table("event")}
    assert documented == {"400-broken-base64": BROKEN_BASE64} | NOT_IN_SAM_LOCAL


def test_the_state_records_that_are_shown_can_be_loaded() -> None:
    (shown,) = re.findall(r"```jsonl\n(.*?)```", ALL, re.DOTALL)
    assert len(read_state(shown.splitlines())) == 3


def test_the_tables_of_speed_are_those_of_the_bench() -> None:
    figures = {process: {"cold": 1.0, "first": 1.0, "warm": 1.0} for process in PROCESSES}
    assert [name for name, *_ in table("CPU, ms")] == [process.name for process in PROCESSES]
    documented = [(name, float(limit)) for name, limit, *_ in table("goal")]
    assert documented == [(name, limit) for name, limit, _ in goals(figures)]
