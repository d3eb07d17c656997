"""A throw-away certificate authority for the tests, and a certificate of it, made by the openssl command."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files: the authority's certificate, one that it signed, and that one's key."""

    authority: Path
    certificate: Path
    key: Path


def make_certificate(folder: Path, *names: str) -> Certificate:
    """Make an authority and let it sign a certificate for names such as ``DNS:blog.example`` and ``IP:127.0.0.1``."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (Debian: openssl)")
    made = Certificate(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority = ("-keyout", str(folder / "authority-key.pem"), "-out", str(made.authority))
    _openssl("-subj", "/CN=Throw-away authority", *authority)
    signer = ("-CA", str(made.authority), "-CAkey", str(folder / "authority-key.pem"))
    extensions = ("-addext", f"subjectAltName={','.join(names)}", "-addext", "basicConstraints=critical,CA:FALSE")
    files = ("-keyout", str(made.key), "-out", str(made.certificate))
    _openssl("-subj", "/CN=Hamgate", *signer, *extensions, *files)
    return made


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", "req", "-x509", *CURVE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
