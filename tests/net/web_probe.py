"""web_probe.py - asks a daemon's page of numbers as browsers, Prometheus, strangers and attackers do

usage: web_probe.py ADDRESS:PORT TOKEN DAEMON ROWS...

ROWS: the tables that who has the token is shown.  TOKEN "-": the daemon has none.
"""
import json
import re
import socket
import sys
import time

PAGES = {"/": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8",
         "/page.css": "text/css; charset=utf-8"}
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff",
           "x-frame-options": "DENY", "referrer-policy": "no-referrer",
           "cross-origin-resource-policy": "same-origin", "connection": "close"}
where, token, daemon = sys.argv[1:4]
rows = sys.argv[4:]
address, port = where.split(":")


def dial():
    return socket.create_connection((address, int(port)), 5)


def talk(raw, wait=5):
    """What comes back for these bytes, until the daemon closes."""
    with dial() as s:
        s.settimeout(wait)
        said = b""
        try:
            s.sendall(raw)
            while chunk := s.recv(65536):
                said += chunk
        except ConnectionError:
            pass
        return said


def ask(path, method="GET", host=where, headers=(), body=b""):
    """(status, {header: value}, body)"""
    head = ["%s %s HTTP/1.1" % (method, path)]
    head += ["Host: " + host] if host is not None else []
    head += headers
    said = talk(("\r\n".join(head) + "\r\n\r\n").encode() + body)
    top, _, rest = said.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    found = dict((k.lower(), v) for k, v in (line.split(": ", 1) for line in lines[1:]))
    return int(lines[0].split(" ")[1]), found, rest


def need(what, why):
    if not what:
        sys.exit("FAIL: %s: %s" % (daemon, why))


def pages():
    for path, kind in PAGES.items():
        status, found, body = ask(path)
        need(status == 200 and found["content-type"] == kind, path)
        need(int(found["content-length"]) == len(body), path + ": length")
        for name, value in HEADERS.items():
            need(found.get(name) == value, "%s: %s is %s" % (path, name, found.get(name)))
        policy = found["content-security-policy"]
        need("default-src 'none'" in policy and "unsafe" not in policy
             and "http" not in policy and "*" not in policy, "CSP: " + policy)
        # Nothing from outside, and no script or style but of these files.
        text = body.decode()
        if path == "/":
            need(set(re.findall(r'(?:src|href)="([^"]*)"', text)) ==
                 {"/page.js", "/page.css", "/metrics"}, "the page's resources")
            need(not re.search(r"<script[^>]*>[^<]|<style| on[a-z]+=| style=", text),
                 "markup that the CSP forbids")
            need('name="viewport"' in text and "<noscript>" in text, "phones, no script")
        need(not re.search(r"(https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9]", text)
             or path == "/page.css", path + ": it names another site")
        need(not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(",
                           text), path + ": strings become markup")
        status, found, body = ask(path, "HEAD")
        need(status == 200 and int(found["content-length"]) > 0 and body == b"", "HEAD")


def status_json(trusted):
    headers = ["Authorization: Bearer " + token] if trusted else []
    status, found, body = ask("/status.json?x=1", headers=headers)
    need(status == 200 and found["content-type"] == "application/json", "status.json")
    said = json.loads(body)
    need(said["daemon"] == daemon and said["status"]["verdict"], "status.json")
    return said, body.decode()


def who_sees_what():
    said, text = status_json(False)
    need("tables" not in said and "client_id" not in text and '"rows"' not in text,
         "rows without a token")
    if token == "-":
        status, _, _ = ask("/status.json", headers=["Authorization: Bearer -"])
        need(status == 401, "a token where there is none")
        return
    said, _ = status_json(True)
    need(sorted(said["tables"]) == sorted(rows), "tables: %s" % list(said["tables"]))
    for name, table in said["tables"].items():
        need(table["columns"] and len(table["rows"]) <= 200, name)
    for wrong in (token[:-1], token + "x", "", "x" * len(token), token.swapcase()):
        for path in ("/status.json", "/metrics"):
            status, found, body = ask(path, headers=["Authorization: Bearer " + wrong])
            need(status == 401 and b"rows" not in body and
                 found.get("www-authenticate") == "Bearer", "a wrong token")
    status, _, _ = ask("/status.json", headers=["Authorization: Basic " + token])
    need(status == 401, "another scheme")


