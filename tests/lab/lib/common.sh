# SPDX-License-Identifier: LGPL-2.1-or-later
# Messages, the cache and the one function that makes an artefact in it. Sourced, never run.
# shellcheck shell=bash

LAB_CACHE=${PCASSIGN_LAB_CACHE:-/var/cache/pcassign-lab}
LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

lab_say() {
    printf 'lab: %s\n' "$*" >&2
}

lab_die() {
    lab_say "$*"
    exit 125
}

lab_need_root() {
    [[ $EUID -eq 0 ]] || lab_die "this must be run as root"
    [[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] || lab_die "this needs Debian on amd64"
}

# The suite of this machine: bookworm, trixie.
lab_suite() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:?this system names no suite in /etc/os-release}")
}

# Twelve hex digits that stand for the given words and for the contents of the files (relative to
# the lab's directory) that follow "--".
lab_hash() {
    local words=()
    while [[ $# -gt 0 && $1 != -- ]]; do
        words+=("$1")
        shift
    done
    [[ $# -eq 0 ]] || shift
    {
        printf '%s\n' "${words[@]}"
        [[ $# -eq 0 ]] || (cd "$LAB_DIR" && cat -- "$@")
    } | sha256sum | cut -c1-12
}

# Other versions of an artefact that nobody has used for three hours are thrown away.
lab_prune() {
    find "$LAB_CACHE" -mindepth 1 -maxdepth 1 -name "$1-*" ! -path "$2" -mmin +180 -exec rm -rf {} +
}

# What a shell of its own, given the lab's directory and a function's words, needs to run that function.
# shellcheck disable=SC2016,SC2034
lab_functions='shopt -s inherit_errexit; for f in "$0"/lib/*.sh; do . "$f"; done; "$@"'

# A builder runs in a shell of its own, so that the first command that fails ends it; and what it mounts goes with
# it, also when it is killed.
lab_build() {
    unshare --mount bash -euo pipefail -c "$lab_functions" "$LAB_DIR" "$@" >&2
}

lab_need_packages() {
    (
        flock 8
        lab_install_host_packages "$LAB_DIR/packages.host"
    ) 8>"$LAB_CACHE/packages.lock"
}

lab_build_locked() {
    local name=$1 dir=$2 tmp=$LAB_CACHE/tmp.$1 start=$SECONDS
    shift 2
    [[ ! -d $dir ]] || return 0
    rm -rf --one-file-system "$tmp"
    mkdir "$tmp"
    lab_need_packages
    lab_say "making $name ..."
    lab_build "$@" "$tmp" || lab_die "$name could not be made; what there is of it lies in $tmp"
    mv "$tmp" "$dir"
    lab_say "$name ready: $((SECONDS - start)) s"
    lab_prune "$name" "$dir"
}

# lab_artefact NAME KEY BUILDER...: the directory NAME-KEY of the cache, made if it is missing by
# BUILDER, which is called with the (still temporary) directory as its last argument.
# The path is printed; of several runs at once only one builds.
lab_artefact() {
    local name=$1 dir=$LAB_CACHE/$1-$2
    shift 2
    if [[ ! -d $dir ]]; then
        mkdir -p "$LAB_CACHE"
        (
            flock 9
            lab_build_locked "$name" "$dir" "$@"
        ) 9>"$LAB_CACHE/$name.lock" || return
    fi
    touch "$dir"
    printf '%s\n' "$dir"
}
