"""Checks an image layout against the specification: oci_check.py DIR TAG [KEY=VALUE...]; the values are what must be so."""
import gzip, hashlib, json, os, re, sys, tarfile

root, tag, wants = sys.argv[1], sys.argv[2], dict(a.split("=", 1) for a in sys.argv[3:])


def read(path):
    with open(os.path.join(root, path), "rb") as f:
        return f.read()


def blob(d, kind):
    assert d["mediaType"] == "application/vnd.oci.image." + kind, d
    assert re.fullmatch("sha256:[0-9a-f]{64}", d["digest"]), d
    data = read("blobs/sha256/" + d["digest"][7:])
    assert len(data) == d["size"], d
    assert "sha256:" + hashlib.sha256(data).hexdigest() == d["digest"], d
    return data


assert json.loads(read("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
index = json.loads(read("index.json"))
assert index["schemaVersion"] == 2
for name in os.listdir(os.path.join(root, "blobs/sha256")):
    assert hashlib.sha256(read("blobs/sha256/" + name)).hexdigest() == name, name
found = [m for m in index["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == tag]
assert len(found) == 1, index
manifest = json.loads(blob(found[0], "manifest.v1+json"))
assert manifest["schemaVersion"] == 2 and manifest["mediaType"] == found[0]["mediaType"]
config = json.loads(blob(manifest["config"], "config.v1+json"))
assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 1
layer = gzip.decompress(blob(manifest["layers"][0], "layer.v1.tar+gzip"))
tar = hashlib.sha256(layer).hexdigest()
assert config["rootfs"] == {"type": "layers", "diff_ids": ["sha256:" + tar]}
with open(wants.pop("tar"), "rb") as f:
    assert f.read() == layer, "the layer is not the tarball"
assert config["os"] == "linux"
for k, v in found[0].get("platform", config).items():
    assert k not in ("architecture", "os", "variant") or config[k] == v, found[0]
labels = config["config"]["Labels"]
assert config["created"] == labels["org.opencontainers.image.created"] == config["history"][0]["created"]
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", config["created"])
says = {
    "arch": config["architecture"] + config.get("variant", ""),
    "cmd": " ".join(config["config"]["Cmd"]),
    "title": labels["org.opencontainers.image.title"],
    "version": labels["org.opencontainers.image.version"],
    "comment": config["history"][0].get("comment", ""),
    "by": config["history"][0]["created_by"],
    "created": config["created"],
    "tags": ",".join(m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]),
    "blobs": str(len(os.listdir(os.path.join(root, "blobs/sha256")))),
}
for k, v in wants.items():
    assert says[k] == v, (k, says[k], v)
assert sorted(os.listdir(root)) == ["blobs", "index.json", "oci-layout"], os.listdir(root)
