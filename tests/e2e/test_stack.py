"""The stack and its add-ons, deployed by CloudFormation to an emulator of AWS, and asked through their URL.

`make test-deploy` runs this, and `make test` does not, because it needs a built bundle. What the emulator, MiniStack,
cannot do is taken out of the template or left out of the tests. The function finds its DynamoDB by `AWS_ENDPOINT_URL`.

- It has no CodeDeploy: a new version gets all requests at once, and `Deployment` changes nothing.
- It has no AWS::IAM::RolePolicy: the fixture makes an AWS::IAM::Policy of each.
- It makes a table of one region of a global one, and drops the consistency, the witness and the replicas.
- It has no AWS::WAFv2::WebACLAssociation, and counts no requests.
- It drops an API's SecurityPolicy and EndpointAccessMode, and ignores DisableExecuteApiEndpoint.
- It ignores `ANY` methods and binary media types of an imported document: the fixture writes them in words that it knows.
- It ignores gateway responses of an imported document: no test asks what API Gateway answers by itself.
- It decodes a path before it looks for the route: no event with %2F is sent.
- It renames no header of the function's, as API Gateway does with `WWW-Authenticate`.
- It drops a function's VpcConfig and a role's PermissionsBoundary.
- It throttles nobody, checks no permission and takes no snapshots.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen
from zipfile import ZipFile

import boto3
import pytest
from botocore.exceptions import ClientError

from domain.access import READ_SCOPE
from tests.support.bundle import BUNDLE, digests
from tests.support.processes import free_address, started, wait_for
from tests.support.shell import run_as_shown
from tools.sample import CONNECTION_ID, EVENTS, REGION, ROOT, item

type Template = dict[str, Any]

ANY = ("delete", "get", "head", "options", "patch", "post", "put")
ANY_METHOD = "x-amazon-apigateway-any-method"
SIGNING = (
    "/api/network/v1/enterprises/acme-capital/clients"
    "/connections/6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01/deallocations/signing"
)
BODY = b'{"amount": {"currency": "BTC", "quantity": "1"}, "clientExternalId": "1", "nonce": "1"}'
TRADER = {"Authorization": "Bearer sample-token-trader"}
PROCESSOR = "x86_64" if platform.machine() == "x86_64" else "arm64"
WAITING = {"Delay": 0.1, "MaxAttempts": 600}  # a minute
EVERY_PARAMETER = {
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:123456789012:alarms",
    "ApiGatewayLogRole": "keep",
    "DefaultEndpoint": "off",
    "Deployment": "at-once",
    "DynamoDbEndpoint": "http://127.0.0.1:9",
    "ExistingTable": "another-table",
    "LogRetentionDays": "7",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "SecurityGroupIds": "sg-0a1b2c3d4e5f60718,sg-0a1b2c3d4e5f60719",
    "SnapStart": "off",
    "StageName": "v2",
    "SubnetIds": "subnet-0a1b2c3d,subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719",
    "ThrottlingBurstLimit": "20",
    "ThrottlingRateLimit": "10",
}
"""Another value than the default for each parameter but `Architecture`, which this machine decides."""

CERTIFICATE = f"arn:aws:acm:{REGION}:123456789012:certificate/0a1b2c3d"
HEALTH_CHECK = "1b6f3c0e-5d1f-4f5a-9c55-0d7e8f6a2b31"


@dataclass(frozen=True)
class Emulator:
    """AWS, as far as MiniStack knows it, on this machine."""

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
            service,  # type: ignore[call-overload] # -- only the types for DynamoDB are installed
            endpoint_url=self.url,
        )

    def stacks(self) -> set[str]:
        """The names of the stacks."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in stacks}

    def deploy(self, name: str, template: Template | str, **parameters: str) -> dict[str, str]:
        """Creates or updates a stack and returns its outputs."""
        stacks = self.client("cloudformation")
        write, done = (
            (stacks.update_stack, "stack_update_complete")
            if name in self.stacks()
            else (stacks.create_stack, "stack_create_complete")
        )
        write(
            StackName=name,
            TemplateBody=template if isinstance(template, str) else json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        stacks.get_waiter(done).wait(StackName=name, WaiterConfig=WAITING)
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def live(self, function: str) -> dict[str, Any]:
        """The configuration of the version that callers reach."""
        functions = self.client("lambda")
        configuration: dict[str, Any] = functions.get_function_configuration(
            FunctionName=function, Qualifier="live"
        )
        return configuration

    def policies(self, role_arn: str) -> list[str]:
        """The names of the policies in a role."""
        role = role_arn.rpartition("/")[2]
        names: list[str] = self.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
        return names

    def log_groups(self) -> set[str]:
        """The names of the log groups."""
        groups = self.client("logs").describe_log_groups()["logGroups"]
        return {group["logGroupName"] for group in groups}

    def delete(self, name: str) -> None:
        """Deletes a stack."""
        stacks = self.client("cloudformation")
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAITING)


