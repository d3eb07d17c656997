"""Every loop that the service needs, used once, so that none is compiled while somebody waits for an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from model.sketch import count_alike
from service.served_model import PROBE, proven
from training.labels import GivenLabel
from training.memory import Memory
from training.online import OnlineLayer

if TYPE_CHECKING:
    from pathlib import Path


def rehearse(model: Path) -> None:
    """Check a comment, learn a label of it, and find it again.

    Raises:
        ArtifactError: the model is none.
        OSError: it can't be read.
    """
    served = proven(model)
    given = GivenLabel("", PROBE, "spam", "", datetime.now(UTC))
    OnlineLayer(served.scorer).learn(given)
    memory = Memory()
    memory.learn(1, given)
    sketch = served.check(PROBE).sketch
    memory.nearest("", sketch, 1)
    count_alike(sketch, [sketch])
