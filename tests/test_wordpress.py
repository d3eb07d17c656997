"""A real WordPress whose Akismet plugin is pointed here: visitors comment in a real browser, and a moderator decides.

With ``HAMGATE_SCREENSHOTS`` the screenshots of ``docs`` are written into that folder.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from conftest import free_port, site_of, wait_until
from debian import Archive
from wordpress import ADMIN, PASSWORD, SOURCE, WordPress, missing

from service.cli import main
from training.database import Database
from training.labels import LabelStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Service
    from playwright.sync_api import Browser, Page

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
README_PORT = "127.0.0.1:8000"
SPAMMER = ("Cheap Viagra Online", "http://cheap-viagra.example/")
SPAM = "Buy cheap viagra online without prescription http://cheap-viagra.example/ best price viagra"
LIKE_IT = f"{SPAM} http://more-pills.example/"
HAM = "Thanks, that solved it. My dough was too wet all along. How long do you let it rest?"
HELD, SHOWN = "0", "1"
FOLLOWED_SECONDS = 1.5
"""Until every worker knows of a setting; a second is promised."""


def redirection(port: int) -> str:
    """Return the must-use plugin of the README, for a Hamgate on that port."""
    (code,) = re.findall(r"```php\n(<\?php.*?)```", README, re.DOTALL)
    assert README_PORT in code
    return code.replace(README_PORT, f"127.0.0.1:{port}")


@pytest.fixture(scope="module")
def blog(service: Service) -> Iterator[WordPress]:
    packages = missing()
    if packages:
        pytest.skip(f"WordPress can't be run (Debian: {' '.join(packages)})")
    installed = WordPress(redirection(service.port))
    try:
        installed.start()
        yield installed
    finally:
        installed.remove()


@pytest.fixture(scope="module", params=["installed", "newer"])
def plugin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Akismet plugin of Debian's WordPress, and the one of a newer Debian's."""
    within = Path("wp-content/plugins/akismet")
    if request.param == "installed":
        return SOURCE / within
    return Archive(tmp_path_factory.mktemp("debian")).package("wordpress") / "usr/share/wordpress" / within


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """A browser whose windows are closed after the test."""
    yield chromium
    for window in chromium.contexts:
        window.close()


class Visitor:
    """Somebody without an account, in a browser of their own."""

    def __init__(self, browser: Browser, blog: WordPress) -> None:
        self.page = browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
        self._blog = blog

    def comments(self, post: str, text: str, author: str = "Nora", link: str = "") -> str:
        """Fill in the form below a post, and return what WordPress has made of the comment."""
        self.sends(post, text, author, link)
        content, status = self._blog.newest_comment()
        assert content == text, self.page.inner_text("body")
        return status

    def sends(self, post: str, text: str, author: str, link: str) -> None:
        """Fill in the form below a post."""
        self.page.goto(post)
        self.page.get_by_role("textbox", name="Comment").fill(text)
        self.page.get_by_label("Name *").fill(author)
        self.page.get_by_label("Email *").fill("somebody@mail.example")
        self.page.get_by_role("textbox", name="Website").fill(link)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Post Comment").click()

    def reads(self, post: str) -> str:
        """Return what a post's page says."""
        self.page.goto(post)
        return self.page.inner_text("body")


class Moderator:
    """The blog's admin, signed in."""

    def __init__(self, browser: Browser, blog: WordPress) -> None:
        self.page = browser.new_context(viewport={"width": 1000, "height": 480}).new_page()
        self._blog = blog
        self.page.goto(f"{blog.url}/wp-login.php")
        # The page moves the focus there a moment after it has loaded, and what is being filled in with it.
        self.page.wait_for_function("document.activeElement?.id === 'user_login'")
        self.page.get_by_label("Username or Email Address").fill(ADMIN)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Log In").click()

    def opens(self, queue: str) -> Page:
        """Show the comments that are ``spam``, or wait for moderation (``moderated``)."""
        self.page.goto(f"{self._blog.url}/wp-admin/edit-comments.php?comment_status={queue}")
        return self.page

    def clicks(self, action: str) -> None:
        """Click ``spam`` or ``unspam``, which WordPress calls "Not Spam", below the first comment of the open queue."""
        self.points_at_first()
        with self.page.expect_response(lambda answer: "admin-ajax.php" in answer.url and answer.ok):
            self.page.locator(f"#the-comment-list .{action} a").first.click()

    def points_at_first(self) -> None:
        """Move the mouse there, which shows what can be done with the comment."""
        self.page.locator("#the-comment-list .column-date").first.hover()


