"""The page: what is on it, and what its buttons do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr

from refervid.core.errors import RefervidError
from refervid.core.types import Hook, SoundReference, TextReference
from refervid.media.clip import Clip
from refervid.pipelines.presets import PRESETS, best_preset, lacks_of
from refervid.webui import html
from refervid.webui.job_queue import Job
from refervid.webui.limits import Limits
from refervid.webui.marks import read_choice, read_mark
from refervid.webui.pictures import file_address
from refervid.webui.session import Session
from refervid.webui.sessions import Sessions, Visitor
from refervid.webui.viewing import viewer_state
from refervid.webui.words import about_preset

TICK_S = 0.15
"""How often a waiting page looks how far its job is."""

DEMO_SENTENCE = "the red striped ball"
FORMATS = {
    "Cut-outs with transparency (WebM)": "alpha-webm",
    "COCO run lengths (JSON)": "coco-rle",
    "DAVIS (indexed PNG)": "davis-png",
    "YouTube-VOS (indexed PNG)": "youtube-vos",
    "NumPy arrays (NPZ)": "npz",
    "Contact sheet (JPEG)": "contact-sheet",
}

Updates = dict[Any, Any]
Work = Callable[[Hook], Any]
UNCHANGED: Updates = gr.skip()


class Page:
    """Handlers give back updates by component. What takes long goes through the jobs."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._explained: WeakKeyDictionary[Session, html.Explained] = WeakKeyDictionary()
        with gr.Blocks(title="refervid", analytics_enabled=False) as self.blocks:
            gr.HTML(html.page_file("header.html"))
            with gr.Row(elem_classes="desk"):
                with gr.Column(scale=2, min_width=300, elem_classes="asking"):
                    self._lay_out_question(sessions.limits)
                with gr.Column(scale=3, min_width=300, elem_classes="answers"):
                    self._lay_out_answers()
            self._connect()

    def _lay_out_question(self, limits: Limits) -> None:
        self.former = gr.Textbox(visible=False)
        self.uploader = gr.HTML(
            html_template=html.page_file("uploader.html").replace("@limits", limits.words()),
            js_on_load=html.page_file("uploader.js"),
            most_bytes=int(limits.upload_mb * 1e6),
        )
        self.clip = gr.HTML(elem_classes="piece")
        self.demo = gr.Button("No video at hand? Take the demo clip", size="sm")
        self.sentences = gr.Textbox(
            label="What to find",
            info=f"In English, one thing a line, up to {limits.sentences}",
            placeholder="the dog that jumps first\nthe blue cup on the left",
            lines=2,
            max_lines=limits.sentences,
        )
        self.sound = gr.Checkbox(label="What makes the sound")
        with gr.Row():
            self.go = gr.Button("Find it", variant="primary", scale=3, elem_id="go")
            self.cancel = gr.Button("Cancel", variant="stop", visible=False, scale=1, min_width=90)
        self.status = gr.HTML(elem_classes="piece")
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
                html_template=html.page_file("viewer.html"),
                js_on_load=html.page_file("viewer.js"),
                apply_default_css=False,
            )
        with gr.Column(elem_id="tab-why", elem_classes="unselected"):
            self.reasons = gr.HTML(html.nothing(html.NO_REASONS), js_on_load=html.page_file("reasons.js"))
        with gr.Column(elem_id="tab-export", elem_classes="unselected"):
            self.formats = gr.CheckboxGroup(
                list(FORMATS.items()),
                label="Besides the film, masks (PNG), report (HTML) and result.json",
            )
            self.pack = gr.Button("Make a zip", interactive=False)
            self.package = gr.HTML(elem_classes="piece")
            recipe: dict[str, Any] = {"interactive": False, "buttons": ["copy"], "elem_classes": "recipe"}
            self.shell = gr.Textbox(label="The same on the command line", lines=2, **recipe)
            self.python = gr.Textbox(label="The same in Python", lines=6, **recipe)

    def _connect(self) -> None:
        shown = [
            self.clip, self.sentences, self.sound, self.preset, self.status, self.go, self.cancel,
            self.summary, self.player, self.viewer, self.reasons, self.pack, self.package, self.shell,
            self.python,
        ]  # fmt: skip
        options: dict[str, Any] = {
            "outputs": shown,
            "show_progress": "hidden",
            "api_visibility": "private",
            "concurrency_limit": None,
        }
        # Gradio's stream of events closes when a queued handler ends, and a question that is put at that
        # very moment is never answered; handlers that take no time answer on their own request.
        at_once = {**options, "queue": False}
        question = [self.sentences, self.sound, self.preset]
        self.uploader.uploaded(self._uploaded, None, **options)
        self.uploader.refused(self._refused, None, **at_once)
        self.demo.click(self._take_demo, [self.sentences], **options)
        self.go.click(self._ask, question, **options)
        self.sentences.submit(self._ask, question, **options)
        self.cancel.click(self._cancel, None, **at_once)
        self.viewer.mark(self._mark, None, **options)
        self.viewer.point(self._point, [self.preset], **options)
        self.viewer.undo(self._undo, None, **options)
        self.reasons.candidate(self._candidate, None, **options)
        self.pack.click(self._pack, [self.formats], **options)
        self.formats.change(self._recipe, [self.formats], **at_once)
        self.viewer.resume(self._resume, None, **options)
        self.blocks.load(self._arrive, [self.former], js=html.page_file("former.js"), **at_once)
        self.blocks.unload(self._leave)

    def _visitor(self, request: gr.Request) -> Visitor:
        return self._sessions.of(str(request.session_hash))

    def _arrive(self, former: str | None, request: gr.Request) -> Updates:
        """The page was loaded. In a tab that has a session already, all is there again."""
        visitor = self._sessions.return_to(str(request.session_hash), str(former))
        return UNCHANGED if visitor is None else self._all_shown(visitor)

    async def _resume(self, request: gr.Request) -> AsyncIterator[Updates]:
        """Where there was a job under way, the page goes on with it."""
        visitor = self._visitor(request)
        if visitor.job is not None:
            async for updates in self._follow(visitor, visitor.job, lambda _: self._all_shown(visitor)):
                yield updates

    async def _uploaded(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        session, name = visitor.session, str(event.name)
        try:
            with self._sessions.uploads.taken(event.upload, session.folder) as path:
                async for updates in self._open(visitor, lambda _: session.open(path, name)):
                    yield updates
        except RefervidError as error:
            yield {self.status: html.error_card(error)}

    def _refused(self, event: gr.EventData) -> Updates:
        most = self._sessions.limits.upload_mb
        words = event.words or "The upload did not go through: try it again"
        if event.bytes:
            words = f"The file has {event.bytes / 1e6:.0f} MB, and {most:g} MB are allowed: save it smaller"
        return {self.status: html.error_card(words)}

    async def _take_demo(self, sentences: str, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        besides = {self.sentences: sentences.strip() or DEMO_SENTENCE}
        async for updates in self._open(visitor, visitor.session.open_demo, besides):
            yield updates

    async def _ask(
        self, sentences: str, sound: bool, preset: str, request: gr.Request
    ) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        ask = visitor.session.ask
        async for updates in self._answer(
            visitor, lambda hook: ask(sentences.splitlines(), sound, preset, hook)
        ):
            yield updates

    async def _mark(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)

        def work(hook: Hook) -> None:
            mark = read_mark(event.mark)
            visitor.session.correct(mark.query, mark.pivot(), afresh=mark.afresh, hook=hook)

        async for updates in self._answer(visitor, work):
            yield updates

    async def _point(self, event: gr.EventData, preset: str, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)

        def work(hook: Hook) -> None:
            visitor.session.point(read_mark(event.mark).pivot(), preset, hook)

        async for updates in self._answer(visitor, work):
            yield updates

    async def _candidate(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)

        def work(hook: Hook) -> None:
            choice = read_choice(event.choice)
            visitor.session.take_candidate(choice.query, choice.decision, choice.candidate, hook)

        async for updates in self._answer(visitor, work):
            yield updates

    async def _undo(self, request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        async for updates in self._answer(visitor, visitor.session.undo):
            yield updates

    async def _pack(self, formats: list[str], request: gr.Request) -> AsyncIterator[Updates]:
        visitor = self._visitor(request)
        session = visitor.session

        def show(package: Path) -> Updates:
            return {self.package: html.download(file_address(session, package), package)}

        async for updates in self._work(visitor, lambda hook: session.export(formats, hook), show):
            yield updates

    def _recipe(self, formats: list[str], request: gr.Request) -> Updates:
        session = self._visitor(request).session
        if session.answers is None:
            return UNCHANGED
        return {self.shell: session.shell(formats), self.python: session.python(formats)}

    def _cancel(self, request: gr.Request) -> Updates:
        visitor = self._visitor(request)
        if visitor.job is not None:
            visitor.job.cancel()
        return {self.cancel: gr.update(interactive=False)}

    def _leave(self, request: gr.Request) -> None:
        self._sessions.leave(str(request.session_hash))

    async def _open(
        self, visitor: Visitor, work: Work, besides: Updates | None = None
    ) -> AsyncIterator[Updates]:
        """Do work that ends with another clip, and show it."""

        def show(clip: Clip) -> Updates:
            self._sessions.look_ahead(visitor)
            return {**self._clip_shown(clip), self.status: "", **(besides or {})}

        self._sessions.stop_looking_ahead(visitor)
        async for updates in self._work(visitor, work, show):
            yield updates

    async def _answer(self, visitor: Visitor, work: Work) -> AsyncIterator[Updates]:
        """Do work that ends with new answers, and show them."""
        session = visitor.session

        def work_and_explain(hook: Hook) -> None:
            work(hook)
            self._explained[session] = html.explain(session.present_answers().results)

        async for updates in self._work(visitor, work_and_explain, lambda _: self._answers_shown(session)):
            yield updates

    async def _work(
        self, visitor: Visitor, work: Work, show: Callable[[Any], Updates]
    ) -> AsyncIterator[Updates]:
        """Put work in line and show how it goes; see `_follow`."""
        try:
            job = self._sessions.start(visitor, work)
        except RefervidError as error:
            state = viewer_state(visitor.session, busy=visitor.working)
            yield {self.status: html.error_card(error), self.viewer: state}
            return
        async for updates in self._follow(visitor, job, show):
            yield updates

    async def _follow(
        self, visitor: Visitor, job: Job, show: Callable[[Any], Updates]
    ) -> AsyncIterator[Updates]:
        """Show how a job goes, with each new picture of the answers as it is there.

        The last updates, which set the buttons free again, hold what `show` makes of the work's value
        if the work was done.
        """
        start, session = time.monotonic(), visitor.session
        shown, card = self._seen(visitor), ""
        yield {self.go: gr.update(interactive=False), self.cancel: gr.update(visible=True, interactive=True)}
        while not job.finished:
            updates: Updates = {}
            news = html.progress_card(job, self._sessions.waiting(visitor))
            if news != card:
                card = news
                updates[self.status] = card
            if self._seen(visitor) != shown:
                shown = self._seen(visitor)
                updates |= {self.player: html.player(session), self.viewer: viewer_state(session, busy=True)}
            if updates:
                yield updates
            await asyncio.sleep(TICK_S)
        yield {
            self.go: gr.update(interactive=True),
            self.cancel: gr.update(visible=False),
            self.status: self._ending(job, time.monotonic() - start),
            self.player: html.player(session),
            self.viewer: viewer_state(session),
            **(show(job.value) if job.state == "done" else {}),
        }

    def _all_shown(self, visitor: Visitor) -> Updates:
        session = visitor.session
        if session.clip is None:
            return UNCHANGED
        updates = {
            **self._clip_shown(session.clip),
            self.player: html.player(session),
            self.viewer: viewer_state(session, busy=visitor.working),
        }
        if session.answers is None or session not in self._explained:
            return updates
        results = session.answers.results
        texts = [one.query for one in results if isinstance(one.reference, TextReference)]
        asked = {
            self.sentences: "\n".join(texts),
            self.sound: any(isinstance(one.reference, SoundReference) for one in results),
            self.preset: results[0].preset,
        }
        return updates | asked | self._answers_shown(session)

    def _clip_shown(self, clip: Clip) -> Updates:
        """A clip about which nothing was asked yet."""
        return {
            self.clip: html.clip_card(clip),
            self.summary: "",
            self.reasons: html.nothing(html.NO_REASONS),
            self.pack: gr.update(interactive=False),
            self.package: "",
            self.shell: "",
            self.python: "",
        }

    def _answers_shown(self, session: Session) -> Updates:
        return {
            self.summary: self._explained[session].summary,
            self.reasons: self._explained[session].reasons,
            self.pack: gr.update(interactive=True),
            self.package: "",
            self.shell: session.shell(),
            self.python: session.python(),
        }

    def _seen(self, visitor: Visitor) -> tuple[Any, Any]:
        answers = visitor.session.answers
        return answers and answers.number, visitor.session.overlay

    def _ending(self, job: Job, seconds: float) -> str:
        if job.error is not None:
            return html.error_card(job.error)
        return html.said_card("Cancelled." if job.state == "cancelled" else f"Done in {seconds:.1f} s.")
