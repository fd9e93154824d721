# SPDX-License-Identifier: LGPL-2.1-or-later
# The example of a machine as a service (systemd/examples), for service.test and broker.test.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154

EXAMPLES=/usr/share/doc/pcassign/examples/vm
UNIT=vm@scratch.service
LINE='pcassign: booted from the assigned NVMe disk'

# As README tells; the lab has neither KVM nor the device that the examples name.
install_examples() {
    useradd --system --user-group --no-create-home --shell /usr/sbin/nologin vm-scratch || return
    cp "$EXAMPLES/vm@.service" /run/systemd/system/
    mkdir -p /etc/pcassign/vm /etc/pcassign/policy.d
    sed 's/^QEMU=.*/QEMU=-M q35 -accel tcg -m 64 -display none -nodefaults -no-user-config -serial stdio/' \
        "$EXAMPLES/vm-example.conf" >/etc/pcassign/vm/scratch.conf
    sed -e 's/^Path=.*/Path=02.0\/00.0/' -e 's/^Id=.*/Id=1b36:0010/' "$EXAMPLES/50-vm.conf" \
        >/etc/pcassign/policy.d/50-vm.conf
    systemctl daemon-reload
}

main_pid() {
    systemctl show -P MainPID $UNIT
}

# The line comes from the boot sector of the disk, through the guest's serial port; it has to come in a run of the unit
# that is not the one of before. Asked once a second: each question takes its time from the guest.
guest_booted() {
    local run end=$((SECONDS + 120))
    until run=$(systemctl show -P InvocationID $UNIT) && [[ -n $run && $run != "$last" ]] &&
        journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$run" | grep -q "$LINE"; do
        [[ $SECONDS -lt $end ]] || { journalctl -q -o cat -u $UNIT | tail -n 20; return 1; }
        sleep 1
    done
    last=$run
}
last=''

started() { # start | restart
    systemctl "$1" $UNIT && guest_booted
}

has_no_privilege() { # capabilities, new privileges, system calls
    local status
    status=$(<"/proc/$(main_pid)/status")
    echo "$status"
    [[ $status == *CapEff:?0000000000000000* && $status == *CapBnd:?0000000000000000* &&
        $status == *NoNewPrivs:?1* && $status == *Seccomp:?2* ]]
}

runs_as() { # USER
    [[ $(systemctl show -P ExecMainStatus $UNIT) == 0 && $(ps -o user:32= -p "$(main_pid)") == "$1" ]]
}

opens_no_vfio() { # as its user, in its groups and its control group: the fds came over the bus
    local pid uid
    pid=$(main_pid)
    uid=$(stat -c %u /proc/$pid)
    for node in /dev/vfio/devices/* /dev/iommu; do
        ! nsenter -t $pid -m setpriv --reuid=$uid --regid=$uid --clear-groups -- test -r $node -o -w $node || return
    done
}

memlock_raised() { # by the 64 MiB of -m and 1 GiB; of the unit it is 8 MiB at most
    [[ $(awk '/Max locked memory/ { print $4 }' "/proc/$(main_pid)/limits") -gt $((512 * 1024 * 1024)) ]]
}

remove_examples() {
    wait_no_claims
    rm -rf /run/systemd/system/vm@* /var/lib/private/vm /var/lib/vm
    systemctl reset-failed
    systemctl daemon-reload
}