@dataclass(frozen=True)
class Stage:
    """The API of a deployed stack."""

    url: str
    outputs: dict[str, str]

    @property
    def table(self) -> str:
        """The table of the stack."""
        return self.outputs["TableName"]

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
    with (
        (folder / "log").open("w") as log,
        started(
            ROOT / ".venv-deploy/bin/ministack",
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
        ) as process,
    ):
        wait_for(address, process)
        yield Emulator(f"http://{address}")


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
        if resource["Type"].startswith("AWS::CodeDeploy::"):
            del resources[name]
        elif resource["Type"] == "AWS::IAM::RolePolicy":
            resource["Type"] = "AWS::IAM::Policy"
            resource["Properties"]["Roles"] = [resource["Properties"].pop("RoleName")]
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
    dynamodb = emulator.client("dynamodb")
    for record in json.loads((EVENTS / "state.json").read_text()):
        dynamodb.put_item(TableName=outputs["TableName"], Item=item(record))
    return Stage(f"{emulator.url}/restapis/{outputs['ApiId']}/v1/_user_request_", outputs)


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


def test_every_parameter_has_another_value_than_its_default(template: Template) -> None:
    defaults = {name: item["Default"] for name, item in template["Parameters"].items()}
    assert EVERY_PARAMETER.keys() == defaults.keys() - {"Architecture"}
    assert not [name for name, value in EVERY_PARAMETER.items() if value == str(defaults[name])]


def test_a_stack_with_every_parameter_set_deploys(emulator: Emulator, template: Template) -> None:
    outputs = emulator.deploy("others", template, Architecture=PROCESSOR, **EVERY_PARAMETER)
    variables = emulator.live(outputs["FunctionName"])["Environment"]["Variables"]
    assert outputs["TableName"] == variables["TABLE_NAME"] == "another-table"
    emulator.delete("others")


def test_the_deployed_bundle_is_the_one_that_was_built(
    emulator: Emulator, stage: Stage, tmp_path: Path
) -> None:
    # The commands of docs/operate.md, "Which commit is running?".
    function = emulator.client("lambda").get_function(
        FunctionName=stage.outputs["FunctionName"], Qualifier="live"
    )
    with urlopen(function["Code"]["Location"]) as answer, ZipFile(BytesIO(answer.read())) as bundle:  # noqa: S310 -- the emulator's
        bundle.extractall(tmp_path)
    assert digests(tmp_path) == digests(BUNDLE)


