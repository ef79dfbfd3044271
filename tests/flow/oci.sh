#!/bin/bash
# Image layouts from a repository of the test's own: what stands in them, the same to the last byte, read and run by others' programs.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
command -v python3 >/dev/null || { skipped oci "python3 is missing"; done_; }
. "$here/oci_clients.sh"
repo_key
repo_packages="box dpkg coreutils dash"
mkdir -p "$tree/box/bin" "$tree/box/etc" "$tree/shell/bin"
if [ -x /bin/busybox ]; then cp /bin/busybox "$tree/box/bin/busybox"; else printf '#!/none\n' >"$tree/box/bin/busybox"; fi
for x in sh cat ls; do ln -s busybox "$tree/box/bin/$x"; done
ln "$tree/box/bin/busybox" "$tree/box/bin/hard"; echo hello >"$tree/box/etc/hello"
ln -s busybox "$tree/shell/bin/bash"
arch_field=amd64 repo_deb box 1
repo_deb shell 1 "Depends: box | dpkg"
head -c 12000000 /dev/urandom >"$work/noise"; mkdir -p "$tree/large/opt"; cp "$work/noise" "$tree/large/opt/noise"
repo_deb large 1
for name in dpkg coreutils dash; do repo_deb $name 1; done
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
sed -i '/^\[release/i [layout]\nlink /bin usr/bin\n' "$recipes/mine.distro"

stage1() { zs_local create --second-stage "${when:-never}" "$@"; }
check() { python3 "$here/oci_check.py" "$@"; }
state() { (cd "$1" && find . -printf '%P %y %m %s %l\n' | sort; find . -type f -exec sha256sum {} + | sort -k2); }
clean() { [ -z "$(ls -A "${1:-$work}" | grep -E 'partial|zonestrap-')" ]; }
img=$work/img
t_create() {
    stage1 mine/one "oci:$img" 2>"$work/said" && stage1 mine/one "$work/a.tar" && clean &&
    check "$img" latest tar="$work/a.tar" arch=amd64 cmd=/bin/sh title=Mine version=one comment="unpacked only" by="zonestrap create mine/one" tags=latest blobs=3 &&
    grep -q "4 packages in oci:$img, unpacked only, tar sha256:$(sha256sum <"$work/a.tar" | cut -d' ' -f1)" "$work/said" && [ "$(stat -c %a "$img" "$img/blobs" "$img/index.json" | tr '\n' ' ')" = "755 755 644 " ]
}
case_ "create oci:DIR: every digest and size, and the layer is the tarball" t_create
t_again() {
    state "$img" >"$work/img.state"
    (mkdir "$work/else" && cd "$work/else" && umask 077 && export TZ=Asia/Kathmandu LC_ALL=C.UTF-8 TMPDIR=$work/else && stage1 --jobs 1 mine/one oci:again) &&
    state "$work/else/again" | diff "$work/img.state" -
}
case_ "again from elsewhere, with another umask, time zone and --jobs: the same bytes" t_again
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
t_nobody() {
    chmod 755 "$work"; mkdir -p -m 777 "$work/other"; cp "$zs" "$work/zs-copy"
    (cd "$work/other" && export HOME=$work/other XDG_CACHE_HOME=$work/other/c XDG_CONFIG_HOME=$work/other/c && nobody "$work/zs-copy" create --recipes "$recipes" --arch amd64 --progress none --second-stage never mine/one oci:n) &&
    state "$work/other/n" | diff "$work/img.state" -
}
[ "$(id -u)" = 0 ] && case_ "a user without any rights makes the same image" t_nobody || skipped "another user" "needs root to become one"
t_exec() {
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=execve,execveat,fork,vfork -o "$work/trace" "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never mine/one "oci:$work/traced" && [ "$(wc -l <"$work/trace")" -eq 1 ]
}
if command -v strace >/dev/null; then case_ "stage 1 runs no program" t_exec; else skipped "stage 1 runs no program" "strace is missing"; fi
sed -i 's/^packages .*/packages dpkg coreutils dash\n[set boxed]\npackages box dpkg coreutils dash/' "$recipes/mine.distro"
stage1() { zs_local create --second-stage "${when:-never}" --set "${set-boxed}" "$@"; }
t_arch() {
    set=base SOURCE_DATE_EPOCH=1000000000 stage1 --arch arm64 mine/one "$work/arm.tar" && set=base SOURCE_DATE_EPOCH=1000000000 stage1 --arch arm64 mine/one "oci:$work/arm:v1" &&
    check "$work/arm" v1 tar="$work/arm.tar" arch=arm64v8 created=2001-09-09T01:46:40Z tags=v1
}
case_ "another architecture, and SOURCE_DATE_EPOCH" t_arch
t_shell() { stage1 --include shell mine/one "$work/shell.tar" && stage1 --include shell mine/one "oci:$work/shell" && check "$work/shell" latest tar="$work/shell.tar" cmd=/bin/bash; }
case_ "the command is bash where the root has it" t_shell

