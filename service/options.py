"""How settings are declared: a flag, the ``HAMGATE_*`` variable of the same name, and the default in ``Config``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.config import DEFAULTS, default_database

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = TypeVar("Command", bound=Callable[..., Any])

SITE_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")


def setting(name: str, kind: Any, description: str, **more: Any) -> Callable[[Command], Command]:
    """Declare a setting: a flag, the ``HAMGATE_*`` variable of the same name, and the default in ``Config``."""
    parameter = name.replace("-", "_")
    declared = {"default": DEFAULTS.get(parameter), "show_default": True, **more}
    return click.option(
        f"--{name}",
        parameter,
        type=kind,
        envvar=f"HAMGATE_{parameter.upper()}",
        show_envvar=True,
        help=description,
        **declared,
    )


database = setting(
    "database",
    str,
    "URL of the database: SQLite or PostgreSQL.",
    default=default_database,
    show_default=default_database(),
)

secret = setting(
    "secret",
    str,
    "What all keyed hashes are derived from; every host that shares a database needs the same. Better set as a variable"
    " than as a flag, which others on the machine can read.",
    show_default="kept in a file beside the database",
)

hash_addresses = setting(
    "hash-addresses", bool, "Whether e-mail and IP addresses are stored as keyed hashes, and not as they were sent."
)


def site_name(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """Check the name of a site that a command is given."""
    del context
    if not SITE_NAME.fullmatch(name):
        raise click.BadParameter(
            f"found site name {name!r}, expected lower-case letters, digits, dots and dashes: blog.example",
            param=parameter,
        )
    return name
