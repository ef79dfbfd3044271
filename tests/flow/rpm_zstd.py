#!/usr/bin/env python3
"""rpm_zstd.py REPODATA: the .gz files that repomd.xml names, compressed with zstd instead. For createrepo_c before 1.0, which
knows no zstd. The signature is for the caller to make."""
import gzip
import hashlib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

where = sys.argv[1]
ns = "http://linux.duke.edu/metadata/repo"
ET.register_namespace("", ns)
ET.register_namespace("rpm", "http://linux.duke.edu/metadata/rpm")
path = os.path.join(where, "repomd.xml")
doc = ET.parse(path)
for data in doc.getroot().findall(f"{{{ns}}}data"):
    location = data.find(f"{{{ns}}}location")
    old = os.path.join(where, os.path.basename(location.get("href")))
    if not old.endswith(".gz"):
        continue
    with open(old, "rb") as f:
        packed = subprocess.run(["zstd", "-q", "-c", "-9"], input=gzip.decompress(f.read()), stdout=subprocess.PIPE, check=True).stdout
    os.unlink(old)
    digest = hashlib.sha256(packed).hexdigest()
    name = f"{digest}-{os.path.basename(old).split('-', 1)[1][:-3]}.zst"
    with open(os.path.join(where, name), "wb") as f:
        f.write(packed)
    location.set("href", f"repodata/{name}")
    data.find(f"{{{ns}}}checksum").text = digest
    data.find(f"{{{ns}}}size").text = str(len(packed))
doc.write(path, encoding="UTF-8", xml_declaration=True)
