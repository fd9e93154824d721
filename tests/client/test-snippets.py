#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python example of libpcassign(3), as it stands in the manual, against the real daemon.

(Those in Go and Rust need libraries that are not installed; they are not compiled by any test.)
"""
import os
import re
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bus"))
import fakehost as host  # noqa: E402


def snippet():
    with open(os.path.join(host.SOURCE, "man/libpcassign.3")) as page:
        text = page.read()
    code = re.search(r"^Python, .*?^\.EX$(.*?)^\.EE$", text, re.M | re.S)[1]
    # The fake host's policy knows "gpu": a display and its sound.
    return code.replace("\\-", "-").replace("gpu-a", "gpu")


def main():
    host.begin(__file__)
    names = {}
    exec(compile(snippet(), "libpcassign(3)", "exec"), names)
    lease, fds = names["lease"], names["fds"]
    roles = [(str(role), str(name)) for role, name, _fd in fds]
    host.expect("the descriptors", roles == [("iommufd", ""), ("device", "gpu"), ("device", "gpu")],
                roles)
    host.expect("they are open", all(os.fstat(fd) for _role, _name, fd in fds))
    host.expect("the lease", stat.S_ISFIFO(os.fstat(lease).st_mode)
                and not os.get_inheritable(lease))
    host.await_driver("vfio-pci", "0000:03:00.0")
    for _role, _name, fd in fds:
        os.close(fd)
    os.close(lease)
    host.await_driver("nouveau", "0000:03:00.0")
    host.finish()


main()
