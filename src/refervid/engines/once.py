"""What is found in a clip once, for all who ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from refervid.media.clip import Clip

T = TypeVar("T")


class OncePerClip(Generic[T]):
    """Findings live as long as their clip. Who asks while another looks at the same clip waits for that."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clips: WeakKeyDictionary[Clip, tuple[Lock, dict[Hashable, T]]] = WeakKeyDictionary()

    def of(self, clip: Clip, find: Callable[[], T], key: Hashable = None) -> T:
        """What `find` said when it was first asked for under this key."""
        with self._lock:
            looking, found = self._clips.setdefault(clip, (Lock(), {}))
        with looking:
            if key not in found:
                found[key] = find()
            return found[key]
