#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check, plan and status without the daemon, on trees that are made for it.

What is not beside the tree is told as unknown and never as passed; that both say the same where a
daemon runs is for tests/bus/test-json.py.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from offline import (  # noqa: E402
    CARD, DISK_A, PF, SOUND, VF, expect, machine, on, refused, run_all, value, work)

BOOT = "0f1e2d3c-boot"
POLICY = """[Device card]
Path=02.0/00.0
Functions=all
AllowUser=1000
Reset=none

[Device limited]
Path=03.0/00.0
AllowUser=1000
PerUser=1
"""
ID = "0123456789abcdef0123456789abcdef"
RECORD = """[Claim]
Format={format}
BootId={boot}
Uid=1000
Pid=77
Memory=0
Since=1700000000000000
User=somebody
Title=a title

[Device 0]
Address={device}
Name={device}
BindTo=vfio-pci
Vendor=4318
Device=8752
SubsystemVendor=0
SubsystemDevice=0
IommuGroup=5
Driver=snd_hda_intel
"""
JOURNAL = "pcassign-journal 1\n"
STEP = "('%s', '{device}', '10de:2230 0000:0000', '%s', '%s', '%s')"
CLAIMED = (JOURNAL + "run 77 1\nplan (byte 0x00, [" +
           STEP % ("override", "vfio-pci", "restore", "driver=snd_hda_intel override=") + ", " +
           STEP % ("bind", "vfio-pci", "unbind", "vfio-pci") + "])\nbegin 0\ndone 0\nbegin 1\n")


def policy(text=POLICY):
    path = tempfile.mkdtemp(dir=work)
    with open(os.path.join(path, "50-test.conf"), "w", encoding="utf-8") as file:
        file.write(text)
    return "--policy-directory=" + path


def beside(tree, path, text=None):
    """A file, or without a text a directory, of the machine that the tree is of."""
    path = os.path.join(os.path.dirname(tree.directory), path)
    os.makedirs(path if text is None else os.path.dirname(path), exist_ok=True)
    if text is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return path


def whole():
    """A machine with all that can be beside its tree, and no claim."""
    tree = machine()
    beside(tree, "proc/sys/kernel/random/boot_id", BOOT + "\n")
    for path in ("proc/1/mountinfo", "proc/swaps", "proc/cmdline"):
        beside(tree, path, "")
    for name in ("iommu", "vfio"):
        tree.write("class/misc/%s/dev" % name, "10:1\n")
    beside(tree, "run/pcassign/claims")
    return tree


def record(tree, journal, form=1, boot=BOOT, device=SOUND):
    place = "run/pcassign/claims/%s/" % ID
    beside(tree, place + "claim", RECORD.format(format=form, boot=boot, device=device))
    beside(tree, place + "journal", journal.replace("{device}", device))


def verdicts(tree, *words, status):
    seen = value(tree, "check", *words, status=status)
    found = {}
    for check in seen["checks"]:
        found.setdefault(check["name"], []).append(check)
    return seen, found


def unknown(found):
    return [name for name, checks in found.items() if any(check["ok"] is None for check in checks)]


# ---- check ----

def test_unknown():
    """With nothing beside the tree."""
    tree, rules = machine(), policy()
    seen, found = verdicts(tree, "card", rules, "--as=1000", status=1)
    expect("refused", seen["ok"] is False and found["policy"][0]["ok"], seen)
    expect("unknown", unknown(found) == ["busy", "in-use"], found)
    for name in ("busy", "in-use"):
        for check in found[name]:
            expect("%s: no error, a reason" % name, check["error"] is None and
                   check["text"].startswith("cannot tell "), check)
    _, found = verdicts(tree, VF, rules, "--as=0", status=1)
    expect("of whom the physical function is", "sriov" in unknown(found), found)
    _, found = verdicts(tree, "limited", rules, "--as=1000", status=1)
    expect("how many they hold", "policy" in unknown(found), found)
    text = on(tree, "check", "card", rules, "--as=1000").stdout
    expect("in words", re.search(r"^busy +unknown cannot tell who holds " + CARD, text, re.M), text)
    expect("a summary", "cannot be claimed: " in text, text)


