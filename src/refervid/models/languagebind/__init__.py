"""LanguageBind: sound, pictures and text in one space (arXiv 2310.01852)."""

from refervid.models.languagebind.checkpoint import load_languagebind
from refervid.models.languagebind.config import AudioTower, LanguageBindConfig
from refervid.models.languagebind.model import LanguageBind
from refervid.models.languagebind.picture import picture_pixels
from refervid.models.languagebind.sound import sound_pixels

__all__ = [
    "AudioTower",
    "LanguageBind",
    "LanguageBindConfig",
    "load_languagebind",
    "picture_pixels",
    "sound_pixels",
]
