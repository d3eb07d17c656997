"""Takes the pictures of ``docs/screenshots``: every page of a demonstration, on a phone and a desktop, light and dark.

``python tests/screenshots.py [NAME...]`` takes all, or those of the pages named. It wants Chromium and, so that the
pictures look alike everywhere, the fonts Inter, Charis SIL and Noto Color Emoji (Debian: chromium, fonts-inter,
fonts-sil-charis, fonts-noto-color-emoji).
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromium import browsing, make_account, program, watched
from demonstration import start_demonstration
from PIL import Image
from playwright.sync_api import expect
from test_exports import wxr
from test_readme import mixed, wordpress_comment

if TYPE_CHECKING:
    from chromium import Watched
    from demonstration import Demonstration
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
SCREENS = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
COLORS = 200
WORK_MS = 240_000
VERSIONS = "#versions ~ .scroll th a"
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include>/etc/fonts/fonts.conf</include>
<match><test name="family"><string>sans</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
<match><test name="family"><string>sans-serif</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
<match><test name="family"><string>system-ui</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
</fontconfig>
"""


def main(names: list[str]) -> None:
    """Take the pictures."""
    executable = program()
    if executable is None:
        sys.exit("there is no Chromium (Debian: chromium)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(FONTS, encoding="utf-8")
        demonstration = start_demonstration(Path(folder), "--folder", folder)
        try:
            with browsing(executable, {"FONTCONFIG_FILE": str(fonts)}) as browser:
                take_all(browser, demonstration, names)
        finally:
            demonstration.stop()


def take_all(browser: Browser, demonstration: Demonstration, names: list[str]) -> None:
    """Take the pictures of each page wanted in each look."""
    with watched(browser, demonstration.hamgate) as seen:
        state = make_account(seen, demonstration.queue)
        import_labels(seen, demonstration)
    addresses = {name: url for name, url in pages(browser, demonstration, state).items() if not names or name in names}
    for screen, viewport in SCREENS.items():
        for scheme in SCHEMES:
            look: dict[str, Any] = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
            with watched(browser, demonstration.hamgate, demonstration.newspaper, storage_state=state, **look) as seen:
                for name, url in addresses.items():
                    seen.page.goto(url, wait_until="load")
                    expect(seen.page.locator("[data-job]")).to_have_count(0, timeout=WORK_MS)
                    if name == "demo":
                        seen.page.locator(".verdict summary").first.click()
                    seen.page.wait_for_timeout(300)
                    take(seen.page, FOLDER / f"{name}-{screen}-{scheme}.png")
                seen.check()
            for name, url in strangers_pages(demonstration).items():
                if not names or name in names:
                    with watched(browser, demonstration.hamgate, **look) as stranger:
                        stranger.page.goto(url, wait_until="load")
                        take(stranger.page, FOLDER / f"{name}-{screen}-{scheme}.png")


def strangers_pages(demonstration: Demonstration) -> dict[str, str]:
    """Name the pages of Hamgate that are for everybody."""
    paths = {"sign-in": "/sign-in", "privacy": "/privacy/tidewater.example", "docs": "/docs"}
    return {name: demonstration.hamgate + path for name, path in paths.items()}


def import_labels(seen: Watched, demonstration: Demonstration) -> None:
    """Bring what was decided elsewhere, so that there is something to see of it."""
    decided = enumerate(mixed(240, seed=1))
    export = wxr(*(wordpress_comment(number, one) for number, one in decided)).encode()
    seen.page.goto(f"{demonstration.hamgate}/moderate/import")
    file = {"name": "old-blog.xml", "mimeType": "text/xml", "buffer": export}
    seen.page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]  # it is one of its own types
    seen.page.get_by_role("button", name="See what Hamgate makes of it").click()
    seen.page.get_by_role("button", name="Add these labels").click(timeout=WORK_MS)
    seen.page.get_by_text("240 labels added").wait_for(timeout=WORK_MS)
    seen.page.goto(f"{demonstration.hamgate}/moderate/model")
    seen.page.get_by_role("button", name="Look again how it does").click()
    seen.page.get_by_text("As of").wait_for(timeout=WORK_MS)
    seen.page.get_by_role("button", name="Retrain on all labels").click()
    seen.page.locator(VERSIONS).first.wait_for(timeout=WORK_MS)


def pages(browser: Browser, demonstration: Demonstration, state: Any) -> dict[str, str]:
    """Name every page: those of the navigation, and those that are reached in other ways."""
    with watched(browser, demonstration.hamgate, storage_state=state) as seen:
        seen.page.goto(f"{demonstration.hamgate}/")
        links = seen.page.locator("nav[aria-label=Pages] a").all()
        found = {link.inner_text().lower().replace(" ", "-"): f"{link.evaluate('a => a.href')}" for link in links}
        why = seen.page.locator('a[href*="/moderate/comments/"]')
        seen.page.goto(f"{demonstration.hamgate}/moderate/model")
        found["version"] = f"{seen.page.locator(VERSIONS).first.evaluate('a => a.href')}"
        seen.page.goto(f"{demonstration.hamgate}/")
        if why.count():
            found["why"] = f"{why.first.evaluate('a => a.href')}"
    found["demo"] = send_comment(browser, demonstration)
    found["newspaper"] = f"{demonstration.newspaper}/night-ferry"
    found["front"] = f"{demonstration.newspaper}/"
    found["changes"] = f"{demonstration.hamgate}/moderate/history/labels"
    return found


def send_comment(browser: Browser, demonstration: Demonstration) -> str:
    """Send a comment that is held, and return where its author sees it."""
    with watched(browser, demonstration.newspaper) as seen:
        seen.page.goto(f"{demonstration.newspaper}/night-ferry?sample=one+on+the+edge")
        seen.page.get_by_role("button", name="Post comment").click()
        seen.page.wait_for_url("**comment=**")
        return seen.page.url


def take(page: Page, file: Path) -> None:
    """Take a picture, in few enough colours to be small."""
    taken = Image.open(io.BytesIO(page.screenshot()))
    taken.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
