"""People in a real browser: visitors of the newspaper, and whoever works in the moderators' pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest
from chromium import DESKTOP, PASSWORD, PHONE, accessibility_violations, make_account, overflow, watched
from conftest import wait_until
from playwright.sync_api import expect
from test_exports import wxr
from test_readme import mixed, wordpress_comment

from service.demo.command import SITE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chromium import Watched
    from demonstration import Demonstration
    from playwright.sync_api import Browser, Locator, Page

expect.set_options(timeout=30_000)
RETRAINED_WITHIN_MS = 240_000
MAX_PAGE_BYTES = 150 * 1024
LOOKS = [(screen, scheme) for screen in (PHONE, DESKTOP) for scheme in ("light", "dark")]
PUBLIC_PATHS = ("/sign-in", "/docs", f"/privacy/{SITE}?lang=en", f"/privacy/{SITE}?lang=de")
LOOK_NAMES = [f"{'phone' if screen is PHONE else 'desktop'}-{scheme}" for screen, scheme in LOOKS]


@pytest.fixture(scope="module")
def admin(chromium: Browser, demonstration: Demonstration) -> Any:
    """The cookies of somebody who has made the first account."""
    with watched(chromium, demonstration.hamgate) as seen:
        inspect(seen, demonstration.queue)
        state = make_account(seen, demonstration.queue)
        seen.check()
        return state


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


def test_what_is_not_there_is_said_so_everybody_can_read(moderator: Watched, demonstration: Demonstration) -> None:
    moderator.page.goto(f"{demonstration.hamgate}/moderate/nowhere")
    moderator.expect("404")
    assert overflow(moderator.page) == 0
    assert accessibility_violations(moderator.page) == []


def test_somebody_signs_in_and_out(chromium: Browser, demonstration: Demonstration, admin: Any) -> None:
    del admin  # the account is there
    with watched(chromium, demonstration.hamgate) as seen:
        page = seen.page
        for password, is_right in ((PASSWORD[:-1], False), (PASSWORD, True)):
            page.goto(f"{demonstration.hamgate}/moderate/")
            page.wait_for_url("**/sign-in**")
            page.get_by_label("Name").fill("ann")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            if is_right:
                page.wait_for_url("**/moderate/")
                expect(page.get_by_role("heading", name="Queue")).to_be_visible()
            else:
                expect(page.get_by_role("alert")).to_be_visible()
                seen.expect("401")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in**")
        page.goto(f"{demonstration.hamgate}/moderate/history")
        page.wait_for_url("**/sign-in**")
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


def test_an_admin_erases_a_person(visitor: Watched, moderator: Watched, demonstration: Demonstration) -> None:
    visitor.page.goto(f"{demonstration.newspaper}/night-ferry?sample=one+on+the+edge")
    visitor.page.get_by_label("Name").fill("Waldemar the Erased")
    visitor.page.get_by_role("button", name="Post comment").click()
    visitor.page.wait_for_url("**comment=**")
    page = moderator.page
    page.get_by_role("link", name="People").click()
    page.get_by_label("Author's name").fill("waldemar the erased")

    def found() -> str:
        page.get_by_role("button", name="Show").click()
        return page.locator("#found").inner_text()

    wait_until(lambda: found() == "1 found")
    assert accessibility_violations(page) == []
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Erase").click()
    page.get_by_role("status").filter(has_text="1 checks and 0 labels erased").wait_for()
    assert found() == "0 found"


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
        for path in PUBLIC_PATHS:
            inspect(stranger, demonstration.hamgate + path)
    with watched(chromium, demonstration.hamgate, **look, storage_state=admin) as seen:
        for url in crawled(seen.page, demonstration.hamgate):
            inspect(seen, url)


def crawled(page: Page, origin: str) -> Iterator[str]:
    """Yield a page of each kind that links lead to; whoever asks goes there before asking for another."""
    page.goto(f"{origin}/")
    known: set[str] = set()
    waiting = paths(page)
    while waiting:
        url = urljoin(origin, waiting.pop())
        if kind_of(url) not in known:
            known.add(kind_of(url))
            yield url
            waiting += [link.get_attribute("href") or "" for link in page.locator("main a[href^='/']").all()]
    assert {"/moderate", "/moderate/comments/…", "/moderate/history", "/moderate/model"} <= known


def kind_of(url: str) -> str:
    """Tell pages apart by their path, those of single comments, versions and jobs taken together."""
    return re.sub(r"/[0-9a-f]{2,}\b|/\d+\b", "/…", urlsplit(url).path).rstrip("/")


def test_no_page_is_heavy(chromium: Browser, demonstration: Demonstration, admin: Any) -> None:
    with watched(chromium, demonstration.hamgate, storage_state=admin) as seen:
        every = [f"{demonstration.newspaper}/night-ferry", *(demonstration.hamgate + path for path in PUBLIC_PATHS)]
        for url in crawled(seen.page, demonstration.hamgate):
            seen.page.goto(url)
            every.append(url)
    weights = {url: weight(chromium, url, admin) for url in every}
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


def card(page: Page, author: str) -> Locator:
    """Find a comment in a list by who wrote it."""
    return page.locator(".item").filter(has=page.get_by_role("heading", name=author))


def is_published(page: Page, author: str) -> bool:
    return page.locator(".comments").get_by_text(author, exact=True).count() == 1


def test_a_moderator_decides_by_keyboard_and_takes_it_back_and_the_newspaper_follows(
    moderator: Watched, visitor: Watched, demonstration: Demonstration
) -> None:
    queue, paper = moderator.page, visitor.page
    paper.goto(f"{demonstration.newspaper}/night-ferry")
    assert not is_published(paper, "Island Taxi")
    queue.goto(f"{demonstration.hamgate}/moderate/")
    waiting = queue.locator(".item").count()
    queue.keyboard.press("s")
    expect(queue.locator("#said")).to_have_text("Choose a comment first, with j and k.")
    queue.keyboard.press("u")
    expect(queue.locator("#said")).to_contain_text("Nothing was decided on this page yet")
    for _ in range(waiting):
        queue.keyboard.press("j")
        if queue.locator(".item:focus").get_by_role("heading", name="Island Taxi").count():
            break
    queue.keyboard.press("h")
    expect(card(queue, "Island Taxi")).to_have_count(0)
    expect(paper.locator(".comments").get_by_text("Island Taxi", exact=True)).to_be_visible()
    queue.keyboard.press("u")
    expect(card(queue, "Island Taxi")).to_have_count(1)
    expect(queue.locator(".item")).to_have_count(waiting)
    expect(paper.locator(".comments").get_by_text("Island Taxi", exact=True)).to_have_count(0)


def test_without_scripts_a_moderator_decides_as_well(
    chromium: Browser, demonstration: Demonstration, admin: Any
) -> None:
    with watched(chromium, demonstration.hamgate, storage_state=admin, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(f"{demonstration.hamgate}/moderate/")
        card(page, "Kitchen Deals").get_by_role("button", name="Spam").click()
        expect(card(page, "Kitchen Deals")).to_have_count(0)
        page.goto(f"{demonstration.hamgate}/moderate/history/labels")
        said = page.locator(".changes > li").filter(has_text="Kitchen Deals").first
        expect(said).to_contain_text("ann called it spam")
        said.get_by_role("button", name="Take it back").click()
        page.goto(f"{demonstration.hamgate}/moderate/")
        expect(card(page, "Kitchen Deals")).to_have_count(1)


def test_a_comment_is_explained(moderator: Watched, demonstration: Demonstration) -> None:
    page = moderator.page
    page.goto(f"{demonstration.hamgate}/moderate/")
    card(page, "Island Taxi").get_by_role("link", name="Why").click()
    page.wait_for_url("**/moderate/comments/*")
    expect(page.get_by_role("heading", name="Island Taxi")).to_be_visible()
    inspect(moderator, page.url)


def test_an_admin_sets_a_budget_and_goes_back(moderator: Watched, demonstration: Demonstration) -> None:
    page = moderator.page
    page.goto(f"{demonstration.hamgate}/moderate/settings?site=tidewater.example")
    page.locator("input[name=blocked]").last.check()
    page.get_by_role("button", name="Look at what would change").click()
    expect(page.get_by_role("heading", name="would change")).to_be_visible()
    inspect(moderator, page.url)
    page.get_by_role("button", name="Save this budget").click()
    expect(page.get_by_text("In force: a budget of")).to_be_visible()
    moderator.agreed.append("Go back to the model's own thresholds?")
    page.get_by_role("button", name="Go back to the model's own thresholds").click()
    expect(page.get_by_text("No budget is set")).to_be_visible()


def test_an_admin_imports_what_was_decided_elsewhere_retrains_promotes_and_rolls_back(
    moderator: Watched, demonstration: Demonstration, tmp_path: Path
) -> None:
    page = moderator.page
    export = tmp_path / "wordpress.xml"
    decided = enumerate(mixed(400, seed=1))
    export.write_text(wxr(*(wordpress_comment(number, one) for number, one in decided)), encoding="utf-8")
    page.goto(f"{demonstration.hamgate}/moderate/import")
    page.locator("input[type=file]").set_input_files(export)
    page.get_by_role("button", name="See what Hamgate makes of it").click()
    expect(page.get_by_role("heading", name="What it would have decided")).to_be_visible()
    inspect(moderator, page.url)
    page.get_by_role("button", name="Add these labels").click()
    expect(page.get_by_text("400 labels added")).to_be_visible()

    page.goto(f"{demonstration.hamgate}/moderate/model")
    page.get_by_role("button", name="Retrain on all labels").click()
    expect(page.locator("[data-job] progress")).to_be_visible()
    version = page.locator("#versions ~ .scroll th a").first
    expect(version).to_be_visible(timeout=RETRAINED_WITHIN_MS)
    expect(page.locator("[data-job]")).to_have_count(0, timeout=RETRAINED_WITHIN_MS)
    inspect(moderator, page.url)
    name = version.inner_text()
    version.click()
    page.wait_for_url(f"**/model/**{name}")
    if page.get_by_text("It has not been compared yet.").count():
        page.get_by_role("button", name="Compare with the served version").click()
    expect(page.get_by_text("The gate lets it pass.")).to_be_visible(timeout=RETRAINED_WITHIN_MS)
    inspect(moderator, page.url)
    moderator.agreed.extend([f"Serve version {name} from now on?", "Serve again what was served before?"])
    page.get_by_role("button", name="Promote", exact=True).click()
    expect(page.get_by_role("status").filter(has_text=f"Version {name} is served")).to_be_visible()
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("the model file that the service was started with").first).to_be_visible()
