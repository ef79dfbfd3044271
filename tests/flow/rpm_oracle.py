#!/usr/bin/env python3
"""Compares a root with the list of a real installation's tree: path, type, owner, mode, link, digest.

    rpm_oracle.py ROOT ORACLE.txt.xz EXTRA ALLOW STAGE

EXTRA holds paths, one a line, of packages in ROOT that the list's installation did not have. ALLOW holds EREs, a reason
behind ` # `, that a line of difference may match; one that starts with `stage1 ` or `stage2 ` counts for that STAGE alone.
Prints what else differs, and each ERE that nothing matched (an exemption without a use is a mistake)."""
import hashlib
import lzma
import os
import re
import stat
import sys

root, oracle, extra_file, allow_file, stage = sys.argv[1:]


def read_names(path):
    with open(os.path.join(root, path), "rb") as f:
        return {int(l.split(b":")[2]): l.split(b":")[0].decode() for l in f if l.count(b":") >= 3}


def expected():
    files, digests = {}, {}
    with lzma.open(oracle, "rt", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if re.match("[0-9a-f]{64}  ", line):
                digests[line[66:]] = line[:64]
                continue
            kind, mode, user, group, _, path, link = line.split("\t")
            files[path] = (kind, mode, f"{user}:{group}", link if kind == "l" else "")
    return {p: v + (digests.get(p, ""),) for p, v in files.items()}


def found():
    users, groups = read_names("etc/passwd"), read_names("etc/group")
    out = {}
    for where, dirs, files in os.walk(os.fsencode(root)):
        for name in dirs + files:
            full = os.path.join(where, name)
            s = os.lstat(full)
            kind = {stat.S_IFDIR: "d", stat.S_IFREG: "f", stat.S_IFLNK: "l"}.get(stat.S_IFMT(s.st_mode), "?")
            owner = f"{users.get(s.st_uid, s.st_uid)}:{groups.get(s.st_gid, s.st_gid)}"
            link = os.fsdecode(os.readlink(full)) if kind == "l" else ""
            digest = ""
            if kind == "f":
                with open(full, "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
            path = os.path.relpath(os.fsdecode(full), root)
            out[path] = (kind, "%o" % stat.S_IMODE(s.st_mode), owner, link, digest)
    return out


def extras():
    """The paths of other packages, and what lies above them."""
    out = set()
    merged = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
    with open(extra_file, encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            line = re.sub("^/var/run/", "/run/", line)
            first, _, rest = line.strip().lstrip("/").partition("/")
            path = f"{merged[first]}/{rest}" if first in merged else f"{first}/{rest}"
            while path and path not in out:
                out.add(path)
                path = os.path.dirname(path)
    return out


def differences():
    want, have, other = expected(), found(), extras()
    want.pop("", None)  # the root itself
    for path in sorted(want.keys() | have.keys()):
        if path not in have:
            yield f"absent {path}"
        elif path not in want:
            if path not in other:
                yield f"more {path}"
        else:
            for what, a, b in zip(("kind", "mode", "owner", "link", "content"), want[path], have[path]):
                if a != b:
                    yield f"{what} {path}: {a} -> {b}"


def main():
    sys.stdout.reconfigure(errors="surrogateescape")
    rules = []
    with open(allow_file, encoding="utf-8") as f:
        for line in f:
            rule, _, reason = line.rstrip("\n").partition(" # ")
            for other in ("stage1", "stage2"):
                if rule.startswith(other + " "):
                    rule = rule[len(other) + 1:] if other == stage else ""
            if rule:
                assert reason, line
                rules.append(re.compile(rule))
    used, bad = set(), 0
    for line in differences():
        hits = [r for r in rules if r.match(line)]
        used.update(hits)
        if not hits:
            print(line)
            bad += 1
    for r in rules:
        if r not in used:
            print(f"no difference is excused by: {r.pattern}")
            bad += 1
    print(f"# {len(expected())} paths compared")
    return bad != 0


sys.exit(main())
