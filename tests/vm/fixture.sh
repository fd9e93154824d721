# SPDX-License-Identifier: LGPL-2.1-or-later
# The driver of tests/lab/driver, for tests with "# needs: fixture": edu gets a host driver and a reset method that do
# what they are told.
# shellcheck shell=bash disable=SC2154,SC2086,SC2016

knob() { # NAME VALUE
    echo "$2" >"/sys/module/pcassign_fixture/parameters/$1"
}

# The kernel finds edu once more, and makes out its reset methods.
find_anew() {
    echo 1 >/sys/bus/pci/devices/$EDU/remove
    echo 1 >/sys/bus/pci/rescan
    wait_for "test -e /sys/bus/pci/devices/$EDU" 5
}

# Before the daemon is started.
load_fixture() {
    insmod "$VM/pcassign-fixture.ko" && find_anew && wait_for '[[ $(pci_driver $EDU) == pcassign-fixture ]]' 5 &&
        [[ $(<"/sys/bus/pci/devices/$EDU/reset_method") == device_specific ]]
}

# Instead, a reset method for another function, which has others already.
load_reset() { # ADDRESS
    insmod "$VM/pcassign-fixture.ko" "device=$1" && echo default >"/sys/bus/pci/devices/$1/reset_method" &&
        [[ $(<"/sys/bus/pci/devices/$1/reset_method") == 'device_specific '* ]]
}

unload_reset() { # ADDRESS
    rmmod pcassign-fixture && echo default >"/sys/bus/pci/devices/$1/reset_method"
}

# Whatever the test has come to.
unload_fixture() {
    local name
    for name in /sys/module/pcassign_fixture/parameters/{probe,remove,reset,lost}; do
        echo 0 >"$name"
    done
    systemctl stop pcassignd
    rmmod pcassign-fixture && find_anew
}
