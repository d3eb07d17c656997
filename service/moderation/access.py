"""Who may do what: the role that each view needs, and the sites that an account is limited to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import abort, g

from training.accounts import Account, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    View = TypeVar("View", bound=Callable[..., Any])

_NEEDS = "hamgate_needs"


def needs(role: Role) -> Callable[[View], View]:
    """Say which role a view needs at least."""

    def mark(view: View) -> View:
        setattr(view, _NEEDS, role)
        return view

    return mark


def open_to_all(view: View) -> View:
    """Say that a view is for everybody, signed in or not."""
    setattr(view, _NEEDS, None)
    return view


def needed_role(view: Callable[..., Any]) -> Role | None:
    """Return the role that a view needs, ``None`` for none; a view that nothing was said about is for admins."""
    role: Role | None = getattr(view, _NEEDS, Role.ADMIN)
    return role


def enter(account: Account | None, role: Role | None) -> None:
    """Let an account into a view that needs a role, or refuse with 401 or 403."""
    g.account = account
    if role is None:
        return
    if account is None:
        abort(401, "Sign in to see this page.")
    if role is Role.ADMIN and not account.is_admin:
        abort(403, "This page is for admins.")


def signed_in() -> Account:
    """Return the account that the request is made by, in a view that needs a role."""
    account: Account = g.account
    return account


def require_site(site: str) -> None:
    """Refuse with 404, as for what there is not, unless the account may see what belongs to this site."""
    if not signed_in().may_see(site):
        abort(404)
