#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy check, show, explain and new without the daemon, on trees and directories of their own."""
import json
import os
import pwd
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sysfstree  # noqa: E402
from offline import (  # noqa: E402
    CARD, CARD_PORT, CTL, DISK_A, DISK_B, PF, PORT, SOUND, VF, addresses, ctl, expect, machine, on,
    on_terminal, refused, run_all, value, work)
from sysfstree import endpoint  # noqa: E402

ME = pwd.getpwuid(os.geteuid()).pw_name
DISK_SECTION = "[Device disk]\nPath=01.0/00.0/00.0/00.0\nId=144d:a808\nAllowUser=%s\n" % ME


def directory(**files):
    """A directory of policy files; `a_b` is a-b.conf."""
    path = tempfile.mkdtemp(dir=work)
    os.chmod(path, 0o755)
    for name, text in files.items():
        write(os.path.join(path, name.replace("_", "-") + ".conf"), text)
    return path


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o644)


def read(path):
    with open(path) as file:
        return file.read()


def at(path):
    return "--policy-directory=" + path


def new(tree, *words, status=0):
    """The section that is printed, as a list of lines."""
    result = on(tree, "policy", "new", *words)
    expect("policy new %s: status %d" % (" ".join(words), status), result.returncode == status,
           result)
    return result


def says(what, result, status, text, stream="stdout"):
    expect("%s: %d, '%s'" % (what, status, text), result.returncode == status
           and text in getattr(result, stream), result)


# ---- Words and options ----

def test_words():
    refused(2, "policy needs a word behind it", "policy", "--offline")
    refused(2, "unknown 'policy chekc'; did you mean 'check'?", "policy", "chekc", "--offline")
    refused(2, "--offline: 'policy reload' needs pcassignd", "policy", "reload", "--offline")
    refused(2, "policy explain takes one device, but 'b'", "policy", "explain", "a", "b", "--offline")
    refused(2, "policy explain needs a device", "policy", "explain", "--offline")
    refused(2, "--as is an option of 'check', 'policy explain', not of 'policy show'",
            "policy", "show", "--as=x", "--offline")
    refused(2, "--write is an option of 'policy new', not of 'policy check'",
            "policy", "check", "--write")
    refused(2, "unknown option '--usr'; did you mean '--user'?", "policy", "new", "--usr=x")
    refused(2, "policy new needs a device", "policy", "new", "--offline")
    refused(2, "policy new needs --name=NAME", "policy", "new", "01:00.0", "--offline")
    refused(2, "policy new needs somebody who may have it", "policy", "new", "01:00.0", "--name=x",
            "--offline")


# ---- check ----

def test_check():
    tree = machine()
    good = directory(disks=DISK_SECTION)
    result = on(tree, "policy", "check", at(good))
    expect("a good policy", result.returncode == 0 and result.stdout == "1 section: no errors\n"
           and result.stderr == "", result)
    expect("as JSON", value(tree, "policy", "check", at(good)) == [])
    expect("nothing more", on(tree, "policy", "check", at(good), "--no-legend").stdout == "")
    says("no files at all", on(tree, "policy", "check", at(directory())), 0,
         "0 sections: no errors")


def test_check_errors():
    tree = machine()
    bad = directory(a="[Device x]\nPath=01.0/99.0\nColour=red\n", b=DISK_SECTION + "Id=\n")
    found = value(tree, "policy", "check", at(bad), status=65)
    errors = [(os.path.basename(d["file"]), d["line"]) for d in found if d["severity"] == "error"]
    expect("all errors of all files", {("a.conf", 2), ("a.conf", 3), ("b.conf", 5)} <= set(errors),
           found)
    result = on(tree, "policy", "check", at(bad))
    says("in lines", result, 65, "%s/a.conf:3:1: error: unknown key" % bad)
    says("a summary", result, 65, "this policy would be refused\n")
    open_file = directory(a=DISK_SECTION)
    os.chmod(open_file + "/a.conf", 0o666)
    says("writable by others", on(tree, "policy", "check", at(open_file)), 65, "chmod go-w")


def test_check_files():
    tree = machine()
    place = directory(a=DISK_SECTION, b="[Device x]\n")
    expect("a file that is named", value(tree, "policy", "check", place + "/a.conf") == [])
    value(tree, "policy", "check", place + "/a.conf", place + "/b.conf", status=65)
    says("no such file", on(tree, "policy", "check", place + "/none.conf"), 65, "none.conf: error: ")
    write(place + "/strange.txt", DISK_SECTION)
    expect("whatever its name is", value(tree, "policy", "check", place + "/strange.txt") == [])
    if os.geteuid() == 0:
        os.chown(place + "/a.conf", 65534, 65534)
        expect("whoever owns it", value(tree, "policy", "check", place + "/a.conf") == [])
        says("but not in its directory", on(tree, "policy", "check", at(place)), 65, "owned")


