"""Sentences as people say them, each with what must be read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.engines.lite.language import parse
from tests.engines.lite.language.outline import outline

SENTENCES = [
    line.split("\t")
    for line in (Path(__file__).parent / "sentences.tsv").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]

DUTCH = ("het", "meisje", "met", "de", "rode", "jurk")


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentence(text: str, expected: str) -> None:
    assert outline(parse(text)) == expected


def test_nouns_of_everyday_sentences_are_in_the_vocabulary() -> None:
    found = [parse(text).concept is not None for text, _ in SENTENCES if parse(text).noun]
    assert len(found) > 300
    assert sum(found) >= 0.97 * len(found)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("el perro negro", "Spanish", "dog animal; colour black"),
        ("la chica con el vestido rojo", "Spanish", "girl person; colour red@dress"),
        ("dos perros corriendo", "Spanish", "dog animal x2; motion running"),
        ("le chat", "French", "cat animal"),
        ("la voiture rouge à gauche", "French", "car vehicle; colour red; position left"),
        ("l'homme assis sur la chaise", "French", "man person; motion resting; on -> chair furniture"),
        ("die Frau im roten Kleid", "German", "woman person; colour red@dress"),
        ("das Auto auf der linken Seite", "German", "car vehicle; position left"),
        ("il cane nero", "Italian", "dog animal; colour black"),
        ("o cachorro preto à esquerda", "Portuguese", "dog animal; colour black; position left"),
        ("左边的狗", "Chinese", "dog animal; position left"),
        ("穿红色衣服的女孩", "Chinese", "girl person; colour red@clothes"),
        ("两只狗", "Chinese", "dog animal x2"),
        ("赤い服を着た女の子", "Japanese", "girl person; colour red@clothes"),
        ("走っている犬", "Japanese", "dog animal; motion running"),
        ("человек в красной куртке", "Russian", "person person; colour red@jacket"),
        ("собака слева", "Russian", "dog animal; position left"),
        # words that the table has not are named, and a sentence of them is not read at all
        ("les enfants jouent", "French", "child person xN; unknown jouent"),
        ("검은 개", "Korean", "-; unknown 검은; unknown 개"),
        ("الكلب", "Arabic", "-; unknown الكلب"),
        ("czarny pies po lewej", "Polish", "-; unknown czarny; unknown pies; unknown po; unknown lewej"),
        ("het meisje met de rode jurk", "Dutch", "-; " + "; ".join(f"unknown {w}" for w in DUTCH)),
    ],
)
def test_other_languages(text: str, language: str, expected: str) -> None:
    expression = parse(text)
    assert (expression.language, outline(expression)) == (language, expected)
    assert expression.text == text


@pytest.mark.parametrize(
    "text",
    [
        "the man with the sombrero",
        "the café table",
        "the chat",
        "die in the box",
        "a la carte menu",
        "the rouge car",
        "the woman wearing a sari",
        "no dog",
        "the dog named 狗",
        "on",
        "a",
        "",
        "frobnicator",
    ],
)
def test_english_with_foreign_words_stays_english(text: str) -> None:
    assert parse(text).language == ""