# --- one more image
t_add() {
    local before; before=$(ls "$img/blobs/sha256")
    when=later stage1 mine/one "$work/l.tar" && when=later stage1 mine/one "oci:$img:me/two:1-x" && clean "$img" && clean "$img/blobs/sha256" &&
    check "$img" latest tar="$work/a.tar" && check "$img" me/two:1-x tar="$work/l.tar" comment="second stage pending" tags=latest,me/two:1-x blobs=6 && (cd "$img/blobs/sha256" && ls $before >/dev/null)
}
case_ "oci:DIR:TAG into a layout: both images, nothing else" t_add
t_same() { stage1 mine/one "oci:$img:copy" && check "$img" copy tar="$work/a.tar" tags=latest,me/two:1-x,copy blobs=6; }
case_ "the same image under another tag takes no more room" t_same
t_first_boot() {
    local d=$work/fb; when=first-boot stage1 mine/one "$d.tar" && when=first-boot stage1 mine/one "oci:$d" && check "$d" latest tar="$d.tar" cmd=/sbin/init comment="second stage at its first boot"
}
case_ "--second-stage first-boot: the image runs its init" t_first_boot
t_empty() { mkdir -m 750 "$work/empty" && stage1 mine/one "oci:$work/empty/" && check "$work/empty" latest tar="$work/a.tar" && [ -z "$(ls -A "$work/empty" | grep incomplete)" ]; }
case_ "an empty directory is filled in place" t_empty
t_foreign_index() { # as another program may have written it
    cp -a "$img" "$work/foreign" && python3 - "$work/foreign/index.json" <<'P' && stage1 mine/one "oci:$work/foreign:new" || return 1
import json, sys
d = json.load(open(sys.argv[1]))
d["annotations"] = {"x": "ä\n"}
json.dump(d, open(sys.argv[1], "w"), indent=3)
P
    check "$work/foreign" new tar="$work/a.tar" tags=latest,me/two:1-x,copy,new && grep -qF '"x": "\u00e4\n"' "$work/foreign/index.json"
}
case_ "an index that another program wrote keeps what it says" t_foreign_index

