"""The page, served from this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from refervid.pipelines.presets import load
from refervid.webui.limits import Limits
from refervid.webui.server import HOST, PageServer, page_server
from refervid.webui.visitors import Visitors


@dataclass(frozen=True)
class Served:
    address: str
    visitors: Visitors


@contextmanager
def served(limits: Limits) -> Iterator[Served]:
    with page_server(limits, device="cpu") as app, socket.socket() as listener:
        # Unlike those of strangers the clips of tests are remembered: most bring the same one.
        app.state.visitors.pipeline = cache(lambda preset: load(preset, device="cpu"))
        listener.bind((HOST, 0))
        server = PageServer(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server ended before it served anything"
            time.sleep(0.02)
        try:
            yield Served(f"http://{HOST}:{listener.getsockname()[1]}", app.state.visitors)
        finally:
            server.should_exit = True
            thread.join(5)
