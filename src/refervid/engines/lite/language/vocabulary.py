"""What a noun looks like to the two small networks: COCO's 80 classes and ImageNet's 1000.

The table has two parts of one form, `data/everyday.tsv` (written by hand, goes first) and `data/wordnet.tsv`
(made by `tools/make_vocabulary.py` from WordNet 3.0). A line has, between tabs: kind, flags ("k" known,
"n" narrower), classes of COCO with weights ("horse 0.7", 1 if none is said, "*" all at `ANY`), indices of
ImageNet ("100", "151-268", "@dog": those of that noun in `wordnet.tsv`, "-": none, not even WordNet's),
nouns, traits, uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from refervid.engines.lite.language import inflections

COCO_CLASSES = (
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
    *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow"),
    *(
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "backpack",
        "umbrella",
        "handbag",
        "tie",
        "suitcase",
        "frisbee",
    ),
    *(
        "skis",
        "snowboard",
        "sports ball",
        "kite",
        "baseball bat",
        "baseball glove",
        "skateboard",
        "surfboard",
    ),
    *("tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
    *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
    *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard"),
    *("cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase"),
    *("scissors", "teddy bear", "hair drier", "toothbrush"),
)
ANY = 0.5
"""How well each class stands for "thing": none is ruled out, none is meant."""
TAKEN = 0.4
"""Weight of a neighbour's class from which on the detector sees a thing that it has no class for. Of others
(a fish, a guitar, a spider) it sees nothing, so that it sees none does not mean that there is none."""


FAINT = {
    *(*COCO_CLASSES[24:56], *COCO_CLASSES[64:68], *COCO_CLASSES[73:]),
    *("potted plant", "toaster", "dining table", "traffic light", "bench"),
}
"""What COCO counts as accessories, sports, kitchen, food, small electronics and indoor things: most are
small, and a detector that sees 300 x 300 pixels misses most small things: traffic lights, too. Tables it
knows where they are laid, and a bench from the front passes for a chair or a couch. That it sees none does
not mean that there is none."""


@dataclass(frozen=True)
class Concept:
    """A noun and what the networks answer with when they see it.

    `detector` says for classes of COCO how well each stands for the noun: 1 for the same thing, a kind of it
    or the kind that it is of; less for a neighbour that the detector tends to answer with. `classifier` does
    so for indices of ImageNet-1k. `known`: seen if it were there, so not seeing it means it is not there.
    `narrower`: a kind of what the detector's class names (poodle, waiter), which that class alone does not
    prove. `traits` of a person are said with the word and seen by no network ("female", "young"); `uses` are
    classes of COCO of which a person in that role uses one (a snowboarder a snowboard).
    """

    noun: str
    kind: str
    detector: Mapping[str, float] = field(default_factory=dict)
    classifier: Mapping[int, float] = field(default_factory=dict)
    known: bool = False
    narrower: bool = False
    traits: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def stuff(self) -> bool:
        """Sky, road, wall: it fills an area and has no outline of its own."""
        return self.kind == "stuff"

    @property
    def has_class(self) -> bool:
        """Does the detector have a class for it, or for a kind that it is of?"""
        return 1 in self.detector.values()

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What the noun says of a person that was not checked when a person was seen."""
        role = (self.noun,) if self.kind == "person" and self.narrower else ()
        return (*self.traits, *role)


@cache
def concept(noun: str) -> Concept | None:
    """The concept of a noun in the singular or plural, or None if it is not in the vocabulary.

    Of a compound that is not in it the longest end that is counts: "biscuit box" is a box.
    """
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", noun.lower())
    for start in range(len(words)):
        form = entry(words[start:])
        if form is not None:
            return _concept(form)
    return None


def kind_of(noun: str | None) -> str:
    """The `Concept.kind` of a noun, "" if it is not in the vocabulary."""
    found = concept(noun) if noun else None
    return found.kind if found else ""


def entry(words: list[str], by_hand: bool = False) -> str | None:
    """The noun of the table that these words in a row are, or None; with `by_hand` only what stands there."""
    tables = [_everyday()] if by_hand else [_everyday(), _wordnet()]
    return next((form for table in tables for form in forms(words) if form in table), None)


def forms(words: list[str]) -> Iterator[str]:
    """Ways to write a noun that the table may have: apart, with hyphens, as one word; and singular."""
    for ending in (words[-1], *singulars(words[-1])):
        parts = [*words[:-1], ending]
        yield from dict.fromkeys((" ".join(parts), "-".join(parts), "".join(parts)))


def singulars(word: str) -> Iterator[str]:
    """Nouns that `word` may be the plural of, likeliest first."""
    if word in inflections.IRREGULAR_PLURALS:
        yield inflections.IRREGULAR_PLURALS[word]
    for plural, singular in inflections.PLURAL_ENDINGS.items():
        if word.endswith(plural):
            yield word.removesuffix(plural) + singular


def _concept(noun: str) -> Concept:
    """Where the line written by hand has no classes of ImageNet and no detector knows it, WordNet's count."""
    fields = [_fields(table[noun]) for table in (_everyday(), _wordnet()) if noun in table]
    kind, flags, detector, classifier, _, traits, uses = fields[0]
    if "k" not in flags:
        classifier = next((each[3] for each in fields if each[3]), "")
    weights = dict(_classes(detector))
    seen = max(weights.values(), default=0.0) >= TAKEN and not any(weights.get(name) == 1 for name in FAINT)
    return Concept(
        noun,
        kind,
        MappingProxyType(weights),
        MappingProxyType(dict.fromkeys(_indices(classifier.strip("-")), 1.0)),
        "k" in flags and seen,
        "n" in flags,
        tuple(traits.split(", ")) if traits else (),
        tuple(uses.split(", ")) if uses else (),
    )


def _fields(line: str) -> list[str]:
    return (line + "\t" * 7).split("\t")[:7]


def _classes(text: str) -> Iterator[tuple[str, float]]:
    if text == "*":
        yield from dict.fromkeys(COCO_CLASSES, ANY).items()
        return
    for name, weight in re.findall(r"([a-z]+(?: [a-z]+)*)(?: ([.\d]+))?", text):
        yield name, float(weight or 1)


def _indices(text: str) -> Iterator[int]:
    for each in text.split():
        if each == "*":
            yield from range(1000)
        elif each.startswith("@"):
            yield from _indices(_wordnet()[each[1:]].split("\t")[3])
        else:
            first, _, last = each.partition("-")
            yield from range(int(first), int(last or first) + 1)


@cache
def _everyday() -> dict[str, str]:
    return _lines("everyday.tsv")


@cache
def _wordnet() -> dict[str, str]:
    return _lines("wordnet.tsv")


def _lines(name: str) -> dict[str, str]:
    """The line of each noun; the first line that has it counts."""
    lines: dict[str, str] = {}
    text = (files("refervid.engines.lite.language") / "data" / name).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            for noun in line.split("\t")[4].split(", "):
                lines.setdefault(noun, line)
    return lines
