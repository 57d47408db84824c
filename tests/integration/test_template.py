"""template.yaml, as SAM makes it into the CloudFormation that is deployed, and the add-ons beside it."""

import json
import os
import re
import tomllib
from graphlib import TopologicalSorter
from itertools import pairwise, product
from typing import Any

import pytest
import yaml

from handlers.log import METRICS_NAMESPACE, SERVICE
from handlers.signing import KEEP_ACTIVE
from tests.support.cloudformation import Resources, deployed, references, resolved
from tests.support.needs import needs
from tests.support.processes import run
from tools.sample import REGION, RESOURCE, ROOT
from tools.template import template

type Templates = dict[str, Any]
type Stacks = dict[str, Resources]

MAIN, DOMAIN, FIREWALL, GLOBAL_TABLE = TEMPLATES = (
    "template.yaml",
    "docs/add-ons/domain.yaml",
    "docs/add-ons/firewall.yaml",
    "docs/add-ons/global-table.yaml",
)
# `sam deploy --guided` asks about each function that this says False of, and ends on Enter.
HAS_AUTHENTICATION = """
import json
from samcli.commands.deploy.auth_utils import auth_per_resource
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
print(json.dumps([answer for _, answer in auth_per_resource(stacks)]))
"""
CONDITIONS = {
    "DefaultEndpointOff": ("DefaultEndpoint", "off"),
    "CreateApiGatewayLogRole": ("ApiGatewayLogRole", "create"),
    "SnapStartOn": ("SnapStart", "on"),
    "OwnTable": ("ExistingTable", ""),
    "AtOnce": ("Deployment", "at-once"),
    "HasAlarmTopic": ("AlarmTopicArn", ""),
    "HasBoundary": ("PermissionsBoundary", ""),
    "HasVpc": ("SubnetIds", ""),
}
"""The parameter of each condition, and the value that decides: "Has..." is true for any other."""
BY_DEFAULT = {"CreateApiGatewayLogRole", "SnapStartOn", "OwnTable"}
PROMISES, PROPERTIES = yaml.safe_load_all((ROOT / "tests/stack.yaml").read_text())
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
ANY_METHOD = "x-amazon-apigateway-any-method"


def with_sam(*arguments: str) -> Any:
    needs(".venv-sam")
    environment = os.environ | {"AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0"}
    return json.loads(run(".venv-sam/bin/python", *arguments, env=environment).stdout)


@pytest.fixture(scope="module")
def templates() -> Templates:
    main = with_sam("tests/support/translate.py")
    return {MAIN: main} | {path: template(path) for path in TEMPLATES if path != MAIN}


@pytest.fixture(scope="module")
def stacks(templates: Templates) -> Stacks:
    """The stacks that stack.yaml names."""
    return {
        "default": deployed(templates[MAIN], BY_DEFAULT),
        "other": deployed(templates[MAIN], CONDITIONS.keys() - BY_DEFAULT),
        "all": deployed(templates[MAIN], CONDITIONS),
        "domain": deployed(templates[DOMAIN], ()),
        "zone": deployed(templates[DOMAIN], {"HasZone"}),
        "latency": deployed(templates[DOMAIN], templates[DOMAIN]["Conditions"]),
        "firewall": deployed(templates[FIREWALL], ()),
        "global": deployed(templates[GLOBAL_TABLE], ()),
    }


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row["promise"])
def test_a_stack_keeps_its_promise(row: dict[str, Any], stacks: Stacks) -> None:
    assert row.keys() == {"promise", "stacks", "resources", "has"}
    for stack, name in product(row["stacks"], row["resources"]):
        with_hash = re.compile(rf"{name}([0-9a-f]{{10}})?")  # SAM's, in the name of a version
        (resource,) = [stacks[stack][key] for key in stacks[stack] if with_hash.fullmatch(key)]
        assert {path: part(resource, path) for path in row["has"]} == row["has"]


def part(value: Any, path: str) -> Any:
    """The part of a resource at a path of names and positions, or None."""
    for step in path.split("/"):
        value = value[int(step)] if isinstance(value, list) else value.get(step)
    return value


