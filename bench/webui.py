"""Seconds from pressing the button to the first masks on the page, and from a click to its preview, in a real
browser.

    python bench/webui.py [-o JSON] [--runs 3] [--picture JPEG] [--chromium /usr/bin/chromium]

The clip is the first five seconds of the demo's, scaled to 854 x 480; the preset is `lite`. The first masks
are those of the first look where there is one, else those that are tracked. The picture is one of the page,
after a question and with the pointer on another thing; with `--runs 0` nothing else is done.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from playwright.sync_api import Page, ViewportSize, sync_playwright

from refervid.datasets.demo import FPS, demo_frames
from refervid.media.array import ArrayClip
from refervid.media.movie import H264, MovieWriter
from refervid.webui.clip_work import TRACKING
from refervid.webui.server import HOST, page_server

SECONDS, SIZE = 5, (854, 480)
SHOWN = "document.querySelector('img.film[src*=still]')?.naturalWidth > 0"
HEART = (0.9, 0.49)
"""Where a thing stands still, in widths and heights of the frame."""
WINDOW: ViewportSize = {"width": 1366, "height": 768}
PAUSES_S = (0.0, 6.0)
"""Between upload and button: none, and as long as a short sentence takes to type. The page uses the time."""


def write_clip(path: Path) -> None:
    frames = islice(demo_frames(), int(SECONDS * FPS))
    clip = ArrayClip(
        np.stack([cv2.resize(f.picture, SIZE, interpolation=cv2.INTER_CUBIC) for f in frames]), fps=FPS
    )
    with MovieWriter(path, clip, H264) as movie:
        for index, frame in clip.frames():
            movie.write(index, frame)


@contextmanager
def uploaded(address: str, clip: Path, chromium: str) -> Iterator[Page]:
    """The page in a browser of its own, with the clip on it."""
    with (
        sync_playwright() as play,
        play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(address)
        page.locator("input[type=file]").set_input_files(clip)
        page.locator(".clips").wait_for()
        yield page


def measure(address: str, clip: Path, chromium: str, pause_s: float) -> dict[str, float]:
    with uploaded(address, clip, chromium) as page:
        page.get_by_label("What to find").fill("the red striped ball")
        time.sleep(pause_s)
        page.get_by_role("button", name="Find it").click()
        start, cpu = time.perf_counter(), time.process_time()
        page.wait_for_function(SHOWN)
        first_s, first_cpu_s = time.perf_counter() - start, time.process_time() - cpu
        page.get_by_text(TRACKING).wait_for()
        tracking_s = time.perf_counter() - start
        page.get_by_text("Done in").wait_for()
        answer_s = time.perf_counter() - start
        page.locator("video.film[src*=overlay]").wait_for()
        film_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
    return {
        "first_overlay_s": first_s,
        "first_overlay_cpu_s": first_cpu_s,
        "tracking_s": tracking_s,
        "answer_s": answer_s,
        "film_s": film_s,
        "server_cpu_s": cpu_s,
        "load": os.getloadavg()[0],
    }


def measure_previews(address: str, clip: Path, chromium: str, clicks: int) -> list[float]:
    """The first click comes right after the upload, the others on other frames."""
    with uploaded(address, clip, chromium) as page:
        page.get_by_role("tab", name="Frames").click()
        area = page.locator(".stage").bounding_box()
        assert area is not None
        page.mouse.move(area["x"] + HEART[0] * area["width"], area["y"] + HEART[1] * area["height"])
        seconds = []
        for number in range(clicks):
            page.locator(".slider").fill(str(10 * number + 10))
            page.locator(".preview").wait_for(state="hidden")
            start = time.perf_counter()
            page.mouse.down()
            page.mouse.up()
            page.locator(".preview:visible").wait_for()
            seconds.append(time.perf_counter() - start)
    return seconds


def take_picture(address: str, clip: Path, chromium: str, path: Path) -> None:
    with uploaded(address, clip, chromium) as page:
        page.set_viewport_size(WINDOW)
        page.get_by_label("What to find").fill("the red striped ball")
        page.get_by_role("button", name="Find it").click()
        page.locator("video.film[src*=overlay]").wait_for()
        page.get_by_role("tab", name="Frames").click()
        page.get_by_label("Something new").check()
        page.locator(".slider").fill("40")
        area = page.locator(".stage").bounding_box()
        assert area is not None
        page.mouse.move(area["x"] + HEART[0] * area["width"], area["y"] + HEART[1] * area["height"])
        page.locator(".preview:visible").wait_for()
        page.screenshot(path=path, type="jpeg", quality=85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        page_server(device="cpu") as app,
        socket.socket() as listener,
    ):
        clip = Path(folder) / "five.mp4"
        write_clip(clip)
        listener.bind((HOST, 0))
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        runs = []
        for pause_s in [pause_s for pause_s in PAUSES_S for _ in range(options.runs)]:
            runs.append({"pause_s": pause_s, **measure(address, clip, options.chromium, pause_s)})
            print(" ".join(f"{name} {value:.2f}" for name, value in runs[-1].items()), flush=True)
        previews = measure_previews(address, clip, options.chromium, 10) if runs else []
        if options.picture:
            take_picture(address, clip, options.chromium, options.picture)
        server.should_exit = True
        thread.join()
    print("click to preview:", " ".join(f"{one:.2f}" for one in previews), f"load {os.getloadavg()[0]:.1f}")
    if options.out:
        machine = {"cores": os.cpu_count(), "machine": platform.machine()}
        options.out.write_text(
            json.dumps({"runs": runs, "click_to_preview_s": previews, **machine}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
