"""The stack, deployed by CloudFormation to an emulator of AWS, and asked through its URL.

`make test-deploy` runs this: it is no part of `make test`, for it needs the bundle built. What the
emulator, MiniStack, can't do is taken out of the template or left out of the tests. It lets the
function find its DynamoDB by `AWS_ENDPOINT_URL`.

- It has no CodeDeploy, so a new version gets all requests at once.
- It has no association of a firewall with a stage, and counts no requests.
- It ignores `ANY` methods and binary media types of an imported document: it gets them in words that it knows.
- It ignores gateway responses of an imported document: nothing here asks what API Gateway answers by itself.
- It decodes a path before it looks for the route: no event with %2F is sent.
- It renames no header of the function's, as API Gateway does with `WWW-Authenticate`.
- It throttles nobody, checks no permission and takes no snapshots: that they deploy is all that is seen.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.e2e.test_bundle import free_address, wait_for
from tools.world import EVENTS, REGION, ROOT, item

type Template = dict[str, Any]

UNKNOWN = ("AWS::CodeDeploy::", "AWS::WAFv2::WebACLAssociation")
ANY = ("delete", "get", "head", "options", "patch", "post", "put")
ANY_METHOD = "x-amazon-apigateway-any-method"
SIGNING = (
    "/api/network/v1/enterprises/acme-capital/clients"
    "/connections/6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01/deallocations/signing"
)
BODY = b'{"amount": {"currency": "BTC", "quantity": "1"}, "clientExternalId": "1", "nonce": "1"}'
TRADER = {"Authorization": "Bearer sample-token-trader"}
PROCESSOR = "x86_64" if platform.machine() == "x86_64" else "arm64"
# Those that a condition depends on: the others put a value in its place. AlarmsStopDeployment is CodeDeploy's.
CHOICES = {
    "ApiGatewayLogRole": ["create", "keep"],
    "RequestsPerCaller": ["0", "600"],
    "SnapStart": ["on", "off"],
    "AlarmTopicArn": ["", f"arn:aws:sns:{REGION}:123456789012:alarms"],
}


@dataclass(frozen=True)
class Emulator:
    """AWS as far as MiniStack goes, on this machine alone."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to take the emulator for AWS."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_SECRET_ACCESS_KEY": "test",
            "PATH": os.environ["PATH"],
        }

    def client(self, service: str) -> Any:
        """A client of that service."""
        return boto3.Session("test", "test", region_name=REGION).client(
            service,  # type: ignore[call-overload] # -- types for DynamoDB alone are installed
            endpoint_url=self.url,
        )

    def deploy(self, name: str, template: Template, **parameters: str) -> dict[str, str]:
        """Creates or updates a stack and returns its outputs."""
        stacks = self.client("cloudformation")
        there = {stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]}
        write, done = (
            (stacks.update_stack, "stack_update_complete")
            if name in there
            else (stacks.create_stack, "stack_create_complete")
        )
        write(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        stacks.get_waiter(done).wait(StackName=name, WaiterConfig={"Delay": 0.1})
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def delete(self, name: str) -> None:
        """Deletes a stack."""
        stacks = self.client("cloudformation")
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})


