# SPDX-License-Identifier: LGPL-2.1-or-later
# Helpers for scripts that run in a guest: ". /lab/lab.sh".
# shellcheck shell=bash

t_passed=0
t_failed=0

# t "description" COMMAND...: one test; what the command says is shown only if it fails.
t() {
    local what=$1 said=/tmp/lab-t.$$ status=0
    shift
    "$@" >"$said" 2>&1 </dev/null || status=$?
    if [[ $status -eq 0 ]]; then
        t_passed=$((t_passed + 1))
        printf 'ok %d - %s\n' $((t_passed + t_failed)) "$what"
    else
        t_failed=$((t_failed + 1))
        printf 'not ok %d - %s\n' $((t_passed + t_failed)) "$what"
        sed 's/^/# /' "$said"
        printf '# exit status %d: %s\n' "$status" "$*"
    fi
}

# not COMMAND...: succeeds where the command fails.
not() {
    ! "$@"
}

t_end() {
    printf '%d passed, %d failed\n' "$t_passed" "$t_failed"
    [[ $t_failed -eq 0 ]]
}

# nap SECONDS: sleep, without a process.
[[ -p /run/lab-nap ]] || mkfifo /run/lab-nap
nap() {
    read -rt "$1" <>/run/lab-nap || true
}

# wait_for CONDITION SECONDS: evaluates the condition until it holds. For half of the time at most: what it waits for has
# the same processor.
wait_for() {
    local end=$((SECONDS + $2)) begun pause
    while begun=${EPOCHREALTIME/[.,]/}; ! eval "$1" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || { echo "waited $2 s in vain for: $1" >&2; return 1; }
        pause=$((${EPOCHREALTIME/[.,]/} - begun))
        pause=$((pause < 50000 ? 50000 : pause > 500000 ? 500000 : pause))
        printf -v pause 0.%06d "$pause"
        nap "$pause"
    done
}

pci_driver() { # ADDRESS: the name of its driver, if any
    local link
    link=$(readlink "/sys/bus/pci/devices/$1/driver") && echo "${link##*/}"
}

pci_group() {
    local link
    link=$(readlink "/sys/bus/pci/devices/$1/iommu_group") && echo "${link##*/}"
}

# pci_bind ADDRESS DRIVER: by driver_override; the driver "" leaves the device without one.
pci_bind() {
    local dev=/sys/bus/pci/devices/$1
    [[ ! -e $dev/driver ]] || echo "$1" >"$dev/driver/unbind" || return
    [[ -n $2 ]] || return 0
    echo "$2" >"$dev/driver_override"
    echo "$1" >/sys/bus/pci/drivers_probe || return
    [[ $(pci_driver "$1") == "$2" ]]
}

# The kernel numbers what it finds as it goes: ask for the name by the address.
pci_net() { # ADDRESS: the network interface
    wait_for "ls /sys/bus/pci/devices/$1/net" 5 && ls "/sys/bus/pci/devices/$1/net"
}

pci_nvme_now() {
    local controller subsystem disk
    controller=$(ls "/sys/bus/pci/devices/$1/nvme") || return
    for subsystem in /sys/class/nvme-subsystem/*; do
        for disk in "$subsystem"/nvme*n*; do
            [[ -e $subsystem/$controller && $disk =~ /(nvme[0-9]+n[0-9]+)$ && -b /dev/${BASH_REMATCH[1]} ]] || continue
            echo "/dev/${BASH_REMATCH[1]}"
            return
        done
    done
    return 1
}

pci_nvme() { # ADDRESS: the block device (with native multipathing not a child of the controller)
    wait_for "pci_nvme_now $1" 5 && pci_nvme_now "$1"
}

# Of topology basic: gives the machine a default route, over nic1.
default_route() {
    local net
    net=$(pci_net 0000:04:00.0) || return
    ip addr add 10.0.2.15/24 dev "$net" && ip link set "$net" up && ip route add default via 10.0.2.2
}

# A system bus where there is no systemd.
start_bus() {
    mkdir -p /run/dbus
    [[ -s /etc/machine-id ]] || dbus-uuidgen >/etc/machine-id 2>/dev/null || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
    dbus-daemon --system --fork
}
