# SPDX-License-Identifier: LGPL-2.1-or-later
# The driver that does on demand what bad drivers do (driver/). Sourced, never run.
# shellcheck shell=bash

lab_fixture_build() {
    local release=$1 version=$2 dir=$3
    lab_headers "$release" "$version" "$dir/headers"
    cp -r "$LAB_DIR/driver" "$dir/tree"
    lab_modules "$release" "$dir/headers" "$dir/tree" "$dir"
    rm -rf "$dir/headers" "$dir/tree"
}

lab_fixture_key() {
    lab_hash "$(lab_kernel_version)" -- lib/fixture.sh lib/headers.sh driver/Kbuild driver/pcassign-fixture.c
}

lab_fixture() {
    lab_artefact fixture "$(lab_fixture_key)" lab_fixture_build "$(lab_kernel_release)" "$(lab_kernel_version)"
}
