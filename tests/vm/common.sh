# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guest scripts of tests/vm share: ". /usr/libexec/pcassign-tests/common.sh". run-all puts it there.
# shellcheck shell=bash disable=SC2034,SC2154,SC2016

# shellcheck source=/dev/null
. /lab/lab.sh
set -uo pipefail

VM=/usr/libexec/pcassign-tests
SLACK=1 # how many times as long everything may take; run-all sets another below
export PATH=$VM:$PATH

# The devices of topology basic by what they are good for.
BOOT=0000:01:00.0
BLANK=0000:02:00.0
NIC=0000:03:00.0
WAN=0000:04:00.0
MULTI=0000:05:00.0
MULTI1=0000:05:00.1
EDU=0000:00:06.0
PORT=0000:00:02.0
SLOW=0000:08:00.0

# "ADDRESS DRIVER OVERRIDE CONTROL COLD" of every function, the last two of its power management. $skip, a list of
# addresses: what a test has unplugged, or left in quarantine on purpose.
skip=''
bindings() {
    local device link override control cold
    local -A driver=()
    while read -r device link; do
        driver[${device%/driver}]=${link##*/}
    done < <(find /sys/bus/pci/devices/*/ -maxdepth 1 -name driver -printf '%p %l\n')
    for device in /sys/bus/pci/devices/*; do
        control=- cold=-
        read -r override <"$device/driver_override"
        [[ ! -e $device/power/control ]] || read -r control <"$device/power/control"
        [[ ! -e $device/d3cold_allowed ]] || read -r cold <"$device/d3cold_allowed"
        [[ " $skip " == *" ${device##*/} "* ]] ||
            printf '%s %s %s %s %s\n' "${device##*/}" "${driver[$device]:-none}" "$override" "$control" "$cold"
    done
}

# Waits until the host has its devices, and remembers how it has them.
test_begin() {
    local device
    udevadm settle
    for device in "$@"; do
        wait_for "[[ -n \$(pci_driver $device) ]]" 20
    done
    as_found=$(bindings)
}

same_bindings() {
    local line
    diff <(bindings) <(while read -r line; do
        [[ " $skip " == *" ${line%% *} "* ]] || echo "$line"
    done <<<"$as_found")
}

no_claims() {
    [[ $(pcassignctl claims -j) == '[]' && -z $(ls /run/pcassign/claims) ]] || {
        pcassignctl claims
        ls /run/pcassign/claims
        return 1
    }
}

# Residues are remembered on disk; only a test that has left some on purpose ends with them.
no_claims_but_residue() {
    [[ $(pcassignctl claims -j) == '[]' ]]
}

test_end() {
    if [[ -n $skip ]]; then
        t "no claims are left" no_claims_but_residue
    else
        t "no claims are left" no_claims
    fi
    t "every device has the driver, override and power management that it had before" same_bindings
    t "no private node is left in /dev" no_private_node
    [[ $t_failed -eq 0 ]] || journalctl -b --no-pager -o cat -u pcassignd -u pcassign-worker | tail -n 60 | sed 's/^/# log: /'
    t_end
}

no_private_node() {
    [[ -z $(ls /dev/pcassign 2>/dev/null) ]]
}

# as USER COMMAND...: without any capability, nor a way to get one.
as() {
    (exec_as "$@")
}

# The same in place of this shell: for the background, so that $! is the command itself.
exec_as() {
    local user=$1
    shift
    exec setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
}

# take DEVICE...: claims them and gives them back at once, as the calling user.
take() {
    pcassignctl run "$@" -- true '{iommufd}'
}

take_as() { # USER DEVICE...
    local user=$1
    shift
    as "$user" pcassignctl run "$@" -- true '{iommufd}'
}

# gives STATUS PATTERN COMMAND...: it ends with that status, and what it says matches the bash pattern.
gives() {
    local status=$1 pattern=$2 said actual=0
    shift 2
    said=$("$@" 2>&1) || actual=$?
    printf '%s\n' "$said"
    # shellcheck disable=SC2053
    [[ $actual -eq $status && $said == *$pattern* ]] && return
    printf 'exit status %d and *%s* were expected\n' "$status" "$pattern"
    return 1
}

# At once, or as soon as a release on its way is through.
back_on() { # ADDRESS DRIVER [SECONDS]
    local end=$((SECONDS + ${3:-10})) override=''
    until [[ /sys/bus/pci/devices/$1/driver -ef /sys/bus/pci/drivers/$2 ]] &&
        read -r override <"/sys/bus/pci/devices/$1/driver_override" && [[ $override == '(null)' ]]; do
        [[ $SECONDS -lt $end ]] || { echo "$1 is on '$(pci_driver "$1")', its override '$override'"; return 1; }
        nap 0.1
    done
}

# Asks the directory, not the daemon: that is cheaper, and works without one.
wait_no_claims() {
    local end=$((SECONDS + ${1:-15}))
    until ! compgen -G '/run/pcassign/claims/*/claim' >/dev/null; do
        [[ $SECONDS -lt $end ]] || { echo "claims are left after ${1:-15} s" >&2; return 1; }
        nap 0.1
    done
}

# ADDRESS: the state that "list" tells, by the cheapest program that can ask for it.
state_of() {
    local answer
    answer=$(dbus-send --system --print-reply=literal --dest=org.pcassign1 "/org/pcassign1/device/${1//[:.]/_}" \
        org.freedesktop.DBus.Properties.Get string:org.pcassign1.Device string:State) && echo "${answer##* }"
}

await_ready() { # PID FILE: until the process has written "ready" there, or has ended
    local end=$((SECONDS + 40))
    until [[ $(<"$2") == *ready* ]]; do
        if ! kill -0 "$1" || [[ $SECONDS -ge $end ]]; then
            cat "$2"
            return 1
        fi
        nap 0.05
    done
}

# guest_of USER NAME DEVICE...: a claim held by a stand-in for a VMM, in the background; $guest is its process.
# More words for vfio-client in $client.
client=''
guest_of() {
    local user=$1 name=$2 words='' device
    shift 2
    for device in "$@"; do
        words+=" {${device}}"
    done
    : >"/tmp/$name.out" # a "ready" of before must not count
    # shellcheck disable=SC2086
    exec_as "$user" pcassignctl run "$@" -- "$VM/vfio-client" fds $client '{iommufd}' $words >"/tmp/$name.out" 2>&1 &
    guest=$!
    await_ready "$guest" "/tmp/$name.out"
}

ended_with() { # STATUS PROCESS FILE: a process in the background that writes there
    local status=0
    wait "$2" || status=$?
    cat "$3"
    [[ $status -eq $1 ]]
}

end_guest() { # PID [SIGNAL]
    kill "-${2:-TERM}" "$1"
    wait "$1" 2>/dev/null
    return 0
}

# holder NAME WORDS...: vfio-client as another tool, in the background; $holder is its process.
holder() {
    local name=$1
    shift
    : >"/tmp/$name.out"
    "$VM/vfio-client" "$@" >"/tmp/$name.out" 2>&1 &
    holder=$!
    await_ready "$holder" "/tmp/$name.out"
}

# daemon_options OPTION...: from its next start on.
daemon_options() {
    mkdir -p /run/systemd/system/pcassignd.service.d
    printf '[Service]\nExecStart=\nExecStart=/usr/sbin/pcassignd %s\n' "$*" \
        >/run/systemd/system/pcassignd.service.d/options.conf
    systemctl daemon-reload
}

# UNIT: the process that the service manager has started, 0 without one; as systemctl tells it, but in no time.
main_process() {
    local pid key value
    while read -r pid; do
        key='' value=''
        while read -r key value && [[ $key != PPid: ]]; do :; done <"/proc/$pid/status"
        [[ $value != 1 ]] || { echo "$pid"; return; }
    done <"/sys/fs/cgroup/system.slice/$1.service/cgroup.procs"
    echo 0
} 2>/dev/null

daemon_pid() {
    main_process pcassignd
}

logged() { # PATTERN: by the daemon
    journalctl -b --no-pager -o cat -u pcassignd | grep -- "$1"
}

worker_pid() {
    main_process pcassign-worker
}

milliseconds() { # since boot
    local up
    read -r up _ </proc/uptime
    echo $((10#${up/./} * 10))
}

# within MILLISECONDS COMMAND...
within() {
    local limit=$(($1 * SLACK)) start took
    shift
    start=$(milliseconds)
    "$@" || return
    took=$(($(milliseconds) - start))
    echo "took $took ms"
    [[ $took -le $limit ]]
}

policy() { # the text of a policy file; read at once where the daemon runs
    mkdir -p /etc/pcassign/policy.d
    cat >/etc/pcassign/policy.d/50-test.conf
}

# Everything of topology basic for alice.
allow_alice() {
    policy <<'END'
[Device disk-a]
Path=02.0/00.0
Id=1b36:0010
AllowUser=alice

[Device disk-b]
Path=03.0/00.0
Id=1b36:0010
AllowUser=alice

[Device nic]
Path=04.0/00.0
Id=8086:10d3
AllowUser=alice

[Device pair]
Path=07.0/00.0
Id=8086:10d3
Functions=all
AllowUser=alice

[Device slow]
Path=09.0/00.0
Id=1b36:0010
AllowUser=alice
END
}
