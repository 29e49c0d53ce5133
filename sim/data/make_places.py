#!/usr/bin/env python3
"""Makes places.csv and backbone_hubs.csv's integer columns. Needs nothing but Python.

    make_places.py cities15000.csv OUT     every city: integer unit vector, region, population
    make_places.py --hubs IN OUT           adds x,y,z to a list name,country,lat,lon

Run once, by hand; its output is committed, so that no compiler's sin or cos can move a city.
Order: region (alphabetical), then along a Hilbert curve over (longitude, sine of latitude).
"""
import csv
import math
import sys

SCALE = 32767  # length of a unit vector: one step is 0.19 km

REGIONS = {
    "africa": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS "
              "LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG "
              "YT ZA ZM ZW",
    "asia": "AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK "
            "MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
    "europe": "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT "
              "JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SK SM UA VA XK",
    "north_america": "AG AI AW BB BL BM BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF "
                     "MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI BQ",
    "oceania": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PW SB TO TV VU WF WS",
    "south_america": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
REGION_OF = {c: r for r, cs in REGIONS.items() for c in cs.split()}


def unit(lat, lon):
    la, lo = math.radians(lat), math.radians(lon)
    v = (math.cos(la) * math.cos(lo), math.cos(la) * math.sin(lo), math.sin(la))
    return tuple(math.floor(c * SCALE + 0.5) for c in v)


def hilbert(x, y, bits=12):
    d = 0
    s = 1 << (bits - 1)
    while s:
        rx, ry = (x & s) > 0, (y & s) > 0
        d += s * s * ((3 * rx) ^ ry)
        if not ry:
            if rx:
                x, y = (1 << bits) - 1 - x, (1 << bits) - 1 - y
            x, y = y, x
        s >>= 1
    return d


def places(source, out):
    rows = []
    for c in csv.DictReader(open(source, encoding="utf-8", newline="")):
        lat, lon = float(c["lat"]), float(c["lon"])
        x, y, z = unit(lat, lon)
        at = hilbert(int((lon + 180) / 360 * 4095), int((math.sin(math.radians(lat)) + 1) * 2047))
        region = REGION_OF[c["country_iso2"]]
        name = c["name"].replace(",", " ").replace('"', "")
        rows.append((region, at, int(c["geoname_id"]), name, c["country_iso2"], x, y, z,
                     int(c["population"])))
    rows.sort()
    with open(out, "w", encoding="utf-8", newline="\n") as f:
        f.write("name,country,region,x,y,z,population\n")
        for region, _, _, name, country, x, y, z, population in rows:
            f.write(f"{name},{country},{region},{x},{y},{z},{population}\n")


def hubs(source, out):
    with open(out, "w", encoding="utf-8", newline="\n") as f:
        f.write("name,country,kind,lat,lon,x,y,z\n")
        for h in csv.DictReader(open(source, encoding="utf-8", newline="")):
            x, y, z = unit(float(h["lat"]), float(h["lon"]))
            f.write(f"{h['name']},{h['country']},{h['kind']},{h['lat']},{h['lon']},{x},{y},{z}\n")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--hubs":
        hubs(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 3:
        places(sys.argv[1], sys.argv[2])
    else:
        sys.exit(__doc__)
