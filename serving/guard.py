"""Runs a server, and ends it when the process that wanted it is gone, however that ended.

Started as ``python -I -S guard.py SECONDS COMMAND...`` at the head of a session of its own. Standard input is a pipe
that only the owner holds open: its end means that the owner is gone. Exits as the server does.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
import time

_HELPER_SECONDS = 0.5
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run the command of the arguments."""
    patience, command = float(sys.argv[1]), sys.argv[2:]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - no shell; the owner's command
    # A signal for the group reaches the server by itself. Not before: what is ignored is inherited.
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    orphaned = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, patience, orphaned), daemon=True)
    watcher.start()
    code = server.wait()
    if orphaned.is_set():
        watcher.join()
    _exit_as(code)


def _watch(server: subprocess.Popen[bytes], patience: float, orphaned: threading.Event) -> None:
    while os.read(0, 1):
        pass
    orphaned.set()
    os.killpg(0, signal.SIGTERM)
    try:
        server.wait(patience)
        time.sleep(_HELPER_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(0, signal.SIGKILL)


def _exit_as(code: int) -> None:
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the server left its own
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
