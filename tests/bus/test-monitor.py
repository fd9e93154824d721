#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pcassignctl monitor on the fake host: each kind of event, for people and by its schema; how it
ends; the daemon that goes and comes back; that it starts nothing."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

import fakehost as host
from fakehost import NIC, ctl, expect, tell

try:
    import dbus
    import jsonschema
except ImportError:
    host.skip("python3-jsonschema or python3-dbus is missing")

NAME = "org.pcassign1"


class Monitor:
    """A running monitor, with the lines that it has printed so far."""

    def __init__(self, *options, first="running", prefix=()):
        self.lines = []
        self.process = subprocess.Popen([*prefix, host.CTL, "monitor", *options], env=host.CLEAN,
                                        stdout=subprocess.PIPE, encoding="utf-8")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        expect("the first line says that the service is %s" % first, self.sees(first), self.lines)

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def sees(self, *texts, begin=0):
        """Waits for a line with all these texts."""
        return host.await_true(lambda: any(all(text in line for text in texts)
                                           for line in self.lines[begin:]))

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.reader.join(20)
        expect("%s ends it with status 0, not %d" % (number.name, status), status == 0)


class Daemon:
    """The daemon of with-fake-host, which can be ended and started again."""

    def __init__(self):
        self.bus = dbus.SystemBus()
        self.pid = int(self.bus.call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus",
                                              "GetConnectionUnixProcessID", "s", (NAME,)))
        with open("/proc/%d/cmdline" % self.pid) as file:
            self.command = file.read().split("\0")[:-1]
        self.process = None

    def is_there(self):
        return self.bus.name_has_owner(NAME)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
        else:
            os.kill(self.pid, signal.SIGTERM)
        expect("the daemon has gone", host.await_true(lambda: not self.is_there()))

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        expect("the daemon is back", host.await_true(self.is_there))


def test_text():
    monitor = Monitor()
    held = host.Held("nic")
    expect("ready", monitor.sees("claim ", " ready: %s, of root" % NIC), monitor.lines)
    expect("the driver", monitor.sees("device ", NIC, "driver e1000e -> vfio-pci"), monitor.lines)
    held.end()
    expect("ended", monitor.sees("claim ", " ended: %s" % NIC), monitor.lines)
    expect("back", monitor.sees(NIC, "driver vfio-pci -> e1000e"), monitor.lines)
    expect("times", all(time.strptime(line[:19], "%Y-%m-%d %H:%M:%S") for line in monitor.lines))
    monitor.end(signal.SIGINT)


def state_since():
    device = dbus.SystemBus().get_object(NAME, "/org/pcassign1/device/0000_01_00_0",
                                         introspect=False)
    return str(device.Get(NAME + ".Device", "StateSince",
                          dbus_interface="org.freedesktop.DBus.Properties"))


def states(monitor):
    events = [json.loads(line) for line in monitor.lines]
    return [e["state"] for e in events if e["event"] == "claim"]


def test_since(monitor):
    """A device tells since when it is so also while nothing but its state changes."""
    held = host.Held("nic")
    tell("pause", "*/unbind*")
    begin = len(monitor.lines)
    held.end()
    expect("releasing", monitor.sees('"releasing"', NIC, begin=begin), monitor.lines)
    # It becomes stuck meanwhile, and the two are asked one after the other.
    expect("since when", host.await_true(lambda: json.loads(
        ctl("-j", "status", "nic").stdout)["since"] == state_since(), 5), state_since())
    tell("resume")
    host.await_driver("e1000e")
    expect("ended", monitor.sees('"ended"', NIC, begin=begin), monitor.lines)


def test_request(monitor):
    """An owner with a connection is asked, and the owner's monitors tell."""
    begin = len(monitor.lines)
    bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    _claim, lease = bus.call_blocking(NAME, "/org/pcassign1", NAME + ".Manager", "Claim",
                                      "a(sa{sv})a{sv}", ([("nic", {})], {}))
    lease = lease.take()
    ctl("release", "--force", "nic")
    expect("a request", monitor.sees('"event":"release-requested"', '"user":"root"', NIC,
                                     begin=begin), monitor.lines[begin:])
    expect("ended", monitor.sees('"ended"', NIC, begin=begin), monitor.lines[begin:])
    os.close(lease)
    bus.close()
    host.await_driver("e1000e")


