"""Fault 39 and its kin: servers that never end, send without end, or repeat what they were sent."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from refervid.core.errors import ChooserUnavailable, SettingsError
from refervid.engines.llm.exchange import MOST_BYTES, Exchange
from refervid.engines.llm.model import NoReply, Prompt, Reply
from refervid.engines.llm.server import ServerModel
from tests.chat_server import says, serving
from tests.raw_server import raw_server

PROMPT = Prompt("frame-v1", "which frame?", b"jpeg")
BODY = json.dumps(says('{"frame": 1}')[1]).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


def ask(url: str, *, timeout_s: float = 60, key_variable: str | None = None) -> Reply:
    model = ServerModel(
        url,
        "m",
        setting="chooser.model",
        key_variable=key_variable,
        allow_remote=False,
        timeout_s=timeout_s,
        max_tokens=None,
        temperature=None,
        seed=None,
        prices=None,
    )
    return model.reply(PROMPT)


def drip(data: bytes, so_far: bytes) -> Callable[[socket.socket], None]:
    """All of it, in so small pieces that no pause between two of them is long."""

    def script(line: socket.socket) -> None:
        line.sendall(so_far)
        for byte in data:
            line.sendall(bytes([byte]))
            threading.Event().wait(0.02)

    return script


@pytest.mark.parametrize("part", ["status", "headers", "body", "chunks"])
def test_fault_39_the_time_limit_is_for_the_whole_answer(part: str) -> None:
    head, _, body = WHOLE.partition(b"\r\n\r\n")
    scripts = {
        "status": drip(WHOLE, b""),
        "headers": drip(b"X-Pad: " + b"x" * 200 + b"\r\n\r\n" + body, head + b"\r\n"),
        "body": drip(body, head + b"\r\n\r\n"),
        "chunks": drip(b"1\r\n \r\n" * 50, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    }
    with raw_server(scripts[part]) as url, pytest.raises(NoReply, match=r"in time.*timeout_s") as caught:
        ask(url, timeout_s=0.5)
    assert caught.value.again
    assert caught.value.charged


@pytest.mark.parametrize("status", [b"200 OK", b"500 Broken", b"404 Not found"])
@pytest.mark.parametrize("framing", ["chunked", "declared", "until it closes"])
def test_fault_39_no_more_is_read_than_an_answer_may_have(status: bytes, framing: str) -> None:
    sent = [0]
    piece = b" " * 100_000

    def endless(line: socket.socket) -> None:
        how = {"chunked": b"Transfer-Encoding: chunked", "declared": b"Content-Length: 3000000000"}
        line.sendall(b"HTTP/1.1 " + status + b"\r\n" + how.get(framing, b"Connection: close") + b"\r\n\r\n")
        while sent[0] < 200 * MOST_BYTES:
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framing == "chunked" else piece)
            sent[0] += len(piece)

    with raw_server(endless) as url, pytest.raises(NoReply, match=r"4 MB"):
        ask(url)
    assert sent[0] < 10 * MOST_BYTES  # what the sockets hold on the way is not read


def test_what_is_packed_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with (
        raw_server(lambda line: line.sendall(head + bomb)) as url,
        pytest.raises(NoReply, match="no chat completion"),
    ):
        ask(url)


def test_a_caller_with_an_event_loop_of_its_own() -> None:
    """As in a notebook."""
    import asyncio

    async def cell(url: str) -> Reply:
        return ask(url)

    with raw_server(lambda line: line.sendall(WHOLE)) as url:
        assert asyncio.run(cell(url)).text == '{"frame": 1}'


SECRETS = {
    "plain": "sk-secret-0123456789",
    "with marks": r'sk+a/b"c\d=0123456789',
    "basic": "Basic " + base64.b64encode(b"someone:opensesame").decode(),
}


@pytest.mark.parametrize("key", SECRETS.values(), ids=SECRETS)
def test_fault_39_a_key_is_masked_however_it_is_written(key: str) -> None:
    bare = key.rpartition(" ")[2]
    parts = [bare, "opensesame"] if key.startswith("Basic") else [bare]
    exchange = Exchange("http://127.0.0.1:1/v1", key, 1, trust_env=False)
    for part in parts:
        for words in (
            f"Bearer {part}.",
            json.dumps({"reason": part}),
            json.dumps(json.dumps({"reason": part})),
            json.dumps({"reason": part}).replace("/", "\\/"),
            "".join(f"\\u{ord(one):04x}" for one in part),
            "".join(f"\\\\u{ord(one):04X}" for one in part),
        ):
            shown = exchange.masked(words)
            assert "***" in shown
            assert part not in shown
            assert part[-6:] not in shown
            assert json.dumps(part)[1:-1] not in shown
    assert exchange.masked('{"frame": 3}') == '{"frame": 3}'


@pytest.mark.parametrize("key", ["", "1", "abc"])
def test_what_is_no_secret_is_not_masked(key: str) -> None:
    exchange = Exchange("http://127.0.0.1:1/v1", key, 1, trust_env=False)
    assert exchange.masked('{"frame": 1, "abc": 2}') == '{"frame": 1, "abc": 2}'


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ä", "sk\x7f"])
def test_what_cannot_be_a_key_is_told_without_it(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(SettingsError, match="SOME_KEY") as caught:
        ask("http://127.0.0.1:1/v1", key_variable="SOME_KEY")
    assert "sk" not in str(caught.value)


def test_a_server_on_this_machine_gets_a_key_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["plain"])
    monkeypatch.setenv("LOCAL_KEY", SECRETS["basic"])
    with serving(lambda n, body: says('{"frame": 1}')) as (server, url):
        for variable in (None, "OPENAI_API_KEY", "LOCAL_KEY"):
            ask(url, key_variable=variable)
    assert server.keys == ["", f"Bearer {SECRETS['plain']}", SECRETS["basic"]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine, signed by itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl")
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=machine -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", folder / "one.key", "-out", folder / "one.crt"]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
    return folder / "one.crt"


@pytest.fixture(scope="module")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def whole(line: socket.socket) -> None:
    line.sendall(WHOLE)


def test_a_certificate_that_nobody_vouches_for(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(whole, tls) as url:
        with pytest.raises(ChooserUnavailable, match=r"no safe connection.*certificate.*SSL_CERT_FILE"):
            ask(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert ask(url).text == '{"frame": 1}'


def test_a_certificate_of_somebody_else(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        raw_server(whole, tls) as url,
        pytest.raises(ChooserUnavailable, match=r"no safe connection.*localhost"),
    ):
        ask(url.replace("127.0.0.1", "localhost"))


def test_encryption_where_there_is_none_and_none_where_there_is(tls: ssl.SSLContext) -> None:
    with (
        raw_server(whole, reads=False) as url,
        pytest.raises(ChooserUnavailable, match=r"no safe connection.*check the address"),
    ):
        ask(url.replace("http:", "https:"))
    with raw_server(whole, tls) as url, pytest.raises(NoReply, match="broke off"):
        ask(url.replace("https:", "http:"))
