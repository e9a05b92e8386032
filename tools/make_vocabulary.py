"""Makes `wordnet.tsv`, the table of nouns that preset `lite` knows, from WordNet 3.0.

    python tools/make_vocabulary.py --wordnet DIR --words DIR --imagenet FILE -o wordnet.tsv

`--wordnet` is `/usr/share/wordnet` of Debian's `wordnet-base`; `--words` is `/usr/share/dict/scowl` of
Debian's `scowl`, which says what an everyday word is; `--imagenet` lists the 1000 WordNet ids of ImageNet's
classes in the order of a classifier's outputs (`imagenet_synsets.txt` of the package `timm`).

A noun stands for its first sense that can be seen. Going up from there it meets a detector's class, going
down it collects those that lie under it; `vocabulary.py` says how a line reads. The tables in `vocabulary/`
say where classes and kinds begin. What is not in WordNet, or not as everyday English has it, stands in
`everyday.tsv`, written by hand.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# WordNet's names of its files of nouns, in its order from 3 on, and those whose synsets can be seen.
LEXNAMES = (
    *(
        "Tops",
        "act",
        "animal",
        "artifact",
        "attribute",
        "body",
        "cognition",
        "communication",
        "event",
        "feeling",
    ),
    *(
        "food",
        "group",
        "location",
        "motive",
        "object",
        "person",
        "phenomenon",
        "plant",
        "possession",
        "process",
    ),
    *("quantity", "relation", "shape", "state", "substance", "time"),
)
SEEN = {
    "Tops",
    "animal",
    "artifact",
    "body",
    "food",
    "object",
    "person",
    "plant",
    "substance",
    "phenomenon",
} | {
    "shape",
    "location",
}
# Sorts of things that a detector boxes even when it has no name for them, so that the classifier sees them.
OWN_BOX = ("animal", "vehicle", "cycle", "instrument")
COARSE = re.compile(r"slur|offensive|derogatory|disparag|vulgar|obscen|contempt|prostitut")  # left out
# What someone who points at a clip means rather than WordNet's first sense: the animal, not its meat or fur,
# the fruit, not its tree, and the device or animal where a person of that name is `RARE` in the tagged texts.
LIKELIER = {
    "food": ("animal",),
    "substance": ("animal", "artifact"),
    "plant": ("animal", "food"),
    "person": ("animal", "artifact"),
}
RARE = 1
EVERYDAY, EVERYDAY_IN_COMPOUNDS = 60, 50  # sizes of SCOWL's lists: a desk and a pocket dictionary
LEAST_SHARE = 0.08  # of a noun's uses in WordNet's tagged texts that must mean something that can be seen


@dataclass
class Synset:
    lexname: str
    lemmas: list[str]
    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    instance: bool = False
    coarse: bool = False


class WordNet:
    """Nouns of WordNet: `synsets` by offset, `senses` of a lemma in WordNet's order with their tag counts."""

    def __init__(self, folder: Path) -> None:
        self.synsets: dict[str, Synset] = {}
        self.senses: dict[str, list[str]] = {}
        self.counts: dict[tuple[str, int], int] = defaultdict(int)
        for line in (folder / "data.noun").read_text("utf-8").splitlines():
            if not line.startswith("  "):
                words, _, gloss = line.partition(" | ")
                self._read_synset(words.split(), COARSE.search(gloss) is not None)
        for line in (folder / "index.noun").read_text("utf-8").splitlines():
            if not line.startswith("  "):
                words = line.split()
                self.senses[words[0]] = words[-int(words[2]) :]
        for line in (folder / "cntlist.rev").read_text("utf-8").splitlines():
            key, sense, count = line.split()
            lemma, _, rest = key.partition("%")
            if rest.startswith("1:"):
                self.counts[lemma, int(sense)] = int(count)
        verbs = (folder / "index.verb").read_text("utf-8").splitlines()
        self.verbs = {line.split(" ")[0] for line in verbs}
        for offset, synset in self.synsets.items():
            for parent in synset.up:
                self.synsets[parent].down.append(offset)

    def _read_synset(self, words: list[str], coarse: bool) -> None:
        offset, lexname, count = words[0], LEXNAMES[int(words[1]) - 3], int(words[3], 16)
        synset = Synset(lexname, [re.sub(r"\(\w+\)$", "", words[4 + 2 * each]) for each in range(count)])
        synset.coarse = coarse and lexname == "person"
        rest = words[4 + 2 * count + 1 :]
        for symbol, target in zip(rest[::4], rest[1::4], strict=False):
            if symbol in ("@", "@i"):
                synset.up.append(target)
                synset.instance |= symbol == "@i"
        self.synsets[offset] = synset

    def sense(self, name: str) -> str:
        """Offset of "dog.1": the first sense of "dog"."""
        lemma, _, number = name.split(":")[-1].rpartition(".")
        return self.senses[lemma][int(number) - 1]

    def upwards(self, offset: str) -> list[str]:
        """The synset itself and all above it, nearest first."""
        found, at = [offset], 0
        while at < len(found):
            found += [each for each in self.synsets[found[at]].up if each not in found]
            at += 1
        return found

    def downwards(self, offset: str) -> set[str]:
        found, open_ = {offset}, [offset]
        while open_:
            for each in self.synsets[open_.pop()].down:
                if each not in found:
                    found.add(each)
                    open_.append(each)
        return found


