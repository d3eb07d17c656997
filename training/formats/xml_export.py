"""Exports as XML: WordPress's WXR and Disqus's. The root element tells which one it is.

Owns parsing: as a stream in flat memory, without expanding entities or opening connections. A file that breaks off is
reported where it breaks, and what came before is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from training.formats import disqus, wordpress
from training.formats.row import FileError, Rejected, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

_READERS = {"rss": wordpress.rows, f"{{{disqus.NAMESPACE}}}disqus": disqus.rows}


def read(stream: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    """Yield the comments in order; lines are those of the file.

    Raises:
        FileError: it is no XML, or none of these exports.
    """
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        _, root = next(events)
    except (etree.XMLSyntaxError, StopIteration) as error:
        raise FileError(source, f"not readable as XML: {error}") from error
    if root.tag not in _READERS:
        raise FileError(source, f"found <{etree.QName(root).localname}>, expected an export of WordPress or Disqus")
    try:
        for line, fields in _READERS[root.tag](element for event, element in events if event == "end"):
            yield Row(source, line, fields)
    except etree.XMLSyntaxError as error:
        yield Rejected(source, error.lineno or 1, f"broken XML, nothing is read from here on: {error.msg}")