def test_check_warnings():
    tree = machine()
    place = directory(a=DISK_SECTION.replace(ME, "nobody-of-that-name")
                      + "AllowGroup=no-such-group-here\n[Device empty]\nPath=1e.0/00.0\nId=1:2\n"
                      .replace("1:2", "0001:0002") + "AllowUser=0\n")
    found = value(tree, "policy", "check", at(place))
    seen = [(d["severity"], d["line"]) for d in found]
    expect("a user that does not exist", ("warning", 4) in seen, found)
    expect("a group that does not exist", ("warning", 5) in seen, found)
    expect("hardware that is absent", ("note", 6) in seen, found)
    says("counted", on(tree, "policy", "check", at(place)), 0, ": no errors, 2 warnings, 1 note\n")


def test_check_colours():
    tree = machine()
    bad = directory(a="[Device x]\n")
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    os.environ.clear()
    os.environ.update(environment)
    expect("red", "\033[31merror\033[0m: " in on_terminal(tree, "policy", "check", at(bad)))
    expect("NO_COLOR", "\033" not in on_terminal(tree, "policy", "check", at(bad), NO_COLOR="1"))
    expect("no terminal", "\033" not in on(tree, "policy", "check", at(bad)).stdout)


# ---- new ----

def test_new():
    tree = machine()
    result = new(tree, CARD, SOUND, "--name=gpu", "--user=" + ME, "--group=root,0", "--unit=vm@*.service",
                 "--user=0")
    lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    expect("a slot", [line for line in lines if not line.startswith("Description=")] == [
        "[Device gpu]", "Path=0000:00:02.0/00.0", "Id=10de:2230 10de:1aef",
        "Subsystem=10de:0001", "Functions=all", "AllowUser=%s 0" % ME,
        "AllowGroup=root 0", "AllowUnit=vm@*.service"], result.stdout)
    expect("comments say what they are", "# %s" % CARD in result.stdout
           and "# %s" % SOUND in result.stdout, result.stdout)
    told = value(tree, "policy", "new", PF, "--name=nic", "--user=" + ME)
    expect("one function", "Path=0000:00:03.0/00.0\nId=8086:1592\nSubsystem=8086:0001\nAllowUser="
           in told["text"] and "Functions" not in told["text"] and told["file"] is None
           and told["in_force"] is False, told)
    told = value(tree, "policy", "new", VF, "--name=vf", "--user=" + ME)
    expect("a virtual function", "Path=0000:00:03.0/00.0/vf0\nId=8086:1889\n" in told["text"]
           and "Subsystem" not in told["text"], told)


def test_new_is_accepted():
    """What is printed is a policy that means just that."""
    tree = machine()
    for words in ((CARD, SOUND), (DISK_A,), (PF,), (VF,)):
        place = directory(new=new(tree, *words, "--name=it", "--user=" + ME).stdout)
        expect("%s: it is accepted" % (words,), value(tree, "policy", "check", at(place)) == [])
        shown = value(tree, "policy", "show", at(place))
        expect("%s: it means them" % (words,), shown["sections"][0]["devices"] == list(words),
               shown)
        told = value(tree, "policy", "explain", words[-1], at(place))
        expect("%s: it is allowed" % (words,), told["allowed"] is True, told)


def test_new_serial():
    tree = machine()
    config = endpoint(0x144d, 0xa808, 0x010802)
    config.extend(0x03, 0x100)
    config.set(0x104, "<II", 0x55667788, 0x11223344)
    tree.write(tree.places[DISK_A] + "/config", bytes(config.bytes))
    text = new(tree, DISK_A, "--name=disk", "--user=" + ME).stdout
    expect("the serial number", "\nSerial=11-22-33-44-55-66-77-88\n" in text, text)
    place = directory(new=text)
    expect("it is its own", value(tree, "policy", "explain", DISK_A, at(place), "--as=" + ME)["allowed"])
    tree.write(tree.places[DISK_A] + "/config", bytes(config.bytes[:64]))
    text = new(tree, DISK_A, "--name=disk", "--user=" + ME).stdout
    expect("not what cannot be read", "Serial" not in text, text)
    told = value(tree, "policy", "explain", DISK_A, at(place), status=4)
    expect("nor trusted", told["allowed"] is False and "Serial" in told["verdict"], told)


