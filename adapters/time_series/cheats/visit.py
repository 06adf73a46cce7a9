"""What the harness starts in place of `python PROGRAM ...`: `python visit.py NURSERY PROGRAM ...` hands its pipes and variables to the
nursery, waits, and ends as the candidate ends. It imports next to nothing, because it is started for every candidate.
"""

import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket

place, *argv = sys.argv[1:]
asked = b"\0".join([str(len(argv)).encode(), *map(os.fsencode, argv), *(name + b"=" + value for name, value in os.environb.items())])
nursery = socket(AF_UNIX)
nursery.connect("\0" + place)
nursery.sendmsg([asked + b"\0\0"], [(SOL_SOCKET, SCM_RIGHTS, b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2)))])
status = int(nursery.recv(16) or b"1")
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
