"""How far the service scales, and what a flood costs: docs/operate.md, computed from the template and a request.

AWS's own figures are those of its documentation (API Gateway quotas, Lambda scaling, DynamoDB partitions).
"""

import re
from typing import Any

import pytest

from tests.integration.test_docs import OPERATE, TEMPLATE, table
from tests.support.calls import ask

RATE: int = TEMPLATE["Parameters"]["ThrottlingRateLimit"]["Default"]
LAMBDA_RATE = 10  # requests a second, for each concurrent execution
PARTITION = 3_000  # read units a second
NEW_TABLE = 12_000  # read units a second
DAY = 24 * 60 * 60  # seconds
READING = ("Get", "Post")  # the methods that read the table


@pytest.fixture
def units(reads: list[dict[str, Any]]) -> int:
    """The read units of a request: one for each item of up to 4 KB that is read consistently."""
    assert ask().status == 200
    ((table,),) = (read["RequestItems"].values() for read in reads)
    assert table["ConsistentRead"] is True
    return len(table["Keys"])


def test_the_table_of_bottlenecks_is_what_the_template_s_values_come_to(units: int) -> None:
    ceilings = {
        "throttle of one method": RATE,
        "Lambda, 10 executions": 10 * LAMBDA_RATE,
        "one enterprise": PARTITION // units,
        "API Gateway, smaller regions": 2_500,
        "one licence": PARTITION,
        "a new table": NEW_TABLE // units,
        "API Gateway": 10_000,
        "Lambda, 1,000 executions": 1_000 * LAMBDA_RATE,
    }
    documented = {name: int(rate.replace(",", "")) for name, rate, *_ in table("bottleneck")}
    assert documented == ceilings
    assert list(documented.values()) == sorted(documented.values())


def test_a_flood_costs_what_the_throttle_lets_through() -> None:
    events = TEMPLATE["Resources"]["SigningFunction"]["Properties"]["Events"]
    methods = [name for name, event in events.items() if event["Type"] == "Api"]
    assert {*READING} <= {*methods}
    per_second = RATE * len(methods)
    cost = dict.fromkeys(("X-Ray", "DynamoDB", "other"), 0.0)
    for name, quantity, price, _ in table("per million requests"):
        kind = name.partition(",")[0]
        million = float(quantity.split()[0].replace(",", "")) * float(price.strip("$"))
        cost[kind if kind in cost else "other"] += million / 1e6
    traced = 1 + (per_second - 1) * 0.05
    a_day = DAY * (
        per_second * cost["other"] + RATE * len(READING) * cost["DynamoDB"] + traced * cost["X-Ray"]
    )
    text = re.sub(r"\s+", " ", OPERATE)
    assert f"brings {per_second} requests a second" in text
    assert f"that is ${a_day:.2f} a day" in text
    kilobytes = float(re.findall(r"line of the access log has about ([\d.]+) KB", text)[0])
    (gigabyte,) = re.findall(r"CloudWatch Logs.*?GB \| \$([\d.]+)", text)
    lines = DAY * 10_000 * kilobytes / 1e6 * float(gigabyte)
    assert f"10,000 requests a second also costs ${lines:.2f} a day" in text
