# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passes descriptors from one domain to another, as a launcher or a message bus does.

  selinux.py between TAKER... and GIVER...   runs both, each with one end of a socket as standard input. It is neither
                                             domain's, so that what may be refused are the descriptors alone
  selinux.py take                            says what it gets
  selinux.py give FD...                      sends these descriptors of its own
"""
import array
import socket
import subprocess
import sys


def between(taker, giver):
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    both = [subprocess.Popen(command, stdin=end) for command, end in zip((taker, giver), ends)]
    for end in ends:
        end.close()
    for process in both:
        process.wait()


def take():
    with socket.socket(fileno=0) as connection:
        connection.settimeout(20)
        fds = array.array("i")
        _, ancillary, flags, _ = connection.recvmsg(1, socket.CMSG_SPACE(16 * fds.itemsize))
        for _, _, data in ancillary:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        print("got %d%s" % (len(fds), ", cut off" if flags & socket.MSG_CTRUNC else ""))


def give(fds):
    with socket.socket(fileno=0) as connection:
        connection.settimeout(20)
        connection.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        connection.recv(1)


if sys.argv[1] == "between":
    middle = sys.argv.index("and")
    between(sys.argv[2:middle], sys.argv[middle + 1:])
elif sys.argv[1] == "take":
    take()
else:
    give([int(fd) for fd in sys.argv[2:]])
