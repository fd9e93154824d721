#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every error of the table (daemon/base/error.c) once, through pcassignctl against the real daemon:
its name on the bus and the exit status; and the statuses that have no error behind them.

All of them can be provoked on the fake host; none is left to test-base, which looks at the mapping
alone.
"""
import os
import re
import subprocess

import fakehost as host
from fakehost import NIC, ctl, expect, tell

SPARE = "0000:08:00.0"
# GDBus tells the messages that come in: that is how the name of an error is seen on the bus.
TRACED = dict(host.CLEAN, G_DBUS_DEBUG="message")
COMMAND = ("--", "true", "{iommufd}")


def run(device, *options):
    return ctl("run", *options, device, *COMMAND, env=TRACED)


def check(device):
    return ctl("-j", "check", device)


def failed():
    tell("fail", "open_node 10:126*", "24")
    result = run("nic")
    tell("heal")
    host.await_driver("e1000e")
    return result


def unsupported():
    return run("nic", "--handoff=carrier-pigeon")


def limit_exceeded():
    names = []
    for slot in range(14):
        names.append("0000:20:%02x.0" % slot)
        tell("function", names[-1], "below=0000:00:01.0", "id=8086:10d3", "group=%d" % (100 + slot),
             "driver=e1000e", "reset=flr")
    return ctl("run", *names, *COMMAND, env=TRACED)


def claim_in_preparation(device):
    """Stops the worker before it binds, and waits for the claim's id."""
    tell("pause", "*drivers_probe*")
    process = subprocess.Popen([host.CTL, "run", device, *COMMAND], env=TRACED,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    expect("%s is being prepared" % device,
           host.await_true(lambda: '"preparing"' in ctl("-j", "claims").stdout))
    claim = re.search("[0-9a-f]{32}", ctl("claims").stdout)[0]
    return process, claim


def finished(process):
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def revoked():
    process, claim = claim_in_preparation("nic")
    trace = os.path.join(host.work, "trace")
    with open(trace, "w") as file:
        release = subprocess.Popen([host.CTL, "release", claim], env=TRACED, stdout=file)
    # What is asked after the release is answered after it has been taken up.
    expect("the release is under way", host.await_true(lambda: "-> 'Release'" in read(trace)))
    ctl("claims")
    tell("resume")
    result = finished(process)
    expect("the release has ended well", release.wait(60) == 0)
    host.await_driver("e1000e")
    return result


def read(path):
    with open(path) as file:
        return file.read()


def timed_out():
    result = run("nic", "--wait=0.0001")
    host.await_driver("e1000e")
    return result


def unbind_timeout():
    held = host.Held("nic")
    tell("use", NIC)
    result = ctl("release", "nic", env=TRACED)
    tell("unuse", NIC)
    held.end()
    host.await_driver("e1000e")
    return result


def busy():
    held = host.Held("nic")
    result = run("nic")
    held.end()
    host.await_driver("e1000e")
    return result


def bind_failed():
    tell("refuse", NIC, "vfio-pci")
    result = run("nic")
    tell("refuse", NIC, "-")
    host.await_driver("e1000e")
    return result


def reset_failed():
    held = host.Held("08:00.0", keep_open=False)
    tell("dead-reset", SPARE)
    result = ctl("release", "08:00.0", env=TRACED)
    held.end()
    return result


# error, how it comes about, exit status. Quarantined finds what ResetFailed has left.
TABLE = (
    ("Failed", failed, 1),
    ("Unsupported", unsupported, 1),
    ("LimitExceeded", limit_exceeded, 1),
    ("Revoked", revoked, 1),
    ("InvalidArgument", lambda: run("nic=" + "x" * 300), 2),
    ("TimedOut", timed_out, 3),
    ("UnbindTimeout", unbind_timeout, 3),
    ("NotPermitted", lambda: run("10:00.0"), 4),
    ("IdentityMismatch", lambda: run("exchanged"), 4),
    ("NotIsolated", lambda: run("04:00.0"), 5),
    ("GroupIncomplete", lambda: run("03:00.0"), 5),
    ("InUse", lambda: run("02:00.0"), 6),
    ("Busy", busy, 6),
    ("NoReset", lambda: run("05:00.0"), 7),
    ("BindFailed", bind_failed, 7),
    ("ResetFailed", reset_failed, 7),
    ("Quarantined", lambda: run("08:00.0"), 7),
    ("NotFound", lambda: run("77:00.0"), 10),
)


def test_table():
    for name, provoke, status in TABLE:
        result = provoke()
        names = re.findall(r"org\.pcassign1\.Error\.(\w+)", result.stdout)
        expect("%s: on the bus %s" % (name, sorted(set(names))), set(names) == {name}, result)
        expect("%s: status %d" % (name, result.returncode), result.returncode == status, result)
        expect("%s: one line that says why" % name, re.fullmatch("pcassignctl: .+\n", result.stderr)
               and "org.pcassign1" not in result.stderr, result.stderr)


def test_complete():
    with open(os.path.join(host.SOURCE, "daemon/base/error.c")) as file:
        table = re.findall(r'\{"(\w+)", (\d+)\}', file.read())
    expect("every error of the daemon's table is in this one",
           sorted((name, str(status)) for name, _how, status in TABLE) == sorted(table), table)


def status_is(what, status, text, *words, env=host.CLEAN):
    result = ctl(*words, env=env)
    expect("%s: status %d" % (what, status), result.returncode == status, result)
    expect("%s: %s" % (what, text), re.search(text, result.stderr), result)


def test_other_statuses():
    status_is("usage", 2, "unknown verb", "lsit")
    nowhere = dict(host.CLEAN, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
    status_is("no bus", 8, "pcassignd is not running", "list", env=nowhere)
    broken = os.path.join(os.environ["FAKE_TREE"], "policy.d/60-broken.conf")
    with open(broken, "w") as file:
        file.write("nonsense\n")
    status_is("an invalid policy", 65, "the policy was refused for 1 error", "policy", "reload")
    os.unlink(broken)
    # Where a stale policy may matter, a second line says so.
    status_is("a mended policy", 0, "", "policy", "reload")
    status_is("no command", 127, "no such command", "run", "nic", "--", "./nothing", "{iommufd}")
    status_is("a command that cannot be executed", 126, "cannot be executed", "run", "nic", "--",
              os.path.join(host.SOURCE, "tests/Makefile.mk"), "{iommufd}")
    result = ctl("run", "nic", "--", "bash", "-c", "exit 42", "{iommufd}")
    expect("the command's own", result.returncode == 42, result)
    host.await_driver("e1000e")


def main():
    host.begin(__file__)
    test_complete()
    test_other_statuses()
    test_table()
    host.finish()


main()
