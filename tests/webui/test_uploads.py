"""Faults 37 and 38: what a visitor may bring, and what nobody gets by naming it."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from refervid.core.errors import MediaNotFound
from refervid.webui.gate import UPLOAD, without_files
from refervid.webui.limits import Limits
from tests.web_server import web_server
from tests.webui.conftest import FRAMES, PATIENCE_S, Browsing, until
from tests.webui.serving import Served, served

SECRET = b"nobody's business"
MB = 1_000_000


@pytest.fixture(scope="module")
def small_page() -> Iterator[Served]:
    with served(Limits(upload_mb=0.5, kept_mb=1.2, unopened_s=60)) as one:
        yield one


@pytest.fixture
def small(small_page: Served) -> Served:
    """A page with little room, which everybody has left."""
    small_page.visitors.sweep(time.monotonic() + 2 * small_page.visitors.limits.idle_s)
    until(lambda: not kept(small_page))
    return small_page


def send(site: Any, content: bytes, name: str = "clip.mp4", **headers: str) -> httpx.Response:
    files = {"files": (name, content, "video/mp4")}
    return httpx.post(site.address + UPLOAD, files=files, headers=headers, timeout=PATIENCE_S)


def call(site: Any, endpoint: str, data: list[Any], session: str) -> tuple[str, str]:
    """The last event of a call over plain HTTP, and its data."""
    start = f"{site.address}/gradio_api/call/{endpoint}"
    body = {"data": data, "session_hash": session}
    number = httpx.post(start, json=body, timeout=PATIENCE_S).json()["event_id"]
    lines = httpx.get(f"{start}/{number}", timeout=PATIENCE_S).text.splitlines()
    return [[line.partition(": ")[2] for line in lines if line.startswith(f"{kind}: ")][-1]
            for kind in ("event", "data")]  # type: ignore[return-value]  # fmt: skip


def described(path: object) -> dict[str, Any]:
    """A file as Gradio's clients describe it."""
    return {"path": str(path), "orig_name": "x.mp4", "meta": {"_type": "gradio.FileData"}}


def kept(site: Any) -> list[Path]:
    return [path for path in site.visitors.folder.rglob("*") if path.is_file()]


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "secret.mp4"
    path.write_bytes(SECRET)
    return path


ENDPOINTS = {
    "open_clip": lambda file: [file],
    "hear": lambda file: [file],
    "ask": lambda file: [[file], False, "lite"],
    "mark": lambda file: [{"query": file}, "lite"],
    "take_candidate": lambda file: [file, 0, 0],
    "export": lambda file: [[file]],
    "recipe": lambda file: [[file]],
}


@pytest.mark.parametrize("named", ["absolute", "relative"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_fault_37_a_file_that_a_caller_names_is_not_copied(
    site: Any, secret: Path, endpoint: str, named: str
) -> None:
    path = secret if named == "absolute" else secret.name
    data = ENDPOINTS[endpoint](described(path))
    event, answer = call(site, endpoint, data, "curious")
    assert event == "error"
    direct = httpx.post(
        f"{site.address}/gradio_api/run/{endpoint}", json={"data": data}, timeout=PATIENCE_S
    ).text
    for words in (answer, direct):
        assert str(site.visitors.folder) not in words
    assert SECRET not in b"".join(path.read_bytes() for path in kept(site))
    assert secret.read_bytes() == SECRET


def test_fault_37_also_in_an_event_of_the_page(
    site: Any, secret: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path))
    (tmp_path / "demo").mkdir()
    shutil.copy(video, tmp_path / "demo" / "demo-1.mp4")  # as if drawn: that and looking at it takes long
    body = {"data": [], "fn_index": 0, "session_hash": "curious", "event_data": described(secret)}
    httpx.post(f"{site.address}/gradio_api/queue/join", json=body, timeout=PATIENCE_S)
    config = httpx.get(f"{site.address}/config", timeout=PATIENCE_S).json()
    takers = [function for function in config["dependencies"] if function["inputs"]]
    assert takers
    for function in takers:
        body = {
            "data": [described(secret)] * len(function["inputs"]),
            "fn_index": function["id"],
            "session_hash": "curious",
        }
        httpx.post(f"{site.address}/gradio_api/run/predict", json=body, timeout=PATIENCE_S)
    assert SECRET not in b"".join(path.read_bytes() for path in kept(site))


@pytest.mark.parametrize("body", [b"[" * 100_000, b"no json", b'{"a": 1', b" " * 1_100_000])
def test_what_is_no_request(site: Any, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    start = f"{site.address}/gradio_api/call/ask"
    assert httpx.post(start, content=body, headers=headers, timeout=PATIENCE_S).status_code == 400


def test_only_the_mark_of_a_file_is_taken_away() -> None:
    data = {"data": [{"path": "a", "meta": {"_type": "x"}, "b": [{"path": 1, "meta": 2}]}, {"meta": 3}]}
    plain = {"data": [{"path": "a", "b": [{"path": 1}]}, {"meta": 3}]}
    assert json.loads(without_files(json.dumps(data).encode())) == plain
    assert without_files(b"") == b""


def test_fault_38_equal_files_of_two_visitors_are_two(site: Any, video: Path) -> None:
    names = [send(site, video.read_bytes()).json()[0] for _ in range(3)]
    assert len(set(names)) == 3
    for visitor, name in enumerate(names):
        event, facts = call(site, "open_clip", [described(name)], f"visitor {visitor}")
        assert (event, json.loads(facts)[0]["frames"]) == ("complete", FRAMES)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
    ],
    ids=str,
)
def test_fault_38_other_sites_send_nothing(site: Any, headers: dict[str, str]) -> None:
    before = kept(site)
    assert send(site, b"x", **headers).status_code == 403
    address = f"{site.address}/gradio_api/call/presets"
    assert httpx.post(address, json={"data": []}, headers=headers, timeout=PATIENCE_S).status_code == 403
    assert kept(site) == before


