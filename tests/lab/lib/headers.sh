# SPDX-License-Identifier: LGPL-2.1-or-later
# The headers of the lab's kernel, and modules built against them. Sourced, never run.
# shellcheck shell=bash

# lab_headers RELEASE VERSION DIR: what modules are built against, in DIR.
lab_headers() {
    local release=$1 version=$2 dir=$3 abi=${1%-amd64} deb
    mkdir -p "$dir/deb"
    lab_apt_download "$dir/deb" "linux-headers-$release=$version" "linux-headers-$abi-common=$version" \
        "linux-kbuild-$abi=$version"
    for deb in "$dir"/deb/*.deb; do
        dpkg-deb -x "$deb" "$dir"
    done
    rm -r "$dir/deb"
    sed -i "s,^include /usr/src/,include $dir/usr/src/," "$dir/usr/src/linux-headers-$release/Makefile"
}

# lab_modules RELEASE HEADERS TREE TO [VARIABLE=VALUE...]: the modules of the tree, stripped, in TO.
lab_modules() {
    local release=$1 headers=$2 tree=$3 to=$4
    shift 4
    make -s -j"$(nproc)" -C "$headers/usr/src/linux-headers-$release" "M=$tree" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules
    find "$tree" -name '*.ko' -exec strip --strip-debug {} + -exec mv -t "$to" {} +
}
