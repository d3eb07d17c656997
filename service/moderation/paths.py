"""Which paths lead to pages for people, and not to the interface for sites."""

HOME = "/"
PAGES = ("/moderate", "/sign-in", "/sign-out", "/welcome/", "/privacy/", "/static/")


def is_page(path: str) -> bool:
    """Whether somebody who asks for this path expects a page."""
    return path == HOME or path.startswith(PAGES)


def local(target: str) -> str:
    """Return a path on this host to go on to: the one wanted, if it is one, and else the first page."""
    is_path = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_path else HOME
