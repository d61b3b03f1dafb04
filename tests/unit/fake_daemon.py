#!/usr/bin/env python3
"""fake_daemon.py - stands in for rsipd, rsipc or oed at a control socket.

usage: fake_daemon.py SOCKET NAME ANSWERS

ANSWERS is a file with a JSON object: command -> answer, or for "watch" a list
of events.  Each request is appended to SOCKET.log.  The command "hang" in
ANSWERS (true) makes it read and never answer; "garbage" sends its string as it is.
"""
import json
import os
import socket
import sys
import threading
import time


def serve(conn, path, name, answers):
    with conn, conn.makefile("rb") as lines:
        for line in lines:
            request = json.loads(line)
            with open(path + ".log", "a") as log:
                log.write(json.dumps(request, sort_keys=True) + "\n")
            if answers.get("hang"):
                time.sleep(60)
            if "garbage" in answers:
                conn.sendall(answers["garbage"].encode())
                return
            answer = answers.get(request["command"])
            if request["command"] == "watch" and answer is not None:
                for event in answer:
                    conn.sendall(json.dumps(event).encode() + b"\n")
                return
            if answer is None:
                answer = {"error": "unknown command"}
            elif name != "-":  # "-": as it is
                answer = dict(answer, daemon=name)
            conn.sendall(json.dumps(answer).encode() + b"\n")


def main():
    path, name, answers = sys.argv[1:]
    with open(answers) as f:
        answers = json.load(f)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(8)
    # The socket is there only once it answers.
    os.rename(path + ".new", path)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, path, name, answers),
                         daemon=True).start()


if __name__ == "__main__":
    main()
