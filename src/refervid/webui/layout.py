"""What is on the page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from refervid.engines.registry import missing_parts
from refervid.pipelines.pivot.settings import TRANSCRIBER
from refervid.pipelines.presets import PRESETS, best_preset, lacks_of
from refervid.webui import html
from refervid.webui.limits import Limits
from refervid.webui.words import about_preset

FORMATS = {
    "Cut-outs with transparency (WebM)": "alpha-webm",
    "ProRes 4444 with transparency (MOV)": "prores",
    "COCO (JSON)": "coco",
    "COCO run lengths (JSON)": "coco-rle",
    "CVAT (XML)": "cvat",
    "Label Studio (JSON)": "label-studio",
    "MOT (text)": "mot",
    "DAVIS (indexed PNG)": "davis-png",
    "YouTube-VOS (indexed PNG)": "youtube-vos",
    "NumPy arrays (NPZ)": "npz",
    "Contact sheet (JPEG)": "contact-sheet",
}

VIEWER = ("viewer", "drawing", "pointer", "paint", "timeline", "keys")
"""Parts of one script, in order."""


class Layout:
    """The components, by name."""

    def __init__(self, limits: Limits) -> None:
        with gr.Blocks(title="refervid", analytics_enabled=False) as self.blocks:
            gr.HTML(html.page_file("header.html"))
            with gr.Row(elem_classes="desk"):
                with gr.Column(scale=2, min_width=300, elem_classes="asking"):
                    self._lay_out_question(limits)
                with gr.Column(scale=3, min_width=300, elem_classes="answers"):
                    self._lay_out_answers()

    def _lay_out_question(self, limits: Limits) -> None:
        self.former = gr.Textbox(visible=False)
        self.uploader = gr.HTML(
            html_template=html.page_file("uploader.html").replace("@limits", limits.words()),
            elem_classes="which-clip",
            js_on_load=html.page_script("sent.js", "uploader.js"),
            most_bytes=int(limits.upload_mb * 1e6),
        )
        self.clips = gr.HTML(elem_classes="piece which-clip", js_on_load=html.page_file("clips.js"))
        self.demo = gr.Button("No video at hand? Take the demo clip", size="sm", elem_classes="which-clip")
        self.sentences = gr.Textbox(
            label="What to find",
            info="In English, or a few hundred words of eight other languages; "
            f"one thing a line, up to {limits.sentences}",
            placeholder="the dog that jumps first\nthe blue cup on the left",
            lines=2,
            max_lines=limits.sentences,
        )
        with gr.Row():
            self.sound = gr.Checkbox(label="What makes the sound", min_width=160)
            self.speech = gr.HTML(
                html.speak_button(missing_parts("transcriber", TRANSCRIBER)),
                js_on_load=html.page_script("sent.js", "speech.js"),
            )
        with gr.Row():
            self.go = gr.Button("Find it", variant="primary", scale=3, elem_id="go")
            self.cancel = gr.Button("Cancel", variant="stop", visible=False, scale=1, min_width=90)
        self.status = gr.HTML(elem_classes="piece", js_on_load=html.page_file("status.js"))
        self.summary = gr.HTML(elem_classes="piece")
        lacking = {name: lacks_of(name) for name in PRESETS}
        ready = [(f"{name}: {about_preset(name)}", name) for name in PRESETS if not lacking[name].always]
        self.preset = gr.Dropdown(ready, value=best_preset(), label="How it is found")
        short = [
            (name, about_preset(name), lacks.messages) for name, lacks in lacking.items() if lacks.messages
        ]
        gr.HTML(html.presets_card(short))

    def _lay_out_answers(self) -> None:
        gr.HTML(
            html_template=html.page_file("tabs.html"),
            js_on_load=html.page_file("tabs.js"),
            apply_default_css=False,
        )
        with gr.Column(elem_id="tab-watch"):
            self.player = gr.HTML(html.nothing(html.NO_FILM))
        with gr.Column(elem_id="tab-frames", elem_classes="unselected"):
            self.viewer = gr.HTML(
                value={},
                html_template=html.page_file("viewer/viewer.html"),
                js_on_load=html.page_script(*(f"viewer/{name}.js" for name in VIEWER)),
                apply_default_css=False,
            )
        with gr.Column(elem_id="tab-why", elem_classes="unselected"):
            self.reasons = gr.HTML(html.nothing(html.NO_REASONS), js_on_load=html.page_file("reasons.js"))
        with gr.Column(elem_id="tab-export", elem_classes="unselected"):
            self.formats = gr.CheckboxGroup(
                list(FORMATS.items()),
                label="Besides the overlay, masks (PNG), report (HTML) and result.json",
            )
            self.pack = gr.Button("Make a zip", interactive=False)
            self.package = gr.HTML(elem_classes="piece")
            recipe: dict[str, Any] = {"interactive": False, "buttons": ["copy"], "elem_classes": "recipe"}
            self.shell = gr.Textbox(label="The same on the command line", lines=2, **recipe)
            self.python = gr.Textbox(label="The same in Python", lines=6, **recipe)
