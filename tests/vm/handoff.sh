# SPDX-License-Identifier: LGPL-2.1-or-later
# The contract of every way to hand a device over, and that the devices work: what handoff.test and
# handoff-stock.test share.
# shellcheck shell=bash disable=SC1091,SC2034,SC2086,SC2154
. /usr/libexec/pcassign-tests/handoff-contract.sh

claims=/run/pcassign/claims work=/tmp holder='held by alice'

# By way: what vmm is told of a device called "nic" at $NIC.
declare -A given=(
    [cdev]='iommufd={iommufd} device={nic}'
    [group]="container={container} group={nic} address=$NIC"
    [node]="address=$NIC"
)

# Each has to be in the table.
ways_offered() {
    busctl get-property org.pcassign1 /org/pcassign1 org.pcassign1.Manager Backends | cut -d' ' -f3- | tr -d '"'
}

# vmm by a way, with a device that alice has for as long; in place of this shell.
exec_vmm() { # WAY DEVICE ADDRESS ACTION...
    local way=$1 device=$2 words
    words=${given[$way]//nic/$device}
    words=${words//$NIC/$3}
    shift 3
    exec_as alice pcassignctl run --handoff="$way" "$device" -- vmm "$way" $words "$@"
}

# A claim of the card that is open and bound, in the background; $guest is the VMM.
hold_nic() { # WAY
    : >/tmp/holder.out
    exec_vmm "$1" nic $NIC hold &>/tmp/holder.out &
    guest=$!
    await_ready $guest /tmp/holder.out
}

nic_is_back() {
    back_on $NIC e1000e
}

# ROLE: what opener has to say of that descriptor, by sysfs; the card has to be bound.
promised() {
    local device=/sys/bus/pci/devices/$NIC
    case $1 in
    iommufd) echo "iommufd - - $(</sys/class/misc/iommu/dev)" ;;
    container) echo "container - - $(</sys/class/misc/vfio/dev)" ;;
    device) echo "device nic $NIC $(cat $device/vfio-dev/*/dev)" ;;
    group) echo "group nic $NIC $(<"/sys/class/vfio/$(pci_group $NIC)/dev")" ;;
    esac
}

said() { # PATTERN...: each in what vmm said
    local pattern
    cat /tmp/said
    for pattern in "$@"; do
        grep -q "$pattern" /tmp/said || return
    done
}

every_vector() { # COUNT
    said "msix: vector 0: raised $1, counted $1" "vector 1: raised $1, counted $1" \
        "vector 2: raised $1, counted $1" "vector 3: raised $1, counted $1" "vector 4: raised $1, counted $1"
}

# Everything in one VMM, so that a kind of interrupt comes after another. $way: for the titles alone.
use_nic() { # COMMAND...: runs vmm with the actions that follow
    "$@" count=20 read-id bar map dma intx msi msix intx &>/tmp/said
    t "$way: all of it" said_well $?
    t "$way: ids are read" said '^id: 8086:10d3'
    t "$way: a register is read, by the mapping and by read(2)" said '^bar: '
    t "$way: the card reads memory that was mapped, and writes to it" said 'marked done'
    t "$way: INTx is counted, each masked until it is unmasked" said 'intx: vector 0: raised 20, counted 20'
    t "$way: MSI is counted" said 'msi: vector 0: raised 20, counted 20'
    t "$way: MSI-X is counted, five vectors" every_vector 20
}

said_well() { # STATUS
    cat /tmp/said
    [[ $1 -eq 0 ]]
}

drive() {
    (exec_vmm "$@")
}

# The whole contract of one way.
handoff() { # WAY
    local way=$1
    descriptors "$1"
    use_nic drive "$1" nic $NIC
    t "$1: a disk writes its name into memory" gives 0 'QEMU NVMe' drive "$1" disk-a $BOOT read-id bar dma
    t "$1: the card goes back" back_on $NIC e1000e
    t "$1: the disk goes back" back_on $BOOT nvme
    wait_no_claims
}
