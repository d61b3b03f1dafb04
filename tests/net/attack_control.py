"""attack_control.py - a local user at a control socket: floods, idles, asks with every type"""
import json
import os
import socket
import sys
import time

COMMANDS = "status", "leases", "flows", "sa", "spd", "why", "metrics", \
    "schema", "reload", "watch", "nonsense"
VALUES = None, True, 7, -1.5e300, "", "1.2.3.4", "x" * 3000, "\0", [], [None], {}, {"a": {}}
FIELDS = "address", "source", "command", "other"


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)    # waits for a place in the queue
    s.settimeout(5)
    return s


def lines(s, want=1):
    got = b""
    while got.count(b"\n") < want:
        more = s.recv(65536)
        if not more:
            break
        got += more
    return [json.loads(line) for line in got.splitlines()]


def ask(path, req):
    s = connect(path)
    s.sendall(json.dumps(req).encode() + b"\n")
    answer = lines(s)
    s.close()
    return answer[0] if answer else None


def types(path):
    """Every command with every JSON type in every field."""
    n = unanswered = 0
    for command in COMMANDS:
        if command == "watch":
            continue    # its answer is silence
        for field in FIELDS:
            for value in VALUES:
                req = {"command": command, field: value}
                n += 1
                if field != "command" and command == "reload" and isinstance(value, str):
                    continue    # root's would be obeyed
                if not isinstance(ask(path, req), dict):
                    unanswered += 1
    print(n, "requests,", unanswered, "unanswered")
    return unanswered == 0


def privileged(path):
    """What this user gets of what is not his: nothing."""
    got = []
    for c in "leases", "flows", "sa", "spd", "reload", "watch":
        try:
            if "error" not in ask(path, {"command": c}):
                got.append(c)
        except TimeoutError:
            got.append(c)    # whoever may watch hears nothing now
    print("obeyed:", " ".join(got) or "none")
    return True


def pipeline(path, seconds):
    """Asks and asks and never reads."""
    burst = b'{"command":"status"}\n{"command":"why","address":"198.51.100.20"}\n' * 500
    open_, sent, end = [], 0, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        while len(open_) < 32:
            s = connect(path)
            s.setblocking(False)
            open_.append(s)
        for s in list(open_):
            try:
                sent += s.send(burst)
            except BlockingIOError:
                pass
            except OSError:
                open_.remove(s)
                s.close()
        time.sleep(0.01)
    print(sent // 1024, "KiB of requests taken")
    return True


def idle(path, seconds):
    """Holds as many places as it gets, and one byte each half second keeps a
    request for ever unfinished."""
    slow, held, begun = connect(path), [], time.monotonic()
    cut = None
    while time.monotonic() < begun + float(seconds):
        while len(held) < 300:
            try:
                held.append(connect(path))
            except OSError:
                break
        if cut is None:
            try:
                slow.send(b" ")
            except OSError:
                cut = time.monotonic() - begun
        time.sleep(0.5)
    print("a request without end was cut off after",
          "%.0f s" % cut if cut is not None else "never")
    return cut is not None and cut < 13


def connects(path, seconds):
    """Connects and goes away, as often as it can."""
    n, end = 0, time.monotonic() + float(seconds)
    while time.monotonic() < end:
        try:
            connect(path).close()
            n += 1
        except OSError:
            pass
    print(n, "connections")
    return True


def honest(path, limit):
    """Asks once; the milliseconds that it took."""
    begun = time.monotonic()
    answer = ask(path, {"command": "status"})
    took = time.monotonic() - begun
    if answer is None or "daemon" not in answer:
        print("not served:", answer)
        return False
    print("%d ms" % (took * 1000))
    return took < float(limit)


def patient(path, limit):
    """As honest; in turn with those of the same kind, so more than one try."""
    end = time.monotonic() + float(limit)
    while time.monotonic() < end:
        try:
            if "daemon" in ask(path, {"command": "status"}):
                return True
        except (OSError, TypeError):
            pass
        time.sleep(0.1)
    return False


def pipelined(path, n):
    """A patient reader gets every answer, in order."""
    s = connect(path)
    s.sendall(b"".join(b'{"command":"%s"}\n' % (b"nonsense" if i % 2 else b"status")
                       for i in range(int(n))))
    s.shutdown(socket.SHUT_WR)
    answers = lines(s, int(n))
    return [("error" in a) for a in answers] == [bool(i % 2) for i in range(int(n))]


if __name__ == "__main__":
    if sys.argv[1] != "-":
        uid, gid, groups = (sys.argv[1].split(":") + ["12345", ""])[:3]
        os.setgroups([int(g) for g in groups.split(",") if g])
        os.setgid(int(gid))
        os.setuid(int(uid))
    sys.exit(not globals()[sys.argv[2]](*sys.argv[3:]))
