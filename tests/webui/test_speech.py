"""A sentence by the microphone, in a real browser whose microphone plays a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engines.tiny_whisper import whisper_folder
from tests.webui.conftest import LIMITS, Browsing, shoot
from tests.webui.serving import served
from tests.webui.steps import RED, ending, expect


def test_what_is_said_can_be_read_and_corrected(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper_folder(tmp_path / "whisper-small")
    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    with served(LIMITS) as site, chromium.new_context(permissions=["microphone"]) as context:
        browsing = Browsing(context, site.address)
        page = browsing.open()
        page.get_by_label("What to find").fill(RED)
        page.get_by_role("button", name="Say it").click()
        page.get_by_role("button", name=re.compile(r"Stop \([1-9]\d* s\)")).wait_for()
        shoot(page, "speech")
        with ending(page, "That is what was heard"):
            page.get_by_role("button", name="Stop").click()
        expect(page.get_by_label("What to find")).to_have_value(re.compile(f"^{RED}\n.*the cup"))
        expect(page.get_by_role("button", name="Say it")).to_be_enabled()
        browsing.close()


def test_where_nothing_can_be_heard_it_says_why(browsing: Browsing) -> None:
    speak = browsing.open().get_by_role("button", name="Say it")
    expect(speak).to_be_disabled()
    expect(speak).to_have_attribute("title", re.compile("whisper-small"))
