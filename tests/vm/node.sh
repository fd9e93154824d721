# SPDX-License-Identifier: LGPL-2.1-or-later
# Hand-off by node, for node.test and stock.test: programs that open /dev/vfio/GROUP themselves.
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154

node_of() { # ADDRESS
    echo "/dev/vfio/$(pci_group "$1")"
}

node_is() { # ADDRESS "UID:GID MODE", or "none"
    local found
    found=$(stat -c '%u:%g %a' "$(node_of "$1")" 2>/dev/null) || found=none
    echo "$(node_of "$1"): $found"
    [[ $found == "$2" ]]
}

# Owner, mode and kind of everything of VFIO in /dev; cdevs are numbered anew with each binding.
vfio_nodes() {
    find /dev/vfio -maxdepth 1 -printf '%p %U:%G %m %y\n' | sort
}

same_nodes() {
    diff <(echo "$nodes_before") <(vfio_nodes)
}

may_open() { # USER NODE
    as "$1" bash -c 'exec 9<>"$1"' - "$2"
}

# open_claim NAME DEVICE...: alice's, for a process that does nothing but live; $guest is it.
open_claim() {
    local name=$1
    shift
    exec_as alice pcassignctl run --handoff=node --memory=64M "$@" -- sleep 1000 &>"/tmp/$name.out" &
    guest=$!
    wait_for "[[ \$(cat /proc/$guest/comm) == sleep ]]" 40 || cat "/tmp/$name.out"
}

end_claim() {
    end_guest "$guest"
    wait_no_claims
}

boots() { # QEMU-ARGUMENTS...: alice's QEMU, which opens the node itself, boots from the disk
    local status=0
    install -m 666 /dev/null /tmp/serial
    as alice pcassignctl run --handoff=node --memory=64M disk-a -- qemu-system-x86_64 -accel tcg -M q35 -cpu max -m 64 \
        -nodefaults -display none -no-reboot -serial file:/tmp/serial -device isa-debug-exit,iobase=0xf4,iosize=4 "$@" ||
        status=$?
    [[ $status -eq 33 ]] && grep -q 'pcassign: booted from the assigned NVMe disk' /tmp/serial
}

only_the_lease() { # PID: beside 0, 1 and 2
    local links
    links=$(find "/proc/$1/fd" -mindepth 1 -name '[3-9]*' -printf '%f %l\n')
    echo "$links"
    [[ $links =~ ^3\ .*/lease\ ?[^$'\n']*$ ]]
}

take_node() { # DEVICE
    as alice pcassignctl run --handoff=node "$1" -- true
}

# node_killed_at before|after N COMMAND...: the worker's child is killed at the N-th chown or chmod while the
# command, alice's, runs; "$settled" becomes true again.
node_killed_at() {
    local when=$1 n=$2 tracer back=0
    shift 2
    : >/tmp/kill-at.out # a "ready" of before must not count
    "$VM/kill-at" "$(worker_pid)" owner "$when" "$n" >/tmp/kill-at.out 2>&1 &
    tracer=$!
    await_ready $tracer /tmp/kill-at.out || return
    "$@" || echo "status $?"
    wait_no_claims 20 && wait_for "$settled" 20 || back=1
    kill $tracer 2>/dev/null
    wait $tracer || { echo "call number $n was not made"; back=1; }
    cat /tmp/kill-at.out
    node_is $NIC "$node_at_rest" || back=1
    return $back
}

kill_at_each() { # NUMBER-OF-CALLS WHAT
    local n
    [[ -n $kills ]] || return 0
    for ((n = 1; n <= $1; n++)); do
        t "$2: the worker is killed before change $n of the node" node_killed_at before $n take_node nic
        t "$2: ... after it" node_killed_at after $n take_node nic
    done
}

udev_rule() { # as many hosts have one; and back with an empty argument
    mkdir -p /run/udev/rules.d
    echo "$1" >/run/udev/rules.d/99-test-vfio.rules
    udevadm control --reload
}

given_despite_udev() {
    local i
    for i in 1 2 3 4 5; do
        open_claim rule nic && udevadm settle && node_is $NIC '1000:0 600' || return
        end_claim || return
    done
}

found_despite_udev() {
    take_node nic && wait_no_claims && udevadm settle && node_is $NIC '0:107 640'
}

has_both_open() { # PID
    wait_for "[[ \$(find /proc/$1/fd -lname '*vfio-device*' 2>/dev/null | wc -l) -eq 2 ]]" 40
}

