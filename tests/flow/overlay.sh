#!/bin/bash
# --overlay, --hook and --keep: from a repository of the test's own, to directories and tarballs; then with a real Debian.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped overlay "needs root"; done_; }
. "$here/repo.sh"
repo_key
repo_packages="alpha dpkg"
mkdir -p "$tree"/alpha/{bin,etc/alpha,usr/share/alpha}
echo packaged >"$tree/alpha/bin/tool"; ln "$tree/alpha/bin/tool" "$tree/alpha/bin/other"
echo packaged >"$tree/alpha/etc/alpha/conf"; echo packaged >"$tree/alpha/usr/share/alpha/stays"
ln -s /etc/alpha "$tree/alpha/usr/share/alpha/link"; chmod 750 "$tree/alpha/etc/alpha"
repo_deb alpha 1; repo_deb dpkg 1
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
printf '[layout]\nlink /bin usr/bin\nlink /lib32 usr/lib32\n' >>"$recipes/mine.distro"
chmod 755 "$work" "$recipes"

# What is copied: replaced and new files, all kinds, modes, times, names of one file.
ov=$work/ov
mkdir -p "$ov"/{bin,etc/alpha,lib32,opt/deep/er,usr/share/alpha}
echo over >"$ov/bin/tool"; chmod 4755 "$ov/bin/tool"
echo over >"$ov/etc/alpha/conf"; chmod 600 "$ov/etc/alpha/conf"; touch -d 2001-02-03 "$ov/etc/alpha/conf"
chmod 700 "$ov/etc/alpha"
echo late >"$ov/lib32/late"; mkfifo "$ov/opt/pipe"; ln -s ../tool "$ov/opt/deep/link"; ln "$ov/bin/tool" "$ov/opt/deep/tool"
head -c 70000000 /dev/zero >"$ov/opt/deep/er/large"; touch -d 2099-01-01 "$ov/opt/deep/er"
chown -R 1234:1234 "$ov"; chmod 4755 "$ov/bin/tool"; chmod 2711 "$ov/opt/deep/er"
# The second one wins; it brings owners.
ov2=$work/ov2
mkdir -p "$ov2/usr/share/alpha" "$ov2/opt/deep"; echo second >"$ov2/usr/share/alpha/new"; echo second >"$ov2/opt/deep/link"; chmod 711 "$ov2/opt/deep"
tar -C "$ov2" --owner=u:77 --group=g:88 --numeric-owner -cJf "$work/ov2.tar.xz" .

