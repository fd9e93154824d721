# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds the checkout outside of it, so that nothing in it changes hands when root runs the tests.
# Sourced by tests/run and tests/demo, after the lab's lib/*.sh.
# shellcheck shell=bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

# step "what" COMMAND...: runs the command with its output in a log, which is shown if it fails.
step() {
    local what=$1 log start=$SECONDS
    shift
    log=$(mktemp)
    say "$what ..."
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        say "$what: FAILED; the whole log is $log"
        return 1
    fi
    rm -f "$log"
    say "$what: $((SECONDS - start)) s"
}

# Where this checkout is built; several checkouts do not disturb each other.
work_directory() {
    local key
    key=$(printf '%s' "$TOP" | sha256sum | cut -c1-12)
    printf '%s/work-%s\n' "$LAB_CACHE" "$key"
}

# The files of the checkout, NUL-separated: what git knows or would add, or all but build products.
source_files() {
    cd "$TOP" || return
    if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
    else
        find . -type f ! -path './.git/*' ! -name '*.o' ! -name '*.a' ! -name Makefile ! -name config.status -print0
    fi | while IFS= read -r -d '' file; do
        [[ ! -e $file ]] || printf '%s\0' "$file"
    done
}

# Brings the copy up to date; unchanged files keep their times, so that make does as little as it can.
copy_source() {
    local copy=$1
    mkdir -p "$copy"
    source_files | sort -z >"$copy.files.new"
    tar -C "$TOP" --null -T "$copy.files.new" -cf - | tar -C "$copy" --no-same-owner -xf -
    if [[ -f $copy.files ]]; then
        comm -z -23 "$copy.files" "$copy.files.new" | (cd "$copy" && xargs -0 -r rm -f --)
    fi
    mv "$copy.files.new" "$copy.files"
    # make's own rules do not bring in what a new configure.ac may ask for beside it.
    [[ $copy/configure -nt $copy/configure.ac ]] || "$copy/autogen.sh"
}

# build NAME CONFIGURE-OPTION...: builds the copy in DIRECTORY/NAME.
build() {
    local work name=$1
    shift
    work=$(work_directory)
    mkdir -p "$work/$name"
    cd "$work/$name" || return
    if [[ ! -f config.status ]]; then
        "$work/source/configure" --prefix=/usr --sysconfdir=/etc --localstatedir=/var "$@"
        # Else it is older than its stamp for ever, and the tests that are programs wait behind those that are scripts.
        touch config.h
    fi
    make -j"$(nproc)" all
}

# make_payload [BUILD]: what a guest gets, from the build "plain" or another: the installation and the programs of
# tests/vm.
make_payload() {
    make -C "$(work_directory)/${1:-plain}" -j"$(nproc)" vm-payload
}

payload() { # [BUILD]
    printf '%s/%s/vm-payload\n' "$(work_directory)" "${1:-plain}"
}
