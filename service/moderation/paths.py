"""Which paths lead to pages for people, and not to the interface for sites."""

PAGES = ("/moderate", "/sign-in", "/sign-out", "/welcome/", "/privacy/", "/static/")


def is_page(path: str) -> bool:
    """Whether somebody who asks for this path expects a page."""
    return path == "/" or path.startswith(PAGES)