def test_there_is_no_other_resource_and_no_other_property(templates: Templates) -> None:
    listed = {name: {*row["properties"]} for row in PROPERTIES for name in row["resources"]}
    assert listed == {
        re.sub("[0-9a-f]{10}$", "", name): {*resource["Properties"]}  # the hash is SAM's
        for name, resource in templates[MAIN]["Resources"].items()
        if not resource["Type"].startswith("AWS::CloudWatch::")
    }


def test_the_function_s_code_is_built_from_this_folder() -> None:
    function = template()["Resources"]["SigningFunction"]
    assert function["Properties"]["CodeUri"] == "."
    assert function["Metadata"]["BuildMethod"] == "makefile"


def test_the_default_parameters_make_the_default_stack(templates: Templates) -> None:
    parameters = templates[MAIN]["Parameters"]
    true = {
        name
        for name, (parameter, value) in CONDITIONS.items()
        if (parameters[parameter]["Default"] == value) is not name.startswith("Has")
    }
    assert true == BY_DEFAULT
    assert parameters["DynamoDbEndpoint"]["Default"] == ""  # the state comes from AWS


@pytest.mark.parametrize("path", TEMPLATES)
def test_an_output_has_no_url_without_tls(path: str, templates: Templates) -> None:
    assert "http:" not in json.dumps(templates[path]["Outputs"])


def test_the_output_names_the_table_in_use(templates: Templates) -> None:
    output = templates[MAIN]["Outputs"]["TableName"]["Value"]
    assert resolved(output, {"OwnTable"}) == {"Ref": "StateTable"}
    assert resolved(output, ()) == {"Ref": "ExistingTable"}


@pytest.mark.parametrize("path", TEMPLATES)
def test_every_set_of_conditions_can_be_deployed(path: str, templates: Templates) -> None:
    template = templates[path]
    conditions = template.get("Conditions", {})
    for values in product([True, False], repeat=len(conditions)):
        true = {name for name, value in zip(conditions, values, strict=True) if value}
        stack = deployed(template, true)
        graph = {name: set(references(resource)) for name, resource in stack.items()}
        named = set(references(resolved(template["Outputs"], true))).union(*graph.values())
        missing = named - stack.keys() - template["Parameters"].keys()
        assert {name for name in missing if not name.startswith("AWS::")} == set(), true
        TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_global_table_has_the_keys_of_the_stack_s_own(stacks: Stacks) -> None:
    own, shared = (stacks[stack]["StateTable"]["Properties"] for stack in ("default", "global"))
    for name in ("AttributeDefinitions", "BillingMode", "KeySchema"):
        assert shared[name] == own[name]


def test_a_condition_is_what_its_name_says(templates: Templates) -> None:
    expected: dict[str, Any] = {}
    for name, (parameter, value) in CONDITIONS.items():
        equal = {"Fn::Equals": [{"Ref": parameter}, value]}
        expected[name] = {"Fn::Not": [equal]} if name.startswith("Has") else equal
    assert templates[MAIN]["Conditions"] == expected


def test_a_resource_comes_after_those_that_it_needs(stacks: Stacks) -> None:
    order = ("Api", "ApiGatewayAccount", "AccessLog", "ApiStage")
    rights = [("ReadTable", "SigningFunction"), ("JoinVpc", "SigningFunction")]
    for earlier, later in [*pairwise(order), ("ExecutionLog", "AccessLog"), *rights]:
        assert earlier in references(stacks["all"][later])


def test_api_gateway_logs_no_data_of_requests(templates: Templates) -> None:
    assert set(re.findall(r'"DataTraceEnabled": (\w+)', json.dumps(templates))) == {"false"}


