"""web_page.py - serves a daemon's real page around a status that strangers wrote, for a browser

usage: web_page.py ADDRESS:PORT OWN-PORT
"""
import http.server
import json
import sys
import urllib.request

EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'&'
real, port = sys.argv[1], int(sys.argv[2])


class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        with urllib.request.urlopen("http://%s%s" % (real, self.path)) as r:
            body, headers = r.read(), r.headers.items()
        if self.path == "/status.json":
            said = json.loads(body)
            said["daemon"] = "oed" + EVIL
            said["status"]["verdict"] = EVIL
            said["status"][EVIL] = EVIL
            said["tables"] = {EVIL: {
                "columns": [{"key": EVIL, "type": "text", "unit": "", "wide": False}],
                "rows": [{EVIL: EVIL}, {EVIL: [EVIL]}], "more": 1}}
            body = json.dumps(said).encode()
        self.send_response(200)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()
