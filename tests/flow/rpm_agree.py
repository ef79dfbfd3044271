"""Compares what zonestrap unpacks from rpm packages with what rpm says of them.

    rpm_agree.py packages TOOL WORK EVERY PACKAGE...   each EVERYth package against rpm's file list and rpm2archive
    rpm_agree.py oracle TOOL WORK ORACLE_DIR PACKAGE_DIR ALLOW

TOOL is build/unit/rpm_unpack_test. Prints counts by reason; exit status 1 where something differs without a reason.
"""
import collections, hashlib, lzma, os, shutil, stat, subprocess, sys, tarfile

FIELDS = ["FILENAMES", "FILEMODES", "FILESIZES", "LONGFILESIZES", "FILEMTIMES", "FILELINKTOS", "FILEUSERNAME", "FILEGROUPNAME",
          "FILEFLAGS", "FILEDIGESTS", "FILEINODES", "FILEDEVICES", "FILERDEVS", "FILECAPS"]
GHOST = 64


def run(*argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def query(path, fmt):
    return run("rpm", "-qp", "--nosignature", "--nodigest", "--qf", fmt, path).stdout


def clean(path):
    return b"/".join(p for p in path.split(b"/") if p not in (b"", b"."))


def header(path):
    """The files that rpm's header lists, by path."""
    out = query(path, "[" + "\\t".join("%%{%s%s}" % (f, ":hex" if f == "FILEMODES" else "") for f in FIELDS) + "\\n]")
    files = {}
    for line in out.split(b"\n"):
        v = line.split(b"\t")
        if len(v) == len(FIELDS):
            f = dict(zip(FIELDS, v))
            files[clean(f["FILENAMES"])] = f
    return files


def hashed(f):
    h = hashlib.sha256()
    for block in iter(lambda: f.read(1 << 20), b""):
        h.update(block)
    return h.hexdigest()


def sha(path):
    with open(path, "rb") as f:
        return hashed(f)


def walk(root):
    for d, dirs, names in os.walk(os.fsencode(root)):
        for n in dirs + names:
            p = os.path.join(d, n)
            yield p[len(root) + 1:], p, os.lstat(p)


def accounts(names, work, what):
    """A passwd or group file where each name has a number of its own."""
    ids = {b"root": 0}
    for n in sorted(names):
        ids.setdefault(n, 5000 + len(ids))
    path = os.path.join(work, what)
    with open(path, "wb") as f:
        for n, i in ids.items():
            f.write(b"%s:x:%d:%d::/:/bin/sh\n" % (n, i, i) if what == "passwd" else b"%s:x:%d:\n" % (n, i))
    return path, ids


def setcap(text, work):
    """security.capability as setcap sets it; None where that is missing or does not want to."""
    path = os.path.join(work, "caps")
    open(path, "w").close()
    if shutil.which("setcap") is None or run("setcap", text, path).returncode != 0:
        return None
    return os.getxattr(path, "security.capability")


def xattr(path):
    try:
        return os.getxattr(path, "security.capability", follow_symlinks=False)
    except OSError:
        return None


def archive(path):
    """What rpm2archive makes of the payload: path -> digest of a file's content."""
    digests = {}
    with open(path, "rb") as f:
        p = subprocess.Popen(["rpm2archive", "-n", "-"], stdin=f, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with tarfile.open(fileobj=p.stdout, mode="r|", encoding="utf-8", errors="surrogateescape") as t:
            for m in t:
                name = clean(os.fsencode(m.name))
                if m.isreg():
                    digests[name] = hashed(t.extractfile(m))
                elif m.islnk():
                    digests[name] = digests.get(clean(os.fsencode(m.linkname)))
    except tarfile.TarError:
        digests = None
    while p.stdout.read(1 << 20):
        pass
    p.stdout.close()
    return digests if p.wait() == 0 else None


def differences(path, root, files, users, groups, work):
    """A set of words, one for each kind of difference."""
    diff = set()
    want = {p: f for p, f in files.items() if not int(f["FILEFLAGS"]) & GHOST}
    parents = set()
    for p in want:
        while b"/" in p:
            p = p.rsplit(b"/", 1)[0]
            parents.add(p)
    seen = {}
    digests = archive(path)
    if digests is None:
        diff.add("rpm2archive refuses the package")
    names = {}
    for p, full, st in walk(root):
        seen[p] = st
        f = want.get(p)
        if f is None:
            if p not in parents:
                diff.add("a path that the header does not list")
            continue
        mode = int(f["FILEMODES"], 16)
        if st.st_mode != mode and not (stat.S_ISLNK(mode) and stat.S_ISLNK(st.st_mode)):  # of links Linux has none
            diff.add("mode")
        if (st.st_uid, st.st_gid) != (users[f["FILEUSERNAME"]], groups[f["FILEGROUPNAME"]]):
            diff.add("owner")
        if st.st_mtime_ns != int(f["FILEMTIMES"]) * 10**9:
            diff.add("time")
        size = int(f["FILESIZES"] if f["FILESIZES"] != b"(none)" else f["LONGFILESIZES"])
        if stat.S_ISLNK(mode) and os.readlink(full) != f["FILELINKTOS"]:
            diff.add("link")
        if stat.S_ISREG(mode):
            names.setdefault((st.st_dev, st.st_ino), set()).add(p)
            got = sha(full)
            if st.st_size != size:
                diff.add("size")
            if len(f["FILEDIGESTS"]) == 64 and got.encode() != f["FILEDIGESTS"]:
                diff.add("digest")
            if digests is not None and p in digests and digests[p] != got:
                diff.add("content differs from rpm2archive's")
            if digests is not None and p not in digests:
                diff.add("rpm2archive does not have the file")
            caps = f["FILECAPS"] if f["FILECAPS"] != b"(none)" else b""
            if (xattr(full) is not None) != (caps != b"") or (caps and setcap(caps.decode(), work) not in (None, xattr(full))):
                diff.add("capabilities")
        if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and st.st_rdev != os.makedev(*divmod(int(f["FILERDEVS"]) & 0xffff, 256)):
            diff.add("device number")
    for p in want:
        if p not in seen and p != b"" and not stat.S_ISSOCK(int(want[p]["FILEMODES"], 16)):
            diff.add("a path that was not unpacked")
    sets = {}
    for p, f in want.items():
        if stat.S_ISREG(int(f["FILEMODES"], 16)) and f["FILEINODES"] not in (b"0", b"(none)"):
            sets.setdefault((f["FILEDEVICES"], f["FILEINODES"]), set()).add(p)
    if {frozenset(s) for s in names.values() if len(s) > 1} != {frozenset(s) for s in sets.values() if len(s) > 1}:
        diff.add("hard links")
    return diff


def one(tool, work, path):
    src, arch = (query(path, "%{SOURCEPACKAGE} %{ARCH}") + b" ").split(b" ")[:2]
    root = os.path.join(work, "root")
    shutil.rmtree(root, ignore_errors=True)
    files = header(path)
    pw, users = accounts({f["FILEUSERNAME"] for f in files.values()}, work, "passwd")
    gr, groups = accounts({f["FILEGROUPNAME"] for f in files.values()}, work, "group")
    out = run(tool, root, "-p", pw, "-g", gr, path)
    if out.returncode != 0:
        why = out.stdout.decode(errors="replace").strip()
        if "a source package" in why:
            return "source package", why
        bad = run("rpmkeys", "--checksig", "--nosignature", path).returncode != 0
        return ("refused, by rpm too" if bad else "refused"), why
    if arch == b"":
        return "rpm does not read it", ""
    diff = differences(path, root, files, users, groups, work)
    return ("agreed", "") if not diff else ("; ".join(sorted(diff)), "")


# Each is rpm's own doing or the package's.
REASONS = ("agreed", "source package", "refused, by rpm too")


def packages(tool, work, every, paths):
    count = collections.Counter()
    for i, path in enumerate(sorted(paths)):
        if i % every:
            continue
        what, why = one(tool, work, path)
        count[what] += 1
        if what not in REASONS:
            print("%s: %s %s" % (path, what, why))
        elif why and what != "source package":
            print("# %s" % why)
    for what, n in count.most_common():
        print("# %5d %s" % (n, what))
    return 0 if set(count) <= set(REASONS) and count["agreed"] else 1


def oracle(tool, work, oracle_dir, package_dir, allow):
    with open(os.path.join(oracle_dir, "centos7.6-closure63.list")) as f:
        names = f.read().split()
    entries, digests = {}, {}
    with lzma.open(os.path.join(oracle_dir, "centos7.6-tree-scripts.txt.xz"), "rt", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            v = line.rstrip("\n").split("\t")
            if len(v) == 7:
                entries[v[5]] = (v[0], int(v[1], 8), v[2], v[3], v[6])
            elif line[:64].isalnum() and line[64:66] == "  ":
                digests[line[66:].rstrip("\n")] = line[:64]
    entries.pop("", None)
    root = os.path.join(work, "root")
    shutil.rmtree(root, ignore_errors=True)
    layout = [a for l in ("bin=usr/bin", "sbin=usr/sbin", "lib=usr/lib", "lib64=usr/lib64", "var/run=../run", "var/lock=../run/lock")
              for a in ("-l", l)]
    out = run(tool, root, *layout, *[os.path.join(package_dir, n) for n in names])
    if out.returncode != 0:
        print(out.stdout.decode(errors="replace"))
        return 1

    def table(path):
        with open(os.path.join(root, path)) as f:
            return {int(l.split(":")[2]): l.split(":")[0] for l in f}
    users, groups = table("etc/passwd"), table("etc/group")
    with open(allow) as f:
        allowed = [l.split()[0] for l in f if l.strip() and not l.startswith("#")]
    kinds = {stat.S_IFDIR: "d", stat.S_IFREG: "f", stat.S_IFLNK: "l"}
    seen, bad, excused = set(), [], 0
    for p, full, st in walk(root):
        p = os.fsdecode(p)
        seen.add(p)
        kind = kinds.get(stat.S_IFMT(st.st_mode), "?")
        got = (kind, st.st_mode & 0o7777, users.get(st.st_uid, "?"), groups.get(st.st_gid, "?"),
               os.readlink(full).decode() if kind == "l" else "")
        if p not in entries:
            bad.append((p, "only ours: %s" % (got,)))
        elif entries[p] != got:
            bad.append((p, "%s, the oracle has %s" % (got, entries[p])))
        elif kind == "f" and sha(full) != digests.get(p):
            bad.append((p, "content"))
    bad += [(p, "only the oracle's: %s" % (entries[p],)) for p in entries if p not in seen]
    used = set()
    for p, why in sorted(bad):
        rule = next((a for a in allowed if p == a or (a.endswith("/") and (p + "/").startswith(a))), None)
        if rule is None:
            print("%s: %s" % (p, why))
        else:
            used.add(rule)
            excused += 1
    print("# %d entries, %d equal, %d exempt, %d unexplained" % (len(entries), len(entries) - len(bad), excused, len(bad) - excused))
    for a in allowed:
        if a not in used:
            print("# not needed: %s" % a)
    return 1 if len(bad) > excused else 0


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    if sys.argv[1] == "packages":
        sys.exit(packages(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
    sys.exit(oracle(*sys.argv[2:]))
