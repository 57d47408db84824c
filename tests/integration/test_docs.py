"""The tables, commands, examples and links of the documents, held to the code."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from domain.records import Connection, Credential, License
from domain.request import SigningBody, SigningRequest
from handlers import state
from handlers.answers import ANSWERS
from tests.support.calls import Lines, ask, call, event_for, sample_event
from tests.support.needs import needs
from tests.support.processes import run
from tools.bench.run import PROCESSES, goals
from tools.replay import BROKEN_BASE64, NOT_IN_SAM_LOCAL, sample_events
from tools.state_file import read_state
from tools.world import ROOT, template

DOCUMENTS = {path: path.read_text() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]}
README = DOCUMENTS[ROOT / "README.md"]
OPERATE = DOCUMENTS[ROOT / "docs/operate.md"]
ALL = "\n".join(DOCUMENTS.values())
MAKEFILE = (ROOT / "Makefile").read_text()
TEMPLATE: dict[str, Any] = template()
RATE: int = TEMPLATE["Parameters"]["ThrottlingRateLimit"]["Default"]
DAY = 24 * 60 * 60  # seconds


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


def test_every_make_target_that_is_named_exists() -> None:
    code = re.findall(r"`[^`\n]+`|^```sh\n.*?^```", ALL, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"(?<!install )\bmake ([a-z][a-z-]*)", "\n".join(code)))
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_the_table_of_errors_is_the_one_in_the_code() -> None:
    numbers, statuses, names, _ = zip(*table("check"), strict=True)
    assert numbers == (*"12345678", *"---")
    assert [*map(int, statuses)] == [status for status, _ in ANSWERS.values()]
    assert [*names] == [kind.__name__ for kind in ANSWERS]


def test_the_table_of_fields_is_the_request_model() -> None:
    body = {name for where, name, _ in table("where") if where == "body"}
    path = {name for where, name, _ in table("where") if where == "path"}
    amount = {name for name in body if name.startswith("amount.")}
    names = {field.alias for field in SigningBody.model_fields.values()}
    assert body - amount | {"amount"} == names
    assert path == {field.alias for field in SigningRequest.model_fields.values()} - names


def test_the_data_model_is_that_of_the_records() -> None:
    rows = table("`sk`")
    assert [(attribute, "optional" in kind) for _, attribute, kind, _ in rows] == [
        (str(field.alias), not field.is_required())
        for record in (License, Credential, Connection)
        for field in record.model_fields.values()
    ]
    license_, credential, connection = [key.partition("<")[0] for key, *_ in rows if key]
    assert license_ == state.LICENSE_KEY
    assert state.credential_key("token").startswith(credential)
    assert state.connection_key("uuid").startswith(connection)


def test_the_table_of_limits_is_what_is_set() -> None:
    function = template()["Resources"]["SigningFunction"]["Properties"]
    limits = [float(value.removesuffix(" s")) for _, value in table("limit")]
    set_by_us = [state.TIMEOUT, state.ATTEMPTS, len(state.WAITS), state.LAST_START]
    assert limits == [*set_by_us, 14, function["Timeout"], 29]


def test_the_table_of_commands_is_what_make_lists() -> None:
    needs("make")
    listed = run("make", "--no-print-directory").stdout
    commands = [re.split(r"(?<=\S)  +", line, maxsplit=1) for line in listed.splitlines()]
    assert table("command") == commands


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_curl_example_gets_the_answer_that_is_shown(method: str) -> None:
    (shown,) = re.findall(r"```json\n(.*)\n```", README)
    ((path, body),) = re.findall(
        r"--request GET \"\$URL(\S+)\".*?--data '(.*?)'", README, re.DOTALL
    )
    answer = call(event_for(method, body=body) | {"path": path})
    assert answer.text == shown


def test_the_number_of_events_is_the_one_that_is_shown() -> None:
    count = len(sample_events())
    assert f"{count} of {count} events got the status in their name." in README


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("number", "name"), [(0, "200-get"), (1, "500-corrupt-record")])
def test_the_log_lines_that_are_shown_are_what_the_function_writes(
    number: int, name: str, log_lines: Lines
) -> None:
    shown = json.loads(re.findall(r"```json\n(.*)\n```", OPERATE)[number])
    call(sample_event(name))
    (line,) = log_lines()
    assert shown.keys() == line.keys()
    for same in ("message", "requestId", "enterpriseId", "connectionId", "memberId", "outcome"):
        assert shown[same] == line[same]
    assert shown["_aws"]["CloudWatchMetrics"] == line["_aws"]["CloudWatchMetrics"]
    if "exception" in shown:
        places = re.compile(r'(\w+\.py)", (line \d+)')
        assert places.findall(shown["exception"]) == places.findall(line["exception"])
        assert shown["exception"].splitlines()[-1] == line["exception"].splitlines()[-1]


@pytest.mark.usefixtures("world")
def test_the_log_table_names_the_fields_of_the_line(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793")
    event = event_for(connection_id="6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c03")
    event["requestContext"]["extendedRequestId"] = "JKJaXmPLvHcESHA="
    event["multiValueHeaders"]["Request-Id"] = ["7"]
    call(event)
    named = {name for cell, _ in table("field") for name in re.findall(r"\w+", cell)}
    queries = re.sub(
        r'"[^"]*"|@\w+', "", " ".join(re.findall(r"^filter .*", OPERATE, re.MULTILINE))
    )
    words = {"filter", "and", "display", "stats", "count", "by"}
    assert set(re.findall(r"[a-z]\w+", queries, re.IGNORECASE)) - words <= named
    (line,) = log_lines()
    assert line.keys() - {"_aws"} == named


OURS = [f".venv/bin/python -m tools {name}" for name in ("replay", "load", "show", "credential")]
OF_SAM = ("delete", "deploy", "local invoke", "local start-api", "logs", "remote invoke")


@pytest.mark.parametrize("command", OURS + [f".venv-sam/bin/sam {name}" for name in OF_SAM])
def test_a_command_takes_the_options_that_are_shown(command: str) -> None:
    shown = re.findall(rf"{re.escape(command)}\b(.*?)(?:`|\n)", ALL)
    assert shown
    if not command.startswith(".venv/"):
        needs(".venv-sam")
    environment = os.environ | {"COLUMNS": "200", "SAM_CLI_TELEMETRY": "0", "TERM": "dumb"}
    taken = run(*command.split(), "--help", env=environment).stdout
    for option in re.findall(r"--[a-z-]+", " ".join(shown)):
        assert option in taken


@pytest.mark.parametrize(
    "command", re.findall(r"\baws ((?!configure)[a-z]+ (?!wait)[a-z-]+(?: [^`\n|)]*)?)", OPERATE)
)
def test_a_command_of_aws_takes_the_parameters_that_are_shown(command: str) -> None:
    service, operation, *words = command.split()
    model = get_session().get_service_model({"deploy": "codedeploy"}.get(service, service))
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    taken = model.operation_model(operations[operation]).input_shape
    known = {xform_name(name, "-") for name in (taken.members if taken else ())}
    shown = {re.sub(r"^--(no-)?", "", word) for word in words if word.startswith("--")}
    assert shown - {"query", "output"} <= known


def test_sam_reads_the_parameters_that_are_shown() -> None:
    needs(".venv-sam")
    shown = re.findall(r"--parameter-overrides ([^`\n]+)", OPERATE)
    add_ons = [template(f"docs/add-ons/{name}.yaml") for name in ("domain", "firewall")]
    names = {name for stack in (TEMPLATE, *add_ons) for name in stack["Parameters"]}
    words = [word for line in shown for word in shlex.split(line)]
    parse = "import sys; from samcli.cli.types import CfnParameterOverridesType as Overrides;"
    parse += "[Overrides().convert((word,), None, None) for word in sys.argv[1:]]"
    run(".venv-sam/bin/python", "-c", parse, *words)
    assert {word.split("=")[0] for word in words} <= names | {"NAME"}


def test_the_commands_for_a_machine_name_its_processor() -> None:
    for machine, _, serve in table("machine"):
        assert ("Intel" in machine) is ("--config-env x86_64" in serve)


def test_the_events_that_are_not_replayed_over_http_are_those_of_the_tool() -> None:
    documented = {name: reason.split("only: ")[-1] for name, reason in table("event")}
    assert documented == {"400-broken-base64": BROKEN_BASE64} | NOT_IN_SAM_LOCAL


def test_the_table_of_parameters_is_that_of_the_template() -> None:
    documented = {name: default for name, default, _ in table("parameter")}
    assert documented == {
        name: str(parameter["Default"]) or "empty"
        for name, parameter in TEMPLATE["Parameters"].items()
    }


def test_the_table_of_alarms_is_that_of_the_template() -> None:
    resources = TEMPLATE["Resources"]
    documented = {name: "stops a deployment" in when for name, when, _ in table("alarm")}
    preference = resources["SigningFunction"]["Properties"]["DeploymentPreference"]
    stopping = {alarm["Ref"] for alarm in preference["Alarms"]["Fn::If"][2]}
    assert documented == {
        name: name in stopping
        for name, resource in resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_the_table_of_what_stays_is_that_of_the_template() -> None:
    documented = {name for cell, *_ in table("what stays") for name in re.findall(r"\w+", cell)}
    assert documented == {
        name for name, resource in TEMPLATE["Resources"].items() if "DeletionPolicy" in resource
    }


def test_the_readme_names_the_answers_of_the_gateway() -> None:
    responses = TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]
    for response in responses.values():
        (name,) = re.findall(r'"name": "(\w+)"', response["ResponseTemplates"]["application/json"])
        assert f"`{name}`" in README


def test_the_state_records_that_are_shown_can_be_loaded() -> None:
    (shown,) = re.findall(r"```jsonl\n(.*?)```", ALL, re.DOTALL)
    assert len(read_state(shown.splitlines())) == 3


def costs() -> dict[str, float]:
    """What a million requests cost, in dollars and not rounded."""
    return {
        name: float(quantity.split()[0].replace(",", "")) * float(price.strip("$"))
        for name, quantity, price, _ in table("per million requests")
    }


def test_the_costs_are_what_their_factors_come_to() -> None:
    shown = [float(cost.strip("$")) for *_, cost in table("per million requests")]
    assert shown == [float(f"{cost + 1e-9:.2f}") for cost in costs().values()]
    assert f"That is ${sum(shown):.2f} a million." in ALL
    memory = TEMPLATE["Resources"]["SigningFunction"]["Properties"]["MemorySize"]
    assert f"10 ms of {memory / 1024:g} GB each" in ALL
    seconds, price, cost = re.findall(r"1 GB . ([\d,]+) s . \$([\d.]+) = \$([\d.]+)", ALL)[0]
    assert f"{int(seconds.replace(',', '')) * float(price):.2f}" == cost


def test_a_flood_costs_what_the_throttle_lets_through() -> None:
    events = TEMPLATE["Resources"]["SigningFunction"]["Properties"]["Events"].values()
    per_second = RATE * len([event for event in events if event["Type"] == "Api"])
    x_ray, reads = (
        sum(cost for name, cost in costs().items() if name.startswith(service))
        for service in ("X-Ray", "DynamoDB")
    )
    others = sum(costs().values()) - x_ray - reads
    traced = 1 + (per_second - 1) * 0.05  # AWS X-Ray's default rule
    a_second = per_second * others + 2 * RATE * reads + traced * x_ray  # GET and POST read
    text = " ".join(OPERATE.split())
    assert f"brings {per_second} requests a second, of which the {2 * RATE} by GET and POST" in text
    assert f"that is ${DAY * a_second / 1e6:.2f} a day" in text
    kilobytes = float(re.findall(r"line of the access log has about ([\d.]+) KB", text)[0])
    (gigabyte,) = re.findall(r"CloudWatch Logs.*?GB \| \$([\d.]+)", text)
    lines = DAY * 10_000 * kilobytes / 1e6 * float(gigabyte)
    assert f"10,000 requests a second also costs ${lines:.2f} a day" in text


@pytest.mark.usefixtures("world")
def test_the_table_of_bottlenecks_is_what_the_quotas_come_to(reads: list[dict[str, Any]]) -> None:
    assert ask().status == 200
    ((read,),) = (read["RequestItems"].values() for read in reads)
    units = len(read["Keys"])  # one for each item of up to 4 KB
    # AWS's own figures: API Gateway quotas, Lambda scaling, DynamoDB partitions and new tables.
    rates = {name: int(rate.replace(",", "")) for name, rate, *_ in table("bottleneck")}
    assert list(rates.values()) == sorted(rates.values())
    assert rates == {
        "throttle of one method": RATE,
        "Lambda, 10 executions": 10 * 10,
        "one enterprise": 3_000 // units,
        "API Gateway, smaller regions": 2_500,
        "one licence": 3_000,
        "a new table": 12_000 // units,
        "API Gateway": 10_000,
        "Lambda, 1,000 executions": 1_000 * 10,
    }


def test_the_tables_of_speed_are_those_of_the_bench() -> None:
    figures = {process: {"cold": 1.0, "first": 1.0, "warm": 1.0} for process in PROCESSES}
    assert [name for name, *_ in table("CPU, ms")] == [process.name for process in PROCESSES]
    documented = [(name, float(limit)) for name, limit, _ in table("goal")]
    assert documented == [(name, limit) for name, limit, _ in goals(figures)]
