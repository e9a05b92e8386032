"""Ask the page from a program:  python webui_client.py http://127.0.0.1:7860 clip.mp4 "the red ball" """

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path

from gradio_client import Client, handle_file


def main(address: str, video: str, text: str, out: str = "answer.zip") -> None:
    client = Client(address, verbose=False)
    clip = client.predict(handle_file(video), api_name="/open_clip")
    print(f"{clip['name']}: {clip['frames']} frames, {clip['width']} x {clip['height']}")

    answers = client.predict([text], api_name="/ask")
    [found] = answers["queries"]
    print(found["query"], found["status"], "; ".join(found["notes"]))

    # "It is here": one point in the middle of the first box.
    seen = [(index, box) for index, box in enumerate(found["boxes_xyxy"]) if box]
    if seen:
        frame, (left, top, right, bottom) = seen[0]
        middle = [(left + right) / 2, (top + bottom) / 2]
        mark = {"query": 0, "frame": frame, "points": [middle], "labels": [True]}
        client.predict(mark, api_name="/mark")
        client.predict(api_name="/undo")

    package = client.predict(["coco-rle"], api_name="/export")
    with urllib.request.urlopen(address + package) as answer:
        Path(out).write_bytes(answer.read())
    print("saved", out)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(f"usage: {sys.argv[0]} ADDRESS VIDEO TEXT [ANSWER.zip]")
    main(*sys.argv[1:])