def test_fault_38_the_page_itself_and_a_link_to_it_are_served(site: Any) -> None:
    own = {"Origin": site.address, "Sec-Fetch-Site": "same-origin"}
    assert send(site, b"x", **own).status_code == 200
    site.visitors.uploads.sweep(time.monotonic() + site.visitors.limits.unopened_s)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert httpx.get(site.address, headers=link, timeout=PATIENCE_S).status_code == 200
    frame = {**link, "Sec-Fetch-Dest": "iframe"}
    assert httpx.get(site.address, headers=frame, timeout=PATIENCE_S).status_code == 403


def test_fault_38_uploads_that_nobody_opens_are_swept(small: Served) -> None:
    for _ in range(2):
        assert send(small, bytes(MB // 2)).status_code == 200
    assert len(kept(small)) == 2
    refused = send(small, bytes(MB // 2))
    assert refused.status_code == 503
    assert "try again" in refused.json()["detail"]
    small.visitors.sweep(time.monotonic() + 59)
    assert len(kept(small)) == 2
    small.visitors.sweep(time.monotonic() + 61)
    assert kept(small) == []
    assert send(small, bytes(MB // 2)).status_code == 200


def test_an_upload_of_a_visitor_who_is_gone_is_deleted(small: Served, tmp_path: Path) -> None:
    name = send(small, b"x").json()[0]
    with pytest.raises(MediaNotFound), small.visitors.uploads.taken(name, tmp_path / "gone"):
        pytest.fail("there is no place for it")
    assert kept(small) == []


def test_fault_38_opened_clips_count_too(small: Served, video: Path) -> None:
    padding = bytes(MB // 2 - video.stat().st_size)  # behind the boxes of an MP4 nobody reads it
    for visitor in range(2):
        name = send(small, video.read_bytes() + padding).json()[0]
        assert call(small, "open_clip", [described(name)], f"visitor {visitor}")[0] == "complete"
    assert send(small, bytes(MB // 2)).status_code == 503


def answer_to(site: Any, *sent: bytes) -> bytes:
    """The beginning of the answer to a request of which nothing but this comes."""
    with socket.create_connection(("127.0.0.1", int(site.address.rsplit(":", 1)[1])), PATIENCE_S) as line:
        for part in sent:
            line.sendall(part)
        return line.recv(1000)


HEAD = (
    b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: multipart/form-data; boundary=XX\r\n"
)
PART = b'--XX\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'


def test_what_says_that_it_is_too_large_is_not_even_read(site: Any) -> None:
    answer = answer_to(site, HEAD, b"Content-Length: 2000000000\r\n\r\n", PART)
    assert answer.startswith(b"HTTP/1.1 413")


def test_what_does_not_say_how_large_it_is_ends_at_the_limit(small: Served) -> None:
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (PART, *[bytes(50_000)] * 11)]
    answer = answer_to(small, HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *chunks)
    assert answer.startswith(b"HTTP/1.1 413")
    assert kept(small) == []


def test_an_upload_that_breaks_off_leaves_nothing(small: Served) -> None:
    for _ in range(5):
        port = int(small.address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as line:
            line.sendall(HEAD + b"Content-Length: 500000\r\n\r\n" + PART + bytes(200_000))
    until(lambda: send(small, bytes(MB // 2)).status_code == 200)
    assert len(kept(small)) == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "multipart/form-data; boundary=XX"}, b"no form at all"),
        ({"Content-Type": "multipart/form-data"}, PART),
        ({"Content-Type": "multipart/form-data; boundary=XX"}, b"--XX--\r\n"),
        ({"Content-Type": "multipart/form-data; boundary=XX"}, (PART + b"x\r\n") * 2 + b"--XX--\r\n"),
        ({"Content-Type": "video/mp4"}, b"x"),
        ({}, b"x"),
    ],
    ids=["no form", "no boundary", "no file", "two files", "no form by name", "nothing said"],
)
def test_one_file_in_one_form(small: Served, headers: dict[str, str], body: bytes) -> None:
    answer = httpx.post(small.address + UPLOAD, content=body, headers=headers, timeout=PATIENCE_S)
    assert answer.status_code == 400
    assert kept(small) == []


def test_fault_38_a_page_of_another_site_in_a_browser(browsing: Browsing, site: Any, chromium: Any) -> None:
    """Served from another port of this machine, which is the same site to a browser, and another origin."""
    page = (
        "<script>const form = new FormData(); form.append('files', new Blob(['evil']), 'a.mp4');"
        f"const at = '{site.address}{UPLOAD}';"
        "fetch(at, {method: 'POST', mode: 'no-cors', body: form})"
        ".finally(() => document.title = 'sent')</script>"
    ).encode()

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

    with web_server(Evil) as address, chromium.new_context() as context:
        for host in ("127.0.0.1", "localhost"):
            tab = context.new_page()
            tab.goto(address.replace("127.0.0.1", host))
            tab.wait_for_function("document.title === 'sent'")
    assert b"evil" not in b"".join(path.read_bytes() for path in kept(site))
