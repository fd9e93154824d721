# SPDX-License-Identifier: LGPL-2.1-or-later
# SELinux in the guest: the lab's own small policy, and a full root with the distribution's and our module.
# Sourced, never run.
# shellcheck shell=bash

# The directory etc/selinux that systemd loads the small policy from.
lab_selinux_build() {
    local dir=$1 policy=$1/selinux/lab
    mkdir -p "$policy/policy" "$policy/contexts/files"
    secilc -c 33 -o "$policy/policy/policy.33" -f "$dir/file_contexts" "$LAB_DIR/selinux/lab.cil"
    rm "$dir/file_contexts"
    cp "$LAB_DIR/selinux/file_contexts" "$policy/contexts/files/file_contexts"
    # Without this file the bus does not start.
    printf '<busconfig><selinux></selinux></busconfig>\n' >"$policy/contexts/dbus_contexts"
    printf 'SELINUX=enforcing\nSELINUXTYPE=lab\n' >"$dir/selinux/config"
}

lab_selinux() {
    lab_artefact selinux "$(lab_hash -- lib/selinux.sh selinux/lab.cil selinux/file_contexts)" lab_selinux_build
}

lab_selinux_packages() {
    APT_CONFIG=$(lab_apt)/apt.conf apt-get -qq --simulate --no-install-recommends \
        -o Dir::State::status="$1/var/lib/dpkg/status" install \
        selinux-policy-default selinux-policy-dev policycoreutils make | awk '$1 == "Inst" { print $2 }'
}

# The module is built and loaded as an administrator does it; then every file of the root gets its label, which the
# image keeps.
lab_selinux_root_build() {
    local full=$1 dir=$2 packages
    cp -a "$full/root" "$dir/root"
    mkdir "$dir/root/debs"
    mapfile -t packages < <(lab_selinux_packages "$dir/root")
    [[ ${#packages[@]} -gt 0 ]] || lab_die "no package of SELinux's policy"
    lab_apt_download "$dir/root/debs" "${packages[@]}"
    mount -t proc proc "$dir/root/proc"
    DEBIAN_FRONTEND=noninteractive chroot "$dir/root" \
        sh -c 'apt-get -qq -y --no-install-recommends -o DPkg::Options::=--force-unsafe-io -o DPkg::Use-Pty=0 install /debs/*.deb' >/dev/null
    rm -rf "$dir/root/debs"
    mkdir "$dir/root/module"
    cp "$LAB_DIR"/../../policy/selinux/pcassign* "$dir/root/module/"
    cp "$LAB_DIR/selinux/full.te" "$dir/root/module/lab.te"
    chroot "$dir/root" sh -ec 'cd /module
        make -f /usr/share/selinux/devel/Makefile NAME=default pcassign.pp lab.pp
        semodule -s default -N -i pcassign_class.cil pcassign.pp lab.pp' >/dev/null
    rm -rf "$dir/root/module"
    sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$dir/root/etc/selinux/config"
    chroot "$dir/root" setfiles -F -e /proc /etc/selinux/default/contexts/files/file_contexts / >/dev/null
    umount "$dir/root/proc"
    truncate -s 2G "$dir/root.ext4"
    mkfs.ext4 -q -F -O ^has_journal -d "$dir/root" "$dir/root.ext4"
    rm -rf "$dir/root"
}

lab_selinux_root() {
    local full module
    full=$(lab_full)
    module=$(cat "$LAB_DIR"/../../policy/selinux/pcassign* | sha256sum)
    lab_artefact selinux-full "$(lab_hash "$(lab_full_key)" "$module" -- lib/selinux.sh selinux/full.te)" lab_selinux_root_build "$full"
}
