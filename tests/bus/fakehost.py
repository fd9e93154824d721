# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Python tests of pcassignctl on the fake host share.

A test calls begin(__file__) first: it runs itself again below tests/support/with-fake-host.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.abspath(os.environ.get("SRCDIR", "."))
CTL = os.path.abspath(os.environ.get("PCASSIGNCTL", "./pcassignctl"))
NIC = "0000:01:00.0"
CLEAN = dict(os.environ, LC_ALL="C.UTF-8")

passed = failed = 0
work = None


def begin(script):
    """Returns below with-fake-host, in a directory of the test's own (work)."""
    global work
    if "FAKE_TREE" not in os.environ:
        host = os.path.join(SOURCE, "tests/support/with-fake-host")
        os.execv(host, [host, sys.executable, os.path.abspath(script)])
    work = tempfile.mkdtemp()
    os.chmod(work, 0o755)


def finish():
    shutil.rmtree(work)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0)


def skip(why):
    """What is missing may be missing by hand, not in continuous integration."""
    print(why, file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") else 77)


def expect(what, good, shown=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAILED: %s\n    %s" % (what, str(shown).strip().replace("\n", "\n    ")), flush=True)


def await_true(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def tell(*words):
    """Changes the fake host: see tests/support/fake-commands.h."""
    subprocess.run([os.environ["FAKE_WORKER"], "--tell", os.environ["FAKE_TREE"], *words],
                   check=True)


def driver(address=NIC):
    link = os.path.join(os.environ["FAKE_TREE"], "sys/bus/pci/devices", address, "driver")
    return os.path.basename(os.readlink(link)) if os.path.islink(link) else None


def await_driver(wanted, address=NIC):
    """The driver of the host is not the last thing that a release puts back: its end is awaited."""
    def is_there():
        return driver(address) == wanted and (
            wanted == "vfio-pci" or address not in ctl("-j", "claims").stdout)
    expect("%s is on %s" % (address, wanted), await_true(is_there), driver(address))


def ctl(*words, env=CLEAN, **more):
    """Runs pcassignctl; the result has returncode, stdout and stderr as text."""
    return subprocess.run([CTL, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, encoding="utf-8", timeout=120, **more)


class Held:
    """A claim, held by a command of `run` that does nothing else until it is ended."""

    def __init__(self, device, *options, keep_open=True):
        mark = os.path.join(work, "held")
        script = '%s : >"%s"; exec sleep 600' % ("" if keep_open else "exec 3>&- 4>&-;", mark)
        # Exactly the descriptors of `run` are to be in it.
        self.process = subprocess.Popen([CTL, "run", *options, device, "--", "bash", "-c", script,
                                         "{iommufd}"], env=CLEAN)
        expect("%s is claimed" % device, await_true(lambda: os.path.exists(mark)))
        os.unlink(mark)

    def end(self):
        self.process.kill()
        self.process.wait()
