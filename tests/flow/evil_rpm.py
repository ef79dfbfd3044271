#!/usr/bin/env python3
"""Writes hostile rpm packages: evil_rpm.py DIR [MANY]. One package a case, named as the case, in DIR; DIR/primary.xml offers them all,
with right digests; DIR/cases says CASE<TAB>verdict (bad, forged or fine). All have right digests in their headers unless that is the case; none is signed.
With MANY there are so many packages many-1, many-2 ... instead, and `slow' with users' names behind what takes seconds to decompress."""
import bz2
import gzip
import hashlib
import os
import struct
import sys

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
cases = []
INT16, INT32, STRING, BIN, ARRAY, I18N = 3, 4, 6, 7, 8, 9


def header(tags, region):
    """tags: {tag: (type, value)}"""
    index, store = [], b""
    for tag, (kind, value) in sorted(tags.items()):
        if kind == STRING:
            count, data = 1, value + b"\0"
        elif kind in (ARRAY, I18N):
            count, data = len(value), b"".join(v + b"\0" for v in value)
        elif kind == BIN:
            count, data = len(value), value
        else:
            size = {INT16: 2, INT32: 4}[kind]
            store += b"\0" * (-len(store) % size)
            count, data = len(value), b"".join(struct.pack(">H" if size == 2 else ">I", v) for v in value)
        index.append((tag, kind, len(store), count))
        store += data
    trailer = struct.pack(">IIiI", region, BIN, -16 * (len(index) + 1), 16)
    index.insert(0, (region, BIN, len(store), 16))
    store += trailer
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(index), len(store)) + b"".join(struct.pack(">IIII", *i) for i in index) + store


def cpio(name, data=b"", mode=0o100644, ino=1, nlink=1, size=None, rdev=(0, 0), magic=b"070701"):
    name += b"\0"
    fields = (ino, mode, 0, 0, nlink, 0, len(data) if size is None else size, 0, 0, *rdev, len(name), 0)
    e = magic + b"".join(b"%08x" % f for f in fields) + name
    e += b"\0" * (-len(e) % 4) + data
    return e + b"\0" * (-len(data) % 4)


END = cpio(b"TRAILER!!!", mode=0)


class File:
    def __init__(self, path, data=b"x\n", mode=0o100755, link=b"", ino=None, said=None, digest=None, flags=0, caps=b"", user=b"root"):
        self.path, self.data, self.mode, self.link, self.ino, self.flags, self.caps, self.user = path, data, mode, link, ino, flags, caps, user
        self.size = len(data) if said is None else said
        self.digest = (hashlib.sha256(data).hexdigest().encode() if mode >> 12 == 8 else b"") if digest is None else digest


def package(name, verdict, files, payload=None, pack=lambda b: gzip.compress(b, mtime=0), bend=lambda h: h, tags=(), after=lambda b: b):
    files = [File(b"/usr/share/fine", b"fine\n")] + files
    if payload is None:
        payload = b"".join(cpio(b"." + f.path, f.link or f.data, f.mode, i + 1 if f.ino is None else f.ino) for i, f in enumerate(files)) + END
    dirs = sorted({os.path.dirname(f.path) + b"/" for f in files})
    packed = pack(payload)
    t = {
        1000: (STRING, name.encode()), 1001: (STRING, b"1"), 1002: (STRING, b"1"), 1004: (I18N, [b"t"]), 1005: (I18N, [b"t"]),
        1009: (INT32, [sum(f.size for f in files) & 0xffffffff]), 1014: (STRING, b"MIT"), 1021: (STRING, b"linux"), 1022: (STRING, b"noarch"),
        1028: (INT32, [f.size for f in files]), 1030: (INT16, [f.mode for f in files]), 1033: (INT16, [0x0103] * len(files)),
        1034: (INT32, [1700000000] * len(files)), 1035: (ARRAY, [f.digest for f in files]), 1036: (ARRAY, [f.link for f in files]),
        1037: (INT32, [f.flags for f in files]), 1039: (ARRAY, [f.user for f in files]), 1040: (ARRAY, [b"root"] * len(files)),
        1044: (STRING, b"t-1-1.src.rpm"), 1047: (ARRAY, [name.encode()]), 1112: (INT32, [8]), 1113: (ARRAY, [b"1-1"]),
        1095: (INT32, [1] * len(files)), 1096: (INT32, [i + 1 if f.ino is None else f.ino for i, f in enumerate(files)]),
        1116: (INT32, [dirs.index(os.path.dirname(f.path) + b"/") for f in files]), 1117: (ARRAY, [os.path.basename(f.path) for f in files]),
        1118: (ARRAY, dirs), 1124: (STRING, b"cpio"), 1125: (STRING, b"gzip"), 1126: (STRING, b"9"), 5010: (ARRAY, [f.caps for f in files]),
        5011: (INT32, [8]), 5092: (ARRAY, [hashlib.sha256(packed).hexdigest().encode()]), 5093: (INT32, [8]),
    }
    t.update(dict(tags))
    main = bend(header(t, 63))
    sig = header({273: (STRING, hashlib.sha256(main).hexdigest().encode()), 1000: (INT32, [len(main) + len(packed)]),
                  1004: (BIN, hashlib.md5(main + packed).digest())}, 62)
    lead = struct.pack(">4sBBhh66shh16s", b"\xed\xab\xee\xdb", 3, 0, 0, 1, name.encode()[:65], 1, 5, b"")
    with open(f"{out}/{name}-1-1.noarch.rpm", "wb") as f:
        f.write(after(lead + sig + b"\0" * (-len(sig) % 8) + main + packed))
    cases.append((name, verdict))


