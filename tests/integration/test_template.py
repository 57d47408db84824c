"""template.yaml, as SAM makes it into the CloudFormation that is deployed, and the add-ons beside it."""

import json
import re
import subprocess
import tomllib
from graphlib import TopologicalSorter
from itertools import pairwise, product
from typing import Any

import pytest

from handlers.answers import ANSWERS, InternalError, RouteNotFound
from handlers.log import METRICS_NAMESPACE, SERVICE
from handlers.signing import KEEP_ACTIVE
from tests.support.cloudformation import Resources, deployed, of_type, references, resolved
from tools.world import REGION, RESOURCE, ROOT, template

type Templates = dict[str, Any]

MAIN, DOMAIN, FIREWALL = TEMPLATES = (
    "template.yaml",
    "docs/add-ons/domain.yaml",
    "docs/add-ons/firewall.yaml",
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
}
"""The parameter of each condition, and the value that decides: "Has..." is true for any other."""
BY_DEFAULT = {"CreateApiGatewayLogRole", "SnapStartOn", "OwnTable"}
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
ANY_METHOD = "x-amazon-apigateway-any-method"


def with_sam(*arguments: str) -> Any:
    ran = subprocess.run(  # noqa: S603 -- our own words
        [ROOT / ".venv-sam/bin/python", *arguments],
        cwd=ROOT,
        env={"AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def templates() -> Templates:
    main = with_sam("tests/support/translate.py")
    return {MAIN: main, DOMAIN: template(DOMAIN), FIREWALL: template(FIREWALL)}


@pytest.fixture(scope="module")
def resources(templates: Templates) -> Resources:
    """The resources of a stack with the default parameters."""
    return deployed(templates[MAIN], BY_DEFAULT)


@pytest.fixture(scope="module")
def others(templates: Templates) -> Resources:
    """The resources of a stack in which every condition has its other value."""
    return deployed(templates[MAIN], CONDITIONS.keys() - BY_DEFAULT)


def api_body(resources: Resources) -> Any:
    return resources["Api"]["Properties"]["Body"]


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


def test_a_condition_is_what_its_name_says(templates: Templates) -> None:
    expected: dict[str, Any] = {}
    for name, (parameter, value) in CONDITIONS.items():
        equal = {"Fn::Equals": [{"Ref": parameter}, value]}
        expected[name] = {"Fn::Not": [equal]} if name.startswith("Has") else equal
    assert templates[MAIN]["Conditions"] == expected


def test_a_resource_comes_after_those_that_it_needs(resources: Resources) -> None:
    order = ("Api", "ApiGatewayAccount", "AccessLog", "ApiStage")
    for earlier, later in [*pairwise(order), ("ReadTable", "SigningFunction")]:
        assert earlier in references(resources[later])


def test_no_role_has_more_rights_than_it_needs(
    templates: Templates, resources: Resources, others: Resources
) -> None:
    def allow(action: str | list[str], resource: Any) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": action, "Resource": resource}

    function, log, table = (
        {"Fn::GetAtt": [name, "Arn"]} for name in ("SigningFunction", "SigningLog", "StateTable")
    )
    roles = of_type(deployed(templates[MAIN], CONDITIONS), "AWS::IAM::Role")
    for role in roles.values():
        assert role["PermissionsBoundary"] == {"Ref": "PermissionsBoundary"}
    assert {
        name: [policy["PolicyDocument"]["Statement"] for policy in role.get("Policies", [])]
        for name, role in roles.items()
    } == {
        "ApiGatewayLogsRole": [],
        "SigningRole": [[
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], log),
            allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
        ]],
        "DeploymentRole": [[
            allow(
                ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
                [function, {"Fn::Sub": "${SigningFunction.Arn}:*"}],
            ),
            allow("cloudwatch:DescribeAlarms", "*"),
        ]],
    }  # fmt: skip
    assert [name for name in roles if "ManagedPolicyArns" in roles[name]] == ["ApiGatewayLogsRole"]
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ExistingTable}"
    # The policy's name is create-only: another table gets a new policy before the old one goes.
    for stack, name, read in (
        (resources, "read-own-table", table),
        (others, {"Fn::Sub": "read-${ExistingTable}"}, {"Fn::Sub": arn}),
    ):
        (policy,) = of_type(stack, "AWS::IAM::RolePolicy").values()
        assert (policy["RoleName"], policy["PolicyName"]) == ({"Ref": "SigningRole"}, name)
        assert policy["PolicyDocument"]["Statement"] == [allow("dynamodb:BatchGetItem", read)]


