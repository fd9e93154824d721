# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what is missing on this machine from its own package sources. Sourced, never run.
# shellcheck shell=bash

# The words of a plain list: one name a line, comments after '#'.
lab_list() {
    sed -e 's/#.*//' "$1" | xargs -rn1
}

lab_missing_packages() {
    local p
    for p in "$@"; do
        dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q '^install ok installed' || printf '%s\n' "$p"
    done
}

# lab_install_host_packages LIST...: the packages named in the LIST files, if any is missing.
lab_install_host_packages() {
    local wanted missing
    mapfile -t wanted < <(for list in "$@"; do lab_list "$list"; done)
    mapfile -t missing < <(lab_missing_packages "${wanted[@]}")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    lab_say "installing on this machine: ${missing[*]}"
    lab_apt_install "${missing[@]}" 2>/dev/null && return 0
    apt-get -q update >&2
    lab_apt_install "${missing[@]}"
}

lab_apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" >/dev/null
}
