"""Where garments and parts of the body are on a person whose joints are seen.

Lengths are in heads, the height of the person's head: a figure drawn by the artists' rule is 7 1/2 of them
high, 2.2 from the shoulders' joints to the hips', 1.5 between the shoulders' and 0.65 between the ears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.fuzzy import rise
from refervid.engines.lite.language.words import head_word
from refervid.engines.lite.pose import KEYPOINTS, WEIGHTS, keypoints

SURE = 0.3
"""Score from which on a joint is taken to be where it is said to be."""
BODY = 5
"""So many joints of the 17 are seen of people; on a hand or an arm alone three at most are guessed."""
Joints = NDArray[np.float32]
"""(17, 3) x, y and score, in the order of `KEYPOINTS`."""


@dataclass(frozen=True)
class BodyPlace:
    """Where a thing is on a person: in the box around these `joints`, wider by so much; what is "on the head"
    lies around the middle between the eyes. `down` is where it is in shares of the whole height, which is
    all that is known where joints are not seen. With `paired` there is one for each side of the body, with
    `alone` it is often all of somebody that is in view.
    """

    joints: str = ""
    beside: float = 0.0
    above: float = 0.0
    below: float = 0.0
    down: tuple[float, float] | None = None
    paired: bool = False
    alone: bool = False


_ON_HEAD = "on the head"
_TOP, _HEAD, _TORSO, _DRESS = (0.0, 0.1), (0.0, 0.16), (0.13, 0.5), (0.13, 0.75)
_SUIT, _LEGS, _FEET = (0.13, 0.95), (0.47, 0.95), (0.9, 1.0)
_BODY_PLACES = {
    "shirt t-shirt tshirt tee top blouse vest jumper hoodie cardigan pullover sweater sweatshirt jersey polo"
    " apron waistcoat tunic fleece torso chest back": BodyPlace("shoulder hip", 0.3, 0.2, 0.2, _TORSO),
    "jacket coat blazer parka anorak raincoat windbreaker": BodyPlace(
        "shoulder elbow hip", 0.2, 0.2, 0.4, _TORSO
    ),
    "dress robe gown": BodyPlace("shoulder hip knee", 0.3, 0.2, 0.1, _DRESS),
    "clothes clothing outfit costume suit uniform tracksuit jumpsuit overall overalls": BodyPlace(
        "shoulder elbow hip knee ankle", 0.25, 0.2, 0.1, _SUIT
    ),
    "trouser trousers pants jeans chinos tights sweatpants leg leggings": BodyPlace(
        "hip knee ankle", 0.3, 0.1, 0.1, _LEGS
    ),
    "skirt shorts": BodyPlace("hip knee", 0.35, 0.15, 0.0, _LEGS),
    "arm sleeve": BodyPlace("shoulder elbow wrist", 0.2, 0.2, 0.2, paired=True, alone=True),
    "shoe boot sandal sneaker trainers footwear sock foot slipper": BodyPlace(
        "ankle", 0.35, 0.15, 0.4, _FEET, paired=True
    ),
    "hand glove fist finger thumb": BodyPlace("hand", 0.4, 0.4, 0.4, paired=True, alone=True),
    "wrist bracelet wristband wristwatch": BodyPlace("wrist", 0.3, 0.3, 0.3, paired=True),
    "elbow": BodyPlace("elbow", 0.4, 0.4, 0.4, paired=True),
    "shoulder": BodyPlace("shoulder", 0.4, 0.4, 0.4, paired=True),
    "knee": BodyPlace("knee", 0.45, 0.45, 0.45, paired=True),
    "ankle": BodyPlace("ankle", 0.3, 0.3, 0.3, paired=True),
    "head": BodyPlace(_ON_HEAD, 0.5, 0.65, 0.6, _HEAD),
    "face": BodyPlace(_ON_HEAD, 0.38, 0.3, 0.55, _HEAD),
    "hair ponytail braid": BodyPlace(_ON_HEAD, 0.5, 0.7, 0.3, _HEAD),
    "wig": BodyPlace(_ON_HEAD, 0.5, 0.7, 0.3, _TOP),
    "hat cap helmet headband beanie hood crown turban bonnet bandana headscarf headgear": BodyPlace(
        _ON_HEAD, 0.5, 0.75, 0.0, _TOP
    ),
    "glasses sunglasses goggles spectacles": BodyPlace(_ON_HEAD, 0.4, 0.15, 0.15, _HEAD),
    "headphones headset earphones": BodyPlace(_ON_HEAD, 0.5, 0.6, 0.3),
    "mask": BodyPlace(_ON_HEAD, 0.4, 0.15, 0.55, _HEAD),
    "mouth beard moustache chin": BodyPlace(_ON_HEAD, 0.28, -0.15, 0.6, _HEAD),
    "nose": BodyPlace(_ON_HEAD, 0.15, 0.05, 0.25, _HEAD),
    "eye ear": BodyPlace(down=_HEAD, paired=True),
    "neck scarf tie necklace": BodyPlace(_ON_HEAD, 0.4, -0.45, 1.0),
}
BODY_PLACES = {word: part for words, part in _BODY_PLACES.items() for word in words.split()}
THIGH = (0.7, 1.4)
"""Heads from the hips down to the knees from which on somebody may stand, and surely does."""
_HAND = 0.35
"""From the wrist to the middle of the hand, away from the elbow."""


def has_several(word: str) -> bool:
    """Does one person have more than one of it: shoes, hands, legs?"""
    return word == "leg" or (word in BODY_PLACES and BODY_PLACES[word].paired)


def may_be_alone(noun: str) -> bool:
    """May it be all of somebody that is in view: a hand, an arm?"""
    return BODY_PLACES.get(head_word(noun), BodyPlace()).alone


def shows_body(joints: Joints | None) -> bool:
    """Is more in view of somebody than a hand or an arm? Yes, where the network is not there to tell."""
    return joints is None or int((joints[:, 2] >= SURE).sum()) >= BODY


def joints_of(scene: Scene, frame_index: int, box_xyxy: NDArray[np.floating]) -> Joints | None:
    """Of the person in a box, both in pixels of the clip; None without the network."""
    if WEIGHTS.missing():
        return None
    scale = np.array(scene.picture_size[::-1], np.float32) / scene.clip_size[::-1]
    found = keypoints(scene.picture(frame_index), box_xyxy * np.tile(scale, 2))
    found[:, :2] /= scale
    return found


def box_by_joints(joints: Joints, noun: str, *, both: bool = True) -> NDArray[np.float64] | None:
    """(4,) xyxy of a part, of paired ones around `both` or of the one that is seen best; None where its
    joints are not seen.
    """
    part = BODY_PLACES.get(head_word(noun), BodyPlace())
    head = _head_height(joints)
    if not part.joints or head is None:
        return None
    points = _eyes(joints, head) if part.joints == _ON_HEAD else _points(joints, head, part, both=both)
    if points is None:
        return None
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    beside, above, below = (head * length for length in (part.beside, part.above, part.below))
    return np.array([x0 - beside, y0 - above, x1 + beside, y1 + below], np.float64)


def uprightness(joints: Joints) -> float | None:
    """1 for somebody who stands, 0 for somebody who sits or lies, by how far below the hips the knees are: a
    thigh is 1.8 heads long, and somebody who sits holds it flat. None: they are not seen.
    """
    hips, knees, head = _middle(joints, "hip"), _middle(joints, "knee"), _head_height(joints)
    if hips is None or knees is None or head is None:
        return None
    return rise(float(knees[1] - hips[1]) / head, *THIGH)


def _points(joints: Joints, head: float, part: BodyPlace, *, both: bool) -> NDArray[np.float64] | None:
    """(N, 2) the joints of a part; None unless each kind of them is seen on one side at least."""
    sides = [_side(joints, head, side, part.joints.split()) for side in ("left", "right")]
    if part.paired:
        whole = [side for side in sides if (side[:, 2] >= SURE).all()]
        whole.sort(key=lambda side: -float(side[:, 2].min()))
        sides = whole if both else whole[:1]
    if not sides:
        return None
    points = np.stack(sides)
    seen = points[..., 2] >= SURE
    return points[seen][:, :2] if seen.any(axis=0).all() else None


def _side(joints: Joints, head: float, side: str, kinds: Sequence[str]) -> NDArray[np.float64]:
    """(N, 3) the joints of these kinds on one side."""
    found = []
    for kind in kinds:
        wrist, elbow = joints[_at(f"{side} wrist")], joints[_at(f"{side} elbow")]
        if kind != "hand":
            found.append(joints[_at(f"{side} {kind}")])
        else:
            forearm = wrist[:2] - elbow[:2]
            reach = _HAND * head * forearm / max(float(np.linalg.norm(forearm)), 1.0)
            found.append(np.append(wrist[:2] + reach * (elbow[2] >= SURE), wrist[2]))
    return np.array(found, np.float64)


def _at(name: str) -> int:
    return KEYPOINTS.index(name)


def _head_height(joints: Joints) -> float | None:
    """In pixels, by what shows it longest: turned away, each length looks shorter. None: nothing shows it."""
    shoulders, hips = _middle(joints, "shoulder"), _middle(joints, "hip")
    lengths = [_apart(joints, "shoulder", 1.5), _apart(joints, "ear", 0.65)]
    if shoulders is not None and hips is not None:
        lengths.append(float(np.linalg.norm(shoulders - hips)) / 2.2)
    return max(lengths) or None


def _eyes(joints: Joints, head: float) -> NDArray[np.float64] | None:
    """(1, 2) the middle of the head at the eyes' height; of somebody seen from behind where it would be."""
    eyes, ears = _middle(joints, "eye"), _middle(joints, "ear")
    if eyes is not None:
        # Seen from the side, the eyes are at the front of the head and the ear is in its middle.
        return np.array([[eyes[0] if ears is None else (eyes[0] + ears[0]) / 2, eyes[1]]])
    if ears is not None:
        return ears[None]
    shoulders = _middle(joints, "shoulder")
    return None if shoulders is None else shoulders[None] - [0, 0.8 * head]


def _middle(joints: Joints, kind: str) -> NDArray[np.float64] | None:
    """Of the joints of a kind, of which one may be hidden."""
    here = _of_kind(joints, kind)
    sure = here[here[:, 2] >= SURE]
    return np.mean(sure[:, :2], axis=0, dtype=np.float64) if len(sure) else None


def _apart(joints: Joints, kind: str, heads: float) -> float:
    """Height of a head by the two joints of a kind, 0 unless both are seen."""
    one, other = _of_kind(joints, kind)
    both = min(one[2], other[2]) >= SURE
    return float(np.linalg.norm(one[:2] - other[:2])) / heads if both else 0.0


def _of_kind(joints: Joints, kind: str) -> Joints:
    return joints[[name.endswith(kind) for name in KEYPOINTS]]
