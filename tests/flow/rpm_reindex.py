#!/usr/bin/env python3
"""Bends a repository and keeps its digests right; the signature is for the caller to make.

    rpm_reindex.py REPO set TYPE FILE      FILE becomes the index TYPE (primary, modules ...), compressed with gzip
    rpm_reindex.py REPO cat TYPE           prints the index TYPE
    rpm_reindex.py REPO refresh            primary gets the size and the digest that each package file has now"""
import gzip
import hashlib
import os
import re
import sys
import xml.etree.ElementTree as ET

repo, what = sys.argv[1], sys.argv[2]
ns = "{http://linux.duke.edu/metadata/repo}"
ET.register_namespace("", ns[1:-1])
repomd = os.path.join(repo, "repodata/repomd.xml")
doc = ET.parse(repomd)


def entry(kind):
    for data in doc.getroot().findall(ns + "data"):
        if data.get("type") == kind:
            return data
    data = ET.SubElement(doc.getroot(), ns + "data", type=kind)
    for name in ("checksum", "open-checksum"):
        ET.SubElement(data, ns + name, type="sha256")
    ET.SubElement(data, ns + "location")
    for name in ("size", "open-size"):
        ET.SubElement(data, ns + name)
    return data


def get(kind):
    with open(os.path.join(repo, entry(kind).find(ns + "location").get("href")), "rb") as f:
        raw = f.read()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def put(kind, text):
    data, packed = entry(kind), gzip.compress(text, 6, mtime=0)
    digest = hashlib.sha256(packed).hexdigest()
    href = f"repodata/{digest}-{kind}.gz"
    with open(os.path.join(repo, href), "wb") as f:
        f.write(packed)
    data.find(ns + "location").set("href", href)
    data.find(ns + "checksum").text = digest
    data.find(ns + "size").text = str(len(packed))
    for name, value in (("open-checksum", hashlib.sha256(text).hexdigest()), ("open-size", str(len(text)))):
        if data.find(ns + name) is not None:
            data.find(ns + name).text = value
    doc.write(repomd, encoding="UTF-8", xml_declaration=True)


def refresh(m):
    text = m.group(0)
    with open(os.path.join(repo, re.search(rb'<location href="([^"]*)"', text).group(1).decode()), "rb") as f:
        data = f.read()
    text = re.sub(rb'(<checksum type="sha256" pkgid="YES">)[^<]*', rb"\g<1>" + hashlib.sha256(data).hexdigest().encode(), text)
    return re.sub(rb'(<size package=)"[0-9]*"', rb'\g<1>"%d"' % len(data), text)


if what == "set":
    with open(sys.argv[4], "rb") as f:
        put(sys.argv[3], f.read())
elif what == "cat":
    sys.stdout.buffer.write(get(sys.argv[3]))
else:
    put("primary", re.sub(rb"<package type=.*?</package>", refresh, get("primary"), flags=re.S))
