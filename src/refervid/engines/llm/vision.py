"""Does the model see? Some servers drop pictures without a word, and their models answer all the same."""

from __future__ import annotations

import numpy as np

from refervid.core.errors import ChooserUnavailable
from refervid.engines.llm.asking import Inquiry
from refervid.engines.llm.model import Prompt, VisionModel
from refervid.engines.llm.replies import read_number
from refervid.engines.llm.wording import Form, Wording, object_schema
from refervid.media.lettering import BLACK, paint, text_alpha
from refervid.media.pictures import encode_jpeg

NUMBER = 5837
"""What the picture shows; nobody guesses it."""
SIZE = (320, 160)
"""Width and height of the picture in pixels."""


def require_vision(model: VisionModel, inquiry: Inquiry, words: Wording, form: Form) -> None:
    """Let the model read a number from a picture; the answer is remembered like any other.

    Raises `ChooserUnavailable` if it cannot. A question that cannot be asked proves nothing.
    """
    schema = object_schema(number={"type": "integer"}) if form == "json" else None
    text = f"{words.text('vision-v1')}\n{words.text(f'vision-v1.{form}')}"
    prompt = Prompt(words.version("vision-v1"), text, _picture(), schema)
    asked = inquiry.ask(model, prompt, lambda reply: read_number(reply, "number", [NUMBER]))
    if asked.answer is None and asked.error is None:
        raise ChooserUnavailable(
            f"{model.name} sees no pictures: shown the number {NUMBER}, it said "
            f"{(asked.raw or 'nothing')[:100]!r}. Choose a model with vision (--set chooser.model=NAME), or "
            "ask without this test (--set chooser.probe=false)"
        )


def _picture() -> bytes:
    picture = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    ink = text_alpha(str(NUMBER), SIZE[1] // 2)
    paint(picture, ink, (SIZE[0] - ink.shape[1]) // 2, (SIZE[1] - ink.shape[0]) // 2, BLACK)
    return encode_jpeg(picture)