# Nobody but the owner, nobody before and after.
node_rights() {
    nodes_before=$(vfio_nodes)
    node=$(node_of $NIC)
    t "the container is open to everybody, by the kernel" test "$(stat -c %a /dev/vfio/vfio)" == 666
    t "the group has no node before" node_is $NIC none
    t "alice claims a card for a program that opens paths" open_claim one nic
    t "its node is hers" node_is $NIC '1000:0 600'
    t "she may open it" may_open alice $node
    t "bob may not" not may_open bob $node
    t "bob cannot claim the group" gives 6 'another user' as bob pcassignctl run --handoff=node nic -- true
    t "the program has the lease and no other descriptor" only_the_lease $guest
    t "its limit of locked memory is raised" test "$(awk '/Max locked memory/ { print $4 }' /proc/$guest/limits)" -gt $((512 << 20))
    kill -9 "$(daemon_pid)"
    wait_for '[[ $(systemctl is-active pcassignd) == active ]]' 10
    t "the daemon is killed: the node is still hers" node_is $NIC '1000:0 600'
    t "her program's end" end_claim
    t "... takes the node away" node_is $NIC none
    t "... and gives the card back" back_on $NIC e1000e
    t "all nodes are as before" same_nodes
}

# A card that another tool has left on vfio-pci, its node for a group.
node_found() {
    pci_bind $NIC vfio-pci
    udevadm settle
    chown 0:107 "$(node_of $NIC)"
    chmod 640 "$(node_of $NIC)"
    nodes_before=$(vfio_nodes)
    settled='[[ $(pci_driver $NIC) == vfio-pci ]]'
    node_at_rest='0:107 640'
    t "a card is found on vfio-pci" open_claim found nic
    t "... its node is alice's now" node_is $NIC '1000:0 600'
    end_claim
    t "... and then as it was" same_nodes
    take nic $own_handoff
    wait_no_claims
    t "... also when descriptors were handed over" same_nodes
    kill_at_each 5 "found on vfio-pci"
    udev_rule 'SUBSYSTEM=="vfio", GROUP="vmusers", MODE="0666"'
    t "a rule of udev for new nodes does not win" found_despite_udev
    udev_rule ''
    chown 1001 "$(node_of $NIC)"
    t "one that is bob's" take_node nic
    wait_no_claims
    t "... is bob's again" node_is $NIC '1001:107 640'
    pci_bind $NIC e1000e
    echo >/sys/bus/pci/devices/$NIC/driver_override
}

node_tests() {
    test_begin $BOOT $BLANK $NIC $WAN $MULTI $MULTI1 $SLOW
    allow_alice
    sed -i '/^Path=04/,/^$/ s/AllowUser=alice/AllowUser=alice bob/' /etc/pcassign/policy.d/50-test.conf
    systemctl start pcassignd
    node_rights
    t "plan tells it" gives 0 'let uid 1000, and nobody else, open' as alice pcassignctl run --dry-run --handoff=node nic
    exec_as alice pcassignctl run --handoff=node --memory=64M pair -- qemu-system-x86_64 -S -accel tcg -M q35 -m 64 \
        -nodefaults -display none -monitor none &>/tmp/pair.out &
    guest=$!
    t "QEMU takes two functions of one group" has_both_open $guest
    exec_as alice pcassignctl release pair &>/tmp/release.out &
    releasing=$! # for 10 s, in which others are served
    t "an unmodified QEMU boots from the disk: its arguments are added" boots
    t "... and with arguments of its own" boots -device vfio-pci,host=01:00.0
    t "the disk is back" back_on $BOOT nvme
    t "release while it has them open takes 10 s and says so" ended_with 3 $releasing /tmp/release.out
    end_guest $guest
    back_on $MULTI e1000e
    wait_no_claims
    settled='[[ $(pci_driver $NIC) == e1000e ]]'
    node_at_rest=none
    kill_at_each 3 "found on e1000e"
    udev_rule 'SUBSYSTEM=="vfio", GROUP="vmusers", MODE="0666"'
    t "a rule of udev for new nodes does not win, five times" given_despite_udev
    udev_rule ''
    back_on $NIC e1000e
    node_found
    t "placeholders make no sense" gives 2 '--handoff=node' as alice pcassignctl run --handoff=node nic -- true '{iommufd}'
    test_end
}
