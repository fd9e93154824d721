# SPDX-License-Identifier: LGPL-2.1-or-later
# The full root: a Debian of the machine's own suite with systemd, D-Bus and QEMU, as a directory (the
# outer QEMU runs out of it) and as an ext4 image. Sourced, never run.
# shellcheck shell=bash

# On Debian 12 QEMU and what belongs to it come from backports.
lab_full_preferences() {
    [[ $1 == bookworm ]] || return 0
    printf 'Package: qemu-* seabios ipxe-qemu\nPin: release n=%s-backports\nPin-Priority: 900\n' "$1"
}

# Removed after the fact what no test reads; the outer QEMU needs none of it either.
lab_full_slim() {
    local root=$1
    rm -rf "$root"/usr/share/{doc,man,locale,info,lintian,bash-completion,zsh,icons,bug} "$root"/var/lib/apt/lists/* \
        "$root"/var/cache/apt/* "$root"/var/cache/debconf/* "$root"/var/log/* "$root"/etc/apt/sources.list*
    find "$root/usr/libexec/valgrind" -type f ! -name '*.so' ! -name 'memcheck-amd64-*' ! -name default.supp -delete
    rm -rf "$root"/usr/lib/*/valgrind "$root"/usr/include/valgrind
    rm -f "$root"/usr/share/qemu/{edk2-*,opensbi-*,openbios-*,skiboot.lid,u-boot*,s390-*,hppa-*,palcode-*,slof.bin}
}

# Of the hardware database only the names of PCI devices.
lab_full_hwdb() {
    local root=$1
    find "$root/usr/lib/udev/hwdb.d" -name '*.hwdb' ! -name '20-pci-*' -delete
    rm -f "$root"/etc/udev/hwdb.bin "$root"/usr/lib/udev/hwdb.bin
    chroot "$root" systemd-hwdb update
    rm -rf "$root/usr/lib/udev/hwdb.d"
}

lab_full_users() {
    local root=$1
    chroot "$root" groupadd --system vmusers
    chroot "$root" useradd --uid 1000 --create-home --shell /bin/bash --groups vmusers alice
    chroot "$root" useradd --uid 1001 --create-home --shell /bin/bash bob
    echo lab >"$root/etc/hostname"
    md5sum <<<pcassign-lab | cut -c1-32 >"$root/etc/machine-id"
}

lab_full_build() {
    local suite=$1 dir=$2 apt packages
    apt=$(lab_apt)
    packages=$(lab_list "$LAB_DIR/packages.full" | paste -sd,)
    lab_apt_acquire >"$dir/acquire"
    lab_full_preferences "$suite" >"$dir/preferences"
    mmdebstrap --quiet --variant=apt --mode=root --format=directory --include="$packages" \
        --aptopt='Apt::Install-Recommends "false"' --aptopt="$dir/acquire" \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --setup-hook="cp $dir/preferences \"\$1/etc/apt/preferences.d/lab\"" \
        "$suite" "$dir/root" "$apt/sources.list"
    lab_full_slim "$dir/root"
    lab_full_hwdb "$dir/root"
    lab_full_users "$dir/root"
    truncate -s 2G "$dir/root.ext4"
    mkfs.ext4 -q -F -O ^has_journal -d "$dir/root" "$dir/root.ext4"
    rm "$dir/acquire" "$dir/preferences"
}

lab_full_key() {
    lab_hash "$(lab_suite)" -- lib/full.sh packages.full
}

lab_full() {
    lab_artefact full "$(lab_full_key)" lab_full_build "$(lab_suite)"
}

# Words to put before a command, with the path of the full root's artefact between: the full root's programs in
# place of the machine's, for that one process. What the machine has outside of /usr stays visible, so paths
# mean what they mean.
# shellcheck disable=SC2016,SC2034
lab_with_usr=(unshare --mount --propagation private -- bash -euc '
    mount --bind "$0/root/usr" /usr
    [[ ! -e /etc/ld.so.cache ]] || mount --bind "$0/root/etc/ld.so.cache" /etc/ld.so.cache
    exec "$@"')

# lab_in_full FULL FUNCTION...: a function of the lab, run like that.
# shellcheck disable=SC2154
lab_in_full() {
    local full=$1
    shift
    "${lab_with_usr[@]}" "$full" bash -euo pipefail -c "$lab_functions" "$LAB_DIR" "$@"
}
