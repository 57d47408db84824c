"""/docs in a real browser; `make test-browser` runs it, not `make test`."""

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.needs import needs
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID, EVENTS
from tools.serve import serving
from tools.world import sample_world

# No sandbox, so that it starts for root too; and none of the requests that Chromium makes by itself.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=60_000)  # milliseconds


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL that serves the sample world over HTTP."""
    with sample_world(), serving(0) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def seen() -> list[str]:
    """The URLs that the page asks for, and what it says in the console."""
    return []


@pytest.fixture
def page(browser: Browser, url: str, seen: list[str]) -> Iterator[Page]:
    """/docs, open."""
    page = browser.new_page()
    page.set_default_timeout(60_000)  # milliseconds
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto(f"{url}/docs")
    yield page
    page.close()


def send(page: Page, example: str) -> tuple[str, str]:
    """The status and the body that the page shows after an example was picked and sent."""
    post = page.locator(".opblock-post")
    post.locator(".opblock-section-request-body .examples-select select").select_option(example)
    post.get_by_role("button", name="Execute").click()
    answer = post.locator(".live-responses-table tbody .response")
    return (
        answer.locator(".response-col_status").inner_text().strip(),
        answer.locator(".highlight-code code").first.inner_text(),
    )


@pytest.mark.parametrize(
    ("example", "notes"),
    [
        ("WithoutNotes", {}),
        ("WithNotes", {"notes": "Quarterly rebalancing"}),
        ("NotesInManyScripts", {"notes": "Größe расчёт 清算 🏦"}),
    ],
)
def test_an_example_that_is_picked_and_sent_gets_its_payload(
    page: Page, example: str, notes: dict[str, str]
) -> None:
    status, body = send(page, example)
    assert status == "200"
    assert json.loads(json.loads(body)["payload"]) == BODY | notes | {
        "enterpriseId": ENTERPRISE_ID,
        "connectionId": CONNECTION_ID,
    }


def test_the_sample_tokens_and_what_they_get_are_listed(page: Page) -> None:
    page.get_by_text("Which other tokens are there?").click()
    rows = [row.locator("td").all_inner_texts() for row in page.locator("#tokens tr").all()[1:]]
    records = json.loads((EVENTS / "state.json").read_bytes())
    assert [row[0] for row in rows] == [r["credential"] for r in records if "credential" in r]
    assert ["sample-token-viewer", "acme-capital", "200", "403 InsufficientScope"] in rows


def test_an_error_is_shown_too(page: Page) -> None:
    status, body = send(page, "UnsupportedCurrency")
    assert status == "422"
    assert json.loads(body)["name"] == "CurrencyNotSupported"


def test_nothing_comes_from_another_host_and_nothing_goes_wrong(
    page: Page, url: str, seen: list[str]
) -> None:
    send(page, "WithoutNotes")
    assert f"{url}/openapi.yaml" in seen
    assert [other for other in seen if not other.startswith((f"{url}/", "data:"))] == []


def test_the_get_cannot_be_sent_and_the_page_says_why(page: Page) -> None:
    page.locator(".opblock-get .opblock-summary").first.click()
    expect(page.locator(".opblock-get .opblock-description")).to_contain_text("No browser can")
    expect(page.locator(".opblock-get .execute")).to_have_count(0)
    page.get_by_text("Why not the GET?").click()
    expect(page.get_by_text("the Fetch standard forbids it. The answer")).to_be_visible()
    expect(page.get_by_text("curl --request GET")).to_be_visible()