def test_an_operator_restores_the_table_and_what_was_revoked_since_stays_revoked(
    emulator: Emulator, template: Template, stage: Stage, tmp_path: Path
) -> None:
    operator = emulator.environment
    records = json.loads((EVENTS / "state.json").read_text())
    (connection,) = [record for record in records if record.get("connection") == CONNECTION_ID]

    def load(record: dict[str, Any]) -> None:
        (tmp_path / "state.jsonl").write_text(json.dumps(record))
        words = ("load", str(tmp_path / "state.jsonl"), "--table", stage.table)
        tools(*words, environment=operator)

    def mint(member: str) -> dict[str, str]:
        words = ("acme-capital", member, "--scope", READ_SCOPE, "--table", stage.table)
        return {"Authorization": f"Bearer {tools('mint', *words, environment=operator).strip()}"}

    def run_documented(*starts: str) -> None:
        ran = run_as_shown(
            "operate.md",
            *starts,
            words={"TABLE": stage.table, "RESTORED": "restored"},
            environment=operator,
            folder=tmp_path,
        )
        assert ran.returncode == 0, ran.stderr

    leaver = mint("leaver")
    assert stage.ask("GET", headers=leaver)[0] == 200

    dynamodb = emulator.client("dynamodb")
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=stage.table, TargetTableName="restored", UseLatestRestorableTime=True
    )
    dynamodb.update_continuous_backups(
        TableName="restored",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    dynamodb.update_table(TableName="restored", DeletionProtectionEnabled=True)

    tools("revoke-all", "acme-capital", "leaver", "--table", stage.table, environment=operator)
    joiner = mint("joiner")
    load(connection | {"active": False})  # the fault
    assert stage.ask() == (422, "ConnectionInactive")

    run_documented(".venv/bin/python -m tools show --json --table TABLE | LC_ALL=C sort")
    for name in ("gone.jsonl", "new.jsonl"):
        lines = (tmp_path / name).read_text().splitlines(keepends=True)
        changes = [line for line in lines if CONNECTION_ID not in line]
        assert (len(lines), len(changes)) == (2, 1)
        (tmp_path / name).write_text("".join(changes))
    run_documented(".venv/bin/python -m tools delete gone.jsonl")

    parameters = {"Architecture": PROCESSOR, "Deployment": "at-once"}
    outputs = emulator.deploy("signing", template, ExistingTable="restored", **parameters)
    assert outputs["TableName"] == "restored"
    assert stage.ask()[0] == 200
    assert stage.ask("GET", headers=leaver) == (401, "NotAMember")
    assert stage.ask("GET", headers=joiner)[0] == 200

    load(connection)
    assert emulator.deploy("signing", template, **parameters)["TableName"] == stage.table
    assert stage.ask()[0] == 200
    tools("revoke-all", "acme-capital", "joiner", "--table", stage.table, environment=operator)


def test_after_a_rollback_to_a_template_without_execution_log_the_stack_deploys_again(
    emulator: Emulator, template: Template
) -> None:
    older = deepcopy(template)
    del older["Resources"]["ExecutionLog"]
    del older["Resources"]["AccessLog"]["DependsOn"]
    del older["Outputs"]["ExecutionLog"]
    for setting in older["Resources"]["ApiStage"]["Properties"]["MethodSettings"]:
        del setting["LoggingLevel"], setting["DataTraceEnabled"]
    log = emulator.deploy("returning", template, Architecture=PROCESSOR)["ExecutionLog"]
    assert log in emulator.log_groups()
    emulator.deploy("returning", older, Architecture=PROCESSOR)
    # It would stop the next deployment on AWS. The emulator would overwrite it.
    assert log not in emulator.log_groups()
    assert emulator.deploy("returning", template, Architecture=PROCESSOR)["ExecutionLog"] == log
    assert log in emulator.log_groups()
    emulator.delete("returning")
    assert log not in emulator.log_groups()


def test_the_domain_leads_to_the_stage(emulator: Emulator, stage: Stage) -> None:
    template = (ROOT / "docs/add-ons/domain.yaml").read_text()
    api = {"ApiId": stage.outputs["ApiId"], "Stage": stage.outputs["Stage"]}
    name = "signing.example.com"
    certificate = emulator.client("acm").request_certificate(DomainName=name)["CertificateArn"]
    zone = emulator.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
    for parameters in (
        {"CertificateArn": certificate},
        {"CertificateArn": certificate, "HostedZoneId": zone_id},
        {"HostedZoneId": zone_id},
    ):
        outputs = emulator.deploy("domain", template, DomainName=name, **api, **parameters)
        assert outputs["Url"] == f"https://{name}"
        mapping = emulator.client("apigateway").get_base_path_mapping(
            domainName=name, basePath="(none)"
        )
        assert (mapping["restApiId"], mapping["stage"]) == (api["ApiId"], api["Stage"])
        connection = HTTPConnection(urlsplit(emulator.url).netloc)
        connection.request("POST", SIGNING, BODY, TRADER | {"Host": name})
        assert json.load(connection.getresponse()).keys() == {"payload"}
        connection.close()
        emulator.delete("domain")


def test_the_regions_that_share_a_domain_have_a_record_each(
    emulator: Emulator, stage: Stage
) -> None:
    template = (ROOT / "docs/add-ons/domain.yaml").read_text()
    dns = emulator.client("route53")
    zone = dns.create_hosted_zone(Name="example.org", CallerReference="2")["HostedZone"]["Id"]
    emulator.deploy(
        "shared",
        template,
        ApiId=stage.outputs["ApiId"],
        Stage=stage.outputs["Stage"],
        DomainName="signing.example.org",
        HostedZoneId=zone.rpartition("/")[2],
        Routing="latency",
        HealthCheckId=HEALTH_CHECK,
    )
    records = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = [record for record in records if record["Type"] == "A"]
    assert record["SetIdentifier"] == record["Region"] == REGION
    assert record["HealthCheckId"] == HEALTH_CHECK
    emulator.delete("shared")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "Set CertificateArn, or HostedZoneId"),
        (
            {"CertificateArn": CERTIFICATE, "Routing": "latency"},
            "Set HostedZoneId, or Routing=simple",
        ),
        (
            {"HostedZoneId": "Z1", "HealthCheckId": HEALTH_CHECK},
            "Set Routing=latency, or no Health",
        ),
    ],
)
def test_a_domain_that_cannot_work_is_refused_before_anything_is_made(
    emulator: Emulator, parameters: dict[str, str], message: str
) -> None:
    template = (ROOT / "docs/add-ons/domain.yaml").read_text()
    required = {"ApiId": "a", "Stage": "v1", "DomainName": "signing.example.com"}
    with pytest.raises(ClientError, match=message):
        emulator.deploy("refused", template, **required, **parameters)
    assert "refused" not in emulator.stacks()


