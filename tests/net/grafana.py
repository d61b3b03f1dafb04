"""grafana.py - contrib/grafana.json asks for metrics and labels that there are

usage: grafana.py DASHBOARD METRICS-TEXT

What only some machine has (a path, a cipher) is a value of a label: those are not
looked at, names are.
"""
import json
import re
import sys

import metrics_text

ADDED = {"instance", "job", "le"}	# by Prometheus, and of histograms


def main():
    with open(sys.argv[1]) as f:
        board = json.load(f)
    with open(sys.argv[2]) as f:
        families = metrics_text.families(f.read())
    labels = {}
    for family in families.values():
        for name, found, _ in family["samples"]:
            labels.setdefault(name, set()).update(found)
    bad, asked = [], set()
    expressions = [t["expr"] for p in board["panels"] for t in p["targets"]]
    expressions += [v["query"].replace("label_values(", "").replace(", instance)", "")
                    for v in board["templating"]["list"] if "label_values" in v["query"]]
    for e in expressions:
        names = re.findall(r"\brsip_[a-z0-9_]+", e)
        if not names:
            bad.append("%s asks for nothing" % e)
        for name in names:
            asked.add(name)
            # An error that no host has made so far has no sample.
            if name not in labels and name != "rsip_errors_total":
                bad.append("there is no %s" % name)
        by = re.findall(r"by \(([^)]*)\)", e)
        used = {w.strip() for group in by for w in group.split(",")}
        used |= set(re.findall(r'([a-z]+)(?:=~|!=|=)"', e))
        for name in names:
            if name in labels and used - ADDED - labels[name]:
                bad.append("%s has no %s" % (name, used - ADDED - labels[name]))
    ids = [p["id"] for p in board["panels"]]
    if len(ids) != len(set(ids)):
        bad.append("two panels have one id")
    for line in bad:
        print(line)
    print("%d panels ask for %d metrics" % (len(ids), len(asked)))
    sys.exit(bool(bad))


main()
