#!/usr/bin/env python3
"""notify.py - starts a daemon as Type=notify does, and asks it once it has said READY=1

usage: notify.py SOCKET QUESTION COMMAND..."""
import os
import signal
import socket
import subprocess
import sys

path, question, command = sys.argv[1], sys.argv[2], sys.argv[3:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + path[1:] if path[0] == "@" else path)
s.settimeout(10)
daemon = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path})
try:
    said = s.recv(4096)
    answered = subprocess.run(question.split(), stdout=subprocess.DEVNULL)
finally:
    daemon.send_signal(signal.SIGTERM)
    status = daemon.wait(10)
if said != b"READY=1" or answered.returncode != 0 or status != 0:
    sys.exit(f"said {said!r}, rsipctl {answered.returncode}, "
             f"ended with {status}")
