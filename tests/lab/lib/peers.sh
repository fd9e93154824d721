# SPDX-License-Identifier: LGPL-2.1-or-later
# The units of other services that a host trusts with its devices, out of Debian's packages: nothing else of these is
# kept. Sourced, never run.
# shellcheck shell=bash

lab_peers_build() {
    local dir=$1 file
    mkdir "$dir/debs" "$dir/units"
    lab_apt_download "$dir/debs" udisks2 bolt fwupd usbguard
    for file in "$dir"/debs/*.deb; do
        dpkg-deb -x "$file" "$dir/debs/all"
    done
    for file in udisks2 bolt fwupd usbguard; do
        find "$dir/debs/all" -path "*/systemd/system/$file.service" -exec cp -t "$dir/units" {} +
    done
    rm -rf "$dir/debs"
}

lab_peers() {
    lab_artefact peers "$(lab_hash "$(lab_suite)" -- lib/peers.sh)" lab_peers_build
}