def test_new_refusals():
    tree = machine()

    def no(status, text, *words):
        result = new(tree, *words, status=status)
        expect("%s: '%s'" % (" ".join(words), text), text in result.stderr and not result.stdout
               and result.stderr.count("\n") == 1, result)

    who = "--user=" + ME
    no(10, "no such device", "77:00.0", "--name=x", who)
    no(10, "offline, a device is an address", "gpu-a", "--name=x", who)
    no(2, "%s is a bridge" % PORT, PORT, "--name=x", who)
    no(2, "are not in one slot", DISK_A, DISK_B, "--name=x", who)
    no(2, "are not in one slot", PF, VF, "--name=x", who)
    no(2, "is named twice", DISK_A, DISK_A[5:], "--name=x", who)
    for name in ("", "-x", ".x", "a b", "x]", "a/b", "../x", "x" * 65, "ä", "a\nb"):
        result = on(tree, "policy", "new", DISK_A, "--name=" + name, who)
        expect("the name %r" % name, result.returncode == 2 and not result.stdout
               and result.stderr.count("\n") == 1, result)
    for user in ("", "a,,b", "a b", "x\nAllowUser=y", "-1", "0x0", "4294967295"):
        result = on(tree, "policy", "new", DISK_A, "--name=x", "--user=" + user)
        expect("the user %r" % user, result.returncode == 2 and not result.stdout, result)
    third = endpoint(0x10de, 0x1ad6, 0x0c0330, True)
    tree.add("0000:06:00.2", third, CARD_PORT, 5)
    no(2, "the slot has 0000:06:00.2 as well", CARD, SOUND, "--name=x", who)


def test_new_warnings():
    tree = machine()
    tree.write(tree.places[DISK_A] + "/reset_method", "\n")
    told = value(tree, "policy", "new", DISK_A, "--name=x", "--user=nobody-of-that-name",
                 "--group=no-such-group-here")
    for words in ("%s has no reset method" % DISK_A,
                  "shares IOMMU group 3 with %s (driver nvme)" % DISK_B, "no user nobody-of-that-name",
                  "no group no-such-group-here"):
        expect("a warning: " + words, any(words in text for text in told["warnings"]), told)
    expect("no more", len(told["warnings"]) == 4, told)
    tree.bind(SOUND, "snd_hda_intel")
    result = new(tree, CARD, "--name=x", "--user=" + ME)
    expect("a function of the slot", "name all functions of the slot" in result.stderr
           and result.stdout.startswith("#"), result)
    os.unlink(tree.path(tree.places[CARD], "iommu_group"))
    says("no group", new(tree, CARD, "--name=x", "--user=" + ME), 0, "has no IOMMU group", "stderr")
    expect("nothing to say", value(tree, "policy", "new", PF, "--name=x", "--user=" + ME)["warnings"]
           == [])


def test_write():
    tree = machine()
    place = directory()
    file = place + "/50-disk.conf"
    old = os.umask(0o077)
    told = value(tree, "policy", "new", DISK_A, "--name=disk", "--user=" + ME, "--write", at(place))
    os.umask(old)
    expect("the file", told["file"] == file and read(file) == told["text"]
           and os.stat(file).st_mode & 0o777 == 0o644, told)
    expect("nothing else is left", sorted(os.listdir(place)) == [".lock", "50-disk.conf"],
           os.listdir(place))
    expect("it is a policy", value(tree, "policy", "check", at(place)) == [])
    result = new(tree, PF, "--name=nic", "--group=root", "--write", at(place))
    expect("what comes next", "50-nic.conf: written; in force after: pcassignctl policy reload\n"
           in result.stdout and "Next, as members of root:\n  pcassignctl check nic\n"
           in result.stdout, result)


