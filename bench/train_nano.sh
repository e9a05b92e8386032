#!/bin/sh
# Train the small network that ships and its two ablations, score them, and put the first one in place.
# Run from the repository's root, with the package installed; a run that was stopped goes on.
set -e
# The allocator keeps what it has: on a CPU a quarter of a step went into getting memory from the system.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_TOP_PAD_=200000000
for recipe in soc-nano soc-nano-no-voc soc-nano-no-contrast; do
    refervid train soc --config $recipe -o out/$recipe --device "${DEVICE:-auto}" --resume
    python bench/soc_nano.py out/$recipe/best.safetensors --name $recipe
done
python bench/soc_nano.py out/soc-nano/best.safetensors --ship
