# SPDX-License-Identifier: LGPL-2.1-or-later
# A private apt in the cache: the mirrors of this machine, and on Debian 12 the backports suite at the
# same mirror, without touching the machine's own sources. Sourced, never run.
# shellcheck shell=bash

# "URI release codename" of every Debian source this machine is configured with.
# shellcheck disable=SC2016
lab_apt_targets() {
    apt-get indextargets --format '$(LABEL)|$(REPO_URI) $(RELEASE) $(CODENAME)' 'Created-By: Packages' 'Component: main' |
        sed -nE 's/^(Debian|Debian-Security)\|//p' | grep -v '^cdrom:' | sort -u
}

lab_apt_sources() {
    local suite=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg opt='' targets uri
    [[ ! -e $keyring ]] || opt="[signed-by=$keyring] "
    targets=$(lab_apt_targets | awk -v s="$suite" '$3 == s || index($3, s "-") == 1')
    [[ -n $targets ]] || return 1
    awk -v o="$opt" '{ print "deb " o $1 " " $2 " main" }' <<<"$targets"
    [[ $suite == bookworm && $targets != *bookworm-backports* ]] || return 0
    uri=$(awk -v s="$suite" '$3 == s { print $1; exit }' <<<"$targets")
    [[ -n $uri ]] || return 1
    printf 'deb %s%s %s-backports main\n' "$opt" "$uri" "$suite"
}

# How this machine fetches (proxies, retries, validity), for use in another configuration.
lab_apt_acquire() {
    apt-config dump Acquire | grep -E '^Acquire::(http|https|Retries|Check-|Max-|ForceIPv|Allow)[^ ]* "[^"]+";$' || true
}

lab_apt_config() {
    local dir=$1
    cat <<END
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    lab_apt_acquire
}

# The name of the concrete kernel image that the suite's 6.12 meta package stands for.
lab_apt_kernel() {
    local meta=linux-image-6.12-amd64
    [[ $1 == bookworm ]] || meta=linux-image-amd64
    apt-cache depends --no-recommends --no-suggests "$meta" | sed -nE 's/^ *Depends: (linux-image-[0-9].*)/\1/p' | head -n1
}

lab_apt_build() {
    local suite=$1 dir=$2 image
    mkdir -p "$dir"/state/lists/partial "$dir"/cache/archives/partial
    : >"$dir/status"
    if ! lab_apt_sources "$suite" >"$dir/sources.list"; then
        apt-get -q update >&2
        lab_apt_sources "$suite" >"$dir/sources.list" || lab_die "apt on this machine has no source for $suite"
    fi
    lab_apt_config "$dir" >"$dir/apt.conf"
    export APT_CONFIG=$dir/apt.conf
    apt-get -qq update
    image=$(lab_apt_kernel "$suite")
    [[ -n $image ]] || lab_die "no Linux 6.12 in the package sources of this machine"
    printf '%s\n%s\n' "$image" "$(apt-cache show "$image" | sed -n 's/^Version: //p' | head -n1)" >"$dir/kernel"
    # apt.conf names the directory; it is about to be renamed.
    unset APT_CONFIG
    lab_apt_config "$LAB_CACHE/apt-$(lab_apt_key "$suite")" >"$dir/apt.conf"
}

lab_apt_key() {
    local files=(/etc/apt/sources.list /etc/apt/sources.list.d/*)
    lab_hash "$1" "$(cat -- "${files[@]}" 2>/dev/null | sha256sum)" -- lib/apt.sh
}

lab_apt() {
    local suite
    suite=$(lab_suite)
    lab_artefact apt "$(lab_apt_key "$suite")" lab_apt_build "$suite"
}

# lab_apt_download DIRECTORY PACKAGE=VERSION...: the .deb files, not installed. The package lists in the
# cache grow old; where the mirror has dropped a version they are thrown away.
lab_apt_download() {
    local dir=$1 apt
    shift
    apt=$(lab_apt)
    (cd "$dir" && APT_CONFIG=$apt/apt.conf apt-get -qq download "$@") && return
    rm -rf "$apt"
    lab_die "the mirror did not give $*: the package lists of the lab are dropped, run this again"
}