def test_every_method_and_route_goes_to_the_published_alias(stacks: Stacks) -> None:
    paths = stacks["default"]["Api"]["Properties"]["Body"]["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        RESOURCE: {"get", "post", ANY_METHOD},
        "/": {ANY_METHOD},
        "/{proxy+}": {ANY_METHOD},
    }
    for methods in paths.values():
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"]["uri"]
            assert uri["Fn::Sub"].endswith("/functions/${SigningFunctionAliaslive}/invocations")
            proxy = {"httpMethod": "POST", "type": "aws_proxy", "uri": uri}
            assert method == {"x-amazon-apigateway-integration": proxy, "responses": {}}


def test_the_schedule_sends_the_event_that_the_function_knows(stacks: Stacks) -> None:
    (target,) = stacks["default"]["SigningFunctionKeepActive"]["Properties"]["Targets"]
    assert json.loads(target["Input"]) == KEEP_ACTIVE


def test_every_change_of_the_function_makes_a_version(templates: Templates) -> None:
    source = template()["Resources"]["SigningFunction"]["Properties"]
    assert source["AutoPublishAliasAllProperties"] is True
    parts = templates[MAIN]["Resources"]
    function = parts["SigningFunction"]
    (version,) = (name for name in parts if name.startswith("SigningFunctionVersion"))
    description = parts[version]["Properties"]["Description"]
    conditions = re.findall(r'"Fn::If": \["(\w+)"', json.dumps(function))
    used = {*references(function), *(CONDITIONS[name][0] for name in conditions)}
    parameters = templates[MAIN]["Parameters"].keys() - {"DynamoDbEndpoint"}  # for sam local
    assert {*references(description)} & parameters == used & parameters


def test_the_longest_description_of_a_version_is_one_that_lambda_takes() -> None:
    description = template()["Resources"]["SigningFunction"]["Properties"]["VersionDescription"]
    longest = {
        "Architecture": len("x86_64"),
        "SnapStart": len("off"),
        # a stack's longest name, and CloudFormation's suffix
        "Table": 128 + len("-StateTable-") + 13,
        "Subnets": len(",".join(["0123456789abcdef0"] * 3)),
        "Groups": len(",".join(["0123456789abcdef0"] * 2)),
    }
    text = description["Fn::Sub"][0]
    assert len(re.sub(r"\$\{(\w+)\}", lambda name: "x" * longest[name[1]], text)) <= 256


def test_the_access_log_has_no_header_query_or_body_and_not_the_actual_path(stacks: Stacks) -> None:
    log = json.loads(stacks["default"]["ApiStage"]["Properties"]["AccessLogSetting"]["Format"])
    of_the_request = re.compile(
        r"\$context\.(authorize|domain|error\.(message|validation)|identity\.(?!sourceIp)|path|requestOverride)"
    )
    assert [variable for variable in log.values() if of_the_request.match(variable)] == []


def test_the_dashboard_shows_the_metrics_that_the_function_writes(stacks: Stacks) -> None:
    text = stacks["default"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    body = json.dumps(json.loads(text))
    assert f"{{{METRICS_NAMESPACE},service,function_name,outcome}}" in body
    function = ["service", SERVICE, "function_name", "${SigningFunction}"]
    assert json.dumps([METRICS_NAMESPACE, "duration", *function])[1:-1] in body


def test_a_deployer_who_only_presses_enter_is_not_turned_away() -> None:
    assert all(with_sam("-c", HAS_AUTHENTICATION))


def test_an_alarm_says_where_to_look_and_whether_it_stops_a_deployment(stacks: Stacks) -> None:
    stack = stacks["default"]
    stops = set(references(stack["SigningFunctionDeploymentGroup"]))
    for name, resource in stack.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            text = resource["Properties"]["AlarmDescription"]
            assert " Look first at " in text
            assert ("; this stops a canary." in text) is (name in stops)


@pytest.mark.parametrize("path", TEMPLATES)
def test_a_parameter_is_described_and_bounded(path: str, templates: Templates) -> None:
    for parameter in templates[path]["Parameters"].values():
        assert parameter["Description"]
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}
        assert path != MAIN or "Default" in parameter