def test_the_function_reads_a_global_table(
    emulator: Emulator, template: Template, stage: Stage
) -> None:
    shared = (ROOT / "docs/add-ons/global-table.yaml").read_text()
    others = {"OtherRegion": "eu-west-1", "WitnessRegion": "eu-west-3"}
    table = emulator.deploy("global", shared, **others)["TableName"]
    parameters = {"Architecture": PROCESSOR, "Deployment": "at-once"}
    emulator.deploy("signing", template, ExistingTable=table, **parameters)
    assert stage.ask() == (401, "NotAMember")
    emulator.deploy("signing", template, **parameters)
    assert stage.ask()[0] == 200


@pytest.mark.parametrize(
    ("other", "witness", "message"),
    [
        (REGION, "eu-west-3", "Set OtherRegion to another region"),
        ("eu-west-1", REGION, "Set WitnessRegion to a third region"),
        ("eu-west-1", "eu-west-1", "Set WitnessRegion to a third region"),
        ("us-east-1", "eu-west-3", "three regions of one set"),
        ("eu-west-1", "us-west-2", "three regions of one set"),
        ("eu-north-1", "eu-west-3", "three regions of one set"),
        ("us-east-1", "us-east-2", "three regions of one set"),
    ],
)
def test_regions_that_cannot_share_a_table_are_refused_before_anything_is_made(
    emulator: Emulator, other: str, witness: str, message: str
) -> None:
    shared = (ROOT / "docs/add-ons/global-table.yaml").read_text()
    with pytest.raises(ClientError, match=message):
        emulator.deploy("refused", shared, OtherRegion=other, WitnessRegion=witness)
    assert "refused" not in emulator.stacks()


