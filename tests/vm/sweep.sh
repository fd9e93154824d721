# SPDX-License-Identifier: LGPL-2.1-or-later
# The kill sweep, for sweep-worker.test and sweep-daemon.test: one life of an owner (owner.c) after the other, in each of
# which a process dies at one call that changes state, and afterwards everything has to be as it was. What happens to the
# device is seen by the kernel's own trace, whoever does it.
# shellcheck shell=bash disable=SC2015,SC2016,SC2034,SC2086,SC2154

# shellcheck source=/dev/null
. "$VM/sweep-trace.sh"

GROUPS_OF_UNITS=/sys/fs/cgroup/system.slice
ALICE=1000
BOB=1001
PATIENCE=30 # seconds until everything has to be as it was

# until_ok SECONDS COMMAND...: what it said last if it never succeeds.
until_ok() {
    local end=$((SECONDS + $1)) answer
    shift
    until answer=$("$@" 2>&1); do
        [[ $SECONDS -lt $end ]] || { echo "after all: $answer"; return 1; }
        nap 0.02
    done
    return 0
}

first_process() { # UNIT, into $process; without a fork
    process=
    read -r process <"$GROUPS_OF_UNITS/$1.service/cgroup.procs" && [[ -n $process ]]
} 2>/dev/null

# ---- What must be true again ----

