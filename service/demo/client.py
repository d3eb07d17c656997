"""Hamgate, as a site's backend calls it: over HTTP, with a key and a deadline."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class NoAnswerError(Exception):
    """Hamgate can't be reached, is too slow, or can't answer at the moment."""


class UnknownCheckError(Exception):
    """Hamgate knows no such check, or no longer."""


@dataclass(frozen=True, slots=True)
class Hamgate:
    """Where Hamgate answers, the site's key, and how long to wait for an answer."""

    url: str
    key: str
    timeout_seconds: float = 2.0

    def check(self, comment: dict[str, str]) -> dict[str, Any]:
        """Ask about a comment.

        Raises:
            NoAnswerError: there is no verdict.
        """
        return self._call("/v1/check", json.dumps(comment).encode())

    def label_of(self, check_id: str) -> str | None:
        """Ask what a person has said of a comment since: ``spam``, ``ham`` or nothing.

        Raises:
            NoAnswerError: it can't be known at the moment.
            UnknownCheckError: it won't be known any more.
        """
        label: str | None = self._call(f"/v1/checks/{check_id}")["label"]
        return label

    def _call(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", body, headers)  # noqa: S310 - the command's own URL
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_seconds) as response:  # noqa: S310
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404:
                    raise UnknownCheckError from error
                raise NoAnswerError(f"Hamgate answered {error.code}") from error
        except (OSError, ValueError) as error:
            raise NoAnswerError("Hamgate does not answer") from error
