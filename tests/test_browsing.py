"""People in a real browser: visitors of the newspaper, and whoever works in the moderators' pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest
from chromium import DESKTOP, PHONE, accessibility_violations, overflow, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chromium import Watched
    from demonstration import Demonstration
    from playwright.sync_api import Browser, Page

MAX_PAGE_BYTES = 150 * 1024
PASSWORD = "a quiet harbour at night"
LOOKS = [(screen, scheme) for screen in (PHONE, DESKTOP) for scheme in ("light", "dark")]
LOOK_NAMES = [f"{'phone' if screen is PHONE else 'desktop'}-{scheme}" for screen, scheme in LOOKS]


@pytest.fixture(scope="session")
def admin(chromium: Browser, demonstration: Demonstration) -> Any:
    """The cookies of somebody who has made the first account."""
    with watched(chromium, demonstration.hamgate) as seen:
        seen.page.goto(demonstration.queue)
        seen.page.get_by_label("Name").fill("ann")
        seen.page.get_by_label("New password").fill(PASSWORD)
        seen.page.get_by_label("The same again").fill(PASSWORD)
        seen.page.get_by_role("button", name="Make the account").click()
        seen.page.wait_for_url(f"{demonstration.hamgate}/moderate**")
        seen.check()
        return seen.page.context.storage_state()


@pytest.fixture
def visitor(chromium: Browser, demonstration: Demonstration) -> Iterator[Watched]:
    """Somebody who reads the newspaper."""
    with watched(chromium, demonstration.newspaper) as seen:
        yield seen
        seen.check()


@pytest.fixture
def moderator(chromium: Browser, demonstration: Demonstration, admin: Any) -> Iterator[Watched]:
    """Somebody who has signed in as an admin."""
    with watched(chromium, demonstration.hamgate, storage_state=admin) as seen:
        seen.page.goto(f"{demonstration.hamgate}/")
        yield seen
        seen.check()


def paths(page: Page) -> list[str]:
    """List the pages of the navigation that somebody sees."""
    links = page.locator("nav[aria-label=Pages] a").all()
    return [link.get_attribute("href") or "" for link in links]


def inspect(seen: Watched, url: str) -> None:
    """Look at one page as it is on this screen, in these colours."""
    seen.page.goto(url)
    assert overflow(seen.page) == 0, url
    assert accessibility_violations(seen.page) == [], url
    seen.check()


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ("a reader", "Your comment is published."),
        ("one on the edge", "Your comment waits for a moderator"),
        ("a spammer", "Your comment was refused"),
        ("spam in disguise", "Your comment was refused"),
    ],
)
def test_a_visitor_comments_and_is_told_what_became_of_it(
    visitor: Watched, demonstration: Demonstration, sample: str, told: str
) -> None:
    page = visitor.page
    page.goto(f"{demonstration.newspaper}/yesterdays-bread")
    page.get_by_role("link", name=sample).click()
    name = page.get_by_label("Name").input_value()
    page.get_by_role("button", name="Post comment").click()
    page.get_by_role("status").filter(has_text=told).wait_for()
    refused = "refused" in told
    assert (page.locator(".comments").get_by_text(name, exact=True).count() == 1) is not refused
    assert page.locator(".verdict").first.get_by_text("Somebody" if refused else name, exact=True).is_visible()


@pytest.mark.parametrize(("screen", "scheme"), LOOKS, ids=LOOK_NAMES)
def test_everybody_can_read_the_newspaper(
    chromium: Browser, demonstration: Demonstration, screen: dict[str, int], scheme: str
) -> None:
    with watched(chromium, demonstration.newspaper, viewport=screen, color_scheme=scheme) as seen:
        for path in ("/", "/night-ferry", "/night-ferry?sample=a+spammer"):
            inspect(seen, demonstration.newspaper + path)


@pytest.mark.parametrize(("screen", "scheme"), LOOKS, ids=LOOK_NAMES)
def test_everybody_can_use_every_page(
    chromium: Browser, demonstration: Demonstration, admin: Any, screen: dict[str, int], scheme: str
) -> None:
    look = {"viewport": screen, "color_scheme": scheme}
    with watched(chromium, demonstration.hamgate, **look) as stranger:
        for path in ("/sign-in", "/docs"):
            inspect(stranger, demonstration.hamgate + path)
    with watched(chromium, demonstration.hamgate, **look, storage_state=admin) as seen:
        seen.page.goto(f"{demonstration.hamgate}/")
        for path in paths(seen.page):
            inspect(seen, urljoin(demonstration.hamgate, path))


def test_no_page_is_heavy(chromium: Browser, demonstration: Demonstration, admin: Any) -> None:
    with watched(chromium, demonstration.hamgate, storage_state=admin) as seen:
        seen.page.goto(f"{demonstration.hamgate}/")
        every = [urljoin(demonstration.hamgate, path) for path in paths(seen.page)]
    weights = {url: weight(chromium, url, admin) for url in (*every, f"{demonstration.newspaper}/night-ferry")}
    assert {url: bytes_ for url, bytes_ in weights.items() if bytes_ > MAX_PAGE_BYTES} == {}


def weight(browser: Browser, url: str, state: Any) -> int:
    """Add up what a page and all that it needs come to, for somebody who was never there."""
    context = browser.new_context(storage_state=state)
    answers: list[Any] = []
    context.on("response", lambda answer: answers.append(answer))
    context.new_page().goto(url, wait_until="networkidle")
    total = sum(len(answer.body()) for answer in answers if answer.status == 200)
    context.close()
    return total
