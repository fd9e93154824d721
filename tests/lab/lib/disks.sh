# SPDX-License-Identifier: LGPL-2.1-or-later
# The disk that boots: the boot sector, and a line of text at sector 2048 for whoever reads the disk back.
# Sourced, never run.
# shellcheck shell=bash

lab_disks_build() {
    local dir=$1
    as --32 -o "$dir/boot.o" "$LAB_DIR/bootsector.S"
    ld -m elf_i386 -Ttext 0x7c00 -o "$dir/boot.elf" "$dir/boot.o"
    objcopy -O binary -j .text "$dir/boot.elf" "$dir/boot.img"
    [[ $(stat -c %s "$dir/boot.img") -eq 512 ]] || lab_die "the boot sector is not 512 bytes long"
    truncate -s 16M "$dir/boot.img"
    printf 'pcassign lab: this is the boot disk\n' | dd of="$dir/boot.img" bs=512 seek=2048 conv=notrunc status=none
    rm "$dir/boot.o" "$dir/boot.elf"
}

lab_disks_key() {
    lab_hash -- lib/disks.sh bootsector.S
}

lab_disks() {
    lab_artefact disks "$(lab_disks_key)" lab_disks_build
}
