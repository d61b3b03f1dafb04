#!/usr/bin/env python3
"""report.py - the table that ends the demo: DIR holds what proof.sh collected."""
import json
import os
import sys

AUTH = {"dnssec": "RSA, key from DNSSEC", "dns": "RSA, key from DNS", "psk": "pre-shared key"}
CLEAR = {"pass", "none"}


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def covers(row, addr):
    return row.get("dst", "").split("/")[0] == addr


def flow_row(spd, addr):
    rows = [r for r in spd["rows"] if covers(r, addr)]
    # The pair of one's own flow stands before anything it may replace.
    rows.sort(key=lambda r: (r.get("policy") != "encrypt", -int(r.get("bytes", 0) or 0)))
    return rows[0] if rows else {}


def column(folder, host, server, addr, wire):
    row = flow_row(load(folder, f"{host}.spd"), addr)
    with open(os.path.join(folder, f"{host}.{server}.time"), encoding="utf-8") as f:
        first, total, speed = (float(x) for x in f.read().split())
    with open(os.path.join(folder, f"{host}.{server}"), "rb") as f, \
            open(os.path.join(folder, "www/file"), "rb") as g:
        intact = f.read() == g.read()
    if server == "y1":
        saw = ("ESP only" if not wire["clear_packets_y1"] and wire["esp_packets"]
               and not wire["udp_4500"] else "CLEAR TEXT")
    else:
        saw = "clear text" if wire["clear_packets_y2"] else "not seen"
    return [
        f"{host} > {server}", addr, row.get("policy", "?"), row.get("spi_in") or "-",
        row.get("spi_out") or "-", row.get("cipher") or "-", row.get("peer") or "-",
        AUTH.get(row.get("auth", ""), "-"), f"{first * 1000:.0f} ms",
        f"{total:.2f} s, {speed / 1e6:.1f} MB/s", "yes" if intact else "NO", saw,
    ]


def main():
    folder = sys.argv[1]
    wire = load(folder, "wire.json")
    titles = ["", "address", "policy", "SPI in", "SPI out", "cipher", "peer", "authenticated by",
              "first byte after", "10 MB in", "file intact", "on the public wire"]
    columns = [titles]
    for server, addr in (("y1", sys.argv[2]), ("y2", sys.argv[3])):
        columns += [column(folder, host, server, addr, wire) for host in ("x1", "x2")]
    widths = [max(len(cell) for cell in c) for c in columns]
    print()
    for i in range(len(titles)):
        print("  " + "  ".join(c[i].ljust(w) for c, w in zip(columns, widths)).rstrip())
        if i == 0:
            print("  " + "  ".join("-" * w for w in widths))
    print()
    print("  y1's view of the two behind one address:")
    for row in load(folder, "y1.spd")["rows"]:
        if row.get("policy") == "encrypt":
            print(f"    {row.get('src')} > {row.get('dst')}  peer {row.get('peer') or '?'}"
                  f"  {AUTH.get(row.get('auth', ''), '-')}"
                  f"  SPI in {row.get('spi_in')} out {row.get('spi_out')}")
    print()
    print(f"  The witness at N's public port: {wire['esp_packets']} packets of ESP "
          f"({wire['esp_bytes'] / 1e6:.1f} MB), {wire['ike_packets']} of IKE,")
    print(f"  {wire['udp_4500']} of UDP 4500, {wire['clear_packets_y1']} with a piece of the file "
          f"between Nb and y1; {wire['clear_packets_y2']} with one between Nb and y2.")
    for spi, s in sorted(wire["spi_in"].items()):
        print(f"  inbound SPI {spi}: {s['packets']} packets, all tunnelled to {s['host']}")
    for fault in wire["faults"]:
        print(f"  FAULT: {fault}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
