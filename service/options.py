"""How settings are declared: a flag, the ``HAMGATE_*`` variable of the same name, and the default in ``Config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from service.config import DEFAULTS, default_database

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = TypeVar("Command", bound=Callable[..., Any])


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