no_claim_left() {
    local left=(/run/pcassign/claims/*)
    [[ ! -e ${left[0]} || ${left[*]} == /run/pcassign/claims/tainted ]] || { echo "left: ${left[*]}"; return 1; }
}

is_bound_as_before() { # DEVICE
    local override sysfs=/sys/bus/pci/devices/$1 driver=${host_drivers[$1]}
    if [[ $driver != none ]]; then
        [[ $sysfs/driver -ef /sys/bus/pci/drivers/$driver ]] || { echo "the driver of $1 is not $driver"; return 1; }
    else
        [[ ! -e $sysfs/driver ]] || { echo "$1 has a driver"; return 1; }
    fi
    read -r override <"$sysfs/driver_override"
    [[ $override == '(null)' ]] || { echo "its override is $override"; return 1; }
}

device_is_back() {
    local one
    for one in "${devices[@]}"; do
        is_bound_as_before "$one" || return
    done
}

methods_of() { # DEVICE, into $methods
    methods=
    [[ ! -e /sys/bus/pci/devices/$1/reset_method ]] || read -r methods <"/sys/bus/pci/devices/$1/reset_method"
}

methods_are_back() {
    local one methods
    for one in "${devices[@]}"; do
        methods_of "$one"
        [[ $methods == "${methods_before[$one]}" ]] || { echo "its reset methods are $methods"; return 1; }
    done
}

owners() {
    find -H "${devices[@]/#//sys/bus/pci/devices/}" -maxdepth 1 -type f -printf '%p %U:%G %m\n' | sort
}

owners_are_back() {
    diff <(echo "$owners_found") <(owners)
}

# Private nodes are root's alone, below a directory that is; the next open removes one that was left.
nodes_are_back() {
    local nodes=(/dev/vfio/[0-9]* /dev/vfio/devices/*)
    [[ ! -e ${nodes[0]} && ! -e ${nodes[1]:-} ]] || { echo "nodes: ${nodes[*]}"; return 1; }
    [[ ! -d /dev/pcassign || $(stat -c '%u %a' /dev/pcassign) == '0 700' ]]
}

# As many as when nothing had happened yet, in the daemon; and no process of the worker's but those that wait.
descriptors() { # into $descriptors, without a fork
    local list
    first_process pcassignd || return
    list=(/proc/"$process"/fd/*)
    descriptors=${#list[@]}
}

# Who serves has closed the socket that the others wait at.
workers_wait() {
    local list worker
    mapfile -t list <"$GROUPS_OF_UNITS/pcassign-worker.service/cgroup.procs"
    for worker in "${list[@]}"; do
        [[ /proc/$worker/fd/3 -ef /proc/${list[0]}/fd/3 ]] || { echo "process $worker of the worker is at work"; return 1; }
    done
}

processes_are_back() {
    descriptors && [[ $descriptors -eq $descriptors_found ]] ||
        { echo "the daemon has $descriptors descriptors, not $descriptors_found"; return 1; }
    workers_wait
}

settled() {
    no_claim_left && device_is_back && methods_are_back && processes_are_back && nodes_are_back
}

# ---- Runs ----

remember() { # DEVICE... : how they are before anything happens; the first is the one that is followed
    local one methods
    device=$1
    devices=("$@")
    sysfs=/sys/bus/pci/devices/$1
    for one in "${devices[@]}"; do
        host_drivers[$one]=$(pci_driver "$one") || host_drivers[$one]=none
        methods_of "$one"
        methods_before[$one]=$methods
    done
    host_driver=${host_drivers[$device]} methods_found=${methods_before[$device]}
    owners_found=$(owners)
}
declare -A host_drivers=() methods_before=()

# Each run is another user's: what the one before had must be clean, or be refused.
next_owner() {
    run=$((run + 1))
    if [[ $((run % 2)) -eq 0 ]]; then
        owner=$ALICE other=$BOB
    else
        owner=$BOB other=$ALICE
    fi
    for process in "${!run_processes[@]}"; do
        old_processes[$process]=1
    done
    run_processes=()
    complaints='' events=''
}
run=0
declare -A run_processes=() old_processes=()

no_claim_but_reservations() {
    local file
    for file in /run/pcassign/claims/*/claim; do
        [[ ! -e $file || $(<"$file") == *Kind=reservation* ]] || { echo "left: $file"; return 1; }
    done
}

reservation_is_left() {
    local files=(/run/pcassign/claims/*/claim)
    [[ -e ${files[0]} ]]
}

is_given_back() {
    [[ ! -e /run/pcassign/claims/tainted/$device ]] || pcassignctl recover "$device" --accept-risk || return
    ! reservation_is_left || pcassignctl unreserve "$device" || return
    [[ ! -e /run/pcassign/claims/tainted/$device ]] && ! reservation_is_left
}

# What no reset has cleaned stays reserved and is refused to everybody else, until an administrator takes the risk; who
# asks again where the service died meanwhile.
give_back() {
    until_ok $PATIENCE no_claim_but_reservations || return
    take_events judge
    [[ $events == *bind* || ! -e /run/pcassign/claims/tainted/$device ]] || complain "tainted, but nobody can have had it"
    [[ -z $dirty ]] || "$VM/owner" $other --refused "$name" || return
    until_ok $PATIENCE is_given_back || return
    dirty=
}

life() {
    local status=0
    "$VM/owner" $owner $other "$name" "${handed[@]}" || status=$?
    [[ $status -eq 0 || ($status -eq 3 && -n ${killing:-}) ]] || { echo "owner: status $status"; return 1; }
    [[ -n $methods_found ]] || give_back
}

whole_life() { # without any death
    local killing=''
    next_owner
    life && until_ok $PATIENCE settled && take_events judge && [[ -z $complaints ]] || {
        echo "$complaints$events"
        return 1
    }
}

list_points() { # into "${points[@]}"
    local out tracer line
    next_owner
    points=()
    exec {out}< <(exec "$VM/kill-at" "${itself[@]}" "$GROUPS_OF_UNITS/$unit.service/cgroup.procs" state list 2>&1)
    tracer=$!
    read -r line <&"$out" && [[ $line == ready ]] && killing='' life && until_ok $PATIENCE settled || return
    kill $tracer
    while read -r line <&"$out"; do
        points+=("${line#*: }")
    done
    exec {out}<&-
    take_events judge
}

# visit before|after N...: what dies, dies at the N-th call of this life; with more numbers, once more at that call of
# what comes in its place, and so on.
visit() {
    local out tracer line killing=1 deaths=0 ok=yes at
    next_owner
    exec {out}< <(exec "$VM/kill-at" "${itself[@]}" "$GROUPS_OF_UNITS/$unit.service/cgroup.procs" state "$@" 2>&1)
    tracer=$!
    read -r line <&"$out" && [[ $line == ready ]] || { echo "not traced: $line"; return 1; }
    life || ok=no
    until_ok $PATIENCE settled || ok=no
    kill $tracer 2>/dev/null
    while read -r line <&"$out"; do
        if [[ $line == killed* ]]; then
            deaths=$((deaths + 1))
            at=${at:-${line##*the call: }}
        fi
        [[ $deaths -eq 0 ]] || echo "$line"
    done
    exec {out}<&-
    # What mends the damage may be through before it has died as often.
    [[ $deaths -gt $(($# > 2)) ]] || { echo "$deaths deaths"; ok=no; }
    [[ ${at:-} == "${points[$2 - 1]}" ]] || { echo "this was not call $2: ${points[$2 - 1]}"; ok=no; }
    take_events judge
    owners_are_back || ok=no
    [[ -z $complaints ]] || { echo "$complaints"; ok=no; }
    echo "$events"
    [[ $ok == yes ]] && visited=$((visited + 1))
}
visited=0

# spread NUMBER COUNT: so many of the numbers below COUNT, evenly.
spread() {
    local i wanted=$1
    [[ $wanted -lt $2 ]] || wanted=$2
    for ((i = 0; i < wanted; i++)); do
        echo $((i * $2 / wanted))
    done
}

# When something is wrong with all of them there is no need to see each.
has_enough() {
    [[ $t_failed -ge 5 ]] && echo "# five failures are enough"
}

# sweep NUMBER: of the points, half of them before the call, half after it; with PCASSIGN_TESTS_FULL all of them.
sweep() {
    local n chosen when=before wanted=$1 count=$((2 * ${#points[@]}))
    [[ -z ${PCASSIGN_TESTS_FULL:-} ]] || wanted=$count
    mapfile -t chosen < <(spread $wanted $count)
    for n in "${chosen[@]}"; do
        has_enough && return
        t "$what and $name: dies $when call $((n / 2 + 1)) of ${#points[@]}: ${points[n / 2]}" visit $when $((n / 2 + 1))
        [[ $when == before ]] && when=after || when=before
    done
}

# thrice_more NUMBER: of the calls, or a quarter of all; what mends the damage dies three times as well.
thrice_more() {
    local n chosen wanted=$1
    [[ -z ${PCASSIGN_TESTS_FULL:-} ]] || wanted=$((${#points[@]} / 4))
    mapfile -t chosen < <(spread $wanted ${#points[@]})
    for n in "${chosen[@]}"; do
        has_enough && return
        t "$what and $name: dies after call $((n + 1)), and three times in what mends that: ${points[n]}" \
            visit after $((n + 1)) "$again" "$again" "$again"
    done
}

# ---- That the checks can fail ----

# complains_of PATTERN COMMAND...
complains_of() {
    local pattern=$1
    shift
    complaints='' events=''
    "$@"
    take_events judge
    echo "$complaints$events"
    [[ $complaints == *$pattern* ]]
}

opened_by_hand() {
    pci_bind "$device" vfio-pci && holder tampered open "$device" && end_guest "$holder" && pci_bind "$device" ''
}

back_by_hand() { # [COMMAND...] before the host driver has it again
    "$@" && pci_bind "$device" "$host_driver" && echo >"$sysfs/driver_override"
}

reset_by_hand() {
    echo 1 >"$sysfs/reset"
}

reset_and_master() {
    reset_by_hand && printf '\6\4' | dd of="$sysfs/config" bs=2 seek=2 conv=notrunc status=none
}

twice_without_reset() {
    opened_by_hand
    take_events judge
    run=$((run + 1))
    opened_by_hand
    back_by_hand reset_by_hand
}

host_without_reset() {
    opened_by_hand && back_by_hand true
}

host_with_master() {
    opened_by_hand && back_by_hand reset_and_master
}

reset_under_driver() {
    reset_by_hand
}

says() { # PATTERN COMMAND...: it fails, and says so
    local pattern=$1 answer
    shift
    ! answer=$("$@") && echo "$answer" && [[ $answer == *$pattern* ]]
}

tampered() { # BEFORE AFTER PATTERN COMMAND...: what the check says between two commands
    local before=$1 after=$2 ok=yes
    shift 2
    eval "$before"
    says "$@" || ok=no
    eval "$after"
    [[ $ok == yes ]]
}

# Of the disk, which has a driver and a reset.
checks_can_fail() {
    t "a device that goes to the host without a reset is noticed" complains_of 'host driver without a reset' host_without_reset
    dirty=
    t "... one that masters the bus" complains_of 'while it may master the bus' host_with_master
    t "... one that a second owner gets without a reset" complains_of 'handed to run' twice_without_reset
    t "... a reset while a driver has it" complains_of 'reset while on a driver' reset_under_driver
    old_processes[$$]=1
    t "... a process of before that is still at work" complains_of 'of an earlier run' reset_by_hand
    unset "old_processes[$$]"
    t "... an override that is left" tampered 'echo x >$sysfs/driver_override' 'echo >$sysfs/driver_override' 'override is x' settled
    t "... reset methods" tampered 'echo bus >$sysfs/reset_method' 'echo $methods_found >$sysfs/reset_method' 'methods are bus' settled
    t "... an owner" tampered 'chown 1000 $sysfs/resource0' 'chown 0 $sysfs/resource0' 1000:0 owners_are_back
    t "... a claim" tampered 'mkdir /run/pcassign/claims/x' 'rmdir /run/pcassign/claims/x' claims/x settled
    t "... a descriptor of the daemon's" tampered 'descriptors_found=$((descriptors_found - 1))' \
        'descriptors_found=$((descriptors_found + 1))' descriptors settled
    t "... a process of the worker that is at work" tampered 'sleep 60 & echo $! >"$GROUPS_OF_UNITS/pcassign-worker.service/cgroup.procs"' \
        'kill $!; wait $! 2>/dev/null || true' 'is at work' settled
    complaints='' dirty=''
}

# ---- Tests ----

sweep_begin() { # UNIT WHAT
    unit=$1
    what=$2
    itself=()
    [[ $unit == pcassign-worker ]] || itself=(--itself)
    test_begin $BLANK
    mkdir -p /run/systemd/system/pcassignd.service.d
    printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=10ms\n' \
        >/run/systemd/system/pcassignd.service.d/sweep.conf
    systemctl daemon-reload
    policy <<'END'
[Device disk]
Path=03.0/00.0
Id=1b36:0010
Reset=flr
AllowUser=alice bob

[Device pair0]
Path=07.0/00.0
Id=8086:10d3
AllowUser=alice bob

[Device pair1]
Path=07.0/00.1
Id=8086:10d3
AllowUser=alice bob

[Device edu]
Path=06.0
Id=1234:11e8
Reset=none
SysfsFiles=yes
AllowUser=alice bob
END
    t "the kernel tells what happens to devices" start_trace
    t "the daemon starts" systemctl start pcassignd
}

# Counts what the daemon has open once nothing changes any more.
at_rest() {
    local before=-1
    until descriptors && [[ $descriptors -eq $before ]]; do
        before=$descriptors
        sleep 1
    done
    descriptors_found=$descriptors
    echo "$descriptors descriptors"
}

# sweep_device ADDRESS[,ADDRESS] NAME[,NAME] POINTS THRICE [HANDOFF]
sweep_device() {
    local since=$SECONDS before=$visited handed=()
    name=$2
    [[ -z ${5:-} ]] || handed=("$5" "$1")
    t "what the kernel calls ${1%%,*}" meet "${1%%,*}"
    remember ${1//,/ }
    t "an owner's life with $2" first_life
    [[ $2 != disk || $unit != pcassign-worker || -n ${5:-} ]] || checks_can_fail
    t "the calls of such a life that change state" list_points
    sweep "$3"
    echo "# $what and $2: $((visited - before)) of $((2 * ${#points[@]})) points visited, $((SECONDS - since)) s"
    thrice_more "$4"
    t "and another life with $2" whole_life
    echo "# ... $((SECONDS - since)) s with recoveries that die"
}

# sweep_further ...: the same, of what is looked at with PCASSIGN_TESTS_FULL alone, at so many points.
sweep_further() {
    [[ -n ${PCASSIGN_TESTS_FULL:-} ]] || return 0
    local PCASSIGN_TESTS_FULL='' what="$what, ${5:-cdev}"
    sweep_device "$@"
}

# Descriptors of groups, and two functions of one group.
sweep_others() { # POINTS THRICE
    sweep_further $BLANK disk "$1" "$2" group
    sweep_further $MULTI,$MULTI1 pair0,pair1 "$1" "$2"
    sweep_further $MULTI1,$MULTI pair1,pair0 "$1" "$2" group
}

first_life() {
    descriptors_found=0
    next_owner
    life && until_ok $PATIENCE device_is_back && at_rest && until_ok $PATIENCE settled && take_events judge &&
        [[ -z $complaints ]]
}

sweep_end() {
    stop_trace
    test_end
}
