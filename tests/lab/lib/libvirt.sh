# SPDX-License-Identifier: LGPL-2.1-or-later
# What pcassign is compared with, for the full root, out of Debian's packages: libvirt's daemons, virsh and driverctl.
# Sourced, never run.
# shellcheck shell=bash

# Without what is only for networks, containers and log files.
lab_libvirt_packages() {
    lab_extra_packages "$1" driverctl libvirt-clients libvirt-daemon-system |
        grep -vE '^(libvirt-daemon-(config|driver-(lxc|vbox|xen)|system-)|systemd-container|iptables|logrotate|netbase|gettext|sensible)'
}

lab_libvirt_build() {
    local full=$1 dir=$2 packages
    mapfile -t packages < <(lab_libvirt_packages "$full")
    lab_extra_unpack "$dir" "$dir/root" "${packages[@]}"
    rm -rf "$dir"/root/usr/share/{doc,man,locale,lintian,bash-completion,polkit-1} "$dir"/root/usr/share/libvirt/schemas \
        "$dir"/root/etc/{apparmor.d,logrotate.d,init.d}
}

lab_libvirt() {
    local full
    full=$(lab_full)
    lab_artefact libvirt "$(lab_hash "$(lab_full_key)" -- lib/extra.sh lib/libvirt.sh)" lab_libvirt_build "$full"
}
