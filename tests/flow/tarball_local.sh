#!/bin/bash
# Stage-1 tarballs from a repository of the test's own: by any user, the same to the last byte, the same as a directory.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
repo_key
repo_packages="alpha dpkg coreutils dash"
mkdir -p "$tree/alpha/usr/bin" "$tree/alpha/bin" "$tree/alpha/usr/share/both" "$tree/alpha/etc"
echo alpha >"$tree/alpha/usr/bin/alpha"; chmod 4755 "$tree/alpha/usr/bin/alpha"
ln "$tree/alpha/usr/bin/alpha" "$tree/alpha/usr/bin/alpha-hard"
ln -s alpha "$tree/alpha/usr/bin/alpha-soft"
echo tool >"$tree/alpha/bin/tool"; echo conf >"$tree/alpha/etc/Alpha"; echo conf >"$tree/alpha/etc/alpha"
echo from-alpha >"$tree/alpha/usr/share/both/file"
mkdir -p "$tree/beta/usr/share/both" "$tree/beta/etc" "$tree/beta/usr/share/ünï"
echo from-beta >"$tree/beta/usr/share/both/file"; echo x >"$tree/beta/usr/share/ünï/ñ"
chmod 2750 "$tree/beta/usr/share/both"
head -c 30000000 /dev/zero >"$tree/beta/usr/share/both/zero"
repo_deb alpha 1.0 "Depends: beta (>= 1), gamma" "Replaces: beta"
comp=xz repo_deb beta 2.0
comp=zstd repo_deb gamma 1
for name in dpkg coreutils dash; do repo_deb $name 1; done
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
sed 's/^\[release/signed-by \/usr\/share\/keyrings\/mine.gpg\n&/; $a [layout]\nlink /bin usr/bin' "$recipes/mine.distro" >"$recipes/merged.distro"

