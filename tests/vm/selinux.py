# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passes descriptors from one domain to another, as a launcher or a message bus does.

  selinux.py take PATH         listens there, and says what it gets
  selinux.py give PATH FD...   sends it these descriptors of its own
"""
import array
import os
import socket
import sys


def take(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(1)
        listener.settimeout(20)
        connection, _ = listener.accept()
        fds = array.array("i")
        _, ancillary, flags, _ = connection.recvmsg(1, socket.CMSG_SPACE(16 * fds.itemsize))
        for _, _, data in ancillary:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        print("got %d%s" % (len(fds), ", cut off" if flags & socket.MSG_CTRUNC else ""))


def give(path, fds):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(20)
        connection.connect(path)
        connection.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        connection.recv(1)


if sys.argv[1] == "take":
    take(sys.argv[2])
else:
    give(sys.argv[2], [int(fd) for fd in sys.argv[3:]])
