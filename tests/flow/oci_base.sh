#!/bin/bash
# --base: an image on top of another one, whatever that is: together they are the root, and the new layer has only what differs.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
command -v python3 >/dev/null || { skipped oci_base "python3 is missing"; done_; }
. "$here/oci_clients.sh"
repo_key
repo_packages="box dpkg coreutils dash"
mkdir -p "$tree/box/bin" "$tree/box/etc"
if [ -x /bin/busybox ]; then cp /bin/busybox "$tree/box/bin/busybox"; else printf '#!/none\n' >"$tree/box/bin/busybox"; fi
for x in sh cat ls find stat; do ln -s busybox "$tree/box/bin/$x"; done
ln "$tree/box/bin/busybox" "$tree/box/bin/hard"; echo hello >"$tree/box/etc/hello"
arch_field=amd64 repo_deb box 1
# Two states of one package that differ in every way.
d=$tree/turn; mkdir -p "$d/srv/d" "$d/srv/dir/sub/deep" "$d/srv/empty" "$d/srv/mode"
echo same >"$d/srv/same"; echo one >"$d/srv/content"; echo x >"$d/srv/gone"; echo x >"$d/srv/dir/sub/deep/f"; echo x >"$d/srv/d/f"; ln "$d/srv/d/f" "$d/srv/d/g"
echo x >"$d/srv/file"; ln -s a "$d/srv/link"; ln -s file "$d/srv/tolink"; echo x >"$d/srv/x1"; ln "$d/srv/x1" "$d/srv/x2"; echo m >"$d/srv/chmod"; touch -d 2001-01-01 "$d/srv/same" "$d/srv/content"
repo_deb turn 1
rm -r "$d/srv/gone" "$d/srv/dir" "$d/srv/file" "$d/srv/link" "$d/srv/tolink" "$d/srv/x2" "$d/srv/empty"
echo two >"$d/srv/content"; ln -s mode "$d/srv/dir"; mkdir -p "$d/srv/file/in"; echo y >"$d/srv/file/in/y"; ln -s b "$d/srv/link"; echo x >"$d/srv/tolink"; ln "$d/srv/d/f" "$d/srv/d/h"; chmod 4755 "$d/srv/chmod"; chmod 1777 "$d/srv/mode"; echo n >"$d/srv/new"
repo_deb turn 2
head -c 12000000 /dev/urandom >"$work/noise"; mkdir -p "$tree/large/opt"; mv "$work/noise" "$tree/large/opt/noise"; repo_deb large 1
for name in dpkg coreutils dash more; do repo_deb $name 1; done
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
sed -i '/^\[release/i [layout]\nlink /bin usr/bin\n' "$recipes/mine.distro"
printf '[set plain]\npackages dpkg coreutils dash\n' >>"$recipes/mine.distro"
old() { rm -rf "$work/repo1"; mkdir "$work/repo1"; mv "$debs/turn_2.deb" "$work/t2"; repo_index "$work/repo1" one; mv "$work/t2" "$debs/turn_2.deb"; }
old
stage1() { zs_local create --second-stage "${when:-never}" "$@"; }
first() { stage1 --mirror "file://$work/repo1" --include turn "$@"; }
merge() { python3 "$here/oci_merge.py" "$@"; }
state() { (cd "$1" && find . -printf '%P %y %m %s %l\n' | sort; find . -type f -exec sha256sum {} + | sort -k2); }
clean() { [ -z "$(ls -A "$1" | grep -E 'partial|zonestrap-')" ]; }
img=$work/img
turned="srv/.wh.empty srv/.wh.gone srv/.wh.x2 srv/chmod srv/content srv/d/f srv/d/g srv/d/h srv/dir srv/file/in/y srv/link srv/new srv/tolink srv/x1"
t_more() {
    stage1 mine/one "oci:$img:base" && stage1 --include more mine/one "$work/more.tar" && stage1 --include more --base "$img:base" mine/one "oci:$img:more" 2>"$work/said" &&
    merge "$img" more "$work/more.tar" layers=2 top=usr/share/more/data times=yes base=base tags=base,more blobs=6 && clean "$img" &&
    diff <(grep -o 'tar sha256:.*' "$work/said" | cut -d' ' -f2 | cut -d, -f1) <(python3 -c 'import json,sys; d=sys.argv[1]; r=lambda x: json.load(open(d+"/blobs/sha256/"+x["digest"][7:])); i=json.load(open(d+"/index.json")); print(r(r(i["manifests"][1])["config"])["rootfs"]["diff_ids"][1])' "$img")
}
case_ "more packages on a base in the same layout: the layer holds what they add" t_more
t_sbom() {
    stage1 --include more --base "$img:base" --sbom "$work/more.spdx" mine/one "oci:$work/sb" 2>/dev/null && python3 - "$work/more.spdx" <<'P'
import json, sys
root = json.load(open(sys.argv[1]))["packages"][0]
assert "image" in root["summary"] or "archive" in root["summary"], root
assert "checksums" not in root, root
P
}
case_ "a bill of materials is about the root, of which no one archive holds all" t_sbom
rm -rf "$work/sb"
t_turn() {
    first mine/one "oci:$img:t1" && stage1 --include turn mine/one "$work/t2.tar" && stage1 --include turn --base "oci:$img:t1" mine/one "oci:$img:t2" &&
    merge "$img" t2 "$work/t2.tar" layers=2 top="$turned" base=t1
}
case_ "everything that can change: contents, types, links, modes, whiteouts" t_turn
t_back() { first mine/one "$work/t1.tar" && first --base "$img:t2" mine/one "oci:$img:t3" && merge "$img" t3 "$work/t1.tar" layers=3 base=t2; }
case_ "a base that has a base, and whiteouts: back to what was there first" t_back
t_less() { stage1 mine/one "$work/base.tar" && stage1 --base "$img:t2" mine/one "oci:$img:less" && merge "$img" less "$work/base.tar" layers=3 top=.wh.srv base=t2; }
case_ "less than the base has" t_less
t_same() { stage1 --base "$img:more" --include more mine/one "oci:$img:same" && merge "$img" same "$work/more.tar" layers=3 top= base=more; }
case_ "the same as the base: a layer with nothing in it" t_same
t_elsewhere() {
    local b; stage1 --include more --base "$img:base" mine/one "oci:$work/e:more" && merge "$work/e" more "$work/more.tar" layers=2 top=usr/share/more/data tags=more blobs=4 && clean "$work/e" || return 1
    b=$(cd "$work/e/blobs/sha256" && ls -S | head -n 1); [ "$(stat -c '%i %h' "$work/e/blobs/sha256/$b")" = "$(stat -c '%i 2' "$img/blobs/sha256/$b")" ] && [ "$(stat -c %a "$work/e" "$work/e/blobs/sha256/$b" | tr '\n' ' ')" = "755 644 " ] || return 1
    cp -a "$img" "$work/ro" && chmod 444 "$work/ro/blobs/sha256"/* && (mkdir "$work/else" && cd "$work/else" && umask 077 && export TZ=Asia/Kathmandu LC_ALL=C.UTF-8 && stage1 --jobs 1 --include more --base ../ro:base mine/one oci:again:more) &&
    diff <(state "$work/e") <(state "$work/else/again") && [ "$(stat -c %h "$work/else/again/blobs/sha256/$b")" = 1 ]
}
case_ "a base in another layout: its layers are linked or copied; the same bytes from elsewhere, with --jobs 1" t_elsewhere
t_epoch() { SOURCE_DATE_EPOCH=1600000000 stage1 mine/one "oci:$work/ep:a" && stage1 --include more --base "$work/ep:a" mine/one "oci:$work/ep:b" && merge "$work/ep" b "$work/more.tar" layers=2 top=usr/share/more/data base=a; }
case_ "a base of another time: what the run made is not there twice for its time alone" t_epoch
t_time() {
    touch -d 2011-01-01 "$tree/more/usr/share/more/data" && repo_deb more 2 && cp -r "$work/repo" "$work/repo3" && repo_index "$work/repo3" one &&
    stage1 --mirror "file://$work/repo3" --include more --base "$img:more" mine/one "oci:$img:time" && stage1 --mirror "file://$work/repo3" --include more mine/one "$work/time.tar" && merge "$img" time "$work/time.tar" top=usr/share/more/data
}
case_ "a file whose package gives it another time is in the layer: the package's database has it" t_time
t_exec() {
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=execve,execveat,fork,vfork -o "$work/trace" "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never --base "$img:base" mine/one "oci:$work/traced" && [ "$(wc -l <"$work/trace")" -eq 1 ]
}
if command -v strace >/dev/null; then case_ "stage 1 runs no program" t_exec; else skipped "stage 1 runs no program" "strace is missing"; fi
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
t_nobody() {
    chmod 755 "$work"; mkdir -p -m 777 "$work/other"; cp "$zs" "$work/zs-copy"
    (cd "$work/other" && export HOME=$work/other XDG_CACHE_HOME=$work/other/c XDG_CONFIG_HOME=$work/other/c && nobody "$work/zs-copy" create --recipes "$recipes" --arch amd64 --progress none --second-stage never --include more --base "$img:base" mine/one oci:n:more) &&
    diff <(state "$work/other/n") <(state "$work/e")
}
[ "$(id -u)" = 0 ] && case_ "a user without any rights makes the same image on a base of root's" t_nobody || skipped "another user" "needs root to become one"

# --- what goes wrong leaves nothing, and what was there
bad() { # CLASS PATTERN REF [ARGS]
    local class=$1 pattern=$2 ref=$3; shift 3
    fails_with "$class" "$pattern" stage1 "$@" --base "$ref" mine/one "oci:$work/bad" && [ ! -e "$work/bad" ] && clean "$work"
}
t_names() {
    fails_with 2 '--base is for an image: TARGET oci:DIR' stage1 --base "$img:base" mine/one "$work/x.tar" && fails_with 2 '--base is for an image' stage1 --base "$img:base" mine/one "$work/x" && [ ! -e "$work/x.tar" ] &&
    bad 2 "--base .*img:nope: .*img/index.json: has no image with the tag .nope.; its tags: base, more" "$img:nope" && bad 2 "has no image with the tag .latest.; its tags" "$img" && bad 2 "is no tag" "$img:a b" && bad 2 "names no directory" oci:
}
case_ "no image, a tag that is missing or none" t_names
t_no_layout() {
    mkdir "$work/plain"; echo x >"$work/file"
    bad 7 "plain: is no image layout: there is no oci-layout in it; name a directory" "$work/plain" && bad 7 "none: is no image layout" "$work/none" && bad 7 "file: is no image layout" "$work/file:base" && bad 7 "is no image layout" "$work/more.tar:base" || return 1
    cp -r "$img" "$work/v"; echo '{"imageLayoutVersion":"9"}' >"$work/v/oci-layout"; bad 5 "v/oci-layout: is no image layout of version 1.0.0" "$work/v:base"
}
case_ "what is no layout" t_no_layout
t_platform() { bad 2 "img:base: is for linux/amd64, expected aarch64; choose a base" "$img:base" --arch arm64 --set plain; }
case_ "a base for another machine" t_platform
edit='
import hashlib, json, os, sys
root, what = sys.argv[1:3]
def path(d): return root + "/blobs/sha256/" + d["digest"][7:]
def put(d, text, kind=None):
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    d["digest"], d["size"] = "sha256:" + hashlib.sha256(text).hexdigest(), len(text)
    open(path(d), "wb").write(text)
index = json.load(open(root + "/index.json")); entry = index["manifests"][0]
manifest = json.load(open(path(entry))); config = json.load(open(path(manifest["config"]))); layer = manifest["layers"][0]
def done(): put(manifest["config"], config); put(entry, manifest); json.dump(index, open(root + "/index.json", "w"))
exec(what)
'
broken() { # a program over entry, manifest, config and layer of one image
    [ -d "$work/sound" ] || stage1 mine/one "oci:$work/sound:base" || return 1
    rm -rf "$work/b"; cp -r "$work/sound" "$work/b"; python3 -c "$edit" "$work/b" "$1" || { echo "cannot break it"; rm -rf "$work/b"; return 1; }
}
t_blobs() {
    broken 'os.unlink(path(layer))'; bad 7 "b:base: .*/blobs/sha256/[0-9a-f]{64}: No such file" "$work/b:base" || return 1
    broken 'os.unlink(path(entry))'; bad 7 "No such file" "$work/b:base" || return 1
    broken 'f = open(path(layer), "r+b"); f.seek(100); f.write(b"xxxx")'; bad 4 "b:base: .*: its digest is wrong; the layout is damaged" "$work/b:base" || return 1
    broken 'open(path(layer), "ab").write(b"x")'; bad 4 "is of [0-9]+ bytes, expected [0-9]+" "$work/b:base" || return 1
    broken 'f = open(path(manifest["config"]), "r+b"); f.write(b"[")'; bad 4 "its digest is wrong" "$work/b:base" || return 1
    broken 'os.unlink(path(layer)); os.mkdir(path(layer))'; bad 7 "is no file" "$work/b:base" || return 1
    broken 'os.unlink(path(layer)); os.mkfifo(path(layer))'; bad 7 "is no file" "$work/b:base"
}
case_ "blobs that are missing, changed, longer, or no files" t_blobs
t_texts() {
    broken 'entry["size"] = 10**15; json.dump(index, open(root + "/index.json", "w"))'; bad 5 "the manifest is said to be of 1000000000000000 bytes, more than" "$work/b:base" || return 1
    broken 'layer["size"] = 2**63; done()'; bad 4 "expected 9223372036854775808" "$work/b:base" || return 1
    broken 'layer["size"] = -1; done()'; bad 5 "a descriptor without a media type, a SHA256 digest or a size" "$work/b:base" || return 1
    broken 'layer["digest"] = "sha256:../../../etc/passwd"; done()'; bad 5 "a descriptor without" "$work/b:base" || return 1
    broken 'entry["mediaType"] = "application/vnd.oci.image.index.v1+json"; json.dump(index, open(root + "/index.json", "w"))'; bad 5 "b:base: is an index of images, expected one image; copy" "$work/b:base" || return 1
    broken 'entry["mediaType"] = "text/plain"; json.dump(index, open(root + "/index.json", "w"))'; bad 5 "is of type .text/plain., expected an OCI image manifest" "$work/b:base" || return 1
    broken 'index["manifests"].append(entry); json.dump(index, open(root + "/index.json", "w"))'; bad 5 "has several images with the tag .base." "$work/b:base" || return 1
    broken 'open(root + "/index.json", "w").write("[]")'; bad 5 "index.json: is no image index" "$work/b:base" || return 1
    broken 'put(entry, b"[1,"); json.dump(index, open(root + "/index.json", "w"))'; bad 5 "the manifest is no JSON object" "$work/b:base" || return 1
    broken 'del manifest["layers"]; done()'; bad 5 "the manifest has no layers" "$work/b:base" || return 1
    broken 'manifest["layers"] = []; done()'; bad 5 "has no layer" "$work/b:base" || return 1
    broken 'manifest["layers"] = [layer] * 200; done()'; bad 5 "has more than 127 layers" "$work/b:base" || return 1
    broken 'layer["mediaType"] += "+lz77"; done()'; bad 5 "a layer of type .layer.v1.tar.gzip.lz77., expected a tar" "$work/b:base" || return 1
    broken 'manifest["config"]["mediaType"] = "x/y"; done()'; bad 5 "has a config of type .x/y.: is no image of a root" "$work/b:base" || return 1
    broken 'config["rootfs"]["diff_ids"] = []; done()'; bad 5 "has 1 layers, and its config names 0 of them" "$work/b:base" || return 1
    broken 'config["rootfs"]["diff_ids"][0] = "sha256:" + 64 * "0"; done()'; bad 4 "is not the layer whose diff_id the config has" "$work/b:base"
}
case_ "manifests, configs and indexes that say what cannot be" t_texts
layer='
import gzip, io, subprocess, tarfile
def tar(*entries):
    b = io.BytesIO(); t = tarfile.open(fileobj=b, mode="w")
    for name, kind, link in entries:
        i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; t.addfile(i)
    t.close(); return b.getvalue()
