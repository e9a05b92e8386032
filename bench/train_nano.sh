#!/bin/sh
# Train the small network that ships and its two ablations, score them, and put the first one in place.
# Run from the repository's root, with the package installed; a run that was stopped goes on.
set -e
# The allocator keeps what it has, in large pages: on a CPU more than half of a step went into getting memory
# from the system and into finding its small pages again.
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=500000000
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1

train() { # NAME CHANGE...
    name=$1
    shift
    before=
    for part in -stills -cluster ''; do
        refervid train soc --config "soc-nano$part" -o "out/$name$part" --device "${DEVICE:-auto}" --resume \
            ${before:+--set "network.weights=out/$name$before/last.safetensors"} "$@"
        before=$part
    done
    python bench/soc_nano.py "out/$name/last.safetensors" --name "$name"
}

# The backbone is the same for all three.
test -f out/soc-nano-eyes.safetensors || python bench/pretrain_nano.py out/soc-nano-eyes.safetensors
train soc-nano
train soc-nano-no-voc --set network.voc=false
train soc-nano-no-contrast --set losses.con=0.0
python bench/soc_nano.py out/soc-nano/last.safetensors --ship