stage1() { zs_local create --second-stage never "$@"; }
both() { stage1 --overlay "$ov" --overlay "$work/ov2.tar.xz" "$@"; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %l %n %t\n' | sed -E 's/^(([^ ]*) d .*) [0-9]+ ( [0-9]+) /\1\3 /' | sort; find . -type f -exec sha256sum {} + | sort -k2); }

t_dir() { both mine/one "$work/root"; }
case_ "create with two overlays" t_dir
t_content() {
    cd "$work/root" || return 1
    [ "$(stat -c '%a %u %g' usr/bin/tool)" = "4755 0 0" ] && [ "$(cat usr/bin/tool)" = over ] && [ "$(cat usr/bin/other)" = packaged ] &&
    [ "$(stat -c '%a %Y' etc/alpha/conf)" = "600 $(date -d 2001-02-03 +%s)" ] && [ "$(cat etc/alpha/conf)" = over ] && [ "$(stat -c %a etc/alpha)" = 750 ] &&
    [ "$(cat usr/share/alpha/stays)" = packaged ] && [ "$(readlink lib32)" = usr/lib32 ] && [ "$(cat usr/lib32/late)" = late ] &&
    [ -p opt/pipe ] && [ "$(cat opt/deep/link)" = second ] && [ "$(stat -c '%u %g' opt/deep/link usr/share/alpha/new | sort -u)" = "77 88" ] &&
    [ usr/bin/tool -ef opt/deep/tool ] && [ "$(stat -c %s opt/deep/er/large)" = 70000000 ] && [ "$(stat -c '%a %u' opt/deep/er opt/deep | tr '\n' ' ')" = "2711 0 711 77 " ] &&
    [ "$(stat -c %Y opt/deep/er)" -le "$(date +%s)" ] && [ -z "$(find . -name '.zonestrap*')" ]
}
case_ "files, modes, times, links, owners; directories that were there keep theirs" t_content
t_tar() {
    both mine/one "$work/t.tar" && mkdir "$work/x" && tar -C "$work/x" --delay-directory-restore -xpf "$work/t.tar" && listing "$work/root" >"$work/list" && listing "$work/x" | diff "$work/list" -
}
case_ "the same in a streamed tarball" t_tar
t_again() { both --jobs 1 mine/one "$work/t2.tar" && cmp "$work/t.tar" "$work/t2.tar"; }
case_ "the same bytes again" t_again
# Another user, another owner, another order of the directory's entries, another umask.
user=$work/user
t_user() {
    mkdir "$user" "$user/ov" && cp -a "$ov" "$user/o" && for d in opt usr lib32 etc bin; do mv "$user/o/$d" "$user/ov/"; done &&
    chown -R 65534 "$user" && chmod 4755 "$user/ov/bin/tool" && chmod -R a+rX "$work/repo" "$recipes" "$work/ov2.tar.xz" &&
    (cd "$user" && umask 027 && HOME=$user TMPDIR=$user setpriv --reuid 65534 --regid 65534 --clear-groups "$zs" create --recipes "$recipes" --cache-dir none \
        --arch amd64 --progress none --second-stage never --jobs 3 --overlay ov --overlay ../ov2.tar.xz mine/one t.tar) && cmp "$work/t.tar" "$user/t.tar"
}
case_ "the same bytes for another user" t_user
t_compressed() {
    local c
    for c in "" z j J --zstd; do
        tar -C "$ov2" --owner=u:77 --group=g:88 --numeric-owner -c ${c:+${c/#[!-]/-$c}} -f "$work/c.tar" . || return 1
        stage1 --overlay "$work/c.tar" mine/one "$work/c$c.out.tar" || return 1
        cmp "$work/c$c.out.tar" "$work/c.out.tar" || return 1
    done
}
case_ "tars in any compression" t_compressed

# Everything that is wrong is known before anything is fetched: the repository is not even there.
refused() { # STATUS PATTERN OPTION...
    local status=$1 pattern=$2; shift 2
    fails_with "$status" "$pattern" zs_local create --mirror "file://$work/none" "$@" mine/one "$work/refused" &&
    fails_with "$status" "$pattern" zs_local create --mirror "file://$work/none" "$@" mine/one "$work/refused.tar" &&
    [ -z "$(ls -A "$work" | grep refused)" ]
}
never() { local s=$1 p=$2; shift 2; refused "$s" "$p" --second-stage never --overlay "$@"; }
made() { rm -rf "$work/bad"; mkdir "$work/bad"; (cd "$work/bad" && eval "$1"); }
t_bad_overlay() {
    never 7 '--overlay: /no/such: No such file' /no/such &&
    never 2 'neither a directory nor a tar' /dev/null &&
    never 5 'no tar archive' "$recipes/mine.distro" &&
    { : >"$work/empty"; never 5 'no tar archive' "$work/empty"; } &&
    { head -c 150 "$work/ov2.tar.xz" >"$work/cut.tar.xz"; never 5 'cut.tar.xz: ' "$work/cut.tar.xz"; } &&
    { made 'mkdir zonestrap; : >zonestrap/plan'; never 5 "zonestrap: this name is zonestrap's own" "$work/bad"; } &&
    { made ': >.zonestrap-incomplete'; never 5 "own" "$work/bad"; } &&
    { made 'mkdir dev; mknod dev/null c 1 3'; never 5 'bad: dev/null: a device node' "$work/bad"; } &&
    { made ': >x; tar -cf ../up.tar -P --transform "s,^,../," x'; never 5 "up.tar: \.\./x: a path with" "$work/up.tar"; } &&
    { made ': >a; ln a b; tar -cf ../hard.tar a b --transform "flags=h;s,a,etc/shadow,"'; never 5 "b: a hard link to .etc/shadow', which is no file" "$work/hard.tar"; }
}
case_ "bad overlays" t_bad_overlay
t_evil() {
    local f rc dir=$data/evil
    [ -d "$dir/traversal" ] || { echo "no test data"; return 1; }
    for f in "$dir"/traversal/tar/*.tar "$dir"/zip-slip/*.tar "$dir"/tar-rs/*.tar; do
        rm -rf "$work/e"; mkdir "$work/e"
        timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never \
            --overlay "$f" mine/one "$work/e/t.tar" >"$work/out" 2>"$work/err"; rc=$?
        case $rc in 0) ;; 5) [ "$(wc -l <"$work/err")" -le 2 ] && grep -qF "${f##*/}" "$work/err" && [ ! -e "$work/e/t.tar" ] ;; *) false ;; esac || { echo "$f: $rc"; cat "$work/err"; return 1; }
        [ -z "$(ls -A "$work/e" | grep -vx t.tar)" ] && [ ! -e /tmp/moo ] && [ ! -e "$work/moo" ] || { ls -lA "$work/e"; return 1; }
    done
}
if [ -d "$data/evil/traversal" ]; then case_ "hostile tars" t_evil; else skipped "hostile tars" "no test data"; fi
# Found when the tree is known: one line with overlay and path, nothing left.
late() { # PATTERN OVERLAY...
    local pattern=$1 o=(); shift
    for d; do o+=(--overlay "$d"); done
    fails_with 5 "$pattern" stage1 "${o[@]}" mine/one "$work/refused" && fails_with 5 "$pattern" stage1 "${o[@]}" mine/one "$work/refused.tar" && [ -z "$(ls -A "$work" | grep refused)" ]
}
t_conflicts() {
    { made 'mkdir -p usr/share; : >usr/share/alpha'; late '--overlay: .*bad: usr/share/alpha: a file cannot take the place of the root.s directory' "$work/bad"; } &&
    { made 'mkdir -p bin/tool'; late 'usr/bin/tool: a directory cannot take the place' "$work/bad"; } &&
    { made 'mkdir -p usr/share/alpha/link; : >usr/share/alpha/link/x'; late 'usr/share/alpha/link: a directory cannot take the place of the root.s symbolic link' "$work/bad"; } &&
    { made 'mkdir -p d/usr/share/alpha/link; : >d/usr/share/alpha/link/x; tar -C d -cf ../through.tar usr/share/alpha/link/x'; late "through.tar: usr/share/alpha/link/x: passes through .usr/share/alpha/link', which is a symbolic link" "$work/through.tar"; } &&
    { made 'ln -s /tmp bin'; late "bin: a link to ./tmp' where the layout has one" "$work/bad"; } &&
    { made 'mkdir -p a/x b/x/y; : >a/x/y'; late '/x/y: a file of .*a and a directory of .*b' "$work/bad/a" "$work/bad/b"; } &&
    { made 'mkdir -p a b/x; ln -s / a/x; : >b/x/y'; late '/x: a file of .*a and a directory of .*b' "$work/bad/a" "$work/bad/b"; }
}
case_ "overlays that do not fit the root, or each other" t_conflicts
t_warned() {
    made 'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"s\")"; : >f; mkdir -m 711 m' &&
    unshare -m sh -c 'mount -t tmpfs none "$0/m" && : >"$0/m/inside" && shift && "$@"' "$work/bad" x \
        "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never --overlay "$work/bad" mine/one "$work/warned" 2>"$work/err" &&
    grep -q 'bad/s: a socket is left out' "$work/err" && grep -q 'bad/m: what is mounted there is left out' "$work/err" &&
    [ -e "$work/warned/f" ] && [ ! -e "$work/warned/s" ] && [ -d "$work/warned/m" ] && [ ! -e "$work/warned/m/inside" ] || { cat "$work/err"; return 1; }
}
case_ "sockets and what is mounted are left out with a warning" t_warned
# What belongs to a file and not to this host: user.* and capabilities, from directories and tars.
xattrs() { python3 -c 'import os, sys; print(*sorted((n, os.getxattr(sys.argv[1], n).hex()) for n in os.listxattr(sys.argv[1])))' "$1"; }
t_xattrs() {
    local r
    made ': >cap; mkdir d' && python3 -c 'import os, sys; d = sys.argv[1]
for n, v in ("user.x", b"y"), ("security.capability", bytes.fromhex("0100000200040000000000000000000000000000")), ("trusted.not", b"z"): os.setxattr(d + "/cap", n, v)
os.setxattr(d + "/d", "user.d", b"e")' "$work/bad" || { echo "no extended attributes here"; return 1; }
    tar -C "$work/bad" --xattrs --xattrs-include='*' -cf "$work/xattr.tar" . && xattrs "$work/bad/cap" | sed "s/ ('trusted.not', '7a')//" >"$work/want" &&
    for r in "$work/bad" "$work/xattr.tar"; do
        rm -rf "$work/xa" "$work/xa.tar" "$work/xb"; mkdir "$work/xb"
        stage1 --overlay "$r" mine/one "$work/xa" && stage1 --overlay "$r" mine/one "$work/xa.tar" && tar -C "$work/xb" --xattrs --xattrs-include='*' -xpf "$work/xa.tar" &&
        xattrs "$work/xa/cap" | diff "$work/want" - && xattrs "$work/xb/cap" | diff "$work/want" - && [ "$(xattrs "$work/xb/d")" = "('user.d', '65')" ] || return 1
    done
}
case_ "extended attributes" t_xattrs

printf '#!/bin/sh\n' >"$work/hook"
hook() { local s=$1 p=$2; shift 2; refused "$s" "$p" --hook "$@"; }
t_bad_hook() {
    hook 7 '--hook: /no/such: No such file' /no/such && hook 2 'no regular file' "$work" && hook 2 'no regular file' /dev/null &&
    { : >"$work/empty"; hook 2 'is empty' "$work/empty"; } && { truncate -s 17M "$work/huge"; hook 2 'larger than 16 MiB' "$work/huge"; } &&
    hook 2 'not with --second-stage never' "$work/hook" --second-stage never &&
    fails_with 2 'unknown option --hook' zs_local plan --hook "$work/hook" mine/one && fails_with 2 'unknown option --overlay' zs_local plan --overlay "$ov" mine/one
}
case_ "bad hooks" t_bad_hook
t_bad_keep() {
    refused 2 '--keep .*not with --second-stage never' --keep --second-stage never && refused 2 '--keep .*not with --second-stage later' --keep --second-stage later &&
    fails_with 2 'no place beside it' zs_local create --keep mine/one - && { mkdir "$work/k.tar.root"; fails_with 7 'k.tar.root: exists' zs_local create --keep mine/one "$work/k.tar"; } && [ ! -e "$work/k.tar" ]
}
case_ "bad --keep" t_bad_keep
# A second stage for later carries the hooks, and knows which files are not dpkg's to write.
t_later() {
    (repo_deb coreutils 1; repo_deb dash 1; repo_index "$work/repo" one) && printf 'echo two\n' >"$work/two words;x" &&
    zs_local create --second-stage later --include coreutils,dash --hook "$work/hook" --hook "$work/two words;x" --overlay "$ov" mine/one "$work/l" &&
    zs_local create --second-stage later --include coreutils,dash --hook "$work/hook" --hook "$work/two words;x" --overlay "$ov" mine/one "$work/l.tar" &&
    mkdir "$work/lx" && tar -C "$work/lx" -xpf "$work/l.tar" && diff -r "$work/l/zonestrap" "$work/lx/zonestrap" &&
    [ "$(ls "$work/l/zonestrap/hooks" | tr '\n' ' ')" = "01-hook 02-two_words_x " ] && [ -x "$work/l/zonestrap/hooks/02-two_words_x" ] &&
    (cd "$work/l/zonestrap" && sha256sum -c --quiet digests && grep -q ' hooks/01-hook$' digests) && grep '^path' "$work/l/zonestrap/dpkg.cfg" | tee "$work/cfg" &&
    grep -qx 'path-exclude=/bin/tool' "$work/cfg" && grep -qx 'path-exclude=/bin/other' "$work/cfg" && grep -qx 'path-exclude=/etc/alpha/conf' "$work/cfg" && ! grep -q 'exclude.*stays' "$work/cfg"
}
case_ "a second stage for later carries the hooks; dpkg is told what is not its own to write" t_later

# A real one.
. "$here/mirror.sh"
why=
[ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
for c in "a hook that fails" "it is mended, the second stage resumes there" "what overlays brought stands, all packages are whole" "hooks: order, network, environment" \
    "a finished tarball with overlay and hooks, dpkg having written every file" "a failed tarball leaves nothing, and says what would" "--keep: the root of a tarball whose hook failed"; do [ -z "$why" ] || skipped "$c" "$why"; done
[ -z "$why" ] || done_
zs=${ZONESTRAP:-$top/build/zonestrap}
debian() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
real=$work/real r=$work/bookworm
mkdir -p "$real"/{bin,etc/default,etc/apt/sources.list.d,usr/share/doc/over}
echo over >"$real/etc/bash.bashrc"; echo over >"$real/etc/hostname"; printf '#!/bin/sh\necho over\n' >"$real/bin/which.debianutils"; chmod 755 "$real/bin/which.debianutils"
ln -s bash.bashrc "$real/etc/motd"; echo over >"$real/etc/debian_version"; chmod 640 "$real/etc/hostname"
cat >"$work/first" <<'H'
#!/bin/sh -e
apt-get -o Acquire::Check-Valid-Until=false update
apt-get -s install hello | grep '^Inst hello'
echo first >>/order
env >/hook.env
H
printf 'echo second >>/order\necho it cannot go on >&2\nexit 5\n' >"$work/second"
printf 'echo third >>/order\n' >"$work/third"
t_fail() {
    fails_with 8 'it cannot go on.*hook 02-second: exit status 5' debian --overlay "$real" --hook "$work/first" --hook "$work/second" --hook "$work/third" debian/bookworm "$r" &&
    grep -q "second-stage $r' goes on" "$work/err" && [ -e "$r/zonestrap/hooks/02-second" ] && [ "$(tr '\n' ' ' <"$r/order")" = "first second " ] && grep -q '^it cannot go on' "$r/var/log/zonestrap.log"
}
case_ "a hook that fails" t_fail
t_mend() { echo 'echo mended >>/order' >"$r/zonestrap/hooks/02-second" && "$zs" second-stage --progress none "$r" && [ ! -e "$r/zonestrap" ]; }
case_ "it is mended, the second stage resumes there" t_mend
stands() { # ROOT
    local f
    for f in etc/bash.bashrc etc/hostname etc/debian_version; do [ "$(cat "$1/$f")" = over ] || { echo "$f"; return 1; }; done
    cmp "$real/bin/which.debianutils" "$1/usr/bin/which.debianutils" && [ "$(readlink "$1/etc/motd")" = bash.bashrc ] && [ "$(stat -c %a "$1/etc/hostname")" = 640 ] && [ -z "$(find "$1" -xdev -name '*.dpkg-*')" ]
}
t_stands() { stands "$r" && [ -z "$(setsid "$zs" run "$r" -- dpkg --audit </dev/null 2>&1)" ] && grep -q '^ /etc/bash.bashrc [0-9a-f]\{32\}' "$r/var/lib/dpkg/status"; }
case_ "what overlays brought stands, all packages are whole" t_stands
t_hooks() {
    [ "$(tr '\n' ' ' <"$r/order")" = "first second mended third " ] && ls "$r/var/lib/apt/lists" | grep -q Packages && [ ! -e "$r/etc/resolv.conf" ] && [ ! -e "$r/usr/sbin/policy-rc.d" ] &&
    [ "$(sed 's/=.*//' "$r/hook.env" | sort | grep -v -e PWD -e TERM -e '^_$' | tr '\n' ' ')" = "DEBCONF_NONINTERACTIVE_SEEN DEBIAN_FRONTEND HOME LC_ALL PATH SOURCE_DATE_EPOCH " ]
}
case_ "hooks: order, network, environment" t_hooks
t_tarball() {
    debian --keep --second-stage-full --overlay "$real" --hook "$work/first" --hook "$work/third" debian/bookworm "$work/done.tar" && mkdir "$work/done" && tar -C "$work/done" -xpf "$work/done.tar" && stands "$work/done" &&
    [ "$(tr '\n' ' ' <"$work/done/order")" = "first third " ] && [ ! -e "$work/done/zonestrap" ] && [ ! -e "$work/done/etc/resolv.conf" ] && [ ! -e "$work/done.tar.root" ] && rm -rf "$work/done" "$work/done.tar"
}
case_ "a finished tarball with overlay and hooks, dpkg having written every file" t_tarball
# dpkg itself fails: soon.
t_gone() {
    made 'mkdir bin; printf "#!/bin/sh\nexit 1\n" >bin/dpkg; chmod 755 bin/dpkg' &&
    fails_with 8 'dpkg failed' debian --overlay "$work/bad" debian/bookworm "$work/gone.tar" && grep -q -- '--keep' "$work/err" && [ -z "$(ls -A "$work" | grep gone)" ]
}
case_ "a failed tarball leaves nothing, and says what would" t_gone
t_keep() {
    local kept=$work/kept.tar.root
    fails_with 8 'it cannot go on.*hook 01-second: exit status 5' debian --keep --hook "$work/second" --hook "$work/third" debian/bookworm "$work/kept.tar" &&
    grep -q "second-stage $kept' goes on" "$work/err" && [ ! -e "$work/kept.tar" ] && [ -z "$(ls -A "$work" | grep partial)" ] &&
    setsid "$zs" run "$kept" -- sh -c 'cat /order && grep -q "^it cannot go on" /var/log/zonestrap.log' </dev/null | grep -qx second &&
    fails_with 8 'hook 01-second: exit status 5' "$zs" second-stage --progress none "$kept" && printf 'echo mended >>/order\n' >"$kept/zonestrap/hooks/01-second" &&
    "$zs" second-stage --progress none "$kept" && [ "$(tr '\n' ' ' <"$kept/order")" = "second second mended third " ] && [ ! -e "$kept/zonestrap" ]
}
case_ "--keep: the root of a tarball whose hook failed" t_keep
done_