def test_spam_is_held_ham_is_shown_and_what_is_not_spam_is_let_through(
    blog: WordPress, plugin: Path, site_key: str, service: Service, browser: Browser, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("HAMGATE_SCREENSHOTS", tmp_path))
    blog.use_akismet(plugin, site_key)
    bread, oven, flour = map(blog.add_post, ("Bread without a machine", "An oven from clay", "What flour is good for"))
    visitor, spammer = Visitor(browser, blog), Visitor(browser, blog)

    assert spammer.comments(bread, SPAM, *SPAMMER) == "spam"
    assert visitor.comments(bread, HAM) == SHOWN
    assert HAM in spammer.reads(bread)
    assert "viagra" not in visitor.reads(bread)
    visitor.page.locator(".wp-block-comments").screenshot(path=shots / "wordpress-ham-shown.png")

    moderator = Moderator(browser, blog)
    assert SPAM.split()[0] in moderator.opens("spam").inner_text("#the-comment-list")
    moderator.points_at_first()
    moderator.page.screenshot(path=shots / "wordpress-spam-held.png")
    moderator.clicks("unspam")
    wait_until(lambda: labels_of(service, site_key) == [("ham", ADMIN)])
    wait_until(lambda: decision(service, site_key, SPAM) == "allow")
    assert spammer.comments(oven, SPAM, *SPAMMER) == SHOWN
    assert "without prescription" in visitor.reads(oven)
    visitor.page.locator(".wp-block-comments").screenshot(path=shots / "wordpress-not-spam.png")

    assert spammer.comments(oven, LIKE_IT, *SPAMMER) == HELD
    assert "more-pills" not in visitor.reads(oven)
    moderator.opens("moderated")
    moderator.points_at_first()
    moderator.page.screenshot(path=shots / "wordpress-held-for-review.png")
    moderator.clicks("spam")
    wait_until(lambda: decision(service, site_key, LIKE_IT) in ("block", "discard"))
    assert spammer.comments(flour, LIKE_IT, *SPAMMER) == "spam"


def test_the_settings_page_finds_what_it_shows(blog: WordPress, plugin: Path, site_key: str, browser: Browser) -> None:
    blog.use_akismet(plugin, site_key)
    assert Visitor(browser, blog).comments(blog.add_post("Rye"), SPAM, *SPAMMER) == "spam"
    page = Moderator(browser, blog).page
    page.goto(f"{blog.url}/wp-admin/options-general.php?page=akismet-key-config")
    shown = page.inner_text("body")
    assert "100%" in shown
    assert "warning" not in shown.lower()


def test_blatant_spam_is_dropped_where_the_plugin_is_set_to(
    blog: WordPress, plugin: Path, site_key: str, browser: Browser
) -> None:
    blog.use_akismet(plugin, site_key, drops_blatant_spam=True)
    post, visitor = blog.add_post("Barley"), Visitor(browser, blog)
    assert visitor.comments(post, HAM) == SHOWN
    visitor.sends(post, SPAM, *SPAMMER)
    assert blog.newest_comment() == (HAM, SHOWN)


def test_the_plugin_knows_good_keys_from_bad(blog: WordPress, plugin: Path, site_key: str) -> None:
    blog.use_akismet(plugin, site_key)
    keys = (site_key, site_key.upper(), "aaaaaaaaaaaa", "short")
    answers = blog.inside(f"echo json_encode(array_map('Akismet::verify_key', {list(keys)}));")
    assert json.loads(answers) == ["valid", "valid", "invalid", "invalid"]


def test_comments_wait_while_hamgate_is_away_and_are_checked_later(
    blog: WordPress, plugin: Path, site_key: str, service: Service, browser: Browser
) -> None:
    blog.use_akismet(plugin, site_key)
    blog.redirect(redirection(free_port()))
    post, visitor = blog.add_post("Sourdough"), Visitor(browser, blog)
    try:
        assert visitor.comments(post, HAM) == HELD
        assert visitor.comments(post, SPAM, *SPAMMER) == HELD
    finally:
        blog.redirect(redirection(service.port))
    blog.inside("Akismet::cron_recheck();")
    decided = blog.inside(
        f"foreach (get_approved_comments(url_to_postid('{post}')) as $one) echo $one->comment_author;"
    )
    assert decided == "Nora"


def test_what_is_learnt_later_moves_a_comment_that_nobody_has_decided(
    blog: WordPress, plugin: Path, site_key: str, service: Service, browser: Browser
) -> None:
    if "webhook" not in (plugin / "class.akismet-rest-api.php").read_text(encoding="utf-8"):
        pytest.skip("this version of the plugin can't be told")
    blog.use_akismet(plugin, site_key)
    host = blog.url.removeprefix("http://")
    allowing = ["sites", "callbacks", site_of(site_key), "--add", host, "--private", "--database", service.database]
    assert CliRunner().invoke(main, allowing).exit_code == 0
    time.sleep(FOLLOWED_SECONDS)
    assert Visitor(browser, blog).comments(blog.add_post("Spelt"), HAM) == SHOWN
    like_it = json.dumps({"text": f"{HAM} Indeed.", "author": "Nora", "label": "spam"}).encode()
    assert service.call("POST", "/v1/labels", like_it, Authorization=f"Bearer {site_key}").status == 201
    wait_until(lambda: blog.newest_comment() == (HAM, "spam"))


def decision(service: Service, key: str, text: str) -> str:
    """Ask Hamgate itself."""
    comment = {"text": text, "author": SPAMMER[0], "author_url": SPAMMER[1], "author_email": "somebody@mail.example"}
    return str(
        service.call("POST", "/v1/check", json.dumps(comment).encode(), Authorization=f"Bearer {key}").json()[
            "decision"
        ]
    )


def labels_of(service: Service, key: str) -> list[tuple[str, str]]:
    """Return what was said of the comments of a site, and who said so."""
    with Database(service.database) as database:
        return [(one.label, one.labelled_by) for _, one in LabelStore(database).latest(site=site_of(key))]
