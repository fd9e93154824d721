# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of pcassignctl on trees of their own share: a machine, calls, the schemas.

PCASSIGNCTL names the binary.
"""
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile

import sysfstree
from sysfstree import bridge, endpoint

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is missing")
    sys.exit(1 if os.environ.get("CI") else 77)

HERE = os.path.dirname(os.path.abspath(__file__))
CTL = os.environ.get("PCASSIGNCTL", "./pcassignctl")
PORT, UP, DOWN_A, DOWN_B = "0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0"
DISK_A, DISK_B, CARD, SOUND = "0000:03:00.0", "0000:04:00.0", "0000:06:00.0", "0000:06:00.1"
CARD_PORT, PF, VF, PF_PORT = "0000:00:02.0", "0000:07:00.0", "0000:07:10.0", "0000:00:03.0"
SWITCH = [PORT, UP, DOWN_A, DOWN_B, DISK_A, DISK_B]
passed = failed = 0
schemas = {}
work = tempfile.mkdtemp(prefix="pcassign-offline-")


def expect(what, ok, detail=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED: %s\n    %s" % (what, str(detail).replace("\n", "\n    ")))


def ctl(*words, **environment):
    # No bus: whatever goes there fails.
    environment = {**os.environ, "LC_ALL": "C.UTF-8",
                   "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", **environment}
    return subprocess.run([CTL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False, timeout=60)


def machine():
    """A switch below a port without ACS, a card with two functions, a card with a virtual function."""
    directory = tempfile.mkdtemp(dir=work)
    tree = sysfstree.Tree(os.path.join(directory, "sys"))
    tree.add(PORT, bridge(sysfstree.ROOT_PORT, 1, acs=False), None, 3, "pcieport")
    tree.add(UP, bridge(sysfstree.UPSTREAM, 2), PORT, 3, "pcieport")
    for port, bus, disk in ((DOWN_A, 3, DISK_A), (DOWN_B, 4, DISK_B)):
        tree.add(port, bridge(sysfstree.DOWNSTREAM, bus), UP, 3, "pcieport")
        tree.add(disk, endpoint(0x144d, 0xa808, 0x010802), port, 3, "nvme")
    tree.add(CARD_PORT, bridge(sysfstree.ROOT_PORT, 6), None, 4, "pcieport")
    tree.add(CARD, endpoint(0x10de, 0x2230, 0x030000, True), CARD_PORT, 5, "vfio-pci",
             driver_override="vfio-pci", numa_node="1")
    tree.add(SOUND, endpoint(0x10de, 0x1aef, 0x040300, True), CARD_PORT, 5)
    tree.add(PF_PORT, bridge(sysfstree.ROOT_PORT, 7), None, 6, "pcieport")
    pf = endpoint(0x8086, 0x1592)
    pf.extend(sysfstree.SRIOV, 0x100)
    tree.add(PF, pf, PF_PORT, 7, "ice", sriov_totalvfs="8", sriov_numvfs="1")
    tree.add_vf(PF, 0, VF, 8, "iavf")
    return tree


def on(tree, *words, **environment):
    return ctl(*words, "--sysfs", tree.directory, **environment)


def on_terminal(tree, *words, **environment):
    """What stands on a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen([CTL, *words, "--sysfs", tree.directory], stdout=slave, stderr=slave,
                          env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}):
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
    os.close(master)
    return seen.decode()


def validator(name):
    if name not in schemas:
        with open(os.path.join(HERE, "schemas", name + ".json")) as file:
            schemas[name] = jsonschema.Draft7Validator(json.load(file))
    return schemas[name]


def value(tree, *words, status=0):
    """The JSON that the verb prints, checked by its schema."""
    result = on(tree, "--json=short", *words)
    what = " ".join(words)
    expect("%s: status %d" % (what, status), result.returncode == status, result)
    try:
        parsed = json.loads(result.stdout)
    except ValueError as error:
        expect(what + ": one JSON value", False, "%s: %s" % (error, result))
        return None
    schema = "-".join(words[:2]) if words[0] == "policy" else words[0]
    wrong = next(validator(schema).iter_errors(parsed), None)
    expect(what + ": its schema", not wrong, wrong)
    return parsed


def refused(status, text, *words):
    result = ctl(*words)
    expect("%s: status %d, '%s'" % (" ".join(words), status, text),
           result.returncode == status and text in result.stderr and not result.stdout
           and result.stderr.count("\n") == 1, result)


def addresses(devices):
    return [device["address"] for device in devices]


def run_all(tests):
    """Those of a dictionary of globals that are called test_..."""
    try:
        for name, test in sorted(tests.items()):
            if name.startswith("test_"):
                test()
    finally:
        shutil.rmtree(work)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)