def test_write_refusals():
    tree = machine()
    place = directory(a=DISK_SECTION)

    def no(status, text, *words):
        before = sorted(os.listdir(place))
        result = new(tree, *words, "--user=" + ME, "--write", status=status)
        expect("%s: '%s'" % (" ".join(words), text), text in result.stderr and not result.stdout,
               result)
        after = [name for name in sorted(os.listdir(place)) if name != ".lock"]
        expect("nothing is written", after == [name for name in before if name != ".lock"], after)

    no(65, "50-disk.conf:", PF, "--name=disk", at(place))  # the name is taken
    no(65, "nothing was written", DISK_A, "--name=other", at(place))  # the path is
    write(place + "/50-nic.conf", "# mine\n")
    no(1, "50-nic.conf is there already and is left as it is", PF, "--name=nic", at(place))
    os.unlink(place + "/50-nic.conf")
    os.symlink("nowhere", place + "/50-nic.conf")
    no(1, "is there already", PF, "--name=nic", at(place))
    os.unlink(place + "/50-nic.conf")
    write(place + "/z.conf", "Colour=red\n")
    no(65, "z.conf:1:1: error: ", PF, "--name=nic", at(place))
    os.unlink(place + "/z.conf")
    no(10, "No such file or directory", PF, "--name=nic", at(place + "/none"))
    no(1, "Not a directory", PF, "--name=nic", at(place + "/a.conf"))


def as_nobody(*words):
    environment = {**os.environ, "LC_ALL": "C.UTF-8",
                   "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
                           *words], capture_output=True, text=True, env=environment, check=False)


def test_write_without_rights():
    if os.geteuid() != 0 or as_nobody(CTL, "--version").returncode != 0:
        print("not root, or nobody cannot execute pcassignctl: left out")
        return
    tree = machine()
    place = directory()
    for path in (work, os.path.dirname(tree.directory)):
        os.chmod(path, 0o755)
    words = [CTL, "policy", "new", PF, "--name=nic", "--user=" + ME, "--sysfs=" + tree.directory]
    says("an ordinary user may look", as_nobody(*words), 0, "[Device nic]")
    result = as_nobody(*words, "--write", at(place))
    says("... and not write", result, 4, "do the same with sudo", "stderr")
    says("nor of another machine", as_nobody(*words, "--write"), 2, "--sysfs is of another machine",
         "stderr")


def test_write_full():
    """A file system without room; mounting one needs root."""
    place = tempfile.mkdtemp(dir=work)
    script = ('mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero >"$0/full" 2>/dev/null;'
              '"$@"; status=$?; ls -A "$0" >&2; exit $status')
    tree = machine()
    words = [CTL, "policy", "new", PF, "--name=nic", "--user=" + ME, "--write", at(place),
             "--sysfs=" + tree.directory]
    result = subprocess.run(["unshare", "--mount", "--map-root-user", "bash", "-c", script, place, *words],
                            capture_output=True, text=True, check=False)
    if "unshare" in result.stderr or "mount:" in result.stderr:
        print("no file system could be mounted: left out")
        return
    says("no room", result, 1, "No space left on device", "stderr")
    expect("nothing is left", "conf" not in result.stderr.split("device\n", 1)[-1]
           and ".new" not in result.stderr.split("device\n", 1)[-1], result)