def use(data):
    put(layer, gzip.compress(data)); config["rootfs"]["diff_ids"][0] = "sha256:" + hashlib.sha256(data).hexdigest(); done()
'
t_layers() {
    broken "$layer"'use(tar(("../../out", b"0", "")))'; bad 5 'a path with `\.\.' "$work/b:base" || return 1
    broken "$layer"'use(tar(("a", b"2", "/etc"), ("a/b", b"0", "")))'; bad 5 "/a/b: stands below what is no directory" "$work/b:base" || return 1
    broken "$layer"'use(tar(("a", b"1", "nothing")))'; bad 5 "/a: a hard link to /nothing, where no file is" "$work/b:base" || return 1
    broken "$layer"'use(b"no tar at all" * 1000)'; bad 5 "no tar archive" "$work/b:base" || return 1
    broken "$layer"'use(tar(("a", b"0", ""))[:700])'; bad 5 "runcated|damaged|tar" "$work/b:base" || return 1
    broken "$layer"'put(layer, subprocess.run("head -c 1300M /dev/zero | zstd -q -1", shell=True, stdout=-1).stdout); layer["mediaType"] = layer["mediaType"].replace("gzip", "zstd"); done()'; bad 5 "more than [0-9]+ bytes after decompression" "$work/b:base"
}
case_ "layers that are hostile, broken, or make much of few bytes" t_layers
t_wh_name() { mkdir "$work/ov" && touch "$work/ov/.wh.x" && bad 5 "/.wh.x: in an image's layer such a name says that a file is removed" "$img:base" --overlay "$work/ov"; }
case_ "a root with a name that would be a whiteout" t_wh_name
t_history() { broken 'del config["history"]; config["history"] = [{"empty_layer": True}]; done()' && stage1 --include more --base "$work/b:base" mine/one "oci:$work/b:h" && merge "$work/b" h "$work/more.tar" layers=2 top=usr/share/more/data; }
case_ "a base without a history" t_history
t_compressions() {
    local c
    for c in zstd none; do
        broken "$layer"'c = "'$c'"; data = gzip.decompress(open(path(layer), "rb").read()); put(layer, subprocess.run(["zstd", "-q"], input=data, stdout=-1).stdout if c == "zstd" else data); layer["mediaType"] = layer["mediaType"].replace("+gzip", "+zstd" if c == "zstd" else ""); done()' &&
            stage1 --include more --base "$work/b:base" mine/one "oci:$work/b:c" && merge "$work/b" c "$work/more.tar" layers=2 top=usr/share/more/data base=base || return 1
    done
}
if command -v zstd >/dev/null; then case_ "bases with zstd, and without compression" t_compressions; else skipped "bases with zstd" "zstd is missing"; fi
t_taken() { state "$img" >"$work/before"; fails_with 7 "has an image with the tag .more. already" stage1 --base "$img:base" mine/one "oci:$img:more" && state "$img" | diff "$work/before" -; }
case_ "a tag that is taken" t_taken
t_full() {
    local rc=0 m=$work/small; mkdir "$m" && mount -t tmpfs -o size=1m small "$m" || return 1
    fails_with 7 "No space left" stage1 --base "$img:base" mine/one "oci:$m/i" || rc=1
    [ -z "$(ls -A "$m")" ] || { ls -lA "$m"; rc=1; }
    umount "$m"; return $rc
}
[ "$(id -u)" = 0 ] && case_ "a full disk" t_full || skipped "a full disk" "needs root"
slowly() { # SIGNAL DIR TAG: stopped while the whole root is written
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --jobs 1 --second-stage never --include large --base "$img:base" mine/one "oci:$2:$3" 2>"$work/err" & local pid=$! i
    for i in $(seq 500); do [ -n "$(find "$work" -maxdepth 2 -name '*.zonestrap-whole*' 2>/dev/null)" ] && break; sleep 0.01; done
    kill -"$1" $pid; wait $pid 2>/dev/null
}
t_stopped() {
    cp -a "$work/sound" "$work/st" && state "$work/st" >"$work/st.state"; slowly TERM "$work/st" x; [ $? = 130 ] && diff "$work/st.state" <(state "$work/st") || { cat "$work/err"; return 1; }
    slowly TERM "$work/new" x; [ $? = 130 ] && [ ! -e "$work/new" ] && clean "$work" || return 1
    slowly KILL "$work/st" x; ! clean "$work/st" || { echo "nothing was left to take over"; return 1; }
    cmp "$work/st/index.json" "$work/sound/index.json" && stage1 --include more --base "$img:base" mine/one "oci:$work/st:x" && clean "$work/st" && merge "$work/st" x "$work/more.tar" layers=2 tags=base,x blobs=6
}
case_ "interrupted or killed: the layout is as it was, and the next run takes over what is left" t_stopped