def test_not_refused():
    """Nothing refuses, and all the same it is no yes: what programs do only the worker finds out."""
    tree, rules = whole(), policy()
    seen, found = verdicts(tree, CARD, SOUND, rules, "--as=1000", status=1)
    expect("not known", seen["ok"] is None and unknown(found) == ["in-use"], seen)
    expect("held by nobody", found["busy"][0]["ok"] is True, found["busy"])
    text = on(tree, "check", "card", rules, "--as=1000").stdout
    expect("a summary", text.endswith("verdicts are unknown\n") and
           "not known whether it can be claimed" in text, text)


def test_ok():
    tree, rules = whole(), policy(POLICY.replace("Reset=none", "Reset=any"))
    os.unlink(tree.path(tree.places[CARD], "driver"))
    for address in (CARD, SOUND):
        tree.write(tree.places[address] + "/reset_method", "flr\n")
        tree.write(tree.places[address] + "/driver_override", "(null)\n")
    seen, _ = verdicts(tree, CARD, SOUND, rules, "--as=1000", status=0)
    expect("all was looked at", seen["ok"] is True, seen)
    seen, _ = verdicts(tree, CARD, SOUND, rules, "--as=1001", status=4)
    expect("not for them", seen["ok"] is False, seen)


def test_held():
    tree, rules = whole(), policy()
    record(tree, CLAIMED)
    _, found = verdicts(tree, CARD, SOUND, rules, "--as=0", status=6)
    expect("by whom", found["busy"][0]["error"] == "Busy" and "somebody" in found["busy"][0]["text"],
           found["busy"])
    _, found = verdicts(tree, SOUND, rules, "--as=1001", status=4)
    expect("others are not told", "another user" in found["busy"][0]["text"], found["busy"])
    record(tree, CLAIMED, form=2)
    _, found = verdicts(tree, SOUND, rules, "--as=0", status=7)
    text = found["busy"][0]
    expect("a newer format", text["error"] == "Quarantined" and
           "its format is 2, this version knows 1" in text["text"], text)


def test_policy():
    tree = machine()
    result = on(tree, "check", "card", policy("[Device card]\nPth=1\n"))
    expect("a broken policy", result.returncode == 65 and "error" in result.stderr, result)
    result = on(tree, "plan", "card", policy("[Device card]\nPth=1\n"))
    expect("of a plan, too", result.returncode == 65 and not result.stdout, result)
    rules = policy(POLICY.replace("AllowUser=1000\nReset", "AllowUnit=vm.service\nReset"))
    _, found = verdicts(tree, "card", rules, "--as=1000", status=4)
    expect("others have no unit", found["policy"][0]["ok"] is False, found["policy"])
    if os.geteuid() == 0:
        return
    _, found = verdicts(tree, "card", rules, status=1)
    expect("whose unit is not known", "policy" in unknown(found), found)
    hidden = policy("")
    os.chmod(hidden.partition("=")[2], 0)
    seen, found = verdicts(whole(), CARD, SOUND, rules, hidden, "--as=1000", status=1)
    expect("what may not be read is not known",
           {"policy", "identity"} <= set(unknown(found)) and seen["ok"] is None, seen)
    result = on(tree, "plan", CARD, rules, hidden)
    os.chmod(hidden.partition("=")[2], 0o700)
    expect("it is named", result.returncode == 0 and "may not be read" in result.stderr, result)


def test_not_there():
    tree, rules = machine(), policy()
    verdicts(tree, "77:00.0", rules, status=10)
    verdicts(tree, "nosuch", rules, status=10)
    verdicts(tree, "zz:00.0", rules, status=2)
    refused(10, "there is no user", "check", CARD, "--as=no-such-user-here",
            "--sysfs=" + tree.directory, rules)
    refused(2, "no device named", "check", "--offline")
    refused(2, "is no directory", "plan", CARD, "--sysfs=/nonexistent")


# ---- plan ----

