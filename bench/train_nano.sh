#!/bin/sh
# Train the small network that ships and its two ablations, score them, and put the first one in place.
# Run from the repository's root, with the package installed; a training that was stopped goes on.
set -e
# The allocator keeps what it has, in large pages: on a CPU more than half of a step went into getting memory
# from the system and into finding its small pages again.
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=500000000
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1

frames() { # NAME CHANGE...: what single frames can teach -> out/NAME-candidates/last.safetensors
    name=$1 before=
    shift
    for part in stills candidates; do
        refervid train soc --config "soc-nano-$part" -o "out/$name-$part" --device "${DEVICE:-auto}" --resume \
            ${before:+--set "network.weights=$before"} "$@"
        before=out/$name-$part/last.safetensors
    done
}

# The same backbone starts all three.
test -f out/soc-nano-eyes.safetensors || python bench/nano_eyes.py out/soc-nano-eyes.safetensors

frames soc-nano
python bench/nano_cluster.py out/soc-nano-candidates/last.safetensors out/soc-nano.safetensors
python bench/soc_nano.py out/soc-nano.safetensors --ship

# The last part trains the cluster and the last class head: without one it falls away.
frames soc-nano-no-voc --set network.voc=false
python bench/soc_nano.py out/soc-nano-no-voc-candidates/last.safetensors --name soc-nano-no-voc

frames soc-nano-no-contrast --set losses.con=0.0
python bench/nano_cluster.py out/soc-nano-no-contrast-candidates/last.safetensors \
    out/soc-nano-no-contrast.safetensors --contrast 0
python bench/soc_nano.py out/soc-nano-no-contrast.safetensors --name soc-nano-no-contrast
