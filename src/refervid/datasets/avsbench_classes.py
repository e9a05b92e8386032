"""The classes of AVSBench-semantic: numbers, colours, and names for sounding objects."""

from __future__ import annotations

CLASSES = tuple(
    """
    background accordion airplane axe baby bassoon bell bird boat boy bus car cat cello clarinet clipper
    clock dog donkey drum duck elephant emergency-car erhu flute frying-food girl goose guitar gun guzheng
    hair-dryer handpan harmonica harp helicopter hen horse keyboard leopard lion man marimba missile-rocket
    motorcycle mower parrot piano pig pipa saw saxophone sheep sitar sorna squirrel tabla tank tiger tractor
    train trombone truck trumpet tuba ukulele utv vacuum-cleaner violin wolf woman
    """.split()  # noqa: SIM905
)
"""Their places are the class numbers; the colour of a class is that of its number in the VOC palette."""