def test_json():
    """Everything that may happen, and the schema for all of it."""
    monitor = Monitor("--json=pretty", first='"running":true')
    held = host.Held("gpu")
    held.end()
    expect("ended", monitor.sees('"ended"'), monitor.lines)
    order = states(monitor)
    expect("the states in their order, each once: %s" % order, order in (
        ["preparing", "ready", "releasing", "ended"], ["ready", "releasing", "ended"]))
    host.await_driver("nouveau", "0000:03:00.0")
    test_since(monitor)
    test_request(monitor)
    begin = len(monitor.lines)
    tell("use", NIC)
    ctl("run", "nic", "--", "true", "{iommufd}")
    expect("stuck", monitor.sees('"stuck"'), monitor.lines)
    tell("unuse", NIC)
    expect("ended", monitor.sees('"ended"', NIC, begin=begin), monitor.lines)
    ctl("policy", "reload")
    expect("policy", monitor.sees('"event":"policy"', '"stale":false'), monitor.lines)
    broken = os.path.join(os.environ["FAKE_TREE"], "policy.d/60-broken.conf")
    with open(broken, "w") as file:
        file.write("nonsense\n")
    ctl("policy", "reload")
    expect("stale", monitor.sees('"event":"policy"', '"stale":true'), monitor.lines)
    os.unlink(broken)
    tell("unplug", "0000:09:00.0")
    ctl("plan", "nic")
    expect("removed", monitor.sees('"device-removed"', "0000:09:00.0"), monitor.lines)
    tell("function", "0000:09:00.0", "below=0000:00:09.0", "id=8086:1572", "group=18",
         "driver=i40e", "reset=flr")
    ctl("plan", "nic")
    expect("added", monitor.sees('"device-added"', '"address":"0000:09:00.0"', '"driver":"i40e"'),
           monitor.lines)
    monitor.end(signal.SIGTERM)
    validate(monitor.lines)


def validate(lines):
    with open(os.path.join(host.SOURCE, "tests/client/schemas/monitor.json")) as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    for line in lines:
        error = next(validator.iter_errors(json.loads(line)), None)
        expect("the schema holds for %s" % line, not error, error)
    times = [int(json.loads(line)["time"]) for line in lines]
    expect("time goes on", times == sorted(times), times)


def test_reader_gone():
    """As with `pcassignctl monitor | head -n 1`: no complaint, and no need for another event."""
    process = subprocess.Popen([host.CTL, "monitor"], env=host.CLEAN, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    status = process.wait(20)
    expect("it ends quietly, status %d" % status, status == 0 and process.stderr.read() == b"")
    process.stderr.close()
    with open("/dev/full", "w") as full:
        result = subprocess.run([host.CTL, "monitor"], env=host.CLEAN, stdout=full,
                                stderr=subprocess.PIPE, timeout=20, encoding="utf-8")
    expect("a full disk is an error", result.returncode == 1
           and "standard output: No space left" in result.stderr, result)


def test_restart():
    """While the daemon is away a claim ends and a device goes; both are told afterwards."""
    daemon = Daemon()
    monitor = Monitor("-j", first='"running":true')
    held = host.Held("nic")
    expect("ready", monitor.sees('"ready"', NIC), monitor.lines)
    daemon.stop()
    expect("gone", monitor.sees('"running":false'), monitor.lines)
    held.end()
    tell("unplug", "0000:08:00.0")
    begin = len(monitor.lines)
    daemon.start()
    expect("back", monitor.sees('"running":true', begin=begin), monitor.lines)
    expect("the claim has ended", monitor.sees('"ended"', NIC, begin=begin), monitor.lines[begin:])
    expect("the device has gone", monitor.sees('"device-removed"', "0000:08:00.0", begin=begin),
           monitor.lines[begin:])
    host.await_driver("e1000e")
    held = host.Held("nic")
    expect("it goes on", monitor.sees('"ready"', NIC, begin=begin), monitor.lines[begin:])
    held.end()
    host.await_driver("e1000e")
    monitor.end(signal.SIGTERM)
    validate(monitor.lines)
    test_without_daemon(daemon)


def test_without_daemon(daemon):
    daemon.stop()
    monitor = Monitor("--json=short", first='"running":false')
    daemon.start()
    expect("it waited for it", monitor.sees('"running":true'), monitor.lines)
    expect("what there is already is no event", len(monitor.lines) == 2, monitor.lines)
    monitor.end(signal.SIGINT)
    daemon.stop()


def test_other_user():
    """Another user sees claims come and go, and not whose they are."""
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        if os.environ.get("CI"):
            expect("other users can be played by root only", False)
        return
    copy = os.path.join(host.work, "pcassignctl")
    with open(host.CTL, "rb") as program, open(copy, "wb") as file:
        file.write(program.read())
    os.chmod(copy, 0o755)
    real, host.CTL = host.CTL, copy
    monitor = Monitor("-j", first='"running":true', prefix=prefix)
    host.CTL = real
    host.Held("nic").end()
    expect("ended", monitor.sees('"ended"', NIC), monitor.lines)
    expect("no owner", all('"user":null' in line for line in monitor.lines if '"claim"' in line),
           monitor.lines)
    monitor.end(signal.SIGTERM)


def test_usage():
    result = ctl("monitor", "nic")
    expect("no argument", result.returncode == 2 and "takes no argument" in result.stderr, result)
    result = ctl("monitor", env=dict(host.CLEAN, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere"))
    expect("no bus", result.returncode == 8, result)


def main():
    host.begin(__file__)
    test_usage()
    test_text()
    test_json()
    test_reader_gone()
    test_other_user()
    test_restart()
    host.finish()


sys.exit(main())
