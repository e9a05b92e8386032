"""`refervid ui`: the web page."""

from __future__ import annotations

import socket
import webbrowser
from importlib.util import find_spec
from typing import Annotated

import typer

from refervid.cli.console import console, reporting_errors
from refervid.cli.options import AllowRemote, Device
from refervid.core.errors import MissingExtra
from refervid.webui.ports import taking_port


def ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free one.")] = 7860,
    max_mb: Annotated[float, typer.Option(min=0.1, max=1e5, help="Largest upload in megabytes.")] = 200,
    max_seconds: Annotated[float, typer.Option(min=0.1, max=1e5, help="Longest clip in seconds.")] = 60,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    device: Device = "auto",
    allow_remote: AllowRemote = False,
) -> None:
    """Open a page to try, correct and export; only this machine can reach it."""
    with reporting_errors():
        if find_spec("gradio") is None:
            raise MissingExtra("the page needs Gradio: pip install 'refervid[ui]'")
        from refervid.webui.limits import Limits
        from refervid.webui.server import HOST, PageServer, page_server

        limits = Limits(upload_mb=max_mb, seconds=max_seconds)
        listener = _listen(HOST, port)
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        with page_server(limits, device=device, allow_remote=allow_remote) as app:
            console.print(f"open {address} in a browser; Ctrl-C ends the page", markup=False)
            if browser:
                webbrowser.open(address)
            PageServer(app).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with taking_port(port, "--port"):
        listener.bind((host, port))
        listener.listen()  # a browser that comes before the server is ready waits for it
    return listener
