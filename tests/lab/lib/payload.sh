# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared libraries for trees of binaries. Sourced, never run.
# shellcheck shell=bash

# The ELF files among those named on standard input.
lab_elf_only() {
    local f
    while read -r f; do
        [[ $(head -c4 -- "$f" | tr -d '\0') != $'\x7fELF' ]] || printf '%s\n' "$f"
    done
}

# What the given ELF files need at run time, as the machine's loader finds it: paths.
lab_libraries() {
    local f
    for f in "$@"; do
        ldd "$f" 2>/dev/null || true
    done | sed -nE -e 's/.*=> (\/[^ ]+) \(0x.*/\1/p' -e 's/^[[:space:]]*(\/[^ ]+) \(0x.*/\1/p' | sort -u
}

# lab_add_libraries TREE: everything that the tree's ELF files need and that it does not have itself.
lab_add_libraries() {
    local tree=$1 elf lib target
    mapfile -t elf < <(find "$tree" -type f \( -perm /111 -o -name '*.so*' \) | lab_elf_only)
    while read -r lib; do
        target=$lib
        [[ $target == /usr/* ]] || target=/usr$target
        [[ $lib != "$tree"/* && ! -e $tree$target && ! -e $tree$lib ]] || continue
        install -D -m 755 -- "$lib" "$tree$target"
    done < <(lab_libraries "${elf[@]}")
}
