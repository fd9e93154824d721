# SPDX-License-Identifier: LGPL-2.1-or-later
# DPDK's testpmd for the full root, out of Debian's packages: the program, the libraries and the few drivers that it
# needs, 13 MiB of the 160 that its package depends on. Sourced, never run.
# shellcheck shell=bash

# What the package and the driver need beyond the full root, without the development packages.
lab_testpmd_packages() {
    lab_extra_packages "$1" dpdk-dev '?name(^librte-net-e1000)' | awk '$1 == "dpdk-dev" || !/-dev$/'
}

lab_testpmd_build() {
    local full=$1 dir=$2 libs packages file pmds
    mapfile -t packages < <(lab_testpmd_packages "$full")
    lab_extra_unpack "$dir" "$dir/all" "${packages[@]}"
    libs=$dir/all/usr/lib/x86_64-linux-gnu
    pmds=$(cd "$libs" && echo dpdk/pmds-*)
    install -D -t "$dir/root/usr/bin" "$dir/all/usr/bin/dpdk-testpmd"
    mkdir -p "$dir/root/usr/lib/x86_64-linux-gnu/$pmds"
    cp -a -t "$dir/root/usr/lib/x86_64-linux-gnu/$pmds" "$libs/$pmds"/librte_{bus_pci,bus_vdev,mempool_ring,net_e1000}.so.*
    LD_LIBRARY_PATH=$libs lab_libraries "$dir/all/usr/bin/dpdk-testpmd" "$libs/$pmds"/librte_net_e1000.so.* |
        grep "^$libs/" | xargs install -D -t "$dir/root/usr/lib/x86_64-linux-gnu"
    # A driver that is a library too must be one file, or it is loaded twice.
    for file in "$dir/root/usr/lib/x86_64-linux-gnu/$pmds"/*; do
        ln -sf "$pmds/${file##*/}" "$dir/root/usr/lib/x86_64-linux-gnu/${file##*/}"
    done
    rm -rf "$dir/all"
}

lab_testpmd() {
    local full
    full=$(lab_full)
    lab_artefact testpmd "$(lab_hash "$(lab_full_key)" -- lib/extra.sh lib/testpmd.sh)" lab_testpmd_build "$full"
}