def test_plan():
    tree, rules = whole(), policy()
    steps = value(tree, "plan", "card", rules)["steps"]
    expect("each function", [step["device"] for step in steps if step["op"] == "bind"] ==
           [CARD, SOUND], steps)
    expect("with its undo", all(step["undo"] for step in steps if step["op"] == "bind"), steps)
    steps = value(tree, "plan", DISK_A, rules)["steps"]
    expect("from its driver", any(step["detail"] == "unbind from nvme" for step in steps), steps)
    result = on(tree, "plan", "nosuch", rules)
    expect("no such name", result.returncode == 10 and not result.stdout, result)


# ---- status ----

def test_status():
    tree = whole()
    expect("nothing", value(tree, "status") == [])
    record(tree, CLAIMED)
    for words in (("status",), ("status", ID), ("status", ID[:4]), ("status", SOUND)):
        seen = value(tree, *words)
        seen = seen[0] if isinstance(seen, list) else seen
        expect("%s: its state" % (words,), seen["state"] == "preparing" and
               "no worker is at work on it" in seen["reason"], seen)
        expect("%s: what is to be undone" % (words,), seen["steps"] == [
            SOUND + ": bind to snd_hda_intel again, clear driver_override",
            SOUND + ": unbind from vfio-pci"], seen)
        expect("%s: what to type" % (words,), seen["fix"] == "systemctl start pcassignd", seen)
    text = on(tree, "status").stdout
    expect("in words", "\n      Left: %s: unbind from vfio-pci\n" % SOUND in text and
           "     Owner: somebody (process 77)\n" in text, text)
    seen = value(tree, "status", PF)
    expect("another", seen["state"] == "host" and seen["steps"] == [], seen)


def test_ready():
    tree = whole()
    record(tree, CLAIMED + "done 1\nend done\n")
    seen = value(tree, "status", SOUND)
    expect("ready", seen["state"] == "ready" and "cannot be told of another machine" in
           seen["reason"] and seen["fix"] == "pcassignctl release " + ID, seen)


def test_residue():
    tree = whole()
    record(tree, CLAIMED + "fail 1 it did not bind\nundo 0\nundo-failed 0 no way back\nend residue\n")
    seen = value(tree, "status", SOUND)
    expect("degraded", seen["state"] == "degraded" and seen["reason"] == "no way back" and
           seen["fix"] == "pcassignctl recover " + SOUND and seen["steps"], seen)
    beside(tree, "run/pcassign/claims/tainted/" + CARD,
           "[Taint]\nFormat=2\n")
    seen = value(tree, "status")
    expect("both", sorted(entry["state"] for entry in seen) == ["degraded", "quarantined"], seen)


def test_not_understood():
    tree = whole()
    record(tree, CLAIMED, form=2)
    result = on(tree, "status", SOUND)
    expect("a newer format", "claim %s is not understood: " % ID in result.stderr and
           "quarantined" in result.stdout and result.returncode == 0, result)
    record(tree, CLAIMED.replace("journal 1", "journal 2"))
    seen = value(tree, "status", SOUND)
    expect("of a journal", seen["state"] == "quarantined" and
           "its format is 2, this version knows 1" in seen["reason"], seen)
    record(tree, CLAIMED, boot="another")
    result = on(tree, "status")
    expect("of another boot", "means nothing now" in result.stderr and "No claims" in result.stdout,
           result)


def test_unreadable():
    tree = machine()
    refused(10, "is not beside the tree", "status", "--sysfs=" + tree.directory)
    tree = whole()
    os.rmdir(beside(tree, "run/pcassign/claims"))
    beside(tree, "run/pcassign/claims", "")
    refused(1, "cannot be read", "status", "--sysfs=" + tree.directory)
    if os.geteuid() != 0 or subprocess.run(["setpriv", "--version"], stdout=subprocess.DEVNULL,
                                           check=False).returncode != 0:
        return
    tree = whole()
    os.chmod(os.path.dirname(beside(tree, "run/pcassign/claims")), 0o700)
    for path in (work, os.path.dirname(tree.directory)):
        os.chmod(path, 0o755)
    result = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups",
                             os.environ.get("PCASSIGNCTL", "./pcassignctl"), "status", "--sysfs",
                             tree.directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, check=False)
    if "Permission denied" not in result.stderr:
        expect("for root", result.returncode == 4 and "is for root alone" in result.stderr, result)


run_all(globals())
