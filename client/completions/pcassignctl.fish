# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for pcassignctl(1)

function __pcassignctl_devices
    pcassignctl list --no-legend -o ADDRESS 2>/dev/null
    pcassignctl list --no-legend -o NAME 2>/dev/null | string match -v -- -
end

function __pcassignctl_claims
    pcassignctl claims --no-legend 2>/dev/null | string replace -r ' .*' ''
end

set -l verbs list tree show explain check plan run claims release status monitor reserve unreserve reset recover xml policy

complete -c pcassignctl -f
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a list -d 'The devices of this host and who holds them'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a tree -d 'Ports, switches, bridges, functions and their IOMMU groups'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a show -d 'Everything about one function'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a explain -d 'What shares isolation with a function, and why'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a check -d 'Whether devices can be claimed, and what mends it'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a plan -d 'The steps that a claim would take'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a run -d 'Claim devices and run a command with them'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a claims -d 'Who holds what'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a release -d 'End claims'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a status -d 'What state a claim or device is in, and what to type next'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a monitor -d 'Events, a line each'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a reserve -d 'Keep a function from its host driver'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a unreserve -d 'Give a reserved function back to its host driver'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a reset -d 'Reset a function that is free or reserved'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a recover -d 'Try again what is stuck, degraded or quarantined'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a xml -d 'Devices as elements of a libvirt domain'
complete -c pcassignctl -n "not __fish_seen_subcommand_from $verbs" -a policy -d 'Who may have what: check, show, explain, extend and reload it'

complete -c pcassignctl -n '__fish_seen_subcommand_from list show explain check plan run release status reserve unreserve reset recover xml; and not __fish_seen_subcommand_from policy' -a '(__pcassignctl_devices)'
complete -c pcassignctl -n '__fish_seen_subcommand_from release status' -a '(__pcassignctl_claims)'

# The verbs that are words of policy as well must not be taken for these.
function __pcassignctl_policy
    set -l words (commandline -poc | string match -v -- '-*')
    test (count $words) -ge 2; and test $words[2] = policy; or return 1
    if test (count $argv) -eq 0
        test (count $words) -eq 2
    else
        test (count $words) -ge 3; and contains -- $words[3] $argv
    end
end

complete -c pcassignctl -n '__pcassignctl_policy' -a check -d 'What is wrong in the policy files'
complete -c pcassignctl -n '__pcassignctl_policy' -a show -d 'The policy in force'
complete -c pcassignctl -n '__pcassignctl_policy' -a explain -d 'Who may have a device, and why'
complete -c pcassignctl -n '__pcassignctl_policy' -a new -d 'A section for a device'
complete -c pcassignctl -n '__pcassignctl_policy' -a reload -d 'Read the policy files again'
complete -c pcassignctl -n '__pcassignctl_policy check' -F
complete -c pcassignctl -n '__pcassignctl_policy show explain new' -a '(__pcassignctl_devices)'
complete -c pcassignctl -n '__pcassignctl_policy explain' -l as -x -a '(__fish_complete_users)' -d 'For that user'
complete -c pcassignctl -n '__pcassignctl_policy new' -l name -x -d 'What it is to be called'
complete -c pcassignctl -n '__pcassignctl_policy new' -l user -x -a '(__fish_complete_users)' -d 'Who may have it'
complete -c pcassignctl -n '__pcassignctl_policy new' -l group -x -a '(__fish_complete_groups)' -d 'Whose members may have it'
complete -c pcassignctl -n '__pcassignctl_policy new' -l unit -x -d 'A system unit that may have it'
complete -c pcassignctl -n '__pcassignctl_policy new' -l write -d 'Save it and put it in force'
complete -c pcassignctl -n '__pcassignctl_policy check show explain new' -l policy-directory -x -a '(__fish_complete_directories)' -d 'Files from there'

complete -c pcassignctl -l json -x -a 'short pretty off' -d 'Print JSON'
complete -c pcassignctl -s j -d 'Print JSON'
complete -c pcassignctl -l no-legend -d 'No headings and no summaries'
complete -c pcassignctl -l no-pager -d 'Accepted; there is no pager'
complete -c pcassignctl -l offline -d 'Read sysfs without the service'
complete -c pcassignctl -l sysfs -x -a '(__fish_complete_directories)' -d 'Offline, of another tree like /sys'
complete -c pcassignctl -s h -l help -d 'Print a short help'
complete -c pcassignctl -l version -d 'Print the version'
complete -c pcassignctl -n '__fish_seen_subcommand_from list' -s a -l all -d 'Bridges too'
complete -c pcassignctl -n '__fish_seen_subcommand_from list' -s o -l output -x -a 'ADDRESS NAME DRIVER GROUP STATE HOLDER DESCRIPTION ID CLASS OVERRIDE NUMA PATH' -d 'Columns'
complete -c pcassignctl -n '__fish_seen_subcommand_from check; and not __fish_seen_subcommand_from policy' -l as -x -a '(__fish_complete_users)' -d 'For that user'
complete -c pcassignctl -n '__fish_seen_subcommand_from check plan; and not __fish_seen_subcommand_from policy' -l policy-directory -x -a '(__fish_complete_directories)' -d 'Files from there'
complete -c pcassignctl -n '__fish_seen_subcommand_from check; and not __fish_seen_subcommand_from policy' -l domain -r -F -d 'The host devices of a libvirt domain'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l wait -x -d 'How long the claim may take, in seconds'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l handoff -x -a 'cdev group node' -d 'What to hand over'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l memory -x -d 'Of the guest'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l viommu -d 'The guest has an IOMMU'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l title -x -d 'Shown by claims'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l vmm -x -a 'qemu cloud-hypervisor' -d 'The kind of the command'
complete -c pcassignctl -n '__fish_seen_subcommand_from run' -l dry-run -d 'The same as plan'
complete -c pcassignctl -n '__fish_seen_subcommand_from reset' -l method -x -a 'device_specific acpi flr af_flr pm bus cxl_bus' -d 'Only this one'
complete -c pcassignctl -n '__fish_seen_subcommand_from release' -l force -d 'Stop who does not let go'
complete -c pcassignctl -n '__fish_seen_subcommand_from recover' -l accept-risk -d 'Without a reset and without proof that it is clean'
