#!/usr/bin/env python3
"""Writes hostile .debs into a directory, and a Packages that offers them all with right digests.
   evil_deb.py DIR: one package a case, named as the case; DIR/pool/CASE.deb and DIR/cases (CASE<TAB>verdict: bad or fine)."""
import hashlib, io, os, sys, tarfile, gzip, lzma

out = sys.argv[1]
os.makedirs(out + "/pool", exist_ok=True)
cases = []

def ar(members):
    b = b"!<arch>\n"
    for name, data in members:
        b += ("%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, "100644", len(data))).encode() + data + (b"\n" if len(data) % 2 else b"")
    return b

def tar(entries, fmt=tarfile.GNU_FORMAT):
    f = io.BytesIO()
    with tarfile.open(fileobj=f, mode="w", format=fmt) as t:
        for e in entries:
            name, kind, rest = e[0], e[1], e[2] if len(e) > 2 else b""
            i = tarfile.TarInfo(name)
            i.mode = 0o755
            if kind == "f":
                i.size = len(rest)
                t.addfile(i, io.BytesIO(rest))
                continue
            i.type = {"d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE, "b": tarfile.BLKTYPE, "p": tarfile.FIFOTYPE}[kind]
            if kind in "lh":
                i.linkname = rest
            if kind in "cb":
                i.devmajor, i.devminor = 8, 0
            t.addfile(i)
    return f.getvalue()

def control(name, extra=""):
    return gzip.compress(tar([("./", "d"), ("./control", "f", ("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: t\n%s" % (name, extra)).encode())]), mtime=0)

def add(name, verdict, members, installed=10):
    data = members if isinstance(members, bytes) else ar(members)
    open("%s/pool/%s.deb" % (out, name), "wb").write(data)
    cases.append((name, verdict, len(data), hashlib.sha256(data).hexdigest(), installed))

def deb(name, verdict, entries, installed=10, fmt=tarfile.GNU_FORMAT):
    add(name, verdict, [("debian-binary", b"2.0\n"), ("control.tar.gz", control(name)), ("data.tar.gz", gzip.compress(tar(entries, fmt), mtime=0))], installed)

ok = [("./", "d"), ("./usr/", "d"), ("./usr/fine", "f", b"fine\n")]
deb("fine", "fine", ok)
deb("absolute", "fine", ok + [("/usr/share/rooted", "f", b"stays in the root")])
deb("dotdot", "bad", ok + [("./usr/../../canary/dotdot", "f", b"x")])
deb("dotdot-start", "bad", ok + [("../canary/dotdot", "f", b"x")])
deb("link-out-write", "bad", ok + [("./usr/out", "l", "../../canary"), ("./usr/out/written", "f", b"x")])
deb("link-abs-write", "bad", ok + [("./usr/abs", "l", "/"), ("./usr/abs/canary-abs", "f", b"x")])
deb("link-in-write", "bad", ok + [("./usr/real/", "d"), ("./usr/in", "l", "real"), ("./usr/in/written", "f", b"x")])
deb("link-then-file", "fine", ok + [("./usr/moo", "l", "../../canary/moo"), ("./usr/moo", "f", b"x")])
deb("hard-out", "bad", ok + [("./usr/hard", "h", "../canary/victim")])
deb("hard-abs", "bad", ok + [("./usr/hard", "h", "/etc/passwd")])
deb("hard-link", "bad", ok + [("./usr/soft", "l", "/etc/passwd"), ("./usr/hard", "h", "./usr/soft/../../etc/passwd")])
deb("device", "bad", ok + [("./dev/", "d"), ("./dev/sda", "b")])
deb("device-char", "bad", ok + [("./usr/mem", "c")])
deb("bomb", "bad", ok + [("./usr/bomb", "f", bytes(80 * 1024 * 1024))])
deb("name-newline", "fine", ok + [("./usr/a\nzonestrap: error: forged", "f", b"x")])
deb("name-dotdot-newline", "bad", ok + [("./usr/../a\nzonestrap: error: forged", "f", b"x")])
deb("long-component", "bad", ok + [("./usr/" + "n" * 300, "f", b"x")])
deb("dir-over-file", "bad", ok + [("./usr/fine/below", "f", b"x")])
good = [("debian-binary", b"2.0\n"), ("control.tar.gz", control("x")), ("data.tar.gz", gzip.compress(tar(ok), mtime=0))]
whole = ar(good)
add("no-ar", "bad", b"this is no archive\n" * 20)
add("nearly-empty", "bad", b"\n")
add("cut-header", "bad", whole[:100])
add("cut-control", "bad", whole[:200])
add("cut-data", "bad", whole[:-40])
add("bad-magic", "bad", whole.replace(b"`\n", b"\n`", 1))
add("bad-size", "bad", whole.replace(b"4         `\n", b"4x        `\n", 1))
add("huge-size", "bad", ar(good[:2]) + ("%-16s%-12d%-6d%-6d%-8s%-10s`\n" % ("data.tar.gz", 0, 0, 0, "100644", "9999999999")).encode() + b"x" * 100)
add("version-3", "bad", [("debian-binary", b"3.0\n")] + good[1:])
add("no-version", "bad", good[1:])
add("no-data", "bad", good[:2])
add("no-control", "bad", [good[0], good[2]])
add("order", "bad", [good[0], good[2], good[1]])
add("odd-member", "bad", [good[0], ("surprise", b"x"), good[1], good[2]])
add("underscore", "fine", [good[0], ("_ignored", b"x"), good[1], good[2]])
add("unknown-filter", "bad", good[:2] + [("data.tar.xxx", b"x" * 100)])
add("wrong-filter", "bad", good[:2] + [("data.tar.xz", gzip.compress(tar(ok)))])
add("tar-garbage", "bad", good[:2] + [("data.tar", b"garbage " * 200)])
cut = gzip.compress(tar(ok + [("./usr/big", "f", os.urandom(200000))]))
add("cut-gzip", "bad", good[:2] + [("data.tar.gz", cut[:-1000])])
t = tar(ok + [("./usr/big", "f", b"y" * 200000)])
add("cut-tar", "bad", good[:2] + [("data.tar.gz", gzip.compress(t[:100000]))])
x = bytearray(lzma.compress(tar(ok + [("./usr/big", "f", os.urandom(50000))])))
x[len(x) // 2] ^= 255
add("bent-xz", "bad", good[:2] + [("data.tar.xz", bytes(x))])

with open(out + "/Packages", "w") as p:
    for name, verdict, size, digest, installed in cases:
        p.write("Package: %s\nVersion: 1\nArchitecture: all\nInstalled-Size: %d\nFilename: pool/%s.deb\nSize: %d\nSHA256: %s\n\n" % (name, installed, name, max(size, 1) if size else 0, digest))
with open(out + "/cases", "w") as c:
    for name, verdict, *_ in cases:
        c.write("%s\t%s\n" % (name, verdict))