@dataclass(frozen=True)
class Meaning:
    """One line of the table without its nouns."""

    kind: str
    flags: str
    detector: tuple[tuple[str, float], ...]
    classifier: tuple[int, ...]
    traits: tuple[str, ...]


class Maker:
    def __init__(self, wordnet: WordNet, imagenet: list[str]) -> None:
        self.wordnet = wordnet
        self.coco, self.kinds, self.traits = (self._starts(each) for each in ("coco", "kinds", "traits"))
        self.neighbours: dict[str, tuple[tuple[str, float], ...]] = {}
        for senses, weights in table("neighbours"):
            pairs = [each.rpartition(" ") for each in weights.split(", ")]
            classes = tuple((name, float(weight)) for name, _, weight in pairs)
            self.neighbours.update((wordnet.sense(each), classes) for each in senses.split())
        self.imagenet = {wordnet_id[1:]: index for index, wordnet_id in enumerate(imagenet)}

    def _starts(self, name: str) -> dict[str, str]:
        """What begins at each synset: the entries of a table whose lines list senses."""
        return {self.wordnet.sense(each): entry for entry, senses in table(name) for each in senses.split()}

    def meaning(self, offset: str) -> Meaning:
        above, below = self.wordnet.upwards(offset), self.wordnet.downwards(offset)
        kind = next((self.kinds[each] for each in above if each in self.kinds), "object")
        at = next((each for each in above if each in self.coco), None)
        under = {self.coco[each] for each in below if each in self.coco}
        near = above[: above.index(at) + 1] if at is not None else [offset] if under else above
        detector = dict(next((self.neighbours[each] for each in near if each in self.neighbours), ()))
        detector.update(dict.fromkeys([self.coco[at]] if at is not None else under, 1.0))
        classified = {self.imagenet[each] for each in below if each in self.imagenet}
        named = next((self.imagenet[each] for each in above if each in self.imagenet), None)
        if not classified and named is not None:
            classified = {named}
        boxed = kind in OWN_BOX and bool(classified or (kind == "animal" and under))
        known = at is not None or boxed
        narrower = at is not None and offset not in self.coco
        flags = ("k" if known else "") + ("n" if narrower else "")
        traits = dict.fromkeys(self.traits[each] for each in above if each in self.traits)
        return Meaning(kind, flags, tuple(sorted(detector.items())), tuple(sorted(classified)), tuple(traits))

    def lines(self, words: dict[str, int]) -> dict[Meaning, list[str]]:
        """Nouns by meaning. A compound that means no more here than its last word is left out."""
        meanings: dict[str, Meaning] = {}
        for lemma in self.wordnet.senses:
            offset = self._sense_seen(lemma)
            if offset is not None and self._is_everyday(lemma, words):
                meanings[lemma] = self.meaning(offset)
        lines: dict[Meaning, list[str]] = defaultdict(list)
        for lemma, meaning in meanings.items():
            head = meanings.get(lemma.rpartition("_")[2]) if "_" in lemma else None
            seen = bool(meaning.detector or meaning.classifier)
            if head is None or (meaning != head and (seen or head.kind != meaning.kind)):
                lines[meaning].append(lemma.replace("_", " "))
        return lines

    def _sense_seen(self, lemma: str) -> str | None:
        """The first sense that can be seen, if the noun is used for such."""
        senses = self.wordnet.senses[lemma]
        counts = [self.wordnet.counts[lemma, number + 1] for number in range(len(senses))]
        seen = [
            number
            for number, offset in enumerate(senses)
            if (synset := self.wordnet.synsets[offset]).lexname in SEEN
            and not (synset.instance or synset.coarse)
        ]
        if not seen or sum(counts[number] for number in seen) < LEAST_SHARE * sum(counts):
            return None
        names = [self.wordnet.synsets[senses[number]].lexname for number in seen]
        likelier = LIKELIER.get(names[0], ())
        if names[0] == "person" and counts[seen[0]] > RARE:
            likelier = ()
        for wanted in likelier:
            if wanted in names:
                return senses[seen[names.index(wanted)]]
        return senses[seen[0]]

    def _is_everyday(self, lemma: str, words: dict[str, int]) -> bool:
        stem = lemma.removesuffix("ing")
        if lemma.endswith("ing") and self.wordnet.verbs & {stem, stem + "e", stem[:-1]}:
            return False  # "helping": a doing before it is a thing
        parts = re.split(r"[_-]", lemma)
        largest = EVERYDAY if len(parts) == 1 else EVERYDAY_IN_COMPOUNDS
        return len(lemma) > 2 and len(parts) < 4 and all(words.get(part, 99) <= largest for part in parts)


