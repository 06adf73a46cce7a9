"""Attempts to get out, run inside the sandbox: `python probes.py ORDER` prints what each attempt came to, as JSON.

An attempt returns what it got; an exception means that it was stopped. Standard library only.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

ORDER = json.loads(sys.argv[1])


def read_by_path():
    return Path(ORDER["file"]).read_text()


def read_by_relative_path():
    return Path(os.path.relpath(ORDER["file"])).read_text()


def read_by_shell():
    return subprocess.run(["cat", ORDER["file"]], capture_output=True, text=True, check=True).stdout


def read_through_a_new_link():
    link = Path("link")
    link.symlink_to(ORDER["file"])
    try:
        return link.read_text()
    finally:
        link.unlink()


def read_through_a_hard_link():
    os.link(ORDER["file"], "hard")
    return Path("hard").read_text()


def read_through_the_root_of_another_process():
    return Path(f"/proc/{ORDER['victim']}/root{ORDER['file']}").read_text()


def read_through_the_working_folder_of_another_process():
    return list(Path(f"/proc/{ORDER['victim']}/cwd").iterdir())


def move_the_mask_away():
    Path(ORDER["file"]).rename("moved")
    return Path("moved").read_text()


def unmount_the_mask():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(ORDER["file"].encode(), 2) != 0:
        raise OSError(ctypes.get_errno(), "umount2")
    return Path(ORDER["file"]).read_text()


def new_user_namespace_that_mounts():
    return subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f"umount -l {ORDER['file']}; cat {ORDER['file']}"], capture_output=True, text=True, check=True
    ).stdout or None


def own_environment():
    return os.environ["PLANTED_API_KEY"]


def environment_of_other_processes():
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"planted-secret" in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found or stopped()


def passwords_of_the_system():
    return Path("/etc/shadow").read_text()


def kill_a_process_of_the_host():
    os.kill(ORDER["victim"], signal.SIGTERM)
    return "sent" if ORDER["victim"] != os.getpid() else stopped()


def trace_a_process_of_the_host():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, ORDER["victim"], 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


def talk_to_a_service_of_this_machine():
    return socket.create_connection(("127.0.0.1", ORDER["port"]), 2).getsockname()


def send_a_datagram():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", ORDER["port"])) if ORDER["datagrams"] else stopped()


def talk_to_a_unix_service():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect("\0" + ORDER["abstract"])
    return "connected"


def write_into_the_code():
    return Path(ORDER["read_only"], "made").write_text("x")


def write_into_the_packages():
    import site

    return Path(site.getsitepackages()[0], "planted.pth").write_text("")


def write_beside_the_working_folder():
    for place in (Path("..", "made"), Path(ORDER["file"]).with_name("made")):
        place.write_text("x")
    return stopped()  # it may have landed in a private /tmp: the test looks whether it did outside


def become_root():
    return subprocess.run(["su", "-c", "id"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout


def stopped():
    raise PermissionError("nothing was there")


def attempt(function):
    try:
        return {"got": str(function())[:200]}
    except Exception as error:
        return {"stopped": f"{type(error).__name__}: {error}"[:200]}


ATTEMPTS = [value for name, value in list(globals().items()) if callable(value) and name not in ("attempt", "stopped", "Path")]

if __name__ == "__main__":
    print(json.dumps({function.__name__: attempt(function) for function in ATTEMPTS}))
