# SPDX-License-Identifier: LGPL-2.1-or-later
# The small root: an initramfs of busybox, a few programs of the full root and the kernel modules. Every
# guest boots it first. Two of them: with the lab's VFIO modules, and with the kernel's own.
# Sourced, never run.
# shellcheck shell=bash

lab_small_busybox() {
    local root=$1 deb=$2 applet
    lab_apt_download "$deb" busybox-static
    dpkg-deb -x "$deb"/busybox-static_*.deb "$deb/x"
    install "$(find "$deb/x" -type f -path "*/bin/busybox")" "$root/usr/bin/busybox"
    while read -r applet; do
        [[ $applet == busybox ]] || ln -s busybox "$root/usr/bin/$applet"
    done < <("$root/usr/bin/busybox" --list)
}

# Called where /usr is that of the full root.
lab_small_programs() {
    local root=$1 name
    while read -r name; do
        rm -f "$root/usr/bin/$name"
        install -m 755 "$(command -v "$name")" "$root/usr/bin/$name"
    done < <(lab_list "$LAB_DIR/small.bins")
    lab_add_libraries "$root"
    mkdir "$root/usr/share/dbus-1"
    cp /usr/share/dbus-1/{system,session}.conf "$root/usr/share/dbus-1/"
}

lab_small_tree() {
    local root=$1
    mkdir -p "$root"/{dev,proc,sys,run,tmp,root,mnt,newroot,etc,var/lib,home/alice,home/bob,lab}
    mkdir -p "$root"/usr/{bin,lib,lib64,share}
    ln -s usr/bin "$root/bin"
    ln -s usr/bin "$root/sbin"
    ln -s bin "$root/usr/sbin"
    ln -s usr/lib "$root/lib"
    ln -s usr/lib64 "$root/lib64"
    ln -s ../run "$root/var/run"
    cp -r "$LAB_DIR/guest/etc/." "$root/etc/"
    install "$LAB_DIR/guest/init" "$root/init"
}

# The named modules and what they need, unpacked: in the guest unpacking would be slow.
lab_small_modules() {
    local kernel=$1 release=$2 to=$3 m
    mkdir -p "$to/kernel"
    cp "$kernel/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$to/"
    while read -r m; do
        modprobe -d "$kernel" -S "$release" --ignore-install --show-depends "$m" || lab_die "the kernel has no module $m"
    done < <(lab_list "$LAB_DIR/modules.list") | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u |
        xargs cp -t "$to/kernel"
    find "$to/kernel" -name '*.xz' -exec unxz {} +
}

lab_small_pack() {
    (cd "$1" && find . -print0 | sort -z | cpio --quiet --null -o -H newc -R 0:0) >"$2"
}

lab_small_build() {
    local kernel=$1 vfio=$2 full=$3 release=$4 dir=$5 root=$5/root modules=$5/root/usr/lib/modules/$4 ko
    lab_small_tree "$root"
    mkdir "$dir/deb"
    lab_small_busybox "$root" "$dir/deb"
    lab_in_full "$full" lab_small_programs "$root"
    lab_small_modules "$kernel" "$release" "$modules"
    depmod -b "$root" "$release"
    lab_small_pack "$root" "$dir/initrd-stock"
    for ko in "$vfio"/*.ko; do
        install -m 644 "$ko" "$modules/kernel/${ko##*/}"
    done
    depmod -b "$root" "$release"
    lab_small_pack "$root" "$dir/initrd"
    rm -rf "$dir/deb" "$root"
}

lab_small_key() {
    lab_hash "$(lab_kernel_key) $(lab_vfio_key) $(lab_full_key)" -- lib/{small,payload}.sh guest/init \
        guest/etc/{passwd,group,nsswitch.conf,filesystems} modules.list small.bins
}

lab_small() {
    local kernel vfio full
    kernel=$(lab_kernel)
    vfio=$(lab_vfio)
    full=$(lab_full)
    lab_artefact small "$(lab_small_key)" lab_small_build "$kernel" "$vfio" "$full" "$(lab_kernel_release)"
}
