#!/bin/bash
# Images of finished roots: a small rpm distribution of the host's own programs, and a real bookworm where a mirror answers.
. "$(dirname "$0")/../flow/lib.sh"
[ "$(id -u)" = 0 ] || { skipped oci_rpm "needs root"; done_; }
. "$here/rpm_repo.sh"
. "$here/rpm_modern_repo.sh"
. "$here/oci_clients.sh"
. "$here/mirror.sh"
rpm_key
rpm_modern_repo "$work/repo" || { not_ok "the repository is made"; done_; }
rpm_modern_recipe "file://$work/repo"
check() { python3 "$here/oci_check.py" "$@"; }
export TMPDIR=$work/tmp; mkdir -m 1777 "$TMPDIR"
img=$work/img

t_stage1() {
    zs_local create --second-stage later mine/one "$work/s1.tar" && zs_local create --second-stage later mine/one "oci:$img:stage1" &&
    check "$img" stage1 tar="$work/s1.tar" arch=amd64 cmd=/bin/bash comment="second stage pending" tags=stage1
}
case_ "rpm, stage 1: the layer is the tarball" t_stage1
t_finished() {
    zs_local create mine/one "$work/a.tar" && zs_local create mine/one "oci:$img:one" && check "$img" stage1 tar="$work/s1.tar" &&
    check "$img" one tar="$work/a.tar" arch=amd64 cmd=/bin/bash comment= tags=stage1,one blobs=6 && [ -z "$(ls -A "$TMPDIR")" ] && [ -z "$(ls -A "$work" "$img" | grep partial)" ]
}
case_ "rpm, finished: the layer is the tarball" t_finished
t_again() { zs_local create --jobs 1 mine/one "oci:$work/two:one" && [ "$(ls "$work/two/blobs/sha256" | wc -l)" = 3 ] && (cd "$work/two/blobs/sha256" && for f in *; do cmp "$f" "$img/blobs/sha256/$f" || exit 1; done); }
case_ "again: the same bytes" t_again
if clients_can; then
    t_podman() {
        (cd "$work" && run_podman pull oci:img:one) && run_podman images --format '{{.ID}}' | head -n 1 >"$work/id" &&
        run_image "$(cat "$work/id")" rpm -qa --qf '%{NAME}\n' >"$work/qa" && grep -v gpg-pubkey "$work/qa" | sort | diff - <(zs_local plan --names mine/one) && run_image "$(cat "$work/id")" rpm -V filesystem coreutils
    }
    case_ "podman runs rpm -qa and rpm -V in it" t_podman
    t_pending() {
        (cd "$work" && run_podman pull -q oci:img:stage1) >"$work/id" && echo '/zonestrap/second-stage >/dev/null 2>/tmp/err || cat /tmp/err; rpm -qa --qf "%{NAME}\n"; ls -d /zonestrap' | run_image -i "$(cat "$work/id")" >"$work/qa" 2>"$work/qa.err"
        grep -v gpg-pubkey "$work/qa" | sort | diff - <(zs_local plan --names mine/one) || { cat "$work/qa.err"; return 1; }
    }
    case_ "a second stage that is pending runs in a container" t_pending
else skipped "podman" "podman or runc is missing"; fi
t_fails() {
    printf '#!/bin/sh\nexit 3\n' >"$work/hook"; chmod 755 "$work/hook"
    fails_with 8 'hook' zs_local create --hook "$work/hook" mine/one "oci:$work/bad:x" && [ ! -e "$work/bad" ] && [ -z "$(ls -A "$TMPDIR")" ] || return 1
    fails_with 8 'hook' zs_local create --keep --hook "$work/hook" mine/one "oci:$work/bad:x" && [ ! -e "$work/bad" ] && [ -d "$work/bad.root/usr/bin" ] || return 1
    (cd "$img" && sha256sum index.json && ls blobs/sha256) >"$work/before"; fails_with 8 'hook' zs_local create --hook "$work/hook" mine/one "oci:$img:x" && (cd "$img" && sha256sum index.json && ls blobs/sha256) | diff "$work/before" - && [ "$(ls -A "$img" | wc -l)" = 3 ]
}
case_ "a second stage that fails: no image, with --keep its root beside DIR" t_fails

if [ -n "$mirror" ] && clients_can; then
    t_debian() {
        local c="$zs create --cache-dir $shared_cache --progress none"
        $c debian/bookworm "$work/d.tar" && $c debian/bookworm "oci:$work/deb:12" && check "$work/deb" 12 tar="$work/d.tar" cmd=/bin/bash version=12 by="zonestrap create debian/bookworm" &&
        (cd "$work" && run_podman pull -q oci:deb:12) >"$work/id" && run_image "$(cat "$work/id")" dpkg -l >"$work/dpkg" && [ "$(grep -c '^ii ' "$work/dpkg")" = 88 ] && run_image "$(cat "$work/id")" dpkg --verify
    }
    case_ "a finished bookworm: podman runs dpkg in it" t_debian
    t_base() {
        local c="$zs create --cache-dir $shared_cache --progress none"
        $c --set essential debian/bookworm "oci:$work/deb:essential" && $c --base "$work/deb:essential" debian/bookworm "oci:$work/deb:on" && python3 "$here/oci_merge.py" "$work/deb" on "$work/d.tar" layers=2 base=essential || return 1
        (cd "$work" && run_podman pull -q oci:deb:on) >"$work/id" && run_image "$(cat "$work/id")" dpkg -l >"$work/dpkg" && [ "$(grep -c '^ii ' "$work/dpkg")" = 88 ] && run_image "$(cat "$work/id")" dpkg --verify || return 1
        python3 - "$work/deb" <<'P'
import json, sys
read = lambda d: json.load(open(sys.argv[1] + "/blobs/sha256/" + d["digest"][7:]))
low, top = [l["size"] for l in read(json.load(open(sys.argv[1] + "/index.json"))["manifests"][-1])["layers"]]
print("the base's layer has", low, "bytes, the one on it", top)
assert top < low
P
    }
    case_ "a bookworm on a base of the essential set: podman runs dpkg in it" t_base
    # crun runs a bundle; where the hierarchies of cgroups are mixed it wants the second version alone.
    t_crun() {
        umoci unpack --image "$work/deb:12" "$work/bundle" >/dev/null 2>&1 && python3 - "$work/bundle/config.json" <<'P' || return 1
import json, sys
c = json.load(open(sys.argv[1]))
c["process"]["args"] = ["cat", "/etc/debian_version"]
c["process"]["terminal"] = False
c["process"].pop("rlimits", None)
c["linux"].pop("resources", None)
c["linux"].pop("cgroupsPath", None)
c["mounts"] = [m for m in c["mounts"] if m["type"] != "cgroup"]
json.dump(c, open(sys.argv[1], "w"))
P
        unshare --mount --propagation private sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec crun --root "$0/crun" --cgroup-manager=disabled run --bundle "$0/bundle" zs-flow-oci' "$work" >"$work/crun.out" 2>"$work/err" </dev/null || { cat "$work/err"; return 1; }
        grep -q "^12[.]" "$work/crun.out"
    }
    if command -v crun >/dev/null && command -v umoci >/dev/null; then case_ "crun runs what umoci unpacked" t_crun; else skipped "crun" "crun or umoci is missing"; fi
else skipped "a finished bookworm" "no mirror answers, or podman or runc is missing"; fi
t_clean() { clients_gone; ! grep -F "$work" /proc/self/mountinfo && [ -z "$(ls -A "$TMPDIR" | grep zonestrap)" ]; }
case_ "the host's mounts are as before, nothing is left in the temporary directory" t_clean
done_
