"""top.py - rsipctl top in a terminal of its own (a pty), and without one

usage: top.py RSIPCTL SOCKET CURSES

SOCKET is a fake daemon's; CURSES is 1 where the program has it.
"""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl

ctl, socket, curses = sys.argv[1], sys.argv[2], sys.argv[3] == "1"


def need(what, why, said=b""):
    if not what:
        sys.exit("FAIL: %s: %r" % (why, said[-2000:]))


def in_a_terminal(term, size=(24, 80)):
    """(pid, descriptor)"""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = term
        os.execv(ctl, [ctl, "-s", socket, "top"])
    ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    return pid, fd


def read_until(fd, pattern, seconds=20):
    said, end = b"", time.monotonic() + seconds
    while not re.search(pattern, said, re.S):
        need(time.monotonic() < end, "no %r" % pattern, said)
        if select.select([fd], [], [], 0.2)[0]:
            try:
                said += os.read(fd, 65536)
            except OSError:
                break
    need(re.search(pattern, said, re.S), "no %r before the end" % pattern, said)
    return said


def ended(pid, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    need(False, "it does not end")


def main():
    if curses:
        pid, fd = in_a_terminal("xterm")
        said = read_until(fd, rb"serving 1 host.*10\.0\.0\.11")
        need(b"\x1b[?1049h" in said or b"\x1b[H" in said, "not the whole screen", said)
        need(b"nfqueue in bytes" in said and b"\\x1b[2J" in said,
             "traffic, or a name that is escaped", said)
        need(b"\x1b[2Jevil" not in said, "a name drives the terminal", said)
        # It goes on by itself, and says how much there is a second.
        said = read_until(fd, rb"[1-9][0-9.]*[kM]?\b.*")
        time.sleep(2.5)
        os.write(fd, b"\x1b[B")
        os.write(fd, b"q")
        need(os.waitstatus_to_exitcode(ended(pid)) == 0, "q is no good end")
        os.close(fd)
    # A terminal that cannot, and none at all: text, look after look.
    pid, fd = in_a_terminal("dumb")
    said = read_until(fd, rb"serving 1 host.*serving 1 host")
    need(b"\x1b" not in said, "escapes for a dumb terminal", said)
    os.kill(pid, signal.SIGTERM)
    ended(pid)
    os.close(fd)
    p = subprocess.Popen([ctl, "-s", socket, "top"], stdout=subprocess.PIPE)
    said = read_until(p.stdout.fileno(), rb"serving 1 host.*serving 1 host")
    p.terminate()
    p.wait()
    need(b"10.0.0.11" in said and b"\x1b" not in said, "without a terminal", said)
    print("ok: top draws%s, goes on by itself, and is text where it must be"
          % (" a screen" if curses else " text (no curses)"))


main()