ENTRY = """<package type="rpm"><name>{0}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>
<checksum type="sha256" pkgid="YES">{1}</checksum><summary>t</summary><description>t</description><packager/><url/>
<time file="1700000000" build="1700000000"/><size package="{2}" installed="{3}" archive="1000"/><location href="{0}-1-1.noarch.rpm"/>
<format><rpm:license>MIT</rpm:license><rpm:vendor/><rpm:group/><rpm:buildhost/><rpm:sourcerpm>t-1-1.src.rpm</rpm:sourcerpm>
<rpm:provides><rpm:entry name="{0}" flags="EQ" epoch="0" ver="1" rel="1"/></rpm:provides></format></package>
"""
INSTALLED = 1000


def offer():
    with open(f"{out}/cases", "w", encoding="ascii") as f, open(f"{out}/primary.xml", "w", encoding="ascii") as p:
        p.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{len(cases)}">\n')
        for name, verdict in cases:
            f.write(f"{name}\t{verdict}\n")
            with open(f"{out}/{name}-1-1.noarch.rpm", "rb") as package_file:
                data = package_file.read()
            p.write(ENTRY.format(name, hashlib.sha256(data).hexdigest(), len(data), INSTALLED))
        p.write("</metadata>\n")


def patch(offset, value):
    return lambda h: h[:offset] + value + h[offset + len(value):]


if len(sys.argv) > 2:
    INSTALLED = 1 << 28
    package("slow", "fine", [File(b"/etc/a", b"\0" * (200 << 20)), File(b"/etc/passwd", b"root:x:0:0:\n")], pack=lambda b: bz2.compress(b, 1))
    for n in range(int(sys.argv[2])):
        package(f"many-{n + 1}", "fine", [])
    offer()
    sys.exit()
