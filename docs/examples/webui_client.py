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
    frame, box = next((i, box) for i, box in enumerate(found["boxes_xyxy"]) if box)
    middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    mark = {"query": 0, "frame": frame, "points": [middle], "labels": [True]}
    client.predict(mark, api_name="/correct")
    client.predict(api_name="/undo")

    package = client.predict(["coco-rle"], api_name="/export")
    with urllib.request.urlopen(address + package) as answer:
        Path(out).write_bytes(answer.read())
    print("saved", out)


if __name__ == "__main__":
    main(*sys.argv[1:])
