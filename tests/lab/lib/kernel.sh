# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel: Debian's stock 6.12 and its modules, out of the package, not installed. Sourced, never run.
# shellcheck shell=bash

lab_kernel_release() {
    sed -n '1s/^linux-image-//p' "$(lab_apt)/kernel"
}

lab_kernel_version() {
    sed -n 2p "$(lab_apt)/kernel"
}

# The unpacked kernel out of a bzImage (boot protocol: setup_sects at 0x1f1, payload_offset and
# payload_length at 0x248): QEMU starts it at its PVH entry, a good second sooner. What is not packed with
# zstd or xz is started as it is.
lab_kernel_unpack() {
    local image=$1 to=$2 sectors offset length packed=$2.packed
    sectors=$(od -An -tu1 -j $((0x1f1)) -N1 "$image")
    read -r offset length < <(od -An -tu4 -j $((0x248)) -N8 "$image")
    tail -c +$(((sectors + 1) * 512 + offset + 1)) "$image" | head -c $((length - 4)) >"$packed" || true
    case $(od -An -tx1 -N4 "$packed" | tr -d ' ') in
    28b52ffd) zstd -dqc "$packed" >"$to" ;;
    fd377a58) xz -dc "$packed" >"$to" ;;
    *) cp "$image" "$to" ;;
    esac
    rm "$packed"
}

lab_kernel_build() {
    local release=$1 version=$2 dir=$3
    mkdir -p "$dir/deb" "$dir/image" "$dir/lib/modules"
    lab_apt_download "$dir/deb" "linux-image-$release=$version"
    dpkg-deb -x "$dir"/deb/*.deb "$dir/image"
    lab_kernel_unpack "$dir/image/boot/vmlinuz-$release" "$dir/kernel"
    mv "$(find "$dir/image" -type d -path "*/lib/modules/$release")" "$dir/lib/modules/"
    depmod -b "$dir" "$release"
    rm -rf "$dir/deb" "$dir/image"
}


lab_kernel_key() {
    lab_hash "$(lab_kernel_version)" -- lib/kernel.sh
}

lab_kernel() {
    lab_artefact kernel "$(lab_kernel_key)" lab_kernel_build "$(lab_kernel_release)" "$(lab_kernel_version)"
}
