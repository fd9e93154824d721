# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guest may ask of the outside, over a virtio port: plug and unplug its devices, what
# it is to do next, and end with a status. Sourced, never run.
# shellcheck shell=bash

# Reads QEMU's answers up to the result of the last command; events between are passed over.
lab_agent_result() {
    local line
    while read -r line <&5; do
        case $line in
        '{"return":'* | '{"error":'*) break ;;
        esac
    done
    printf '%s\n' "$line"
}

lab_agent_monitor() {
    local result
    printf '{"execute":"human-monitor-command","arguments":{"command-line":"%s"}}\n' "$1" >&6
    result=$(lab_agent_result)
    [[ $result == *'"return": ""'* ]] && result=ok
    printf '%s\n' "$result"
}

# lab_agent WORK [COMMAND...]: serves until the guest says "exit STATUS", which lands in WORK/status. The command
# answers "next" with a line, or fails.
lab_agent() {
    local work=$1 request answer
    shift
    exec 3<>"$work/host.out" 4<>"$work/host.in" 5<>"$work/qmp.out" 6<>"$work/qmp.in"
    printf '{"execute":"qmp_capabilities"}\n' >&6
    lab_agent_result >/dev/null
    while read -r request <&3; do
        if [[ $request =~ ^exit\ ([0-9]+)$ ]]; then
            printf '%s\n' "${BASH_REMATCH[1]}" >"$work/status"
            printf '{"execute":"quit"}\n' >&6
            return
        elif [[ $request =~ ^(device_del|device_add)\ [A-Za-z0-9_.,:=-]+$ ]]; then
            lab_agent_monitor "$request" >&4
        elif [[ $request == next && $# -gt 0 ]]; then
            if answer=$("$@"); then answer="ok $answer"; else answer='there is nothing more'; fi
            printf '%s\n' "$answer" >&4
        else
            printf 'only device_del, device_add and next are served\n' >&4
        fi
    done
}
