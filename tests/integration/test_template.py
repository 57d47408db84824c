"""template.yaml, as SAM makes it into the CloudFormation that is deployed."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.answers import ANSWERS, InternalError, RouteNotFound
from handlers.log import METRICS_NAMESPACE, SERVICE
from handlers.signing import KEEP_ACTIVE
from tools.world import REGION, RESOURCE, ROOT

type Resources = dict[str, Any]

# `sam deploy --guided` asks about each function that this says False of, and breaks off on Enter.
HAS_AUTHENTICATION = """
import json
from samcli.commands.deploy.auth_utils import auth_per_resource
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
print(json.dumps([answer for _, answer in auth_per_resource(stacks)]))
"""

CONDITIONS = [
    ("CreateApiGatewayLogRole", "ApiGatewayLogRole", "is", "create"),
    ("LimitCallers", "RequestsPerCaller", "is not", "0"),
    ("SnapStartOn", "SnapStart", "is", "on"),
    ("AlarmsStop", "AlarmsStopDeployment", "is", "yes"),
    ("HasAlarmTopic", "AlarmTopicArn", "is not", ""),
]


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
def template() -> dict[str, Any]:
    result: dict[str, Any] = with_sam("tests/support/translate.py")
    return result


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> Resources:
    result: Resources = template["Resources"]
    return result


def of_type(resources: Resources, kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def api_body(resources: Resources) -> Any:
    return resources["Api"]["Properties"]["Body"]


def test_the_function_may_read_the_one_table_and_write_its_log_and_traces(
    resources: Resources,
) -> None:
    role = resources["SigningRole"]["Properties"]
    assert resources["SigningFunction"]["Properties"]["Role"] == {
        "Fn::GetAtt": ["SigningRole", "Arn"]
    }
    assert role.keys() == {"AssumeRolePolicyDocument", "Policies"}
    (policy,) = role["Policies"]
    allowed = [
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert allowed == [
        ("Allow", "dynamodb:BatchGetItem", {"Fn::GetAtt": ["StateTable", "Arn"]}),
        (
            "Allow",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            {"Fn::GetAtt": ["SigningLog", "Arn"]},
        ),
        ("Allow", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
    ]


def test_the_api_is_regional_and_has_one_stage(resources: Resources) -> None:
    assert resources["Api"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert len(of_type(resources, "AWS::ApiGateway::Stage")) == 1
    (deployment,) = of_type(resources, "AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment


def test_every_body_reaches_the_function_as_the_bytes_that_were_sent(
    resources: Resources,
) -> None:
    assert api_body(resources)["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_the_stage_is_throttled_traced_and_logged(resources: Resources) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    (settings,) = stage["MethodSettings"]
    assert settings.keys() >= {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    assert stage["TracingEnabled"] is True
    assert stage["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLog", "Arn"]}


def test_nothing_depends_on_what_a_parameter_takes_away(resources: Resources) -> None:
    for resource in resources.values():
        depends_on = resource.get("DependsOn", [])
        for name in [depends_on] if isinstance(depends_on, str) else depends_on:
            assert "Condition" not in resources[name]


def test_the_stage_comes_after_the_account_s_log_role_if_the_stack_makes_one(
    resources: Resources,
) -> None:
    assert resources["Api"]["Metadata"]["logRole"] == {
        "Fn::If": ["CreateApiGatewayLogRole", {"Ref": "ApiGatewayAccount"}, {"Ref": "AWS::NoValue"}]
    }
    assert resources["ApiGatewayAccount"]["Condition"] == "CreateApiGatewayLogRole"
    assert resources["ApiStage"]["Properties"]["RestApiId"] == {"Ref": "Api"}


def test_the_access_log_is_json_and_holds_nothing_that_the_client_writes(
    resources: Resources,
) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    logged = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    assert logged == {
        "$context.error.responseType",
        "$context.extendedRequestId",
        "$context.httpMethod",
        "$context.identity.sourceIp",
        "$context.requestId",
        "$context.requestTime",
        "$context.resourcePath",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.status",
        "$context.xrayTraceId",
    }


def test_every_method_and_route_goes_to_the_published_alias(resources: Resources) -> None:
    any_method = "x-amazon-apigateway-any-method"
    paths = api_body(resources)["paths"]
    assert {path: set(methods) for path, methods in paths.items()} == {
        RESOURCE: {"get", "post", any_method},
        "/": {any_method},
        "/{proxy+}": {any_method},
    }
    for methods in paths.values():
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert uri.endswith("/functions/${SigningFunctionAliaslive}/invocations")


def test_the_alias_moves_gradually_and_back_if_there_is_an_alarm(resources: Resources) -> None:
    assert "CodeDeployLambdaAliasUpdate" in resources["SigningFunctionAliaslive"]["UpdatePolicy"]
    (group,) = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
    assert "Canary10Percent5Minutes" in json.dumps(group["DeploymentConfigName"])
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    condition, heeded, ignored = group["AlarmConfiguration"]["Fn::If"]
    assert (condition, ignored) == ("AlarmsStop", {})
    assert [alarm["Name"]["Ref"] for alarm in heeded["Alarms"]] == [
        "ServerErrorAlarm",
        "FunctionErrorAlarm",
        "LatencyAlarm",
    ]


def test_the_function_starts_from_a_snapshot_unless_the_region_has_none(
    resources: Resources,
) -> None:
    function = resources["SigningFunction"]["Properties"]
    on = {"ApplyOn": "PublishedVersions"}
    assert function["SnapStart"] == {"Fn::If": ["SnapStartOn", on, {"Ref": "AWS::NoValue"}]}


def test_the_version_that_answers_is_kept_active_by_a_call_every_few_hours(
    resources: Resources,
) -> None:
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    (target,) = rule["Targets"]
    assert rule["ScheduleExpression"] == "rate(6 hours)"
    assert json.loads(target["Input"]) == KEEP_ACTIVE
    assert target["Arn"] == {"Ref": "SigningFunctionAliaslive"}


def test_every_parameter_that_reaches_the_function_makes_a_new_version(
    template: dict[str, Any], resources: Resources
) -> None:
    (version,) = of_type(resources, "AWS::Lambda::Version").values()
    function = resources["SigningFunction"]["Properties"]
    described = set(parameters_in(version["Description"], template))
    assert described == set(parameters_in(function, template)) != set()


def test_no_parameter_is_in_the_api_s_document(
    template: dict[str, Any], resources: Resources
) -> None:
    # SAM makes a new deployment of the API only for another text of its document.
    assert set(parameters_in(api_body(resources), template)) == set()


def parameters_in(value: Any, template: dict[str, Any]) -> Iterator[str]:
    """The names of the parameters that a piece of the template depends on."""
    match value:
        case {"Ref": name}:
            yield from {name} & template["Parameters"].keys()
        case {"Fn::Sub": text}:
            yield from set(re.findall(r"\$\{(\w+)\}", text)) & template["Parameters"].keys()
        case {"Fn::If": [condition, *values]}:
            yield from parameters_in([template["Conditions"][condition], *values], template)
        case dict():
            for each in value.values():
                yield from parameters_in(each, template)
        case list():
            for each in value:
                yield from parameters_in(each, template)


def test_what_the_gateway_answers_itself_is_the_contract_s_error(resources: Resources) -> None:
    responses = api_body(resources)["x-amazon-apigateway-gateway-responses"]
    answers = {}
    for kind, response in responses.items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'"
        assert headers["gatewayresponse.header.Request-Id"] == "context.requestId"
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body.pop("requestId") == "$context.requestId"
        answers[kind] = (response.get("statusCode"), body.pop("name"), body.pop("error"))
        assert body == {}
    not_found = ("404", "RouteNotFound", ANSWERS[RouteNotFound][1])
    assert answers.pop("DEFAULT_5XX") == (None, "InternalError", ANSWERS[InternalError][1])
    assert answers.pop("MISSING_AUTHENTICATION_TOKEN") == not_found
    assert answers.pop("INVALID_SIGNATURE") == not_found
    assert {kind: answer[:2] for kind, answer in answers.items()} == {
        "THROTTLED": ("429", "Throttled"),
        "DEFAULT_4XX": (None, "RequestRefused"),
    }


def test_each_access_token_has_its_own_limit_if_there_is_one(
    resources: Resources,
) -> None:
    for name in ("Firewall", "FirewallOfStage"):
        assert resources[name]["Condition"] == "LimitCallers"
    (rule,) = resources["Firewall"]["Properties"]["Rules"]
    counted = rule["Statement"]["RateBasedStatement"]
    assert (counted["Limit"], counted["EvaluationWindowSec"]) == ({"Ref": "RequestsPerCaller"}, 60)
    assert [key["Header"]["Name"] for key in counted["CustomKeys"]] == ["authorization"]


def test_the_firewall_lets_all_others_through_and_keeps_no_headers(resources: Resources) -> None:
    firewall = resources["Firewall"]["Properties"]
    assert firewall["DefaultAction"] == {"Allow": {}}
    (rule,) = firewall["Rules"]
    for part in (firewall, rule):
        assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False


@pytest.mark.parametrize(("name", "parameter", "relation", "value"), CONDITIONS)
def test_a_condition_is_true_for_the_value_that_its_name_says(
    name: str, parameter: str, relation: str, value: str, template: dict[str, Any]
) -> None:
    equal = {"Fn::Equals": [{"Ref": parameter}, value]}
    assert template["Conditions"][name] == (equal if relation == "is" else {"Fn::Not": [equal]})


def test_a_caller_over_the_limit_gets_the_error_of_a_stage_that_throttles_but_for_the_id(
    resources: Resources,
) -> None:
    firewall = resources["Firewall"]["Properties"]
    answer = firewall["Rules"][0]["Action"]["Block"]["CustomResponse"]
    body = json.loads(firewall["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"])
    headers = {header["Name"]: header["Value"] for header in answer["ResponseHeaders"]}
    gateway = api_body(resources)["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
    assert str(answer["ResponseCode"]) == gateway["statusCode"]
    assert body == json.loads(gateway["responseTemplates"]["application/json"]) | {"requestId": ""}
    assert headers == {"Cache-Control": "no-store", "Retry-After": "60"}


def test_the_table_outlives_the_stack_and_can_be_restored(resources: Resources) -> None:
    table = resources["StateTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_the_log_role_that_is_set_for_all_apis_outlives_the_stack(resources: Resources) -> None:
    for name in ("ApiGatewayAccount", "ApiGatewayLogsRole"):
        assert resources[name]["DeletionPolicy"] == "Retain"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"


def test_every_log_group_has_a_retention(resources: Resources) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert groups.keys() == {"AccessLog", "SigningLog"}
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    logging = resources["SigningFunction"]["Properties"]["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": "SigningLog"}}


def test_alarms_watch_5xx_errors_throttles_and_latency_and_may_notify(
    resources: Resources,
) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms.values()}
    assert watched == {
        ("AWS/ApiGateway", "5XXError"),
        ("AWS/ApiGateway", "Latency"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"]["Fn::If"][:2] == [
            "HasAlarmTopic",
            [{"Ref": "AlarmTopicArn"}],
        ]
        assert alarm["OKActions"] == alarm["AlarmActions"]


def test_one_error_sets_off_an_alarm_and_so_do_three_slow_minutes_of_five(
    resources: Resources,
) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    one = ("Sum", 1, "GreaterThanOrEqualToThreshold", 1, 1)
    assert {
        name: (
            alarm.get("Statistic") or alarm["ExtendedStatistic"],
            alarm["Threshold"],
            alarm["ComparisonOperator"],
            alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
            alarm["EvaluationPeriods"],
        )
        for name, alarm in alarms.items()
    } == {
        "ServerErrorAlarm": one,
        "FunctionErrorAlarm": one,
        "ThrottleAlarm": one,
        "LatencyAlarm": ("p99", 1000, "GreaterThanThreshold", 3, 5),
    }
    for alarm in alarms.values():
        assert (alarm["Period"], alarm["TreatMissingData"]) == (60, "notBreaching")


def test_alarms_and_dashboard_know_the_api_by_the_name_it_has(resources: Resources) -> None:
    name = resources["Api"]["Properties"]["Name"]
    dimensions = {
        "AWS/ApiGateway": {"ApiName": name, "Stage": {"Ref": "StageName"}},
        "AWS/Lambda": {"FunctionName": {"Ref": "SigningFunction"}},
    }
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values():
        watched = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        assert watched == dimensions[alarm["Namespace"]]
    assert name["Fn::Sub"] in resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]


def test_the_dashboard_shows_traffic_by_outcome_latency_and_reads(resources: Resources) -> None:
    body = json.loads(resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    titles = {widget["properties"]["title"] for widget in body["widgets"]}
    assert titles >= {"Traffic by outcome", "Latency (ms)", "Reads"}
    assert f"{{{METRICS_NAMESPACE},service,function_name,outcome}}" in json.dumps(body)
    function = ["service", SERVICE, "function_name", "${SigningFunction}"]
    assert json.dumps([METRICS_NAMESPACE, "duration", *function])[1:-1] in json.dumps(body)


def test_a_deployer_who_only_presses_enter_is_not_turned_away() -> None:
    assert all(with_sam("-c", HAS_AUTHENTICATION))


def test_no_authorizer_of_the_gateway_answers_in_the_function_s_place(
    resources: Resources,
) -> None:
    body = json.dumps(api_body(resources))
    assert "security" not in body
    assert "AWS::ApiGateway::Authorizer" not in {each["Type"] for each in resources.values()}


def test_a_parameter_has_a_description_and_a_default(template: dict[str, Any]) -> None:
    grouped = [
        name
        for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]
    assert sorted(grouped) == sorted(template["Parameters"])
    for parameter in template["Parameters"].values():
        assert parameter["Description"]
        assert "Default" in parameter
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}


def test_samconfig_sets_parameters_that_there_are_to_values_that_they_take(
    template: dict[str, Any],
) -> None:
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    environments.pop("version")
    overrides = [
        override.partition("=")
        for environment in environments.values()
        for command in environment.values()
        for override in command["parameters"].get("parameter_overrides", "").split()
    ]
    assert overrides
    for name, _, value in overrides:
        parameter = template["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value]))
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)


def test_samconfig_keeps_dev_away_from_prod_and_asks_before_it_changes_prod() -> None:
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    dev, prod = environments["dev"], environments["prod"]
    assert dev["global"]["parameters"]["stack_name"] != prod["global"]["parameters"]["stack_name"]
    assert prod["deploy"]["parameters"]["confirm_changeset"] is True


def test_samconfig_points_sam_local_at_the_database_of_make_dynamodb() -> None:
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    for environment in ("default", "x86_64"):
        for command in ("local_start_api", "local_invoke"):
            parameters = environments[environment][command]["parameters"]
            assert parameters["region"] == REGION
            endpoint = "DynamoDbEndpoint=http://host.docker.internal:8000"
            assert endpoint in parameters["parameter_overrides"].split()


def test_the_outputs_are_the_url_the_table_and_the_function(template: dict[str, Any]) -> None:
    assert template["Outputs"].keys() >= {"ApiUrl", "TableName", "FunctionName"}
    assert template["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"].endswith("/${StageName}")
