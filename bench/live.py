"""`refervid live` on a source in real time: frames a second, latency, and how many frames are dropped.

    python bench/live.py VIDEO_OR_FOLDER [-o JSON] [--fps 30] [--seconds 20] [--height 480] [--objects 1 4]

A process of its own encodes the frames to and fro and sends them through a pipe at their own pace, as a
camera would; the first row lets it wait instead, which says what can be done at most.
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


def run(options: argparse.Namespace, objects: int, late: str, folder: Path) -> dict[str, object]:
    camera = [sys.executable, "-c", CAMERA, str(options.video), str(options.fps), str(options.seconds)]
    camera += [str(options.height), "paced" if late == "drop" else "at once"]
    words = ["live", "-", "--late", late, "-p", "lite", "--device", "cpu", "-o", str(folder), "--json"]
    for number in range(objects):
        left = 60 + 150 * number
        words += ["--box", f"thing {number}=0:{left},150,{left + 220},380"]
    follower = [
        sys.executable,
        "-c",
        "import sys; from refervid.cli.app import app; app(sys.argv[1:])",
        *words,
    ]
    with subprocess.Popen(camera, stdout=subprocess.PIPE) as sending:
        done = subprocess.run(follower, stdin=sending.stdout, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--objects", type=int, nargs="+", default=(1, 4))
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        for objects in options.objects:
            for late in ("wait", "drop"):
                row = run(options, objects, late, Path(name) / f"{objects}-{late}")
                rows[f"{objects} objects, late frames {late}"] = row
                print(f"{objects} objects, late frames {late}: {row}")
    if options.out:
        machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "machine": platform.machine()}
        settings = {"fps": options.fps, "height": options.height, "seconds": options.seconds}
        options.out.write_text(json.dumps({"rows": rows, **settings, **machine}, indent=1) + "\n")


if __name__ == "__main__":
    main()
