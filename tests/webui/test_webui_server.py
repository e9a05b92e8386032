"""What the server hands out and what it refuses, without a browser."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.errors import MediaNotFound
from refervid.webui.uploads import uploaded_file
from tests.clips import tone, write_wav
from tests.webui.conftest import FRAMES, SQUARE_CENTRE

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webui_client.py"


@pytest.fixture
def client(site: Any) -> Client:
    return Client(site.address, verbose=False)


def test_the_example_client(site: Any, video: Path, tmp_path: Path) -> None:
    words = [sys.executable, str(EXAMPLE), site.address, str(video), "the red disc", str(tmp_path / "a.zip")]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "my-clip: 20 frames, 144 x 96" in printed
    assert "the red disc ok" in printed
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {"result.json", "overlay.mp4", "coco_rle.json"} <= set(archive.namelist())


def test_every_operation_over_http(client: Client, site: Any, video: Path) -> None:
    assert client.predict(api_name="/presets")["lite"]["missing"] == []
    assert client.predict(handle_file(video), api_name="/open_clip")["has_audio"]
    answers = client.predict(["the red disc"], True, "lite", api_name="/ask")
    assert [query["kind"] for query in answers["queries"]] == ["text", "sound"]
    assert answers["queries"][0]["status"] == "ok"
    decision = next(
        place for place, one in enumerate(answers["queries"][0]["decisions"]) if one["question"] == "box"
    )
    other = client.predict(0, decision, 2, api_name="/take_candidate")
    assert other["queries"][0]["areas"] != answers["queries"][0]["areas"]
    mark = {"query": 0, "frame": 4, "box": [98, 12, 131, 45], "afresh": True}
    square = client.predict(mark, api_name="/correct")["queries"][0]["boxes_xyxy"][10]
    assert square[0] < SQUARE_CENTRE[0] < square[2]
    assert client.predict(api_name="/undo")["queries"] == other["queries"]
    film = httpx.get(site.address + client.predict(api_name="/overlay"))
    assert film.headers["content-type"] == "video/mp4"
    part = httpx.get(str(film.url), headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    recipe = client.predict(["npz"], api_name="/recipe")
    assert "--format npz" in recipe["shell"]
    assert "candidate_pivot" in recipe["python"]
    assert client.predict(api_name="/cancel") is False


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda c, _: c.predict(["it"], api_name="/ask"), "Choose a clip"),
        (lambda c, _: c.predict(api_name="/undo"), "no correction"),
        (lambda c, _: c.predict(api_name="/recipe"), "no answer"),
        (lambda c, _: c.predict(api_name="/overlay"), "no answer"),
        (lambda c, _: c.predict({"query": 0}, api_name="/correct"), "mark"),
        (lambda c, _: c.predict({"path": "/etc/passwd"}, api_name="/open_clip"), "not there"),
        (lambda c, f: c.predict(handle_file(f / "sound.wav"), api_name="/open_clip"), "no moving pictures"),
        (lambda c, f: c.predict(handle_file(f / "text.mp4"), api_name="/open_clip"), "cannot be read"),
    ],
)
def test_mistakes_are_told_in_plain_words(client: Client, tmp_path: Path, call: Any, hint: str) -> None:
    write_wav(tmp_path / "sound.wav", tone(0.5))
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile '/etc/passwd'\n")
    with pytest.raises(AppError, match=hint) as caught:
        call(client, tmp_path)
    assert "/" not in str(caught.value)


def test_too_large_an_upload_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "large.mp4").write_bytes(bytes(600_000))
    with pytest.raises(Exception, match=r"413|[Ff]ile size|large"):
        client.predict(handle_file(tmp_path / "large.mp4"), api_name="/open_clip")


def test_nobody_sees_what_is_not_theirs(client: Client, site: Any, video: Path) -> None:
    client.predict(handle_file(video), api_name="/open_clip")
    client.predict(["the red disc"], api_name="/ask")
    film = client.predict(api_name="/overlay")
    token = film.split("/")[2]
    other = Client(site.address, verbose=False)
    with pytest.raises(AppError, match="no answer"):
        other.predict(api_name="/overlay")
    start = f"{site.address}/studio/{token}"
    found = [f"clip-1/{FRAMES - 1}.jpg", "mask-1/0/3.png", "still-1.jpg", film.split("/", 3)[3]]
    assert [httpx.get(f"{start}/{path}").status_code for path in found] == [200] * 4
    wrong = ["clip-1/99.jpg", "clip-1/-1.jpg", "mask-1/3/3.png", "mask-1/0/99.png", "mask-9/0/3.png",
             "still-9.jpg", "files/..%2f..%2fetc%2fpasswd", "files/clips", "files/result.json"]  # fmt: skip
    assert [httpx.get(f"{start}/{path}").status_code for path in wrong] == [404] * len(wrong)
    elsewhere = start.replace(token, "x" * len(token))
    assert [httpx.get(f"{elsewhere}/{path}").status_code for path in found] == [404] * 4


def test_no_other_file_is_served(site: Any) -> None:
    for path in ("/etc/passwd", str(Path(__file__)), str(site.studios._folder)):
        assert httpx.get(f"{site.address}/gradio_api/file={path}").status_code in (403, 404)
        with pytest.raises(MediaNotFound):
            uploaded_file(path)


def test_other_names_of_this_machine_are_refused(site: Any) -> None:
    assert httpx.get(site.address).status_code == 200
    assert httpx.get(site.address, headers={"Host": "evil.example"}).status_code == 400


def test_the_page_may_ask_nobody_else(site: Any) -> None:
    answer = httpx.get(site.address)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_taken_port_is_told(site: Any) -> None:
    port = site.address.rsplit(":", 1)[1]
    result = CliRunner().invoke(app, ["ui", "--port", port, "--no-browser"])
    assert result.exit_code == 2
    assert "--port" in result.stderr
