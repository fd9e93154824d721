# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for pcassignctl(1)
# shellcheck shell=bash

# Fills COMPREPLY with those of the words that begin like the word at the cursor. Colons part words
# in readline: what stands before the last one is cut off again.
_pcassignctl_reply() {
    local cur=$1 cut
    mapfile -t COMPREPLY < <(compgen -W "$2" -- "$cur")
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        cut=${cur%"${cur##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    fi
}

_pcassignctl_devices() {
    pcassignctl list --no-legend "$@" -o ADDRESS,NAME 2>/dev/null | tr -s ' ' '\n' | grep -vx -e -
}

_pcassignctl_claims() {
    pcassignctl claims --no-legend 2>/dev/null | cut -d ' ' -f 1
}

_pcassignctl_units() {
    systemctl list-unit-files --type=service --no-legend --plain 2>/dev/null | cut -d ' ' -f 1
}

# The verb among the words before the cursor; "list" when there is none.
_pcassignctl_verb() {
    local word
    for word in "$@"; do
        case $word in
        list | tree | show | explain | check | plan | run | claims | release | status | monitor | reserve | unreserve | reset | recover | xml | policy)
            echo "$word"
            return
            ;;
        esac
    done
}

# "policy" and the word behind it, which is a verb of its own here; else the verb.
_pcassignctl_full_verb() {
    local word policy=''
    for word in "$@"; do
        case $policy,$word in
        ,policy) policy=policy ;;
        policy,check | policy,show | policy,explain | policy,new | policy,reload)
            echo "policy $word"
            return
            ;;
        esac
    done
    if [[ $policy ]]; then echo policy; else _pcassignctl_verb "$@"; fi
}

_pcassignctl_options() {
    local all='--json= -j --no-legend --no-pager --offline --sysfs= --help --version'
    case $1 in
    check) echo "$all --domain= --as= --policy-directory=" ;;
    plan | 'policy check' | 'policy show') echo "$all --policy-directory=" ;;
    'policy explain') echo "$all --as= --policy-directory=" ;;
    'policy new') echo "$all --name= --user= --group= --unit= --write --policy-directory=" ;;
    list | '') echo "$all --all --output=" ;;
    run) echo "$all --wait= --handoff= --memory= --viommu --title= --vmm= --dry-run --" ;;
    reset) echo "$all --method=" ;;
    recover) echo "$all --accept-risk" ;;
    release) echo "$all --force" ;;
    *) echo "$all" ;;
    esac
}

_pcassignctl_words() {
    case $1 in
    '') echo 'list tree show explain check plan run claims release status monitor reserve unreserve reset recover xml policy' ;;
    list) _pcassignctl_devices -a ;;
    show | explain) _pcassignctl_devices -a ;;
    check | plan | run | reserve | unreserve | reset | recover | xml) _pcassignctl_devices ;;
    release | status) _pcassignctl_claims; _pcassignctl_devices ;;
    policy) echo 'check show explain new reload' ;;
    'policy show' | 'policy explain') _pcassignctl_devices ;;
    'policy new') pcassignctl list --no-legend --offline -o ADDRESS 2>/dev/null ;;
    esac
}

_pcassignctl() {
    local cur verb line i
    local -a words
    line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    cur=''
    if [[ $line != *[[:space:]] ]]; then
        cur=${words[-1]}
        unset 'words[-1]'
    fi
    verb=$(_pcassignctl_full_verb "${words[@]:1}")
    COMPREPLY=()
    for ((i = 1; i < ${#words[@]}; i++)); do
        # Behind "--" stands a command of its own.
        if [[ ${words[i]} == -- ]]; then
            mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
            return
        fi
    done
    case $cur in
    --as=* | --user=*) mapfile -t COMPREPLY < <(compgen -u -- "${cur#*=}") ;;
    --group=*) mapfile -t COMPREPLY < <(compgen -g -- "${cur#*=}") ;;
    --unit=*) mapfile -t COMPREPLY < <(compgen -W "$(_pcassignctl_units)" -- "${cur#*=}") ;;
    --domain=*) mapfile -t COMPREPLY < <(compgen -f -- "${cur#*=}") ;;
    --json=*) mapfile -t COMPREPLY < <(compgen -W 'short pretty off' -- "${cur#*=}") ;;
    --handoff=*) mapfile -t COMPREPLY < <(compgen -W 'cdev group node' -- "${cur#*=}") ;;
    --method=*)
        mapfile -t COMPREPLY < <(compgen -W 'device_specific acpi flr af_flr pm bus cxl_bus' -- "${cur#*=}")
        ;;
    --sysfs=* | --policy-directory=*) mapfile -t COMPREPLY < <(compgen -d -- "${cur#*=}") ;;
    --vmm=*) mapfile -t COMPREPLY < <(compgen -W 'qemu cloud-hypervisor' -- "${cur#*=}") ;;
    -*)
        _pcassignctl_reply "$cur" "$(_pcassignctl_options "$verb")"
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
        ;;
    *=*) mapfile -t COMPREPLY < <(compgen -W "$(_pcassignctl_devices)" -- "${cur#*=}") ;;
    *)
        _pcassignctl_reply "$cur" "$(_pcassignctl_words "$verb")"
        if [[ $verb == 'policy check' ]]; then
            compopt -o filenames 2>/dev/null || true
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    esac
}

complete -F _pcassignctl pcassignctl