def test_the_firewall_deploys(emulator: Emulator, stage: Stage) -> None:
    template = (ROOT / "docs/add-ons/firewall.yaml").read_text()
    start, end = template.index("  FirewallOfStage:"), template.index("Outputs:")
    known = template[:start] + template[end:]
    outputs = emulator.deploy("firewall", known, StageArn=stage.outputs["StageArn"])
    assert ":regional/webacl/" in outputs["WebAclArn"]


def test_every_sample_event_gets_the_handler_s_own_answer(stage: Stage) -> None:
    events = {str(path) for path in EVENTS.glob("[0-9]*.json")}
    events.remove(str(EVENTS / "200-encoded-enterprise-id.json"))
    printed = tools("replay", "--url", stage.url, *sorted(events))
    assert f"{len(events) - 1} of {len(events) - 1} events got the answer" in printed


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT"])
def test_another_method_is_a_405(stage: Stage, method: str) -> None:
    status, name = stage.ask(method)
    assert (status, name) == (405, "" if method == "HEAD" else "MethodNotAllowed")


@pytest.mark.parametrize("path", ["/", "/api", f"{SIGNING}/again"])
def test_another_path_is_a_404(stage: Stage, path: str) -> None:
    assert stage.ask(path=path) == (404, "RouteNotFound")


def test_slashes_after_the_path_are_ignored(stage: Stage) -> None:
    assert stage.ask(path=f"{SIGNING}//") == stage.ask()


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


def test_two_authorization_headers_are_unauthenticated(stage: Stage) -> None:
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
    member = ("zenith", "trader", "--table", stage.table)
    tools("load", str(state), "--table", stage.table, environment=operator)
    token = tools("mint", *member, "--scope", "settlement_network_read", environment=operator)
    token = token.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    assert stage.ask("GET", path, headers=bearer)[0] == 200
    tools("revoke", *member, sha256(token.encode()).hexdigest(), environment=operator)
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


def test_the_function_enters_a_vpc_and_leaves_it(
    emulator: Emulator, template: Template, stage: Stage
) -> None:
    vpc = {"SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d", "SecurityGroupIds": "sg-2a3b4c5d"}
    function, role = stage.outputs["FunctionName"], stage.outputs["FunctionRoleArn"]
    emulator.deploy("signing", template, Architecture=PROCESSOR, **vpc)
    assert emulator.live(function)["Description"].endswith(" 0a1b2c3d,1a2b3c4d 2a3b4c5d")
    assert "join-vpc" in emulator.policies(role)
    assert stage.ask()[0] == 200
    emulator.deploy("signing", template, Architecture=PROCESSOR)
    assert emulator.live(function)["Description"].strip().endswith(stage.table)
    assert "join-vpc" not in emulator.policies(role)
    assert stage.ask()[0] == 200


@pytest.mark.parametrize("parameter", ["SubnetIds", "SecurityGroupIds"])
def test_subnets_without_groups_and_groups_without_subnets_are_refused(
    emulator: Emulator, template: Template, parameter: str
) -> None:
    with pytest.raises(ClientError, match="Set both SubnetIds and SecurityGroupIds"):
        emulator.deploy("refused", template, **{parameter: EVERY_PARAMETER[parameter]})
    assert "refused" not in emulator.stacks()


def test_a_deleted_stack_leaves_its_table_its_logs_and_its_log_role(
    emulator: Emulator, template: Template
) -> None:
    outputs = emulator.deploy("leaving", template, Architecture=PROCESSOR)
    emulator.delete("leaving")
    assert outputs["TableName"] in emulator.client("dynamodb").list_tables()["TableNames"]
    assert {outputs["FunctionLog"], outputs["AccessLog"]} <= emulator.log_groups()
    functions = emulator.client("lambda").list_functions()["Functions"]
    assert not [name for name in functions if name["FunctionName"].startswith("leaving-")]
    apis = emulator.client("apigateway").get_rest_apis()["items"]
    assert "leaving" not in {api["name"] for api in apis}
    roles = [role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]]
    (left,) = [name for name in roles if name.startswith("leaving-")]
    assert "ApiGatewayLogsRole" in left
