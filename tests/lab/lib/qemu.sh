# SPDX-License-Identifier: LGPL-2.1-or-later
# The outer QEMU: its arguments, and how to start it out of the full root. Sourced, never run.
# shellcheck shell=bash

# lab_topology NAME WORK DISKS: QEMU's arguments, one a line. @boot@ becomes a fresh copy of the boot disk, any
# other @name@ a blank disk of 64 MiB.
lab_topology() {
    local file=$LAB_DIR/topologies/$1 work=$2 disks=$3 line word
    [[ -f $file ]] || lab_die "there is no topology $1"
    while read -r line; do
        case $line in
        '' | '#'*) ;;
        '@include '*) lab_topology "${line#* }" "$work" "$disks" ;;
        *) for word in $line; do lab_topology_word "$word" "$work" "$disks"; done ;;
        esac
    done <"$file"
}

lab_topology_word() {
    local word=$1 work=$2 disks=$3 name
    if [[ $word =~ @([a-z0-9]+)@ ]]; then
        name=${BASH_REMATCH[1]}
        if [[ $name == boot ]]; then
            cp --sparse=always "$disks/boot.img" "$work/boot.img"
        else
            truncate -s 64M "$work/$name.img"
        fi
        word=${word/@$name@/$work/$name.img}
    fi
    printf '%s\n' "$word"
}

# "kvm" where a trial guest under it comes up, else "tcg". Tried once for a machine and its kernel.
lab_accel() {
    local key
    [[ -z ${PCASSIGN_LAB_ACCEL:-} ]] || { printf '%s\n' "$PCASSIGN_LAB_ACCEL"; return; }
    [[ -c /dev/kvm ]] || { echo tcg; return; }
    key=$(lab_hash "$(uname -r)" "$(grep -m1 'model name' /proc/cpuinfo)" "$(stat -c %t:%T /dev/kvm)" -- lib/qemu.sh)
    cat "$(lab_artefact accel "$key" lab_accel_build)/accel"
}

lab_accel_build() {
    local dir=$1
    echo 'exit 0' >"$dir/trial"
    if PCASSIGN_LAB_ACCEL=kvm "$LAB_DIR/vm" --topology=minimal --timeout=20 "$dir/trial" >/dev/null 2>"$dir/log"; then
        echo kvm >"$dir/accel"
    else
        echo tcg >"$dir/accel"
    fi
    lab_say "accelerator: $(cat "$dir/accel")"
}