def test_another_table_replaces_the_own_one_everywhere(
    templates: Templates, resources: Resources, others: Resources
) -> None:
    for stack, true, table in (
        (resources, {"OwnTable"}, {"Ref": "StateTable"}),
        (others, (), {"Ref": "ExistingTable"}),
    ):
        (version,) = of_type(stack, "AWS::Lambda::Version").values()
        function = stack["SigningFunction"]["Properties"]
        assert function["Environment"]["Variables"]["TABLE_NAME"] == table
        assert version["Description"]["Fn::Sub"][1] == {"Table": table}
        assert stack["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][1] == {"Table": table}
        assert resolved(templates[MAIN]["Outputs"]["TableName"]["Value"], true) == table
        assert "StateTable" in stack


def test_the_api_is_regional_with_bytes_and_tls_1_2(
    resources: Resources, others: Resources
) -> None:
    api = resources["Api"]["Properties"]
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
    assert api["EndpointAccessMode"] == "STRICT"
    assert api_body(resources)["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    (deployment,) = of_type(resources, "AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment
    for stack, disabled in ((resources, False), (others, True)):
        (server,) = api_body(stack)["servers"]
        assert server["x-amazon-apigateway-endpoint-configuration"] == {
            "disableExecuteApiEndpoint": disabled
        }
    # API Gateway applies this when a setting of the stage changes, and SAM redeploys for none.
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert stage["Variables"] == {"defaultEndpoint": {"Ref": "DefaultEndpoint"}}


def test_the_stage_logs_no_request_and_no_answer(resources: Resources) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    limits = ("ThrottlingBurstLimit", "ThrottlingRateLimit")
    everything = {"HttpMethod": "*", "ResourcePath": "/*"}
    assert stage["MethodSettings"] == [everything | {name: {"Ref": name} for name in limits}]
    assert stage["TracingEnabled"] is True
    assert stage["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLog", "Arn"]}
    logged = (
        "error.responseType extendedRequestId httpMethod identity.sourceIp requestId requestTime"
        " resourcePath responseLatency responseLength status tlsVersion xrayTraceId"
    )
    format_ = json.loads(stage["AccessLogSetting"]["Format"])
    assert sorted(format_.values()) == [f"$context.{name}" for name in logged.split()]


def test_every_method_and_route_goes_to_the_published_alias(resources: Resources) -> None:
    paths = api_body(resources)["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        RESOURCE: {"get", "post", ANY_METHOD},
        "/": {ANY_METHOD},
        "/{proxy+}": {ANY_METHOD},
    }
    for methods in paths.values():
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert uri.endswith("/functions/${SigningFunctionAliaslive}/invocations")
            assert "security" not in method


def test_alarms_stop_a_canary_but_no_deployment_at_once(
    resources: Resources, others: Resources
) -> None:
    assert "CodeDeployLambdaAliasUpdate" in resources["SigningFunctionAliaslive"]["UpdatePolicy"]
    alarms = ("ServerErrorAlarm", "FunctionErrorAlarm", "LatencyAlarm")
    heeded = {"Enabled": True, "Alarms": [{"Name": {"Ref": name}} for name in alarms]}
    for stack, kind, alarm in (
        (resources, "Canary10Percent5Minutes", heeded),
        (others, "AllAtOnce", {}),
    ):
        (group,) = of_type(stack, "AWS::CodeDeploy::DeploymentGroup").values()
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": kind}
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert group["AlarmConfiguration"] == alarm
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}


def test_the_function_is_traced_and_has_a_snapshot(resources: Resources, others: Resources) -> None:
    function = resources["SigningFunction"]["Properties"]
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert "SnapStart" not in others["SigningFunction"]["Properties"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Environment"]["Variables"] == {
        "TABLE_NAME": {"Ref": "StateTable"},
        "AWS_ENDPOINT_URL_DYNAMODB": {"Ref": "DynamoDbEndpoint"},
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


def test_a_schedule_keeps_the_version_active(resources: Resources) -> None:
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    (target,) = rule["Targets"]
    assert rule["ScheduleExpression"] == "rate(6 hours)"
    assert json.loads(target["Input"]) == KEEP_ACTIVE
    assert target["Arn"] == {"Ref": "SigningFunctionAliaslive"}


def test_every_change_of_the_function_makes_a_version(templates: Templates) -> None:
    source = template()["Resources"]["SigningFunction"]["Properties"]
    assert source["AutoPublishAliasAllProperties"] is True
    function = templates[MAIN]["Resources"]["SigningFunction"]
    (version,) = of_type(templates[MAIN]["Resources"], "AWS::Lambda::Version").values()
    conditions = re.findall(r'"Fn::If": \["(\w+)"', json.dumps(function))
    used = {*references(function), *(CONDITIONS[name][0] for name in conditions)}
    parameters = templates[MAIN]["Parameters"].keys()
    assert {*references(version["Description"])} & parameters == used & parameters
    table = 128 + len("-StateTable-") + 13  # a stack's longest name, and CloudFormation's suffix
    longest = {"Architecture": 6, "SnapStart": 3, "Table": table, "DynamoDbEndpoint": 80}
    text = version["Description"]["Fn::Sub"][0]
    assert len(re.sub(r"\$\{(\w+)\}", lambda name: "x" * longest[name[1]], text)) <= 256


def test_the_gateway_answers_the_contract_s_error(resources: Resources) -> None:
    answers = {}
    for kind, response in api_body(resources)["x-amazon-apigateway-gateway-responses"].items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'"
        assert headers["gatewayresponse.header.Request-Id"] == "context.requestId"
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body.keys() == {"error", "name", "requestId"}
        assert body["requestId"] == "$context.requestId"
        answers[kind] = (response.get("statusCode"), body["name"])
        for error in (RouteNotFound, InternalError):
            assert body["name"] != error.__name__ or body["error"] == ANSWERS[error][1]
    assert answers == {
        "MISSING_AUTHENTICATION_TOKEN": ("404", "RouteNotFound"),
        "INVALID_SIGNATURE": ("404", "RouteNotFound"),
        "THROTTLED": ("429", "Throttled"),
        "DEFAULT_4XX": (None, "RequestRefused"),
        "DEFAULT_5XX": (None, "InternalError"),
    }


def test_the_table_the_logs_and_the_log_role_outlive_the_stack(resources: Resources) -> None:
    assert {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in resources.items()
        if "UpdateReplacePolicy" in resource
    } == {
        "StateTable": ("Retain", "Retain"),
        "ApiGatewayAccount": ("Retain", "Retain"),
        "ApiGatewayLogsRole": ("Retain", "Retain"),
        "AccessLog": ("RetainExceptOnCreate", "Retain"),
        "SigningLog": ("RetainExceptOnCreate", "Retain"),
    }
    table = resources["StateTable"]["Properties"]
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    logging = resources["SigningFunction"]["Properties"]["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": "SigningLog"}}


