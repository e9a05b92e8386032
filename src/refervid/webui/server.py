"""The page as a web server for this machine alone."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

# Read when Gradio is imported: no telemetry, and no look for newer versions.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI, Request, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from refervid.webui.api import Api
from refervid.webui.html import page_file
from refervid.webui.limits import Limits
from refervid.webui.page import Page
from refervid.webui.pictures import router
from refervid.webui.studios import Studios

HOST = "127.0.0.1"

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Whatever a library of the page would like to fetch from elsewhere, the browser refuses. Gradio builds
its templates with `Function`, hence 'unsafe-eval'; no text from outside becomes script."""


@contextmanager
def page_server(
    limits: Limits | None = None, *, device: str = "auto", allow_remote: bool = False
) -> Iterator[FastAPI]:
    """The page as an application; on leaving, work is stopped and every visitor's files are deleted."""
    limits = limits or Limits()
    with TemporaryDirectory(prefix="refervid-ui-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "uploads")
        studios = Studios(Path(folder), limits, device=device, allow_remote=allow_remote)
        try:
            yield _application(studios)
        finally:
            studios.close()


def _application(studios: Studios) -> FastAPI:
    page = Page(studios)
    with page.blocks:
        Api(studios).connect()
    page.blocks.queue(default_concurrency_limit=None)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.studios = studios
    app.include_router(router(studios))
    app.middleware("http")(_with_policy)
    # Other names that point to this machine are other people's pages trying to reach it.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    system = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    gr.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        server_name=HOST,
        footer_links=["api"],
        run_history=False,
        allowed_paths=[],
        show_error=True,
        max_file_size=int(studios.limits.upload_mb * 1e6),
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Default(primary_hue="blue", neutral_hue="slate", **system),
        css=page_file("page.css"),
    )
    return app


async def _with_policy(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
