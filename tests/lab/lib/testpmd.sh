# SPDX-License-Identifier: LGPL-2.1-or-later
# DPDK's testpmd for the full root, out of Debian's packages: the program, the libraries and the few drivers that it
# needs, 13 MiB of the 160 that its package depends on. Sourced, never run.
# shellcheck shell=bash

# What the package and the driver need beyond the full root, without the development packages.
lab_testpmd_packages() {
    local full=$1
    APT_CONFIG=$(lab_apt)/apt.conf apt-get -qq --simulate --no-install-recommends \
        -o Dir::State::status="$full/root/var/lib/dpkg/status" install dpdk-dev '?name(^librte-net-e1000)' |
        awk '$1 == "Inst" && ($2 == "dpdk-dev" || $2 !~ /-dev$/) { print $2 }'
}

lab_testpmd_build() {
    local full=$1 dir=$2 libs packages file pmds
    mkdir "$dir/debs" "$dir/all"
    mapfile -t packages < <(lab_testpmd_packages "$full")
    [[ ${#packages[@]} -gt 0 ]] || lab_die "no package of testpmd"
    lab_apt_download "$dir/debs" "${packages[@]}"
    for file in "$dir"/debs/*.deb; do
        dpkg-deb -x "$file" "$dir/all"
    done
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
    rm -rf "$dir/debs" "$dir/all"
}

lab_testpmd() {
    local full
    full=$(lab_full)
    lab_artefact testpmd "$(lab_hash "$(lab_full_key)" -- lib/testpmd.sh)" lab_testpmd_build "$full"
}