package("fine", "fine", [])
package("ghostly", "fine", [File(b"/usr/share/ghost", flags=64)], payload=cpio(b"./usr/share/fine", b"fine\n") + END)
package("stripped", "fine", [File(b"/usr/share/b", b"b")], payload=cpio(b"./usr/share/fine", b"fine\n") + b"07070X00000001" + b"\0\0" + b"b\0\0\0" + END)
# Paths
package("dotdot", "bad", [File(b"/usr/../../canary/dotdot")])
package("dotdot-last", "bad", [File(b"/usr/share/..", mode=0o040755, data=b"")])
package("link-out-write", "bad", [File(b"/usr/out", b"", 0o120777, b"../../canary"), File(b"/usr/out/written")])
package("link-abs-write", "bad", [File(b"/usr/abs", b"", 0o120777, b"/"), File(b"/usr/abs/canary-abs")])
package("link-in-write", "bad", [File(b"/usr/real", b"", 0o040755), File(b"/usr/in", b"", 0o120777, b"real"), File(b"/usr/in/written")])
package("file-below-file", "bad", [File(b"/usr/share/fine/below")])
package("long-component", "bad", [File(b"/usr/" + b"n" * 300)])
package("device", "fine", [File(b"/dev/sda", b"", 0o060644)])
# What the payload says against what the header says
good = cpio(b"./usr/share/fine", b"fine\n", 0o100755)
package("not-in-header", "bad", [], payload=good + cpio(b"./usr/share/more", b"x") + END)
package("other-path", "bad", [File(b"/usr/share/b", b"b")], payload=good + cpio(b"./../../canary/other", b"b") + END)
package("not-in-payload", "bad", [File(b"/usr/share/b", b"b")], payload=good + END)
package("twice", "bad", [], payload=good + good + END)
package("other-size", "bad", [File(b"/usr/share/b", b"b", said=5)])
package("huge-size", "bad", [File(b"/usr/share/b", b"b", said=0xffffffff)], payload=good + cpio(b"./usr/share/b", b"b", size=0xffffffff) + END)
package("other-digest", "bad", [File(b"/usr/share/b", b"b", digest=b"0" * 64)])
package("odd-digest", "bad", [File(b"/usr/share/b", b"b", digest=b"12")])
package("other-kind", "bad", [File(b"/usr/share/b", b"", 0o120777, b"target")], payload=good + cpio(b"./usr/share/b", b"target", 0o100644) + END)
package("other-target", "bad", [File(b"/usr/share/b", b"", 0o120777, b"target")], payload=good + cpio(b"./usr/share/b", b"/etc/passwd", 0o120777) + END)
package("index-too-large", "bad", [], payload=good + b"07070X000000ff\0\0" + END)
package("no-trailer", "bad", [], payload=good)
package("cut-entry", "bad", [], payload=good[:60])
package("bad-magic", "bad", [], payload=b"070799" + good[6:] + END)
package("bad-hex", "bad", [], payload=good[:20] + b"zz" + good[22:] + END)
package("name-without-end", "bad", [], payload=good.replace(b"fine\0", b"fineX", 1) + END)
package("bad-caps", "bad", [File(b"/usr/share/b", b"b", caps=b"cap_of_nothing=ep")])
# Compression
package("unknown-compressor", "bad", [], pack=lambda b: b"XYZ!" + b, tags=[(1125, (STRING, b"xyz"))])
package("cut-payload", "bad", [File(b"/usr/share/b", os.urandom(5000))], pack=lambda b: gzip.compress(b, mtime=0)[:-3000])
package("bent-payload", "bad", [], after=lambda b: b[:-10] + b"\0" + b[-9:])
package("bomb", "bad", [], payload=good + cpio(b"./usr/share/bomb", bytes(300 << 20)) + END)
# Headers
package("no-dirindex", "bad", [], bend=lambda h: h.replace(struct.pack(">I", 1116), struct.pack(">I", 1115), 1))
package("dirindex-too-large", "bad", [], tags=[(1116, (INT32, [77]))])
package("fewer-modes", "bad", [File(b"/usr/share/b")], tags=[(1030, (INT16, [0o100644]))])
package("absurd-count", "bad", [], bend=patch(8, b"\xff\xff\xff\xff"))
package("absurd-store", "bad", [], bend=patch(12, b"\x7f\xff\xff\xff"))
package("absurd-offset", "bad", [], bend=patch(16 + 16 + 8, b"\x7f\xff\xff\xff"))
package("absurd-entry-count", "bad", [], bend=patch(16 + 16 + 12, b"\x7f\xff\xff\xff"))
package("absurd-type", "bad", [], bend=patch(16 + 16 + 4, b"\0\0\0\x63"))
package("other-name", "forged", [], tags=[(1000, (STRING, b"something-else"))])
package("format-3-lead", "fine", [], after=lambda b: b[:4] + b"\x04" + b[5:])
package("no-lead", "bad", [], after=lambda b: b"\0" * 96 + b[96:])
package("cut-lead", "bad", [], after=lambda b: b[:50])
package("cut-signature", "bad", [], after=lambda b: b[:120])
package("cut-header", "bad", [], after=lambda b: b[:600])
package("no-payload", "bad", [], pack=lambda b: b"")
offer()
