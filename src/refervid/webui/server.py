"""The page as a web server for this machine alone."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

# Read when Gradio is imported: no telemetry, and no look for newer versions.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from starlette.middleware.trustedhost import TrustedHostMiddleware

from refervid.webui.api import ENDPOINTS, Api
from refervid.webui.gate import UPLOAD, Gate
from refervid.webui.html import page_file
from refervid.webui.limits import Limits
from refervid.webui.page import Page
from refervid.webui.pictures import router
from refervid.webui.visitors import Visitors

HOST = "127.0.0.1"
SWEEP_S = 30.0


class PageServer(uvicorn.Server):
    """Serves an application of `page_server`. Streams to pages that are open never end of themselves, and
    requests may wait for jobs: at the end jobs are stopped, and whoever is still connected is hung up on, as
    if the page had been closed."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
        self._visitors: Visitors = app.state.visitors

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self._visitors.jobs.close)
        for connection in self.server_state.connections:
            connection.transport.close()
        await super().shutdown(sockets)


@contextmanager
def page_server(
    limits: Limits | None = None, *, device: str = "auto", allow_remote: bool = False
) -> Iterator[FastAPI]:
    """The page as an application; on leaving, work is stopped and every visitor's files are deleted."""
    limits = limits or Limits()
    with TemporaryDirectory(prefix="refervid-ui-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "gradio")
        visitors = Visitors(Path(folder), limits, device=device, allow_remote=allow_remote)
        visitors.warm_up()
        try:
            with _sweeping(visitors):
                yield _application(visitors)
        finally:
            visitors.close()


@contextmanager
def _sweeping(visitors: Visitors) -> Iterator[None]:
    """Whoever left is noticed also when nobody comes."""
    over = Event()

    def sweep() -> None:
        while not over.wait(SWEEP_S):
            visitors.sweep()

    thread = Thread(target=sweep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _application(visitors: Visitors) -> FastAPI:
    page = Page(visitors)
    with page.blocks:
        Api(visitors).connect()
    page.blocks.queue(default_concurrency_limit=None)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.visitors = visitors
    app.include_router(router(visitors))

    @app.post(UPLOAD)  # in the place of Gradio's own
    async def upload(request: Request) -> list[str]:
        return [await visitors.uploads.receive(request)]

    app.add_middleware(Gate, endpoints=ENDPOINTS)
    # Other names that point to this machine are other people's pages trying to reach it.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    system = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    theme = gr.themes.Default(primary_hue="blue", neutral_hue="slate", **system).set(
        # A step darker than usual: what is quiet on white can be read all the same (4.5 to 1, WCAG AA).
        body_text_color_subdued="*neutral_500",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
    gr.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        server_name=HOST,
        footer_links=["api"],
        run_history=False,
        allowed_paths=[],
        show_error=True,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=theme,
        css=page_file("page.css"),
    )
    return app
