"""Puts an image's layers together and compares with the tarball of the root: oci_merge.py DIR TAG TAR [KEY=VALUE...].
Keys: layers=N, top=NAMES (what is no directory in the last layer, sorted), times=yes (files' times must be the same, too), base=TAG, blobs=N, tags=NAMES."""
import gzip, hashlib, io, json, os, subprocess, sys, tarfile

root, tag, tar, wants = sys.argv[1], sys.argv[2], sys.argv[3], dict(a.split("=", 1) for a in sys.argv[4:])


def blob(d):
    with open(os.path.join(root, "blobs/sha256", d["digest"][7:]), "rb") as f:
        data = f.read()
    assert len(data) == d["size"] and "sha256:" + hashlib.sha256(data).hexdigest() == d["digest"], d
    return data


def plain(data, kind):
    if kind.endswith("+gzip"):
        return gzip.decompress(data)
    if kind.endswith("+zstd"):
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


class Inode:
    def __init__(self, m, data):
        x = {k: v for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
        mode = 0o777 if m.issym() else m.mode
        self.is_dir = m.isdir()
        self.what = (m.type if not m.isreg() else b"0", mode, m.uid, m.gid, m.linkname, m.devmajor, m.devminor, hashlib.sha256(data).hexdigest(), tuple(sorted(x.items())))
        self.mtime = int(m.mtime) if m.isreg() else None


def clean(name):
    return os.path.normpath(name).lstrip("/")


def remove(fs, path, itself):
    for p in [p for p in fs if (itself and p == path) or (p.startswith(path + "/") if path != "." else p != ".")]:
        del fs[p]


def apply(fs, data):
    seen, entries = set(), []
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        members = t.getmembers()
        for m in members:  # they are about what is underneath alone
            path = clean(m.name)
            name = os.path.basename(path)
            if name == ".wh..wh..opq":
                remove(fs, os.path.dirname(path) or ".", False)
            elif name.startswith(".wh."):
                remove(fs, clean(os.path.join(os.path.dirname(path), name[4:])), True)
        for m in members:
            path = clean(m.name)
            assert path not in seen, ("twice", path)
            seen.add(path)
            parent = os.path.dirname(path) or "."
            assert path == "." or parent in seen, ("no directory before it", path)
            if not m.isdir():
                entries.append(path)
            if os.path.basename(path).startswith(".wh."):
                assert m.isreg() and m.size == 0
                continue
            if m.islnk():
                assert clean(m.linkname) in seen, ("a hard link out of the layer", path)
                fs[path] = fs[clean(m.linkname)]
                continue
            if path in fs and not (m.isdir() and fs[path].is_dir):
                remove(fs, path, True)
            fs[path] = Inode(m, t.extractfile(m).read() if m.isreg() else b"")
    return entries


def shape(fs):
    names = {}
    for p, i in fs.items():
        names.setdefault(id(i), []).append(p)
    return {p: (i.what, tuple(sorted(names[id(i)]))) for p, i in fs.items()}


index = json.load(open(os.path.join(root, "index.json")))
by_tag = {m["annotations"]["org.opencontainers.image.ref.name"]: m for m in index["manifests"]}
manifest = json.loads(blob(by_tag[tag]))
config = json.loads(blob(manifest["config"]))
layers = [plain(blob(l), l["mediaType"]) for l in manifest["layers"]]
assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]
assert len([h for h in config["history"] if not h.get("empty_layer")]) == len(layers), config["history"]
merged = {}
tops = [sorted(apply(merged, l)) for l in layers]
want = {}
with open(tar, "rb") as f:
    apply(want, plain(f.read(), tar.replace(".gz", "+gzip")))
a, b = shape(merged), shape(want)
for p in sorted(set(a) | set(b)):
    assert a.get(p) == b.get(p), (p, a.get(p), b.get(p))
if wants.get("times"):
    for p in want:
        assert merged[p].mtime == want[p].mtime, (p, merged[p].mtime, want[p].mtime)
labels = config["config"]["Labels"]
base = labels.get("org.opencontainers.image.base.digest")
if "base" in wants:
    below = json.loads(blob(by_tag[wants["base"]]))
    assert base == by_tag[wants["base"]]["digest"], labels
    assert [(l["digest"], l["size"]) for l in manifest["layers"][:-1]] == [(l["digest"], l["size"]) for l in below["layers"]]
    assert config["history"][:-1] == json.loads(blob(below["config"]))["history"]
says = {"layers": str(len(layers)), "top": " ".join(tops[-1]), "blobs": str(len(os.listdir(os.path.join(root, "blobs/sha256")))), "tags": ",".join(by_tag)}
for k, v in wants.items():
    assert k in ("times", "base") or says[k] == v, (k, says[k], v)
assert sorted(os.listdir(root)) == ["blobs", "index.json", "oci-layout"], os.listdir(root)
