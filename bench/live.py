"""`refervid live` on a source in real time: frames a second, latency, and how many frames are dropped.

    python bench/live.py VIDEO [-o JSON] [--fps 30 15 10] [--seconds 20] [--height 480] [--objects 1 4]

A process of its own encodes the frames to and fro and sends them through a pipe: first as fast as they are
taken, which says what can be done at most, then at their own pace, as a camera would. `cpu_s` is processor
time of a frame, without what the start takes: where others use the machine too it says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CAMERA = """
import sys, time
from fractions import Fraction
import av, cv2
from refervid import open_clip
source, *numbers, paced = sys.argv[1:]
fps, seconds, height = int(numbers[0]), float(numbers[1]), int(numbers[2])
clip = open_clip(source)
size = round(clip.width * height / clip.height / 2) * 2, height
frames = [cv2.resize(frame, size) for _, frame in clip.frames()]
frames += frames[-2:0:-1]
with av.open(sys.stdout.buffer, "w", format="mpegts") as container:
    stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "tune": "zerolatency"})
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    begin = time.monotonic()
    for number in range(round(seconds * fps)):
        if paced == "paced":
            time.sleep(max(begin + number / fps - time.monotonic(), 0))
        frame = av.VideoFrame.from_ndarray(frames[number % len(frames)], format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, fps)
        container.mux(stream.encode(frame))
        sys.stdout.buffer.flush()
    container.mux(stream.encode(None))
"""


FOLLOWER = "import sys; from refervid.cli.app import app; app(sys.argv[1:])"


def run(options: argparse.Namespace, objects: int, late: str, fps: int, seconds: float) -> dict[str, Any]:
    """What the command says of itself, and its processor time `cpu_s` from start to end."""
    camera = [sys.executable, "-c", CAMERA, str(options.video), str(fps), str(seconds)]
    camera += [str(options.height), "paced" if late == "drop" else "at once"]
    words = ["live", "-", "--late", late, "-p", "lite", "--device", "cpu", "--json"]
    for number in range(objects):
        left = 60 + 150 * number
        words += ["--box", f"thing {number}=0:{left},150,{left + 220},380"]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(camera, stdout=subprocess.PIPE) as sending:
        command = [sys.executable, "-c", FOLLOWER, *words, "-o", folder]
        following = subprocess.Popen(command, stdin=sending.stdout, stdout=subprocess.PIPE, text=True)
        assert following.stdout is not None
        printed = following.stdout.read()
        _, status, used = os.wait4(following.pid, 0)
    if status:
        sys.exit("the command failed")
    return {**json.loads(printed), "cpu_s": used.ru_utime + used.ru_stime}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--fps", type=int, nargs="+", default=(30, 15, 10))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--objects", type=int, nargs="+", default=(1, 4))
    options = parser.parse_args()
    rows = {}
    for objects in options.objects:
        start = run(options, objects, "wait", 1, 1)  # one frame
        for late, fps in (("wait", 30), *(("drop", fps) for fps in options.fps)):
            row = run(options, objects, late, fps, options.seconds)
            row["cpu_s"] = round((row["cpu_s"] - start["cpu_s"]) / (row["frames"] - 1), 4)
            pace = "as fast as it goes" if late == "wait" else f"{fps} a second"
            name = f"{objects} object{'s' * (objects > 1)}, {pace}"
            rows[name] = row | {"load": round(os.getloadavg()[0], 1)}
            print(f"{name}: {rows[name]}", flush=True)
    if options.out:
        machine = {"cores": os.cpu_count(), "machine": platform.machine()}
        settings = {"height": options.height, "seconds": options.seconds}
        if options.out.exists():
            rows = {**json.loads(options.out.read_text())["rows"], **rows}
        options.out.write_text(json.dumps({"rows": rows, **settings, **machine}, indent=1) + "\n")


if __name__ == "__main__":
    main()
