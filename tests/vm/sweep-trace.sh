# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens to a device, by the kernel's own trace, and what of it must not be: for sweep.sh.
# shellcheck shell=bash disable=SC2034,SC2154

TRACE=/sys/kernel/tracing/instances/sweep

# Only arguments as such: what they point at depends on the kernel's version. The sweep is alone with its devices, and
# knows them by the addresses that it sees when it binds and resets them itself.
probes() {
    cat <<'END'
p:sweep/bind really_probe device=$arg1 driver=$arg2
p:sweep/unbind device_unbind_cleanup device=$arg1
p:sweep/reset pci_reset_function function=$arg1
r:sweep/reset_end pci_reset_function result=$retval:s32
p:sweep/open vfio_device_fops_cdev_open
p:sweep/drive vfio_df_open
p:sweep/kernel16 pci_bus_write_config_word bus=$arg1 devfn=$arg2:u32 where=$arg3:u32 value=$arg4:x16
p:sweep/kernel32 pci_bus_write_config_dword bus=$arg1 devfn=$arg2:u32 where=$arg3:u32 value=$arg4:x16
p:sweep/user16 pci_user_write_config_word function=$arg1 where=$arg2:u32 value=$arg3:x16
p:sweep/user32 pci_user_write_config_dword function=$arg1 where=$arg2:u32 value=$arg3:x16
END
}

start_trace() {
    local probe event
    modprobe -a vfio-pci iommufd
    mounted=
    mountpoint -q /sys/kernel/tracing || { mount -t tracefs tracefs /sys/kernel/tracing && mounted=1; } || return
    mkdir -p "$TRACE"
    while read -r probe; do
        echo "$probe" >>/sys/kernel/tracing/kprobe_events || { echo "not taken: $probe"; return 1; }
    done < <(probes)
    for event in kernel16 kernel32 user16 user32; do
        echo 'where == 4' >"$TRACE/events/sweep/$event/filter" || return
    done
    echo 1 >"$TRACE/events/sweep/enable"
}

stop_trace() {
    echo 0 >"$TRACE/events/sweep/enable"
    rmdir "$TRACE"
    : >/sys/kernel/tracing/kprobe_events
    [[ -z $mounted ]] || umount /sys/kernel/tracing
}

EVENT='^ *(.*)-([0-9]+) +\[[0-9]+\] .* ([a-z]+[0-9]*(_end)?): \([^)]*\) ?(.*)$'

# take_events FUNCTION: calls it for each event since the last time: process, name, and the values of its arguments.
take_events() {
    local lines line values word
    mapfile -t lines <"$TRACE/trace"
    : >"$TRACE/trace"
    for line in "${lines[@]}"; do
        [[ $line =~ $EVENT ]] || continue
        values=()
        for word in ${BASH_REMATCH[5]}; do
            values+=("${word#*=}")
        done
        "$1" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" "${values[@]}" || true
    done
}

learn() { # PROCESS EVENT VALUE...
    case $2 in
    bind) bound=$3 with=$4 ;;
    reset) function=$3 ;;
    kernel16) bus=$3 ;;
    esac
}

# meet DEVICE: does by hand what the service will do, and sees what the kernel calls the device, its bus and its drivers.
meet() {
    local host slot=${1##*:}
    host=$(pci_driver "$1")
    pci_bind "$1" '' || return
    take_events learn
    function='' bus='' bound='' with=''
    [[ ! -e /sys/bus/pci/devices/$1/reset ]] || echo 1 >"/sys/bus/pci/devices/$1/reset" || return
    pci_bind "$1" vfio-pci || return
    take_events learn
    device_seen=$bound function_seen=$function bus_seen=$bus vfio_seen=$with
    echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"
    echo >"/sys/bus/pci/devices/$1/driver_override"
    [[ -z $host ]] || pci_bind "$1" "$host" || return
    echo >"/sys/bus/pci/devices/$1/driver_override"
    take_events learn
    devfn_seen=$((16#${slot%.*} * 8 + ${slot#*.}))
    dirty='' resetting='' command=0 driver=${host:+host}
    echo "device $device_seen, function $function_seen, bus $bus_seen, vfio $vfio_seen"
    [[ -n $device_seen && -n $vfio_seen && (-z $host || -n $function_seen) ]]
}

# What may not happen, from what does happen.
#   dirty      the run that has opened the device since it was last reset without a driver
#   driver     vfio, host or none
#   command    what was written last to its command register
judge() { # PROCESS EVENT VALUE...
    events+="$2 "
    [[ -z ${old_processes[$1]:-} ]] || complain "process $1 of an earlier run is still at work: $2"
    run_processes[$1]=1
    case $2 in
    bind)
        [[ $3 == "$device_seen" ]] || return
        if [[ $4 == "$vfio_seen" ]]; then
            driver=vfio
            return
        fi
        driver=host
        [[ -z $dirty ]] || complain "bound to a host driver without a reset since run $dirty had it"
        [[ $((command & 4)) -eq 0 ]] || complain "bound to a host driver while it may master the bus ($command)"
        ;;
    unbind)
        [[ $3 != "$device_seen" ]] || driver=none
        ;;
    reset)
        [[ $3 == "$function_seen" ]] || return
        resetting=$1
        [[ $driver == none ]] || complain "reset while on a driver ($driver)"
        ;;
    reset_end)
        [[ $1 == "$resetting" ]] || return
        resetting=
        [[ $3 -ne 0 || $driver != none ]] || dirty=
        ;;
    open | drive)
        [[ -z $dirty || $dirty == "$run" ]] || complain "handed to run $run without a reset since run $dirty had it"
        dirty=$run
        ;;
    kernel*)
        [[ $3 != "$bus_seen" || $4 != "$devfn_seen" ]] || command=$6
        ;;
    user*)
        [[ $3 != "$function_seen" ]] || command=$5
        ;;
    esac
}

complain() {
    complaints+="$1
"
}