def table(name: str) -> list[tuple[str, str]]:
    """Lines "entry: what it says" of a hand-made table beside this script."""
    lines = (Path(__file__).parent / "vocabulary" / f"{name}.txt").read_text("utf-8").splitlines()
    halves = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    return [(entry, said) for entry, _, said in halves]


def read_words(folder: Path) -> dict[str, int]:
    """Each word of SCOWL in lower case, with the smallest size of list that has it."""
    sizes: dict[str, int] = {}
    for path in folder.glob("*-[wup][opr]*.[0-9]*"):
        if re.match(r"(american|british|english)-(words|upper|proper-names)\.", path.name):
            size = int(path.suffix[1:])
            for word in path.read_text("iso-8859-1").split():
                sizes[word.lower()] = min(size, sizes.get(word.lower(), 99))
    return sizes


def ranges(indices: Iterable[int]) -> str:
    """ "151-268 277": runs of consecutive numbers."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def write(lines: dict[Meaning, list[str]], path: Path) -> None:
    rows = []
    for meaning, nouns in lines.items():
        classes = [name if weight == 1 else f"{name} {weight:g}" for name, weight in meaning.detector]
        seen = (", ".join(classes), ranges(meaning.classifier))
        fields = (meaning.kind, meaning.flags, *seen, ", ".join(sorted(nouns)), ", ".join(meaning.traits))
        rows.append("\t".join(fields).rstrip())
    path.write_text("\n".join([HEADER, *sorted(rows), ""]), "utf-8")


HEADER = """\
# Made by tools/make_vocabulary.py from WordNet 3.0, Copyright 2006 by Princeton University: WORDNET-LICENSE
# kind	flags	classes of COCO	classes of ImageNet	nouns	traits"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("wordnet", "words", "imagenet"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    maker = Maker(WordNet(options.wordnet), options.imagenet.read_text().split())
    write(maker.lines(read_words(options.words)), options.output)
