"""metrics_text.py - reads OpenMetrics 1.0 text as strictly as its specification is; knows nothing of the daemons

usage: metrics_text.py FILE [EARLIER]

EARLIER is what was said before: counters only grow.
"""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?Inf|NaN")
TYPES = {"counter": ["_total", "_created"], "gauge": [""], "info": ["_info"],
         "histogram": ["_bucket", "_count", "_sum", "_created"]}


class Bad(Exception):
    pass


def need(what, why):
    if not what:
        raise Bad(why)


def unescape(text):
    """Of a label's value or a help text; a lone backslash is an error."""
    out, i = "", 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            i += 1
            need(i < len(text) and text[i] in '\\n"', "a bad escape in %r" % text)
            c = {"n": "\n"}.get(text[i], text[i])
        out += c
        i += 1
    return out


def labels(text):
    """{name: value} of what stands between the braces."""
    found, i = {}, 0
    while i < len(text):
        m = LABEL.match(text, i)
        need(m, "no label name in %r" % text)
        need(m.group() not in found, "a label twice in %r" % text)
        i = m.end()
        need(text[i:i + 2] == '="', "no value in %r" % text)
        start = i = i + 2
        while i < len(text) and text[i] != '"':
            i += 2 if text[i] == "\\" else 1
        need(i < len(text), "an open value in %r" % text)
        found[m.group()] = unescape(text[start:i])
        i += 1
        if i < len(text):
            need(text[i] == "," and i + 1 < len(text), "no comma in %r" % text)
            i += 1
    return found


def number(text):
    need(NUMBER.fullmatch(text), "no number: %r" % text)
    return float(text)


def sample(line):
    """(name, labels, value)"""
    m = NAME.match(line)
    need(m, "no metric name: %r" % line)
    name, i, found = m.group(), m.end(), {}
    if line[i:i + 1] == "{":
        end, quoted = i + 1, False
        while end < len(line) and (quoted or line[end] != "}"):
            if quoted and line[end] == "\\":
                end += 1
            elif line[end] == '"':
                quoted = not quoted
            end += 1
        need(end < len(line), "open labels: %r" % line)
        found, i = labels(line[i + 1:end]), end + 1
    need(line[i:i + 1] == " ", "no space before the value: %r" % line)
    return name, found, number(line[i + 1:])


def histogram(name, samples):
    """Buckets grow, end with +Inf, which is the count."""
    series = {}
    for full, found, value in samples:
        rest = {k: v for k, v in found.items() if k != "le"}
        s = series.setdefault(tuple(sorted(rest.items())), {"le": []})
        if full.endswith("_bucket"):
            need("le" in found, "%s: a bucket without le" % name)
            s["le"].append((number(found["le"]), value))
        else:
            need("le" not in found, "%s: le outside of a bucket" % name)
            s[full[len(name):]] = value
    for key, s in series.items():
        bounds = [b for b, _ in s["le"]]
        counts = [c for _, c in s["le"]]
        need(bounds == sorted(set(bounds)) and bounds[-1:] == [float("inf")],
             "%s: bounds %s" % (name, bounds))
        need(counts == sorted(counts), "%s: counts %s" % (name, counts))
        need(s.get("_count") == counts[-1], "%s: count is not +Inf's" % name)
        need("_sum" in s, "%s: no sum" % name)


def families(text):
    """{family: {"type", "unit", "help", "samples"}}; Bad where it is no document."""
    need(text.endswith("# EOF\n"), "it does not end with # EOF")
    need("\r" not in text and "\0" not in text, "control characters")
    lines = text[:-len("# EOF\n")].split("\n")
    need(lines.pop() == "", "no line feed before # EOF")
    found, current = {}, None
    for line in lines:
        need(line != "", "an empty line")
        if line.startswith("#"):
            words = line.split(" ", 3)
            need(len(words) == 4 and words[0] == "#" and
                 words[1] in ("TYPE", "UNIT", "HELP"), "bad comment: %r" % line)
            _, kind, name, rest = words
            need(NAME.fullmatch(name), "bad name: %r" % line)
            if current != name:
                need(name not in found, "%s stands in two places" % name)
                found[name] = {"samples": []}
                current = name
            f = found[name]
            need(kind not in f, "%s has two of %s" % (name, kind))
            need(not f["samples"], "%s: %s behind samples" % (name, kind))
            if kind == "TYPE":
                need(rest in TYPES, "unknown type: %r" % line)
            elif kind == "UNIT":
                need(name.endswith("_" + rest), "%s is not in %s" % (name, rest))
            f[kind] = unescape(rest) if kind == "HELP" else rest
            continue
        name, found_labels, value = sample(line)
        need(current is not None, "a sample before any family: %r" % line)
        f = found[current]
        need("TYPE" in f, "%s has no type" % current)
        need(name in [current + s for s in TYPES[f["TYPE"]]],
             "%r is none of %s" % (name, current))
        if f["TYPE"] != "gauge":
            need(value >= 0, "%r below 0" % line)
        f["samples"].append((name, found_labels, value))
    for name, f in found.items():
        need("TYPE" in f and f.get("HELP"), "%s: no type or no help" % name)
        need(not re.search("_(total|created|bucket|count|sum|info)$", name),
             "%s: a family has no suffix" % name)
        keys = [(n, tuple(sorted(l.items()))) for n, l, _ in f["samples"]]
        need(len(keys) == len(set(keys)), "%s: a sample twice" % name)
        if f["TYPE"] == "histogram":
            histogram(name, f["samples"])
    return found


def grown(before, after):
    """What counted on has not gone back."""
    n = 0
    for name, f in before.items():
        if f["TYPE"] in ("gauge", "info"):
            continue
        now = {(a, tuple(sorted(l.items()))): v
               for a, l, v in after.get(name, {"samples": []})["samples"]}
        for full, found, value in f["samples"]:
            key = (full, tuple(sorted(found.items())))
            need(now.get(key, -1) >= value, "%s went back" % full)
            n += 1
    return n


def refuses():
    """The reader itself: each of these is wrong in one thing."""
    good = '# TYPE a counter\n# HELP a x\na_total{b="c\\"\\\\\\n"} 1\n# EOF\n'
    families(good)
    for bad in ("", good[:-1], good[6:], good.replace("a_total", "a"),
                good.replace(" 1", " x"), good.replace(" 1", " -1"),
                good.replace("{b=", "{b=\"\",b="), good.replace("# HELP a x\n", ""),
                good.replace('\\"', '\\q'), good.replace("} 1", "}  1"),
                good.replace("# EOF", "\n# EOF"), "# UNIT a seconds\n" + good,
                good.replace("# EOF\n", "# TYPE b gauge\n# HELP b x\n"
                             "a_total 2\n# EOF\n")):
        try:
            families(bad)
        except Bad:
            continue
        sys.exit("it reads %r" % bad)


def main():
    refuses()
    with open(sys.argv[1]) as f:
        now = families(f.read())
    said = "%d families, %d samples" % (
        len(now), sum(len(f["samples"]) for f in now.values()))
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as f:
            said += ", %d counters have not gone back" % grown(
                families(f.read()), now)
    print(said)


if __name__ == "__main__":
    try:
        main()
    except Bad as e:
        sys.exit("not OpenMetrics: %s" % e)
