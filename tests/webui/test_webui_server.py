"""What the server hands out and what it refuses, without a browser."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import webbrowser
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
import typer
from PIL import Image

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from typer.testing import CliRunner

from refervid.cli.app import app
from refervid.core.errors import MediaNotFound
from refervid.webui.viewing import viewer_state
from tests.clips import tone, write_wav
from tests.webui.conftest import FRAMES, HEIGHT, PATIENCE_S, SQUARE_CENTRE, WIDTH, others_job, until

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webui_client.py"


@pytest.fixture
def client(site: Any) -> Client:
    return new_client(site)


@pytest.fixture(scope="module")
def newcomer(site: Any) -> Client:
    """Somebody who never has a clip."""
    return new_client(site)


def new_client(site: Any) -> Client:
    return Client(site.address, verbose=False, httpx_kwargs={"timeout": PATIENCE_S})


def fetch(address: str, **options: Any) -> httpx.Response:
    return httpx.get(address, timeout=PATIENCE_S, **options)


def uploads(site: Any) -> list[Path]:
    """What lies where browsers and clients send files."""
    return [path for path in site.visitors.folder.rglob("uploads/*") if path.is_file()]


def test_the_example_client(site: Any, video: Path, tmp_path: Path) -> None:
    words = [sys.executable, str(EXAMPLE), site.address, str(video), "the red thing", str(tmp_path / "a.zip")]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert f"my-clip: {FRAMES} frames, 144 x 96" in printed
    assert "the red thing guess" in printed
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {"result.json", "overlay.mp4", "coco_rle.json"} <= set(archive.namelist())


def test_every_operation_over_http(client: Client, site: Any, video: Path) -> None:
    assert client.predict(api_name="/presets")["lite"]["missing"] == []
    assert client.predict(handle_file(video), api_name="/open_clip")["has_audio"]
    answers = client.predict(["the red thing", "the green thing"], True, "lite", api_name="/ask")
    assert [query["kind"] for query in answers["queries"]] == ["text", "text", "sound"]
    assert [query["status"] for query in answers["queries"][:2]] == ["guess", "not_found"]
    decision = next(
        place for place, one in enumerate(answers["queries"][1]["decisions"]) if one["question"] == "box"
    )
    other = client.predict(1, decision, 2, api_name="/take_candidate")
    assert other["queries"][1]["areas"] != answers["queries"][1]["areas"]
    mark = {"query": 0, "frame": 4, "box": [98, 12, 131, 45], "afresh": True}
    square = client.predict(mark, api_name="/mark")["queries"][0]["boxes_xyxy"][6]
    assert square[0] < SQUARE_CENTRE[0] < square[2]
    assert client.predict(api_name="/undo")["queries"] == other["queries"]
    film = fetch(site.address + client.predict(api_name="/overlay"))
    assert film.headers["content-type"] == "video/mp4"
    part = fetch(str(film.url), headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    recipe = client.predict(["npz"], api_name="/recipe")
    assert "--format npz" in recipe["shell"]
    assert recipe["python"].count("session.") == 3  # ask, the candidate, save
    assert client.predict(api_name="/cancel") is False
    pointed = client.predict({"frame": 4, "points": [SQUARE_CENTRE], "labels": [True]},
                             "lite", api_name="/mark")["queries"]  # fmt: skip
    assert [query["kind"] for query in pointed] == ["text", "text", "sound", "mark"]
    assert pointed[3]["boxes_xyxy"][6][0] < SQUARE_CENTRE[0] < pointed[3]["boxes_xyxy"][6][2]
    assert client.predict(3, "the square", api_name="/rename")["queries"][3]["query"] == "the square"
    assert len(client.predict(0, api_name="/delete")["queries"]) == 3
    assert len(client.predict(api_name="/undo")["queries"]) == 4
    assert len(client.predict(api_name="/redo")["queries"]) == 3


def test_several_clips_over_http(client: Client, site: Any, video: Path, silent_video: Path) -> None:
    numbers = [
        client.predict(handle_file(path), api_name="/open_clip")["number"] for path in (video, silent_video)
    ]
    listed = client.predict(api_name="/clips")
    assert [one["name"] for one in listed["clips"]] == ["my-clip", "silent"]
    assert listed["chosen"] == numbers[1]
    assert client.predict(numbers[0], api_name="/choose_clip")["chosen"] == numbers[0]
    assert len(client.predict(numbers[0], api_name="/close_clip")["clips"]) == 1
    for wrong in (numbers[0], -1, "x", {"a": 1}):
        with pytest.raises(AppError, match="is not open"):
            client.predict(wrong, api_name="/choose_clip")


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda c, _: c.predict(["it"], api_name="/ask"), "Choose a clip"),
        (lambda c, _: c.predict(api_name="/undo"), "Choose a clip"),
        (lambda c, _: c.predict(api_name="/recipe"), "Choose a clip"),
        (lambda c, _: c.predict(api_name="/overlay"), "Choose a clip"),
        (lambda c, _: c.predict({"query": 0}, api_name="/mark"), "Choose a clip"),
        (lambda c, _: c.predict({"a": 1}, api_name="/delete"), "Choose a clip"),
        (lambda c, _: c.predict(0, {"path": "x"}, api_name="/rename"), "Choose a clip"),
        (lambda c, _: c.predict([1, None], api_name="/ask"), "Texts: give text"),
        (lambda c, _: c.predict("red", api_name="/ask"), "Texts: give text"),
        (lambda c, _: c.predict(["red"], False, {"path": "x"}, api_name="/ask"), "Preset: give text"),
        (lambda c, _: c.predict([{"path": "x"}], api_name="/export"), "Formats: give text"),
        (lambda c, _: c.predict({"a": 1}, api_name="/recipe"), "Formats: give text"),
        (lambda c, _: c.predict("x", api_name="/open_clip"), "not there"),
        (lambda c, _: c.predict({"path": ["x"]}, api_name="/open_clip"), "not there"),
        (lambda c, _: c.predict({"path": "/etc/passwd"}, api_name="/open_clip"), "not there"),
        (lambda c, f: c.predict(handle_file(f / "sound.wav"), api_name="/open_clip"), "no moving pictures"),
        (lambda c, f: c.predict(handle_file(f / "text.mp4"), api_name="/open_clip"), "cannot be read"),
    ],
)
def test_mistakes_are_told_in_plain_words(newcomer: Client, tmp_path: Path, call: Any, hint: str) -> None:
    write_wav(tmp_path / "sound.wav", tone(0.5))
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile '/etc/passwd'\n")
    with pytest.raises(AppError, match=hint) as caught:
        call(newcomer, tmp_path)
    assert "/" not in str(caught.value)


def test_a_clip_is_opened_in_line_and_nothing_is_asked_meanwhile(
    client: Client, site: Any, video: Path, silent_video: Path
) -> None:
    client.predict(handle_file(video), api_name="/open_clip")
    visitor = site.visitors.of(client.session_hash)
    with others_job(site):
        opening = client.submit(handle_file(silent_video), api_name="/open_clip")
        until(lambda: visitor.job is not None and visitor.job.state == "waiting")
        for call in (lambda: client.predict(["the red thing"], api_name="/ask"),
                     lambda: client.predict(handle_file(video), api_name="/open_clip")):  # fmt: skip
            with pytest.raises(AppError, match="still being worked on"):
                call()
    assert opening.result(PATIENCE_S)["name"] == "silent"
    assert uploads(site) == []
    assert [path.name for path in visitor.desk.present_work().folder.rglob("*.mp4")] == ["silent.mp4"]
    assert client.predict(["the red thing"], api_name="/ask")["queries"][0]["status"] == "guess"


def test_a_cancelled_upload_leaves_no_file(client: Client, site: Any, video: Path) -> None:
    with others_job(site):
        opening = client.submit(handle_file(video), api_name="/open_clip")
        visitor = site.visitors.of(client.session_hash)
        until(lambda: visitor.job is not None)
        assert client.predict(api_name="/cancel")
        with pytest.raises(AppError, match="Cancelled"):
            opening.result(PATIENCE_S)
    assert uploads(site) == []
    assert list(visitor.desk.folder.rglob("*.mp4")) == []


def test_too_large_an_upload_is_refused(client: Client, tmp_path: Path) -> None:
    (tmp_path / "large.mp4").write_bytes(bytes(600_000))
    with pytest.raises(Exception, match=r"413|[Ff]ile size|large"):
        client.predict(handle_file(tmp_path / "large.mp4"), api_name="/open_clip")


def test_nobody_sees_what_is_not_theirs(client: Client, site: Any, video: Path) -> None:
    client.predict(handle_file(video), api_name="/open_clip")
    client.predict(["the red thing"], api_name="/ask")
    film = client.predict(api_name="/overlay")
    token = film.split("/")[2]
    other = new_client(site)
    with pytest.raises(AppError, match="Choose a clip"):
        other.predict(api_name="/overlay")
    start = f"{site.address}/desk/{token}/1"
    found = [f"{FRAMES - 1}.jpg", "clip", "mask-N/0/3.png", "still-N.jpg", film.split("/", 4)[4]]
    number = site.visitors.with_token(token).present_work().present_answers().number
    found = [path.replace("N", str(number)) for path in found]
    assert [fetch(f"{start}/{path}").status_code for path in found] == [200] * 5
    mark = urlencode({"mark": json.dumps({"query": 0, "points": [SQUARE_CENTRE], "labels": [True]})})
    found += [f"mask-{number}/0/3.json", f"preview-{number}/3.png?{mark}"]
    assert [fetch(f"{start}/{path}").status_code for path in found] == [200] * 7
    assert sum(fetch(f"{start}/mask-{number}/0/3.json").json()) == WIDTH * HEIGHT
    bad = ["x", "[]", "{}", '{"points": ' + "[" * 5000, '{"query": 9}']
    wrong = [f"preview-{number}/3.png?{urlencode({'mark': text})}" for text in bad]
    wrong += [f"preview-{number}/99.png?{mark}", f"preview-99/3.png?{mark}", f"mask-{number}/3/3.json",
              "mask-99/0/3.json", "99.jpg", "-1.jpg", "../2/clip", f"mask-{number}/3/3.png",
              f"mask-{number}/0/99.png", "mask-99/0/3.png", "still-99.jpg", "files/..%2f..%2fetc%2fpasswd",
              "files/session", "files/result.json", "session/edits.jsonl"]  # fmt: skip
    assert [fetch(f"{start}/{path}").status_code for path in wrong] == [404] * len(wrong)
    elsewhere = start.replace(token, "x" * len(token))
    assert [fetch(f"{elsewhere}/{path}").status_code for path in found] == [404] * 7
    from_elsewhere = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert {fetch(f"{start}/{path}", headers=from_elsewhere).status_code for path in found} == {403}


def test_masks_of_one_thing_do_not_hide_each_other_in_the_viewer(
    client: Client, site: Any, video: Path
) -> None:
    client.predict(handle_file(video), api_name="/open_clip")
    client.predict(["the red thing", "the red square"], api_name="/ask")
    desk = site.visitors.of(client.session_hash).desk
    first, second = (
        np.asarray(Image.open(io.BytesIO(fetch(f"{site.address}{query['masks']}3.png").content)))
        for query in viewer_state(desk)["queries"]
    )
    inside = (first[..., 3] > 0) & (second[..., 3] > 0)
    assert inside.sum() > 0.8 * (second[..., 3] > 0).sum()  # it is one thing
    outlines = [layer[..., 3] == 255 for layer in (first, second)]
    assert (outlines[0] & (second[..., 3] == 0)).sum() > 0.5 * outlines[1].sum()


def test_no_other_file_is_served(site: Any, tmp_path: Path) -> None:
    """Fault 32."""
    for path in ("/etc/passwd", str(Path(__file__)), str(site.visitors.folder)):
        assert fetch(f"{site.address}/gradio_api/file={path}").status_code in (403, 404)
        with pytest.raises(MediaNotFound), site.visitors.uploads.taken(path, tmp_path):
            pytest.fail("it was taken")


@pytest.mark.parametrize("way", ["call", "call/v2", "run", "api"])
def test_an_endpoint_that_is_not_there_is_told(site: Any, way: str) -> None:
    answer = httpx.post(f"{site.address}/gradio_api/{way}/guess", json={"data": []}, timeout=PATIENCE_S)
    assert answer.status_code == 404
    assert "there is no 'guess' here, but presets, open_clip" in answer.text


def test_other_names_of_this_machine_are_refused(site: Any) -> None:
    assert fetch(site.address).status_code == 200
    assert fetch(site.address, headers={"Host": "evil.example"}).status_code == 400


def test_the_page_may_ask_nobody_else(site: Any) -> None:
    answer = fetch(site.address)
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


@pytest.mark.parametrize("option", ["--max-mb", "--max-seconds"])
@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan"])
def test_limits_that_limit_nothing_are_told(option: str, value: str) -> None:
    result = CliRunner().invoke(app, ["ui", option, value, "--no-browser"])
    assert result.exit_code == 2
    assert option in result.stderr


def test_the_end_is_quiet_though_a_page_is_open_and_a_job_runs(video: Path) -> None:
    words = [sys.executable, "-m", "refervid", "ui", "--port", "0", "--no-browser", "--device", "cpu"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        client = Client(address, verbose=False, httpx_kwargs={"timeout": PATIENCE_S})
        client.predict(handle_file(video), api_name="/open_clip")
        client.submit(["the red thing"], api_name="/ask")
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/page", timeout=PATIENCE_S) as page:
            next(page.iter_raw())
            process.send_signal(signal.SIGINT)
            printed = process.stdout.read()
    assert "Traceback" not in printed
    assert "ERROR" not in printed


def test_a_browser_that_is_there_first_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit(address: str) -> None:
        parts = httpx.URL(address)
        socket.create_connection((parts.host, parts.port), PATIENCE_S).close()
        raise typer.Exit(7)

    monkeypatch.setattr(webbrowser, "open", visit)
    assert CliRunner().invoke(app, ["ui", "--port", "0"]).exit_code == 7