def rebinding():
    """A stranger's page whose name was made to lead here."""
    n = 0
    for host in ("evil.example", "evil.example:" + port, "127.0.0.1.evil.example:" + port,
                 address + ":1", address, "localhost.evil.example:" + port,
                 "[::1]:" + port, "", "10.0.0.1:" + port, "0x7f.1:" + port):
        for path in ("/", "/metrics", "/status.json"):
            status, _, body = ask(path, host=host)
            need(status == 421 and b"rsip" not in body, "Host %r: %d" % (host, status))
            n += 1
    for site in ("cross-site", "same-site", "x"):
        need(ask("/metrics", headers=["Sec-Fetch-Site: " + site])[0] == 403, site)
        n += 1
    for site in ("same-origin", "none"):
        need(ask("/metrics", headers=["Sec-Fetch-Site: " + site])[0] == 200, site)
    need(ask("/metrics", host="localhost:" + port)[0] == 200, "localhost")
    _, found, _ = ask("/metrics", headers=["Origin: http://evil.example"])
    need(not any(k.startswith("access-control") for k in found), "CORS")
    return n


def bad_requests():
    n = 0
    for raw, wanted in (
            (b"GET /metrics\r\n\r\n", 400), (b"\r\n\r\n", 400),
            (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
            (b"GET /metrics HTTP/2.0\r\nHost: h\r\n\r\n", 505),
            (b"GET http://h/metrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET /metrics HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
            (b"GET /metrics HTTP/1.1\r\nHost : h\r\n\r\n", 400),
            (b"GET /metrics HTTP/1.1\nHost: h\r\n\r\n", 400),
            (b"GET /m\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 2000 + b"\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n", 431)):
        said = talk(raw)
        need(said.split(b" ")[1:2] == [b"%d" % wanted] or (wanted == 431 and said == b""),
             "%r is answered %r" % (raw[:60], said[:40]))
        n += 1
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get"):
        need(ask("/status.json", method)[0] == 405, method)
        n += 1
    for headers in (["Content-Length: 5"], ["Transfer-Encoding: chunked"]):
        need(ask("/metrics", headers=headers, body=b"hello")[0] == 400, "a body")
        n += 1
    for path in ("/../etc/passwd", "/etc/passwd", "//", "/%2e%2e/x", "/metrics/", "/reload",
                 "/" + 300 * "x"):
        need(ask(path)[0] == 404, path)
        n += 1
    return n


def crowd():
    """Who opens connections and says nothing costs 16 of them for ten seconds."""
    idle = [dial() for _ in range(60)]
    time.sleep(0.3)
    open_ones = 0
    for s in idle:
        s.settimeout(0.01)
        try:
            open_ones += s.recv(1) != b""
        except TimeoutError:
            open_ones += 1
        except ConnectionError:
            pass
    need(open_ones <= 16, "%d idle connections are kept" % open_ones)
    return idle, open_ones


def main():
    pages()
    who_sees_what()
    n = rebinding()
    m = bad_requests()
    idle, kept = crowd()
    begun = time.monotonic()
    while True:
        try:
            if ask("/metrics")[0] == 200:
                break
        except (OSError, ValueError, IndexError):
            pass
        need(time.monotonic() - begun < 15, "idle connections stay")
        time.sleep(0.2)
    for s in idle:
        s.close()
    print("%s: got through: 0 of %d foreign names and pages, 0 of %d bad requests; "
          "%d of 60 idle connections were kept, for %.0f s"
          % (daemon, n, m, kept, time.monotonic() - begun))


main()