def test_write_at_once():
    """Of two with the same name, and of two for the same device, one wins."""
    tree = machine()
    for names in (("a", "a"), ("a", "b")):
        place = directory()
        started = [subprocess.Popen(
            [CTL, "policy", "new", PF, "--name=" + name, "--user=" + ME, "--write", at(place),
             "--sysfs=" + tree.directory], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                   for name in names * 4]
        ends = [(process.communicate()[1], process.returncode) for process in started]
        expect("one wins", sorted(end[1] for end in ends)[:2] != [0, 0]
               and [end[1] for end in ends].count(0) == 1, ends)
        expect("one file", len([name for name in os.listdir(place) if name.endswith(".conf")]) == 1,
               os.listdir(place))
        expect("a good policy", value(tree, "policy", "check", at(place)) == [])


# ---- show ----

def test_show():
    tree = machine()
    place = directory(a=DISK_SECTION + "\n[Deny port]\nPath=03.0/00.0\n",
                      b="[Device gpu]\nDescription=A display\nPath=02.0/00.0\nId=10de:2230 10de:1aef\n"
                        "Functions=all\nAllowUser=0 1\nMaxMemory=4G\nReset=flr bus\n")
    told = value(tree, "policy", "show", at(place))
    expect("from the files", told["stale"] is None and told["generation"] is None, told)
    by_name = {section["name"]: section for section in told["sections"]}
    expect("the sections", list(by_name) == ["disk", "port", "gpu"], told)
    gpu = by_name["gpu"]
    expect("its place", gpu["file"] == place + "/b.conf" and gpu["line"] == 1
           and gpu["kind"] == "Device" and gpu["lines"]["Id"] == 4, gpu)
    expect("its functions", gpu["devices"] == [CARD, SOUND]
           and by_name["port"]["devices"] == [PF], told)
    expect("its keys", gpu["keys"]["Description"] == "A display"
           and gpu["keys"]["Id"] == ["10de:2230", "10de:1aef"]
           and gpu["keys"]["AllowUser"] == ["0", "1"], gpu)
    result = on(tree, "policy", "show", at(place))
    for text in ("[Device gpu]", place + "/b.conf:1", "Functions=all", "AllowUser=0 1", SOUND):
        expect("show says '%s'" % text, text in result.stdout, result)
    for word, names in (("gpu", ["gpu"]), (SOUND, ["gpu"]), ("07:00.0", ["port"]), ("disk", ["disk"])):
        told = value(tree, "policy", "show", word, at(place))
        expect("show " + word, [section["name"] for section in told["sections"]] == names, told)
    result = on(tree, "policy", "show", "nonsense", at(place))
    says("no such section", result, 10, "nonsense", "stderr")
    result = on(tree, "policy", "show", VF, at(place))
    says("a device that no section means", result, 10, "no section", "stderr")
    says("nothing at all", on(tree, "policy", "show", at(directory())), 0, "nobody")


def test_show_errors():
    tree = machine()
    bad = directory(a="[Device x]\n")
    for words in (("show",), ("explain", PF)):
        result = on(tree, "policy", *words, at(bad))
        expect("%s of a broken policy" % words[0], result.returncode == 65 and "a.conf:1:" in result.stderr
               and not result.stdout, result)


# ---- explain ----

def test_explain():
    tree = machine()
    place = directory(a=DISK_SECTION, b="[Device disk-b]\nPath=01.0/00.0/01.0/00.0\nId=144d:ffff\n"
                      "AllowUser=%s\n" % ME, c="[Deny nic]\nId=8086:1592\n",
                      d="[Device gpu]\nPath=02.0/00.0\nId=10de:2230\nAllowUser=4000000000\n")

    def told(*words, status=0):
        return value(tree, "policy", "explain", *words, at(place), status=status)

    mine = told(DISK_A)
    expect("allowed", mine["allowed"] is True and mine["user"] == ME and mine["fix"] is None
           and mine["verdict"] == "%s may have %s: [Device disk] (%s/a.conf:1)" % (ME, DISK_A, place),
           mine)
    expect("by its name", told("disk") == mine)
    other = told(DISK_A, "--as=4000000001", status=4)
    expect("refused", other["allowed"] is False and other["uid"] == 4000000001
           and "AllowUser" in other["verdict"] and "AllowUser=4000000001" in other["fix"], other)
    keys = [(r["key"], r["line"], r["ok"]) for s in other["sections"] if s["name"] == "disk"
               for r in s["conditions"]]
    expect("each key", ("Path", 2, True) in keys and ("Id", 3, True) in keys
           and ("AllowUser", 4, False) in keys, other)
    wrong = told(DISK_B, status=4)
    expect("another device", wrong["allowed"] is False and "144d:ffff" in wrong["verdict"]
           and "disk-b" in wrong["verdict"], wrong)
    denied = told(PF, status=4)
    expect("denied", denied["allowed"] is False and "nobody may have" in denied["verdict"]
           and "[Deny nic] (%s/c.conf:1)" % place in denied["verdict"], denied)
    unnamed = told(SOUND, "--as=4000000001", status=4)
    expect("named by none", "no [Device] section names it" in unnamed["verdict"]
           and "policy new %s" % SOUND in unnamed["fix"], unnamed)
    root = told(SOUND, "--as=root")
    expect("root needs none", root["allowed"] is True, root)
    result = on(tree, "policy", "explain", DISK_A, "--as=4000000001", at(place))
    for text in ("[Device disk] %s/a.conf:1" % place, "AllowUser", "may not have", "fix: "):
        expect("explain says '%s'" % text, text in result.stdout, result)
    expect("refusal's status", result.returncode == 4, result)


def test_explain_refusals():
    tree = machine()
    place = directory(a="[Device gone]\nPath=1e.0/00.0\nId=8086:10d3\nAllowUser=0\n")
    for status, text, words in (
            (10, "there is no PCI function 77:00.0", ("77:00.0",)),
            (10, "neither a PCI address nor the name", ("nonsense",)),
            (10, "nothing is there now that [Device gone] means", ("gone",)),
            (10, "there is no user nobody-of-that-name", (PF, "--as=nobody-of-that-name"))):
        result = on(tree, "policy", "explain", *words, at(place))
        expect("explain %s" % (words,), result.returncode == status and text in result.stderr
               and not result.stdout, result)


run_all(globals())
