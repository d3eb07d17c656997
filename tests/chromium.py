"""A real browser for tests: Debian's Chromium, driven by Playwright, with a watch for whatever must not happen."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # containers give root no other choice
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
PASSWORD = "a quiet harbour at night"
PHONE = {"width": 360, "height": 780}
DESKTOP = {"width": 1280, "height": 900}
CANARY = "hamgateCanary"
"""What the hostile comments set, call or show where something of them is run."""
WATCH = """
addEventListener("securitypolicyviolation", event =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""
STRANGERS = """
origins => [...document.querySelectorAll("*")].flatMap(element => {
  const found = [];
  if (["BASE", "IFRAME", "OBJECT", "EMBED", "APPLET", "STYLE", "TEMPLATE", "MARQUEE"].includes(element.tagName))
    found.push(`element ${element.tagName}`);
  if (element.tagName === "SCRIPT" && !element.src) found.push("an inline script");
  if (element.httpEquiv === "refresh") found.push("a refresh");
  for (const { name, value } of element.attributes) {
    if (name.startsWith("on") || name === "style" || name === "srcdoc") found.push(`attribute ${name}=${value}`);
    if (/^(href|src|action|formaction|data|poster|background|ping|srcset|xlink:href)$/.test(name)
        && element.namespaceURI === "http://www.w3.org/1999/xhtml"
        && !origins.includes(new URL(value, document.baseURI).origin)) found.push(`${name}=${value}`);
  }
  return found.map(what => what.slice(0, 200));
})
"""
"""Finds what could run something, or lead elsewhere."""
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def program() -> str | None:
    """Find a browser that is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def browsing(executable: str, environment: dict[str, str] | None = None) -> Iterator[Browser]:
    """Run a browser."""
    environ: dict[str, str | float | bool] = {**os.environ, **(environment or {})}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS, env=environ)
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True)
class Watched:
    """A page of a context of its own, and all that happened in it that should not have."""

    page: Page
    incidents: list[str] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    """Questions of the page that are answered with yes."""

    def expect(self, status: str) -> None:
        """Take it as no incident that a page came with this status."""
        self.incidents[:] = [one for one in self.incidents if f"responded with a status of {status}" not in one]

    def check(self) -> None:
        """Fail if anything happened since the last time, or if something of a comment was run."""
        canary = self.page.evaluate(f"typeof window.{CANARY}")
        if canary != "undefined":
            self.incidents.append(f"the canary is a {canary}")
        found = list(self.incidents)
        self.incidents.clear()
        assert not found, "\n".join(found)


@contextmanager
def watched(browser: Browser, *origins: str, **options: Any) -> Iterator[Watched]:
    """Open a page that may ask for nothing but what is at these origins."""
    context = browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light", **options})
    context.set_default_timeout(30_000)
    context.add_init_script(WATCH)
    try:
        seen = Watched(context.new_page())
        _watch(context, seen, set(origins))
        yield seen
    finally:
        context.close()


def _watch(context: BrowserContext, seen: Watched, origins: set[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.incidents.append(f"console {message.type}: {message.text[:300]}")

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and f"{address.scheme}://{address.netloc}" not in origins:
            seen.incidents.append(f"request to {request.url[:200]}")

    def on_dialog(dialog: Dialog) -> None:
        if dialog.message in seen.agreed:
            dialog.accept()
        else:
            seen.incidents.append(f"dialog: {dialog.message[:100]}")
            dialog.dismiss()

    context.on("console", on_console)
    context.on("weberror", lambda error: seen.incidents.append(f"error: {str(error.error)[:300]}"))
    context.on("request", on_request)
    context.on("dialog", on_dialog)
    context.on("page", lambda page: seen.incidents.append(f"window opened: {page.url[:100]}"))


def make_account(seen: Watched, link: str) -> Any:
    """Make the first account as the link lets one, and return its cookies."""
    page = seen.page
    page.goto(link)
    page.get_by_label("Name").fill("ann")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url("**/moderate**")
    return page.context.storage_state()


def strangers(page: Page, *origins: str) -> list[str]:
    """List what in the page could run something of a comment, or lead to anywhere but these origins."""
    found: list[str] = page.evaluate(STRANGERS, list(origins))
    return found


def overflow(page: Page) -> int:
    """Return how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def accessibility_violations(page: Page) -> list[str]:
    """Ask axe-core, and name each rule that is broken and by what."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]
