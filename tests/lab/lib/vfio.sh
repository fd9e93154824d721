# SPDX-License-Identifier: LGPL-2.1-or-later
# The kernel's VFIO modules built once more with IOMMUFD and the VFIO character devices, which Debian's
# configuration leaves out. Source, headers and kernel are of one version. Sourced, never run.
# shellcheck shell=bash

lab_vfio_download() {
    local release=$1 version=$2 dir=$3
    lab_headers "$release" "$version" "$dir/headers"
    mkdir "$dir/deb"
    lab_apt_download "$dir/deb" "linux-source-6.12=$version"
}

lab_vfio_unpack_source() {
    local dir=$1
    mkdir "$dir/source"
    dpkg-deb --fsys-tarfile "$dir"/deb/linux-source-*.deb | tar -xOf - ./usr/src/linux-source-6.12.tar.xz |
        tar -xJ -C "$dir/source" --strip-components=1 --wildcards '*/drivers/vfio' '*/drivers/iommu/iommufd' \
            '*/drivers/iommu/*.h' '*/lib/interval_tree.c'
}

# The tree that kbuild sees: iommu/iommufd with the headers of drivers/iommu beside it, and vfio. The
# kernel proper lacks the span iterator of the interval tree: that half of the file goes into iommufd.
lab_vfio_arrange() {
    local source=$1/source tree=$1/tree
    mkdir -p "$tree"
    cp -r "$source/drivers/iommu" "$source/drivers/vfio" "$tree/"
    rm -rf "$tree"/vfio/{platform,mdev,fsl-mc,cdx}
    {
        echo '#include <linux/interval_tree.h>'
        sed -n '/^#ifdef CONFIG_INTERVAL_TREE_SPAN_ITER/,/^#endif/p' "$source/lib/interval_tree.c" |
            sed -e '/^EXPORT_SYMBOL/d' -e '/^#ifdef/d' -e '/^#endif/d'
    } >"$tree/iommu/iommufd/span_iter.c"
    echo 'iommufd-y += span_iter.o' >>"$tree/iommu/iommufd/Makefile"
    echo 'obj-y += iommu/iommufd/ vfio/' >"$tree/Kbuild"
    printf '#define %s 1\n' CONFIG_IOMMUFD_MODULE CONFIG_VFIO_DEVICE_CDEV CONFIG_INTERVAL_TREE_SPAN_ITER >"$tree/cfg.h"
}

lab_vfio_compile() {
    local release=$1 dir=$2
    lab_modules "$release" "$dir/headers" "$dir/tree" "$dir" CONFIG_IOMMUFD=m CONFIG_VFIO=m CONFIG_VFIO_MDEV= \
        CONFIG_VFIO_DEVICE_CDEV=y "KCFLAGS=-include $dir/tree/cfg.h"
}

lab_vfio_build() {
    local release=$1 version=$2 dir=$3
    lab_vfio_download "$release" "$version" "$dir"
    lab_vfio_unpack_source "$dir"
    lab_vfio_arrange "$dir"
    lab_vfio_compile "$release" "$dir"
    rm -rf "$dir/deb" "$dir/headers" "$dir/source" "$dir/tree"
}

lab_vfio_key() {
    lab_hash "$(lab_kernel_version)" -- lib/vfio.sh lib/headers.sh
}

lab_vfio() {
    lab_artefact vfio "$(lab_vfio_key)" lab_vfio_build "$(lab_kernel_release)" "$(lab_kernel_version)"
}
