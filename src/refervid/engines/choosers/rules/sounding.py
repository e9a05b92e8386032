"""Which of the things that move make the sound?"""

from __future__ import annotations

from collections.abc import Sequence

from refervid.engines.choosers.rules.looks import SAME_THING
from refervid.engines.choosers.rules.region import Region, overlap
from refervid.engines.choosers.rules.synchrony import Synchrony, synchrony
from refervid.engines.choosers.rules.traces import SAME_OBJECT, Traces
from refervid.scene.sound import Envelopes

ALSO_SOUNDS = 0.75
"""A second thing sounds too if its correlation reaches this share of the best one's."""


def sounding_regions(
    regions: Sequence[Region], sound: Envelopes, limit: int | None = None
) -> tuple[list[tuple[Region, Synchrony]], Synchrony]:
    """The regions whose motion goes with the sound, best first; and the best match of all regions."""
    scene = regions[0].scene
    traces = Traces(regions)
    found = {region: synchrony(traces[region], scene.times_s, sound) for region in regions}
    order = sorted(regions, key=lambda region: (-found[region].correlation, -region.candidate.score))
    best = found[order[0]]
    chosen: list[Region] = []
    for region in order:
        if not found[region].convincing or found[region].correlation < ALSO_SOUNDS * best.correlation:
            continue
        new = all(
            traces.same_object(region, other) < SAME_OBJECT
            and (region.frame_index != other.frame_index or overlap(region.box, other.box) < SAME_THING)
            for other in chosen
        )
        if new:
            chosen.append(region)
    return [(region, found[region]) for region in chosen[:limit]], best
