"""Hours of video: seconds until a file is open and its first frame is there, and peak memory of a session in
which a thing is marked and carried through, for a short and a long file made of the same frames.

    python bench/long.py VIDEO_OR_FOLDER [-o JSON] [--minutes 10 180] [--fps 30] [--every 300] [--height 480]
    python bench/long.py VIDEO_OR_FOLDER [-o JSON] --follow 0.5 2 [--fps 30] [--height 480]

With `--follow`: peak memory of `refervid live`, which looks at every frame, of so many minutes.

The frames go to and fro, so that the loop has no cut, and are encoded once; hours are the same packets again.
Every row is a process of its own, whose peak resident memory the kernel keeps. `--every` is the sparse rate
at which the session looks at the file: 300 is a frame in ten seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2

SESSION = """
import json, sys, time
import numpy as np
import refervid
from refervid.media.opening import open_clip
video, folder, every = sys.argv[1], sys.argv[2], int(sys.argv[3])
start, cpu = time.perf_counter(), time.process_time()
part = open_clip(video, every=every)
frame = part.frame(0)
opened_s, opened_cpu_s = time.perf_counter() - start, time.process_time() - cpu
height, width = frame.shape[:2]
box = np.array([width * 0.3, height * 0.3, width * 0.7, height * 0.7], np.float32)
start = time.perf_counter()
with refervid.open_session(part, folder, preset="lite", device="cpu") as session:
    number = session.add(refervid.Pivot(0, box_xyxy=box))
    seen = int((session[number].track.areas() > 0).sum())
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "looked_at": len(part), "seen": seen, "opened_s": opened_s,
    "opened_cpu_s": opened_cpu_s,
    "session_s": time.perf_counter() - start, "peak_mib": int(peak) / 1024,
}))
"""


def encoded(source: Path, target: Path, fps: int, height: int) -> Path:
    """The frames to and fro, with a key frame every second."""
    from refervid import open_clip

    clip = open_clip(source)
    size = round(clip.width * height / clip.height / 2) * 2, height
    order = [*range(len(clip)), *range(len(clip) - 2, 0, -1)]
    order = order[: len(order) // fps * fps] or order
    with av.open(str(target), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"preset": "veryfast", "bf": "0", "crf": "32"}
        )
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", fps
        for number, index in enumerate(order):
            frame = av.VideoFrame.from_ndarray(cv2.resize(clip.frame(index), size), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def repeated(source: Path, target: Path, seconds: float) -> Path:
    """The packets of a file again and again."""
    with av.open(str(source)) as film:
        template = film.streams.video[0]
        packets = [packet for packet in film.demux(template) if packet.size]
        length = template.duration
        times = round(seconds / float(length * template.time_base))
        with av.open(str(target), "w") as container:
            stream = container.add_stream_from_template(template)
            for number in range(times):
                for packet in packets:
                    again = av.Packet(bytes(packet))
                    again.pts, again.dts = packet.pts + number * length, packet.dts + number * length
                    again.time_base, again.is_keyframe = packet.time_base, packet.is_keyframe
                    again.duration, again.stream = packet.duration, stream
                    container.mux(again)
    return target


def run(video: Path, folder: Path, every: int) -> dict[str, float]:
    command = [sys.executable, "-c", SESSION, str(video), str(folder / "session"), str(every)]
    environment = {**os.environ, "REFERVID_CACHE": str(folder / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def follow(video: Path, folder: Path) -> dict[str, float]:
    """Every frame of a file through a pipe, a thing marked on the first one."""
    with av.open(str(video)) as film:
        size = film.streams.video[0]
        box = ",".join(f"{share * side:.0f}" for share in (0.3, 0.7) for side in (size.width, size.height))
    words = ["live", "-", "--late", "wait", "--box", f"0:{box}", "-p", "lite", "--device", "cpu"]
    command = [sys.executable, "-m", "refervid", *words, "--json", "-o", str(folder / "live")]
    with video.open("rb") as pipe:
        following = subprocess.Popen(command, stdin=pipe, stdout=subprocess.PIPE, text=True)
        assert following.stdout is not None
        printed = following.stdout.read()
        _, status, used = os.wait4(following.pid, 0)
    if status:
        sys.exit("the command failed")
    return {"frames": json.loads(printed)["frames"], "peak_mib": used.ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--minutes", type=float, nargs=2, default=(10.0, 180.0))
    parser.add_argument("--follow", type=float, nargs=2)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--every", type=int, default=300)
    parser.add_argument("--height", type=int, default=480)
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        scene = encoded(options.video, Path(name) / "scene.mp4", options.fps, options.height)
        for minutes in options.follow or options.minutes:
            folder = Path(name) / f"{minutes:g}"
            folder.mkdir()
            clip = repeated(scene, folder / f"clip.{'mkv' if options.follow else 'mp4'}", 60 * minutes)
            row = follow(clip, folder) if options.follow else run(clip, folder, options.every)
            row["file_mb"] = clip.stat().st_size / 1e6
            row["written_kb"] = sum(f.stat().st_size for f in folder.rglob("*") if f != clip) / 1e3
            rows[f"{minutes:g} min"] = {key: round(value, 2) for key, value in row.items()}
            print(f"{minutes:g} min: {rows[f'{minutes:g} min']}")
            clip.unlink()
    first, last = rows.values()
    summary: dict[str, Any] = {"memory_growth_mib": round(last["peak_mib"] - first["peak_mib"], 1)}
    summary |= {key: last[key] for key in ("opened_cpu_s", "opened_s") if key in last}
    print(json.dumps(summary))
    if options.out:
        machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "machine": platform.machine()}
        settings = {"fps": options.fps, "every": options.every, "height": options.height}
        measured = {"rows": rows, **summary, **settings, **machine}
        known = json.loads(options.out.read_text()) if options.out.exists() else {}
        kind = "every frame, through a pipe" if options.follow else "a session at a sparse rate"
        options.out.write_text(json.dumps({**known, kind: measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
