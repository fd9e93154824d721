# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of SELinux share. $VMM: the label of a virtual machine without categories; $NODE: that of its nodes.
# shellcheck shell=bash disable=SC2016,SC2086,SC2154

# in_label LABEL USER COMMAND...: as a launcher with privileges starts it.
in_label() {
    local label=$1 user=$2
    shift 2
    (exec_in_label "$label" "$user" "$@")
}

exec_in_label() {
    local starter
    starter_in_label "$1" "$2"
    shift 2
    exec "${starter[@]}" "$@"
}

starter_in_label() {
    starter=(setpriv --reuid="$2" --regid="$2" --init-groups --inh-caps=-all --bounding-set=-all -- runcon "$1")
}

# held LABEL USER NAME HANDOFF DEVICE...: a claim for a process that does nothing but live; $guest is it.
held() {
    local label=$1 user=$2 name=$3 handoff=$4 device words=''
    shift 4
    [[ $handoff == node ]] || for device in iommufd "$@"; do words+=" {$device}"; done
    : >"/tmp/$name.out" # a "ready" of before must not count
    # shellcheck disable=SC2086
    exec_in_label "$label" "$user" pcassignctl run --handoff="$handoff" "$@" -- \
        bash -c 'echo ready; sleep 1000; :' - $words >"/tmp/$name.out" 2>&1 &
    guest=$!
    await_ready "$guest" "/tmp/$name.out"
}

end_held() { # PID...
    local guest
    for guest in "$@"; do
        pkill -P "$guest" sleep
        end_guest "$guest" 2>/dev/null
    done
    wait_no_claims
}

# Of the descriptors of that process that are VFIO's nodes: their labels.
labels_of() { # PID
    local fd
    for fd in /proc/"$1"/fd/*; do
        [[ $(readlink "$fd") == /dev/pcassign/* ]] && stat -L -c %C "$fd"
    done | sort | uniq -c | sed 's/^ *//'
}

label_is() { # "UID:GID MODE LABEL" FILE
    local found
    found=$(stat -c '%u:%g %a %C' "$2")
    echo "$found"
    [[ $found == "$1" ]]
}

node_of() {
    echo "/dev/vfio/$(pci_group "$1")"
}

# Owner, mode and label of what claims share, and of all that one may touch and that stays.
touched() {
    find /dev/vfio/vfio /dev/iommu -printf '%p %U:%G %m %Z\n'
    find /sys/devices/pci* \( -name config -o -name 'resource[0-9]*' -o -name rom \) -printf '%p %U:%G %m %Z\n'
}

same_as_before() {
    diff <(echo "$before") <(touched | sort)
}

# The kernel's refusals since the mark, or ours.
mark() {
    sysctl -qw kernel.printk_ratelimit=0 # no message of the kernel may be lost
    dmesg -C
    cursor=$(journalctl -q -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}

kernel_said() { # PATTERN
    dmesg | grep -F 'avc:  denied' | grep -E "$1"
}

kernel_is_silent() {
    ! kernel_said .
}

# By way of the audit system, as a message of a program.
bus_said() { # PATTERN
    wait_for "{ dmesg; journalctl -q --after-cursor='$cursor' -o cat; } | grep -F USER_AVC | grep -E '$1'" 5
}

# Soon, as journald may be behind. Of all units: with -u, --after-cursor= leaves the first entry out where the one at the
# cursor is another's.
we_said() { # PATTERN [SECONDS]
    wait_for "journalctl -q --after-cursor='$cursor' -o cat | grep -E '$1'" "${2:-5}"
}

# gives_to LABEL PATTERN: what a process with this label gets of a virtual machine's descriptor.
gives_to() {
    local starter taker
    starter_in_label "$1" alice
    taker=("${starter[@]}" python3 "$VM/selinux.py" take)
    starter_in_label "$VMM:c1,c2" alice
    python3 "$VM/selinux.py" between "${taker[@]}" and \
        "${starter[@]}" pcassignctl run disk-b -- python3 "$VM/selinux.py" give '{disk-b}' >/tmp/taken 2>&1
    cat /tmp/taken
    grep -qx "$2" /tmp/taken
}

may_open() { # LABEL FILE
    in_label "$1" alice bash -c 'exec 9<>"$1"' - "$2"
}
