"""What a data set asks of every preset."""

from __future__ import annotations

import json

from refervid.datasets.avsbench_semantic import CLASSES, Avss


def for_dataset(name: str) -> list[str]:
    """Settings in the form "name=value" that go before the user's own.

    AVSS scores classes, so that sounding objects must go by the names of its classes.
    """
    return [f"sound.vocabulary={json.dumps(CLASSES[1:])}"] if name == Avss.name else []
