"""What the public page says, in each language: a file in ``translations`` for each, and nothing else to be done.

Numbers of days and lists are worded by Babel, as each language has its own plurals.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.lists import format_list
from babel.units import format_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT = "en"
_FOLDER = Path(__file__).with_name("translations")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language: its BCP 47 tag, and its texts by table and name."""

    language: str
    tables: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        """The language's own name of itself."""
        return Locale.parse(self.language, sep="-").get_display_name(self.language) or self.language

    @property
    def direction(self) -> str:
        """Whether it is written from left to right (ltr) or from right to left (rtl)."""
        return Locale.parse(self.language, sep="-").text_direction

    def text(self, table: str, name: str, **values: Any) -> str:
        """Return a text with its values put in: days worded, names of fields and other things listed."""
        return self.tables[table][name].format(**{key: self._worded(key, value) for key, value in values.items()})

    def _worded(self, key: str, value: Any) -> str:
        if key == "days":
            return format_unit(value, "duration-day", locale=self.language.replace("-", "_"))
        if key == "fields":
            return self._listed([self.tables["fields"][name] for name in value])
        return self._listed(list(value)) if isinstance(value, (tuple, list)) else str(value)

    def _listed(self, words: Sequence[str]) -> str:
        return format_list(words, locale=self.language.replace("-", "_"))


@cache
def catalogues() -> dict[str, Catalogue]:
    """Read every language there is, by its tag."""
    files = sorted(_FOLDER.glob("*.toml"))
    return {file.stem: Catalogue(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files}
