"""metrics_schema.py - what daemons answer is what they say they answer, and what doc/control.md says

usage: metrics_schema.py DOC RSIPCTL SOCKET...

Sockets are those of rsipd, rsipc and oed.  With CONTROL_MD=write in the
environment the tables of DOC are written anew.
"""
import json
import os
import re
import subprocess
import sys

TABLES = {"rsipd": ["leases", "flows"], "rsipc": ["leases", "sa", "spd"],
          "oed": ["sa", "spd"]}
# What only some machine or trouble has.
ABSENT = re.compile(
    r"dataplane\.offload|session\.(trouble|next_try|last_error)$|"
    r"errors\.<error>|shared\.|(oe\.)?esp\.|lease\.port_range$|direct\.|"
    r"worker_")
bad = []


def ask(ctl, socket, *command):
    said = subprocess.run([ctl, "-s", socket, "--json", *command],
                          capture_output=True, text=True, check=True)
    return json.loads(said.stdout)


def is_field(o):
    return isinstance(o, dict) and isinstance(o.get("type"), str)


def fields(schema, prefix=""):
    """{"pool.ports_free": field}"""
    found = {}
    for key, value in schema.items():
        if is_field(value):
            found[prefix + key] = value
        else:
            found.update(fields(value, prefix + key + "."))
    return found


def fits(value, kind):
    if kind in ("counter", "gauge", "number"):
        return type(value) in (int, float) and value >= 0
    if kind == "histogram":
        return set(value) == {"count", "sum", "le"}
    if kind == "list":
        return all(isinstance(v, str) for v in value)
    return isinstance(value, {"flag": bool, "text": str}[kind])


def check(where, schema, answer, seen, prefix=""):
    """Each value has its place in the schema; seen gets their keys."""
    any_key = next((k for k in schema if k.startswith("<")), None)
    for key, value in answer.items():
        known = schema.get(key, schema.get(any_key))
        name = prefix + (key if key in schema else str(any_key))
        if known is None:
            bad.append("%s answers %s, which its schema has not" % (where, prefix + key))
        elif is_field(known):
            seen.add(name)
            if not fits(value, known["type"]):
                bad.append("%s: %s is %r, no %s" % (where, name, value, known["type"]))
        else:
            check(where, known, value, seen, name + ".")


def table(found):
    lines = ["| key | type | unit | meaning | metric |", "|---|---|---|---|---|"]
    for key, f in found.items():
        metric = f.get("metric", "")
        if metric and f.get("labels"):
            metric += "{%s}" % ",".join('%s="%s"' % tuple(w.split("="))
                                        for w in f["labels"].split())
        lines.append("| `%s` | %s | %s | %s | %s |" % (
            key, f["type"], f["unit"], f["help"],
            "`%s`" % metric if metric else ""))
    return lines


def documented(schemas):
    """{title: rows}; the engine stands once, whoever embeds it."""
    status = {name: fields(s["status"]) for name, s in schemas.items()}
    engine = {k[3:]: v for k, v in status["rsipc"].items() if k.startswith("oe.")}
    for key, value in engine.items():
        if status["oed"].get(key) != value:
            bad.append("oed's %s is not rsipc's" % key)
    own = {k: v for k, v in status["rsipc"].items() if not k.startswith("oe.")}
    left = {k: v for k, v in status["oed"].items() if k not in engine}
    out = {"rsipd": status["rsipd"], "rsipc": own, "oed": left, "engine": engine}
    out["leases of rsipd"] = schemas["rsipd"]["leases"]
    out["leases of rsipc"] = schemas["rsipc"]["leases"]
    out["flows"] = schemas["rsipd"]["flows"]
    for name in ("sa", "spd"):
        out[name] = schemas["oed"][name]
        if schemas["rsipc"][name] != out[name]:
            bad.append("oed's %s is not rsipc's" % name)
    return {title: table(found) for title, found in out.items()}


def document(path, tables):
    """Each table stands behind "<!-- TITLE -->", up to an empty line."""
    with open(path) as f:
        old = f.read()
    new = old
    for title, lines in tables.items():
        mark = "<!-- %s -->\n" % title
        if mark not in new:
            bad.append("%s has no %s" % (path, mark.strip()))
            continue
        head, tail = new.split(mark)
        rest = tail.split("\n\n", 1)[1] if "\n\n" in tail else ""
        new = head + mark + "\n".join(lines) + "\n\n" + rest
    if os.environ.get("CONTROL_MD") == "write":
        with open(path, "w") as f:
            f.write(new)
    elif new != old:
        bad.append("%s says something else than the daemons: write it anew with "
                   "CONTROL_MD=write" % path)


def names(schemas):
    """One key, one type and unit, wherever it stands: {key: (type, unit)}."""
    found = {}
    for daemon, schema in schemas.items():
        for key, f in fields(schema).items():
            last = key.split(".")[-1]
            if not re.fullmatch(r"[a-z][a-z0-9_]*|<[a-z]+>", last):
                bad.append("%s: %s is no name" % (daemon, key))
            if f["help"] == "":
                bad.append("%s: %s has no help" % (daemon, key))
            kind = (f["type"] in ("text", "flag", "list"), f["unit"])
            if found.setdefault(last, kind) != kind:
                bad.append("%s: %s is of another kind elsewhere" % (daemon, key))
    return found


def main():
    doc, ctl, *sockets = sys.argv[1:]
    schemas, total, missing = {}, 0, 0
    for socket in sockets:
        schema = ask(ctl, socket, "schema")
        name = schema.pop("daemon")
        schemas[name] = schema
        answer = ask(ctl, socket, "status")
        del answer["daemon"]
        seen = set()
        check(name, schema["status"], answer, seen)
        for key in fields(schema["status"]):
            total += 1
            if key not in seen:
                missing += 1
                if not ABSENT.match(key):
                    bad.append("%s does not answer %s" % (name, key))
        for command in TABLES[name]:
            answer = ask(ctl, socket, command)
            columns = [c["key"] for c in answer["columns"]]
            if columns != list(schema[command]):
                bad.append("%s %s: columns are not the schema's" % (name, command))
            if not answer["rows"]:
                bad.append("%s %s: no rows to look at" % (name, command))
            for row in answer["rows"]:
                check("%s %s" % (name, command), schema[command], row, set())
        metrics = set(ask(ctl, socket, "metrics")["metrics"]) - {"rsip_build"}
        said = {f["metric"]: k for k, f in fields(schema["status"]).items()
                if "metric" in f}
        for metric in metrics - set(said):
            bad.append("%s: metric %s is not in the schema" % (name, metric))
        for metric in set(said) - metrics:
            if not ABSENT.match(said[metric]):
                bad.append("%s: no metric %s" % (name, metric))
    known = names(schemas)
    document(doc, documented(schemas))
    for line in bad:
        print(line)
    print("%d keys of status, %d of them not now; %d names in all, each of one kind"
          % (total, missing, len(known)))
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