stage1() { zs_local create --second-stage "${when:-never}" "$@"; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %l %n %T@\n' | sort; find . -type f -exec sha256sum {} + | sort -k2); }
sum() { sha256sum <"$1"; }

t_make() { stage1 merged/one "$work/a.tar" && [ "$(tar -tf "$work/a.tar" | head -n 1)" = ./ ] && [ -z "$(ls -A "$work" | grep partial)" ]; }
case_ "create NAME.tar" t_make
t_shape() {
    tar -tf "$work/a.tar" --quoting-style=literal | sed 's,/$,,' >"$work/names" && [ -z "$(sort "$work/names" | uniq -d)" ] &&
    awk '{ up = $0; sub("/[^/]*$", "", up); if ($0 != "." && !(up in seen)) { print; bad = 1 } seen[$0] = 1 } END { exit bad }' "$work/names" || return 1
    python3 - "$work/a.tar" <<'P'
import sys, tarfile
t = tarfile.open(sys.argv[1])
for m in t:
    assert m.uname == m.gname == "" and m.uid == m.gid == 0, m.name
    assert m.name in (".", "") or m.name.startswith("./"), m.name
byname = {m.name: m for m in t}
assert byname["./usr/bin/alpha"].mode == 0o4755
assert {byname["./usr/bin/alpha-hard"].islnk(), byname["./usr/bin/alpha"].islnk()} == {True, False}
assert byname["./usr/share/both/zero"].size == 30000000
assert t.extractfile("./usr/share/both/file").read() == b"from-alpha\n"
assert byname["./usr/share/both"].mode == 0o755, "the replacing package's directory"
assert byname["./bin"].issym() and byname["./bin"].linkname == "usr/bin" and "./usr/bin/tool" in byname
assert "./usr/share/ünï/ñ" in byname
P
}
case_ "its entries: ./ first, parents before, each path once, ids and no names, hard links, the plan's winner" t_shape
t_directory() {
    local w
    for w in never later; do
        rm -rf "$work/d" "$work/x" "$work/w.tar"; mkdir "$work/x"
        when=$w stage1 merged/one "$work/d" && when=$w stage1 merged/one "$work/w.tar" &&
        tar -C "$work/x" --delay-directory-restore -xpf "$work/w.tar" || return 1
        listing "$work/d" >"$work/l.d"; listing "$work/x" | diff "$work/l.d" - || return 1
        [ $w = never ] || [ -x "$work/x/zonestrap/second-stage" ] || return 1
    done
}
[ "$(id -u)" = 0 ] && case_ "unpacked it equals the directory target, with a second stage to come and without" t_directory || skipped "equals the directory target" "needs root"
t_clients() {
    rm -rf "$work/x"; mkdir "$work/x" && bsdtar -C "$work/x" -xpf "$work/a.tar" && bsdtar -tf "$work/a.tar" | sed 's,/$,,' | diff "$work/names" - &&
    [ "$(cat "$work/x/usr/bin/alpha-hard")" = alpha ] && python3 -c 'import tarfile,sys; tarfile.open(sys.argv[1]).getmembers()' "$work/a.tar"
}
if command -v bsdtar >/dev/null; then case_ "bsdtar and Python read it" t_clients; else skipped "bsdtar and Python" "bsdtar is missing"; fi
t_suffixes() {
    local s
    for s in tar.gz:gzip tgz:gzip tar.xz:xz txz:xz tar.zst:zstd; do
        stage1 merged/one "$work/s.${s%:*}" 2>"$work/said" && "${s#*:}" -dc <"$work/s.${s%:*}" | cmp - "$work/a.tar" || return 1
        grep -q "tar sha256:$(sum "$work/a.tar" | cut -d' ' -f1)" "$work/said" || { cat "$work/said"; return 1; }
        tar -tf "$work/s.${s%:*}" >/dev/null || return 1
    done
}
case_ "every compression holds the same tar, whose digest is said" t_suffixes
t_standard() { stage1 merged/one - 2>"$work/said" | cmp - "$work/a.tar" && grep -q 'standard output' "$work/said"; }
case_ "- is standard output" t_standard
t_json() { stage1 --progress json merged/one - 2>"$work/said" | cmp - "$work/a.tar" && tail -n 1 "$work/said" | python3 -c 'import json, sys; d = json.loads(sys.stdin.read()); assert d["stage"] == "done" and d["tar_sha256"] == sys.argv[1]' "$(sum "$work/a.tar" | cut -d" " -f1)"; }
case_ "--progress=json leaves standard output to the tarball" t_json
t_json_error() { "$zs" create --progress json --hook /nope debian - >"$work/o" 2>"$work/err"; [ $? = 7 ] && [ ! -s "$work/o" ] && grep -q '"class":"host"' "$work/err"; }
case_ "an error as JSON does not go into the tarball" t_json_error
t_terminal() { script -qec "$zs create --recipes $recipes --cache-dir $work/cache --arch amd64 --second-stage never merged/one -" /dev/null </dev/null | grep -q 'not written to a terminal'; }
if command -v script >/dev/null; then case_ "a terminal is no place for a tarball" t_terminal; else skipped "a terminal" "script is missing"; fi

# Another user: no rights, no id beyond its own, another directory, umask, locale, time zone, file system, --jobs.
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
t_nobody() {
    chmod 755 "$work"; mkdir -p -m 777 "$work/other"; cp "$zs" "$work/zs-copy"
    mount -t tmpfs other "$work/other" || return 1
    chmod 777 "$work/other"
    (cd "$work/other" && umask 077 && export HOME=$work/other TMPDIR=$work/other TZ=Asia/Kathmandu LC_ALL=C.UTF-8 XDG_CACHE_HOME=$work/other/c XDG_CONFIG_HOME=$work/other/c
     nobody "$work/zs-copy" create --recipes "$recipes" --arch amd64 --progress none --jobs 1 --second-stage never merged/one n.tar &&
     nobody "$work/zs-copy" create --recipes "$recipes" --arch amd64 --progress none --jobs 7 --second-stage never merged/one n.tar.zst &&
     cmp n.tar "$work/a.tar" && cmp n.tar.zst "$work/s.tar.zst")
    local rc=$?
    umount "$work/other"; return $rc
}
[ "$(id -u)" = 0 ] && case_ "a user without any rights makes the same bytes" t_nobody || skipped "another user" "needs root to become one"
t_epoch() {
    SOURCE_DATE_EPOCH=1000000000 stage1 merged/one "$work/e.tar" && [ -z "$(tar -tvf "$work/e.tar" --utc --full-time | grep -v ' 2001-09-09 01:46:40 ')" ] &&
    SOURCE_DATE_EPOCH=x fails_with 2 'SOURCE_DATE_EPOCH' stage1 merged/one "$work/e2.tar" && [ ! -e "$work/e2.tar" ]
}
case_ "SOURCE_DATE_EPOCH bounds every time" t_epoch
t_exec() {
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=execve,execveat,fork,vfork,mkdir,mkdirat,mknodat,chown,fchown,fchownat -o "$work/trace" "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage later merged/one "$work/t.tar" &&
    [ "$(grep -c exec "$work/trace")" -eq 1 ] && ! grep -E 'v?fork\(|mkdir(at)?\([^)]*\) = 0|mknod|chown' "$work/trace"
}
if command -v strace >/dev/null; then case_ "no program, no directory, no device node, no change of owner" t_exec; else skipped "no program" "strace is missing"; fi

# What goes wrong leaves nothing, and what was there.
gone() { [ ! -e "$1" ] && [ -z "$(ls -A "$(dirname "$1")" | grep partial)" ]; }
t_exists() { echo precious >"$work/p.tar" && fails_with 7 'p.tar: exists' stage1 merged/one "$work/p.tar" && [ "$(cat "$work/p.tar")" = precious ]; }
case_ "an existing file is not overwritten" t_exists
t_names() {
    local t; cd "$work" || return 1
    for t in x.tar.bz2 X.TAR.GZ a.img; do fails_with 2 'tarballs are called' stage1 merged/one "$t" && [ ! -e "$t" ] || return 1; done
    fails_with 2 'this is the target' stage1 --sbom "$work/q.tar" merged/one "$work/./q.tar"
}
case_ "archives of other kinds do not become directories" t_names
t_nowhere() { fails_with 7 'no/such.*make it first' stage1 merged/one "$work/no/such/a.tar"; }
case_ "a directory that is not there" t_nowhere
t_full() {
    local rc m=$work/small; mkdir -p "$m" && mount -t tmpfs -o size=1m small "$m" || return 1
    fails_with 7 'No space left' stage1 merged/one "$m/a.tar"; rc=$?
    [ -z "$(ls -A "$m")" ] || { ls -lA "$m"; rc=1; }
    umount "$m"; return $rc
}
[ "$(id -u)" = 0 ] && case_ "a full disk: one line, nothing half-made" t_full || skipped "a full disk" "needs root"
t_pipe() { fails_with 7 'standard output: .*closed it' bash -c '"$@" | true; exit ${PIPESTATUS[0]}' - "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never merged/one -; }
case_ "a closed pipe: one line" t_pipe
t_interrupt() {
    mkfifo "$work/fifo.tar"; sleep 60 <"$work/fifo.tar" & local reader=$!
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never merged/one "$work/fifo.tar" 2>"$work/err" & local pid=$!
    sleep 2; kill -TERM $pid; wait $pid; local rc=$?
    kill $reader; [ $rc = 130 ] || { echo "exit status $rc"; cat "$work/err"; return 1; }
}
case_ "a reader that does not read: still interrupted" t_interrupt
t_killed() {
    "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never merged/one "$work/k.tar.xz" & local pid=$!
    for _ in $(seq 100); do [ -e "$work/.k.tar.xz.zonestrap-partial" ] && break; sleep 0.02; done
    kill -KILL $pid; wait $pid 2>/dev/null
    [ ! -e "$work/k.tar.xz" ] && stage1 merged/one "$work/k.tar.xz" && cmp "$work/k.tar.xz" "$work/s.tar.xz" && [ ! -e "$work/.k.tar.xz.zonestrap-partial" ]
}
case_ "killed half-way: nothing under the name, the next run takes over" t_killed
t_corrupt() {
    cp -a "$work/repo" "$work/repo3" && sed "s,file://$work/repo,file://$work/repo3," "$recipes/merged.distro" >"$recipes/bad.distro"
    local f; f=$(echo "$work"/repo3/pool/beta_2.0.deb); printf x | dd of="$f" bs=1 seek=2000 conv=notrunc status=none
    cache=$work/cache-bad fails_with 4 'beta' stage1 bad/one "$work/b.tar" && gone "$work/b.tar"
}
case_ "a package with other bytes: nothing left" t_corrupt
t_directory_needs_root() { fails_with 7 'needs root.*make a tarball' nobody "$work/zs-copy" create --recipes "$recipes" --arch amd64 merged/one "$work/other/dir"; }
[ "$(id -u)" = 0 ] && case_ "without root a directory is refused, and a tarball offered" t_directory_needs_root || skipped "without root" "needs root to become another user"
done_
