# SPDX-License-Identifier: LGPL-2.1-or-later
# What Open gives and to whom, for each way to hand a device over: the same for the fake kernel and the real one.
# Sourced by what knows the host, which gives
#     t TITLE COMMAND...       one check
#     as USER COMMAND...       for alice, bob
#     gives STATUS PATTERN COMMAND...
#     hold_nic WAY             a claim of the card that alice's process has open; $guest is that process
#     end_guest PID, nic_is_back, wait_no_claims
#     promised ROLE            what opener has to say of that descriptor, while the card is held
# and $claims (the directory of the records), $work (which all users may read), $holder ("held by alice"), and devices
# "nic" and "disk-a" that alice may have.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154

# By way: the roles of the descriptors in their order; how a second Open ends while the first one's are open.
declare -A roles=(
    [cdev]='iommufd device'
    [group]='container group'
    [node]=''
)
declare -A second=(
    [cdev]='opens'
    [group]='org.pcassign1.Error.Busy'
    [node]='opens'
)

as_promised() { # WAY
    local role
    diff <(
        for role in ${roles[$1]}; do
            promised "$role"
        done
        echo "second: ${second[$1]}"
    ) $work/opened
}

claim_path() {
    local -a ids=("$claims"/*)
    echo "/org/pcassign1/claim/${ids[0]##*/}"
}

# Standard input is /dev/null, which goes in the place of the lease. libpcassign would not send it.
open_without_lease() { # USER
    as "$1" /usr/bin/python3 -c '
import dbus, sys
claim = dbus.SystemBus().get_object("org.pcassign1", sys.argv[1], introspect=False)
try:
    claim.Open(dbus.types.UnixFd(0), dbus.Dictionary(signature="sv"), dbus_interface="org.pcassign1.Claim")
except dbus.DBusException as e:
    print(e.get_dbus_name())' "$(claim_path)"
}

descriptors() { # WAY
    as alice opener open "$1" nic disk-a >$work/opened
    t "$1: Open adds what its reply tells, close-on-exec, and a wrong lease nothing" test $? -eq 0
    t "$1: ... and the card goes back" nic_is_back
    wait_no_claims
    t "$1: a VMM takes the card" hold_nic "$1"
    t "$1: what came was ${roles[$1]}, and a second Open: ${second[$1]}" as_promised "$1"
    t "$1: another process of alice, with a pipe for a lease, is NotPermitted" \
        as alice opener intrude "$(basename "$(claim_path)")"
    t "$1: ... or with /dev/null" gives 0 'Error.NotPermitted' open_without_lease alice
    t "$1: bob is as well" as bob opener intrude "$(basename "$(claim_path)")"
    t "$1: the claim is alone" gives 1 "$holder" as alice opener open "$1" nic disk-a
    end_guest $guest
    t "$1: the card goes back" nic_is_back
    wait_no_claims
}