def test_alarms_watch_the_stack_and_may_notify(resources: Resources, others: Resources) -> None:
    api = {"ApiName": {"Ref": "AWS::StackName"}, "Stage": {"Ref": "StageName"}}
    function = {"FunctionName": {"Ref": "SigningFunction"}}
    assert resources["Api"]["Properties"]["Name"] == api["ApiName"]
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert [
        (alarm["MetricName"], {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]})
        for _, alarm in sorted(alarms.items())
    ] == [("Errors", function), ("Latency", api), ("5XXError", api), ("Throttles", function)]
    for alarm in alarms.values():
        assert alarm.keys().isdisjoint({"AlarmActions", "OKActions"})
    for alarm in of_type(others, "AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopicArn"}]


def test_the_dashboard_shows_the_metrics_that_the_function_writes(resources: Resources) -> None:
    text = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    body = json.dumps(json.loads(text))
    assert f"{{{METRICS_NAMESPACE},service,function_name,outcome}}" in body
    function = ["service", SERVICE, "function_name", "${SigningFunction}"]
    assert json.dumps([METRICS_NAMESPACE, "duration", *function])[1:-1] in body


def test_a_deployer_who_only_presses_enter_is_not_turned_away() -> None:
    assert all(with_sam("-c", HAS_AUTHENTICATION))


def test_the_firewall_counts_by_token_and_keeps_no_headers(templates: Templates) -> None:
    firewall = templates[FIREWALL]["Resources"]["Firewall"]["Properties"]
    (rule,) = firewall["Rules"]
    counted = rule["Statement"]["RateBasedStatement"]
    kinds = ("LOWERCASE", "COMPRESS_WHITE_SPACE")
    transformations = [{"Type": kind, "Priority": number} for number, kind in enumerate(kinds)]
    header = {"Name": "authorization", "TextTransformations": transformations}
    assert counted["CustomKeys"] == [{"Header": header}]
    assert counted["EvaluationWindowSec"] == 60  # the parameter is a number a minute
    assert firewall["DefaultAction"] == {"Allow": {}}
    for part in (firewall, rule):
        assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_the_firewall_answers_as_the_stage_does(templates: Templates, resources: Resources) -> None:
    firewall = templates[FIREWALL]["Resources"]["Firewall"]["Properties"]
    answer = firewall["Rules"][0]["Action"]["Block"]["CustomResponse"]
    body = json.loads(firewall["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"])
    headers = {header["Name"]: header["Value"] for header in answer["ResponseHeaders"]}
    gateway = api_body(resources)["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
    assert str(answer["ResponseCode"]) == gateway["statusCode"]
    assert body == json.loads(gateway["responseTemplates"]["application/json"]) | {"requestId": ""}
    assert headers == {"Cache-Control": "no-store", "Retry-After": "60"}


def test_the_domain_keeps_the_tls_and_the_path(templates: Templates, resources: Resources) -> None:
    add_on = templates[DOMAIN]["Resources"]
    for name in ("SecurityPolicy", "EndpointAccessMode"):
        assert add_on["Domain"]["Properties"][name] == resources["Api"]["Properties"][name]
    assert add_on["Mapping"]["Properties"].keys() == {"DomainName", "RestApiId", "Stage"}


@pytest.mark.parametrize("path", TEMPLATES)
def test_a_parameter_is_described_and_bounded(path: str, templates: Templates) -> None:
    for parameter in templates[path]["Parameters"].values():
        assert parameter["Description"]
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}
        assert path != MAIN or "Default" in parameter


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


def test_samconfig_points_sam_local_at_the_database_of_make_dynamodb() -> None:
    for environment in ("default", "x86_64"):
        for command in ("local_start_api", "local_invoke"):
            parameters = SAMCONFIG[environment][command]["parameters"]
            assert parameters["region"] == REGION
            endpoint = "DynamoDbEndpoint=http://host.docker.internal:8000"
            assert endpoint in parameters["parameter_overrides"].split()