# --- what goes wrong leaves nothing, and what was there
unchanged() { state "$img" | diff "$work/before" -; }
state "$img" >"$work/before"
t_tag() { fails_with 7 'has an image with the tag .copy. already; choose another tag' stage1 mine/one "oci:$img:copy" && unchanged; }
case_ "a tag that is taken" t_tag
t_names() {
    cd "$work" || return 1
    fails_with 2 'oci:: names no directory; .*oci:DIR:TAG' stage1 mine/one oci: && fails_with 2 'names no directory' stage1 mine/one oci::x && fails_with 2 "is no tag" stage1 mine/one oci:x: &&
    fails_with 2 "is no tag: letters" stage1 mine/one "oci:x:a b" && fails_with 2 "is no tag" stage1 mine/one oci:x:../y && [ ! -e x ] && clean
}
case_ "names without a directory, and tags that are none" t_names
t_no_layout() {
    mkdir -p "$work/full/x" && fails_with 7 'full: is not empty; give a directory' stage1 mine/one "oci:$work/full" && [ "$(ls -A "$work/full")" = x ] || return 1
    echo x >"$work/file" && fails_with 7 'file: exists and is no directory' stage1 mine/one "oci:$work/file" && [ "$(cat "$work/file")" = x ] || return 1
    fails_with 7 'no/such.*make it first' stage1 mine/one "oci:$work/no/such/x"
}
case_ "a directory that is no layout, a file, a directory that is not there" t_no_layout
t_broken() {
    local b=$work/broken; cp -a "$img" "$b"
    echo '{"imageLayoutVersion":"9"}' >"$b/oci-layout"; state "$b" >"$work/b.state"; fails_with 5 'broken/oci-layout: is no image layout of version 1.0.0' stage1 mine/one "oci:$b:n" || return 1
    cp "$img/oci-layout" "$b/"; echo '{"schemaVersion":2,"manifests":[}' >"$b/index.json"; fails_with 5 'broken/index.json: is no image index' stage1 mine/one "oci:$b:n" || return 1
    head -c 20000000 /dev/zero >"$b/index.json"; fails_with 7 'broken/index.json' stage1 mine/one "oci:$b:n" || return 1
    rm "$b/index.json"; fails_with 7 'broken/index.json: No such file' stage1 mine/one "oci:$b:n" && clean "$b" && [ "$(ls "$b/blobs/sha256" | wc -l)" = 6 ]
}
case_ "layouts that are broken or of another version" t_broken
t_full_disk() {
    local rc m=$work/small; mkdir -p "$m" && mount -t tmpfs -o size=3m small "$m" || return 1
    fails_with 7 "oci:$m/i: write: No space left" stage1 --include large mine/one "oci:$m/i"; rc=$?
    [ -z "$(ls -A "$m")" ] || { ls -lA "$m"; rc=1; }
    stage1 mine/one "oci:$m/i" && state "$m/i" >"$work/m.state" && fails_with 7 "oci:$m/i:large: write: No space left" stage1 --include large mine/one "oci:$m/i:large" || rc=1
    state "$m/i" | diff "$work/m.state" - || rc=1
    umount "$m"; return $rc
}
[ "$(id -u)" = 0 ] && case_ "a full disk: one line, nothing half-made" t_full_disk || skipped "a full disk" "needs root"
# Until the run writes the layer: a package that comes from a slow pipe would be too easy to miss; the lock shows it.
t_two() {
    exec 9<"$img"; flock -x 9
    fails_with 7 'img: another zonestrap is writing to it; wait' stage1 mine/one "oci:$img:three" || return 1
    exec 9<&-; unchanged
}
if command -v flock >/dev/null; then case_ "two runs at a time for one layout" t_two; else skipped "two runs at a time" "flock is missing"; fi
slowly() { # SIGNAL TARGET: stopped while the layer is written
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --jobs 1 --second-stage never --set boxed --include large mine/one "$2" 2>"$work/err" & local pid=$! i
    for i in $(seq 500); do [ -n "$(find "$work" -maxdepth 2 -name '*.zonestrap-layer*' 2>/dev/null)" ] && break; sleep 0.01; done
    kill -"$1" $pid; wait $pid 2>/dev/null
}
t_interrupted() {
    slowly TERM "oci:$work/int"; local rc=$?
    [ $rc = 130 ] && [ ! -e "$work/int" ] && clean && { slowly TERM "oci:$img:int"; rc=$?; [ $rc = 130 ] && unchanged; } || { echo "exit status $rc"; cat "$work/err"; return 1; }
}
case_ "interrupted: a new layout is gone, one that was there is as it was" t_interrupted
t_killed() {
    slowly KILL "oci:$work/kill"; [ ! -e "$work/kill" ] && ! clean && stage1 mine/one "oci:$work/kill" && state "$work/kill" | diff "$work/img.state" - && clean || return 1
    cp -a "$img" "$work/k2" && slowly KILL "oci:$work/k2:int" && false; ! clean "$work/k2" || { echo "nothing was left to take over"; return 1; }
    cmp "$work/k2/index.json" "$img/index.json" && stage1 mine/one "oci:$work/k2:int" && check "$work/k2" int tar="$work/a.tar" tags=latest,me/two:1-x,copy,int blobs=6
}
case_ "killed: never under the name, and the next run takes over what is left" t_killed
t_machine() {
    sed 's/x86_64=amd64/x86_64=amd64 vax=arm64/; s/aarch64=arm64//' "$recipes/mine.distro" >"$recipes/vax.distro"
    fails_with 2 'OCI images have no name for the machine .vax.; make a tarball' "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch vax --progress none --second-stage never vax/one "oci:$work/vax" && [ ! -e "$work/vax" ]
}
case_ "a machine that images have no name for" t_machine
t_sbom() { fails_with 2 'this is the target' stage1 --sbom "$work/q" mine/one "oci:$work/q" && [ ! -e "$work/q" ]; }
case_ "--sbom into the target" t_sbom

# --- other programs
if command -v skopeo >/dev/null; then
    t_skopeo() {
        skopeo inspect --config "oci:$img:latest" | grep -q 'zonestrap create mine/one' && skopeo copy -q "oci:$img:me/two:1-x" "oci:$work/sk:z" && skopeo copy -q "oci:$img:latest" "dir:$work/skd" &&
        check "$work/sk" z tar="$work/l.tar" && stage1 mine/one "oci:$work/sk:ours" && check "$work/sk" ours tar="$work/a.tar" tags=z,ours && skopeo inspect "oci:$work/sk:z" >/dev/null
    }
    case_ "skopeo reads and copies it, and a layout of skopeo's takes an image" t_skopeo
else skipped "skopeo" "it is missing"; fi
if command -v umoci >/dev/null && [ "$(id -u)" = 0 ]; then
    t_umoci() { umoci unpack --image "$img:latest" "$work/bundle" && [ "$(cat "$work/bundle/rootfs/etc/hello")" = hello ] && [ "$(stat -c %h "$work/bundle/rootfs/usr/bin/hard")" = 2 ] && umoci stat --image "$img:latest" | grep -q 'zonestrap create'; }
    case_ "umoci unpacks it" t_umoci
else skipped "umoci" "it is missing, or no root"; fi
if clients_can && [ -x /bin/busybox ]; then
    t_podman() {
        (cd "$work" && run_podman pull oci:img:latest) && run_podman images --format '{{.ID}}' | head -n 1 >"$work/id" &&
        [ "$(run_image "$(cat "$work/id")" /bin/cat /etc/hello)" = hello ] && [ "$(echo 'echo $PATH' | run_image -i "$(cat "$work/id")")" = /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ]
    }
    case_ "podman pulls it and runs it, the default command too" t_podman
else skipped "podman" "podman, runc, busybox or root is missing"; fi
t_clean() { clients_gone; ! grep -F "$work" /proc/self/mountinfo; }
case_ "no mount is left" t_clean
done_