@dataclass(frozen=True)
class Stage:
    """The API of a deployed stack."""

    url: str
    table: str

    def ask(
        self,
        method: str = "POST",
        path: str = SIGNING,
        body: bytes = BODY,
        headers: dict[str, str] | list[tuple[str, str]] = TRADER,
    ) -> tuple[int, str]:
        """The answer's status, and the payload or the error's name."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.netloc)
        connection.putrequest(method, parts.path + path)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            connection.putheader(name, value)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("Request-Id")
        parsed = json.loads(text) if text else {"name": ""}
        return answer.status, parsed.get("payload") or parsed["name"]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    address = free_address()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own words
            [ROOT / ".venv-deploy/bin/ministack"],
            cwd=folder,
            env={
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": address.partition(":")[2],
                "HOME": str(folder),
                "MINISTACK_REGION": REGION,
                "PATH": os.environ["PATH"],
                "S3_DATA_DIR": str(folder / "s3"),
                "TMPDIR": str(folder),
            },
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(address)
            yield Emulator(f"http://{address}")
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def template(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The translated template with the built bundle, as far as the emulator knows what is in it."""
    bundle = tmp_path_factory.mktemp("bundle") / "bundle"
    shutil.make_archive(str(bundle), "zip", ROOT / ".aws-sam/build/SigningFunction")
    buckets = emulator.client("s3")
    buckets.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    buckets.upload_file(f"{bundle}.zip", "code", "bundle.zip")
    translated = subprocess.run(  # noqa: S603 -- our own words
        [
            ROOT / ".venv-sam/bin/python",
            ROOT / "tests/support/translate.py",
            "s3://code/bundle.zip",
        ],
        env={"AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        check=True,
    ).stdout
    result: Template = json.loads(translated)
    resources = result["Resources"]
    for name, resource in list(resources.items()):
        if resource["Type"].startswith(UNKNOWN):
            del resources[name]
    del resources["SigningFunctionAliaslive"]["UpdatePolicy"]
    api = resources["Api"]["Properties"]
    api["BinaryMediaTypes"] = api["Body"]["x-amazon-apigateway-binary-media-types"]
    for methods in api["Body"]["paths"].values():
        for method in ANY:
            methods.setdefault(method, methods[ANY_METHOD])
        del methods[ANY_METHOD]
    return result


@pytest.fixture(scope="module")
def stage(emulator: Emulator, template: Template) -> Stage:
    """A deployed stage whose table holds the sample state."""
    outputs = emulator.deploy("signing", template, Architecture=PROCESSOR)
    table = outputs["TableName"]
    dynamodb = emulator.client("dynamodb")
    for record in json.loads((EVENTS / "state.json").read_text()):
        dynamodb.put_item(TableName=table, Item=item(record))
    api = urlsplit(outputs["ApiUrl"]).netloc.partition(".")[0]
    return Stage(f"{emulator.url}/restapis/{api}/v1/_user_request_", table)


def tools(*words: str, environment: dict[str, str] | None = None) -> str:
    """What a command of the tools prints. Raises `CalledProcessError` if it fails."""
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", "tools", *words],
        cwd=ROOT,
        env=environment or {"COLUMNS": "120", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_every_choice_of_parameters_deploys(emulator: Emulator, template: Template) -> None:
    for values in product(*CHOICES.values()):
        emulator.deploy("choices", template, **dict(zip(CHOICES, values, strict=True)))
        emulator.delete("choices")


def test_every_sample_event_gets_the_handler_s_own_answer(stage: Stage) -> None:
    events = {str(path) for path in EVENTS.glob("[0-9]*.json")}
    events.remove(str(EVENTS / "200-encoded-enterprise-id.json"))
    printed = tools("replay", "--url", stage.url, *sorted(events))
    assert f"{len(events) - 1} of {len(events) - 1} events got the answer" in printed


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT"])
def test_another_method_is_a_405(stage: Stage, method: str) -> None:
    status, name = stage.ask(method)
    assert (status, name) == (405, "" if method == "HEAD" else "MethodNotAllowed")


@pytest.mark.parametrize("path", ["/", "/api", f"{SIGNING}/", f"{SIGNING}/again"])
def test_another_path_is_a_404(stage: Stage, path: str) -> None:
    assert stage.ask(path=path) == (404, "RouteNotFound")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_of_64_kib_is_signed(stage: Stage, method: str) -> None:
    status, payload = stage.ask(method, body=body_of(64 * 1024))
    assert status == 200
    assert len(payload) > 64 * 1024


@pytest.mark.parametrize(
    "body",
    [b"", BODY[:-1], BODY[:-1] + b', "notes": "\xff"}', b"x" * 5_000_000],
    ids=["empty", "cut off", "not UTF-8", "5 MB"],
)
def test_a_body_that_can_t_be_read_is_a_400(stage: Stage, body: bytes) -> None:
    assert stage.ask(body=body) == (400, "InvalidRequest")


def test_a_body_of_one_byte_more_than_64_kib_is_a_400(stage: Stage) -> None:
    assert stage.ask(body=body_of(64 * 1024 + 1)) == (400, "InvalidRequest")


def body_of(size: int) -> bytes:
    start = BODY[:-1] + b', "notes": "'
    return start + b"x" * (size - len(start) - 2) + b'"}'


def test_two_authorization_headers_are_none_that_counts(stage: Stage) -> None:
    assert stage.ask(headers=[*TRADER.items()] * 2) == (401, "Unauthenticated")


def test_an_operator_loads_state_and_mints_a_token_and_revokes_it(
    emulator: Emulator, stage: Stage, tmp_path: Path
) -> None:
    connection = "2e0f8a1c-0001-4000-8000-000000000001"
    state = tmp_path / "zenith.jsonl"
    state.write_text(
        '{"enterprise": "zenith", "license": "OES", "status": "active"}\n'
        f'{{"enterprise": "zenith", "connection": "{connection}", "active": true,'
        ' "currencies": ["BTC"], "partnerId": "northwind", "name": "Northwind"}\n'
    )
    path = (
        f"/api/network/v1/enterprises/zenith/clients/connections/{connection}/deallocations/signing"
    )
    operator = emulator.environment
    credential = ("credential", "zenith", "trader", "--table", stage.table)
    tools("load", str(state), "--table", stage.table, environment=operator)
    token = tools(*credential, "--scope", "settlement_network_read", environment=operator).strip()
    bearer = {"Authorization": f"Bearer {token}"}
    assert stage.ask("GET", path, headers=bearer)[0] == 200
    tools(*credential, "--revoke", sha256(token.encode()).hexdigest(), environment=operator)
    assert stage.ask("GET", path, headers=bearer) == (401, "NotAMember")


@pytest.mark.usefixtures("stage")
def test_the_schedule_s_call_is_answered_by_the_version_that_callers_reach(
    emulator: Emulator,
) -> None:
    rules = emulator.client("events")
    (rule,) = rules.list_rules(NamePrefix="signing-")["Rules"]
    (target,) = rules.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    called = emulator.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])
    assert target["Arn"].endswith(":live")
    assert "FunctionError" not in called
    assert json.load(called["Payload"]) == {}


def test_a_changed_parameter_reaches_callers(
    emulator: Emulator, template: Template, stage: Stage
) -> None:
    nobody = "http://127.0.0.1:9"
    assert stage.ask()[0] == 200
    emulator.deploy("signing", template, Architecture=PROCESSOR, DynamoDbEndpoint=nobody)
    assert stage.ask() == (500, "InternalError")
    emulator.deploy("signing", template, Architecture=PROCESSOR)
    assert stage.ask()[0] == 200


def test_a_deleted_stack_leaves_its_table_and_its_log_role_alone(
    emulator: Emulator, template: Template
) -> None:
    table = emulator.deploy("leaving", template, Architecture=PROCESSOR)["TableName"]
    emulator.delete("leaving")
    assert table in emulator.client("dynamodb").list_tables()["TableNames"]
    functions = emulator.client("lambda").list_functions()["Functions"]
    assert not [each for each in functions if each["FunctionName"].startswith("leaving-")]
    apis = emulator.client("apigateway").get_rest_apis()["items"]
    assert "leaving-api" not in {api["name"] for api in apis}
    roles = [role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]]
    (left,) = [name for name in roles if name.startswith("leaving-")]
    assert "ApiGatewayLogsRole" in left
