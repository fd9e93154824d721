# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs out of Debian's packages that few tests need: trees beside the full root, for a payload. Sourced, never run.
# shellcheck shell=bash

# lab_extra_packages FULL PACKAGE...: what there is to install for these beyond the full root, one a line.
lab_extra_packages() {
    local full=$1
    shift
    APT_CONFIG=$(lab_apt)/apt.conf apt-get -qq --simulate --no-install-recommends \
        -o Dir::State::status="$full/root/var/lib/dpkg/status" install "$@" | awk '$1 == "Inst" { print $2 }'
}

# lab_extra_unpack DIR TREE PACKAGE...: these, and only these, unpacked below TREE; DIR is for the downloads.
lab_extra_unpack() {
    local dir=$1 tree=$2 file
    shift 2
    [[ $# -gt 0 ]] || lab_die "there is no package to unpack"
    mkdir -p "$dir/debs" "$tree"
    lab_apt_download "$dir/debs" "$@"
    for file in "$dir"/debs/*.deb; do
        dpkg-deb -x "$file" "$tree"
    done
    rm -rf "$dir/debs"
}