# --- other programs
listing() { (cd "$1" && find . -printf '%P %y %m %U %G %l %n\n' | awk '$2 == "d" { $NF = "" } 1' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum); }
if command -v skopeo >/dev/null; then
    t_skopeo() {
        skopeo inspect --config "oci:$img:t3" | grep -q 'image.base.digest' && skopeo copy -q "oci:$img:t1" "oci:$work/sk:z" &&
        stage1 --include turn --base "$work/sk:z" mine/one "oci:$work/sk:t2" && merge "$work/sk" t2 "$work/t2.tar" layers=2 top="$turned" base=z && skopeo copy -q "oci:$work/sk:t2" "dir:$work/skd"
    }
    case_ "skopeo copies it; a base of skopeo's" t_skopeo
else skipped "skopeo" "it is missing"; fi
if command -v umoci >/dev/null && [ "$(id -u)" = 0 ]; then
    t_umoci() { mkdir "$work/one" && tar -C "$work/one" -xpf "$work/t2.tar" --numeric-owner && umoci unpack --image "$img:t2" "$work/bundle" >/dev/null 2>&1 && diff <(listing "$work/one") <(listing "$work/bundle/rootfs"); }
    case_ "umoci unpacks it to what the one layer is" t_umoci
else skipped "umoci" "it is missing, or no root"; fi
if clients_can && [ -x /bin/busybox ]; then
    t_podman() {
        local id m rc
        (cd "$work" && run_podman pull -q oci:img:t2) >"$work/id" && id=$(cat "$work/id") && [ "$(run_image "$id" /bin/cat /etc/hello /srv/content)" = "hello
two" ] && ! run_image "$id" /bin/ls /srv/gone 2>/dev/null && m=$(run_podman image mount "$id") || return 1
        diff <(listing "$work/one") <(listing "$m" | grep -v ' dev\| proc\| sys' ); rc=$?
        run_podman image umount "$id" >/dev/null; return $rc
    }
    case_ "podman runs it, and its root is what the one layer is" t_podman
else skipped "podman" "podman, runc, busybox or root is missing"; fi
t_clean() { clients_gone; ! grep -F "$work" /proc/self/mountinfo; }
case_ "no mount is left" t_clean
done_
