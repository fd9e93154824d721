# SPDX-License-Identifier: LGPL-2.1-or-later
# Everything at once. Sourced, never run.
# shellcheck shell=bash

# The root and the modules take about as long as each other, so they are made side by side.
lab_all() {
    local root
    lab_apt >/dev/null
    lab_full >/dev/null &
    root=$!
    # shellcheck disable=SC2064
    trap "wait $root" EXIT
    lab_kernel >/dev/null
    lab_vfio >/dev/null
    lab_fixture >/dev/null
    wait "$root"
    trap - EXIT
    lab_small >/dev/null
    lab_disks >/dev/null
    lab_accel >/dev/null
}