SUBNETS = [f"subnet-0a1b2c3d4e5f6071{number}" for number in range(4)]
GROUPS = [f"sg-0a1b2c3d4e5f6071{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("path", "parameter", "value", "valid"),
    [
        (MAIN, "SubnetIds", "", True),
        (MAIN, "SubnetIds", "subnet-0a1b2c3d", True),
        (MAIN, "SubnetIds", ",".join(SUBNETS[:3]), True),
        (MAIN, "SubnetIds", ",".join(SUBNETS), False),
        (MAIN, "SubnetIds", ", ".join(SUBNETS[:2]), False),
        (MAIN, "SubnetIds", f"{SUBNETS[0]},", False),
        (MAIN, "SubnetIds", GROUPS[0], False),
        (MAIN, "SecurityGroupIds", "", True),
        (MAIN, "SecurityGroupIds", "sg-0a1b2c3d", True),
        (MAIN, "SecurityGroupIds", ",".join(GROUPS[:2]), True),
        (MAIN, "SecurityGroupIds", ",".join(GROUPS), False),
        (MAIN, "SecurityGroupIds", SUBNETS[0], False),
        (DOMAIN, "DomainName", "signing.example.com", True),
        (DOMAIN, "DomainName", "1.a-b.example.co.uk", True),
        (DOMAIN, "DomainName", "*.example.com", True),
        (DOMAIN, "DomainName", "signing.xn--e1afmkfd.xn--p1ai", True),
        (DOMAIN, "DomainName", "*.com", False),
        (DOMAIN, "DomainName", "example", False),
        (DOMAIN, "DomainName", "Signing.example.com", False),  # API Gateway refuses capitals
        (DOMAIN, "DomainName", "signing.example.com.", False),
        (DOMAIN, "DomainName", "signing-.example.com", False),
        (DOMAIN, "DomainName", "10.0.0.1", False),
        (DOMAIN, "DomainName", f"{'a' * 64}.example.com", False),
        (DOMAIN, "HealthCheckId", "1b6f3c0e-5d1f-4f5a-9c55-0d7e8f6a2b31", True),
        (DOMAIN, "HealthCheckId", "signing-health", False),
        (GLOBAL_TABLE, "OtherRegion", "eu-central-1", True),
        (GLOBAL_TABLE, "OtherRegion", "eu-central-1a", False),
        (GLOBAL_TABLE, "WitnessRegion", "us-gov-west-1", True),
        (GLOBAL_TABLE, "WitnessRegion", "Frankfurt", False),
    ],
)
def test_a_pattern_takes_what_aws_takes(
    path: str, parameter: str, value: str, *, valid: bool
) -> None:
    pattern = template(path)["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is valid


def test_samconfig_sets_valid_parameters(templates: Templates) -> None:
    overrides = re.findall(r'parameter_overrides = "(.*)"', (ROOT / "samconfig.toml").read_text())
    assert overrides
    for name, value in re.findall(r"(\w+)=(\S+)", " ".join(overrides)):
        parameter = templates[MAIN]["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value]))
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)


def test_samconfig_keeps_dev_away_from_prod() -> None:
    dev, prod = SAMCONFIG["dev"], SAMCONFIG["prod"]
    assert dev["global"]["parameters"]["stack_name"] != prod["global"]["parameters"]["stack_name"]
    assert prod["deploy"]["parameters"]["confirm_changeset"] is True
    for environment in (dev, prod):
        assert environment["deploy"]["parameters"]["fail_on_empty_changeset"] is False


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_samconfig_has_tags_because_a_deployment_without_any_removes_all(environment: str) -> None:
    assert SAMCONFIG[environment]["deploy"]["parameters"]["tags"]


@pytest.mark.parametrize("environment", ["default", "x86_64"])
@pytest.mark.parametrize("command", ["local_start_api", "local_invoke"])
def test_samconfig_points_sam_local_at_make_dynamodb(environment: str, command: str) -> None:
    parameters = SAMCONFIG[environment][command]["parameters"]
    overrides = parameters["parameter_overrides"].split()
    assert parameters["region"] == REGION
    assert "DynamoDbEndpoint=http://host.docker.internal:8000" in overrides
    assert ("Architecture=x86_64" in overrides) is (environment == "x86_64")
