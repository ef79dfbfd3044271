#!/bin/bash
# Requests that cannot be fulfilled, broken recipes, malformed indexes.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
repo_key
repo_deb alpha 1.0 "Depends: beta"
repo_deb beta 1
repo_deb lonely 1 "Depends: nowhere-to-be-found (>= 3)"
repo_deb foe 1 "Conflicts: alpha"
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
plan() { zs_local plan --names "$@" mine/one; }
t_unknown() { fails_with 2 'alpa.*alpha' plan --include alpa; }
case_ "an unknown package, with near names" t_unknown
t_exclude() { fails_with 6 'alpha.*beta|beta.*alpha' plan --exclude beta; }
case_ "--exclude of what is needed names who needs it" t_exclude
t_unsat() { fails_with 6 'lonely.*nowhere-to-be-found' plan --include lonely; }
case_ "an unsatisfiable set" t_unsat
t_conflict() { fails_with 6 'foe.*alpha|alpha.*foe' plan --include foe; }
case_ "a conflict" t_conflict
t_distro() { fails_with 2 'nowhere' zs_local plan nowhere/one; }
case_ "an unknown distribution" t_distro
t_release() { fails_with 2 'three' zs_local plan mine/three; }
case_ "an unknown release" t_release
t_set() { fails_with 2 'huge' plan --set huge; }
case_ "an unknown set" t_set
t_arch() { fails_with 2 'vax' zs_local plan --arch vax mine/one; }
case_ "an unknown architecture" t_arch
t_keyword() { sed 's/^title/titel/' "$recipes/mine.distro" >"$recipes/odd.distro"; fails_with 2 'odd.distro:2:1: .*titel' zs_local plan odd/one; }
case_ "an unknown keyword: file, line, column" t_keyword
t_option() { fails_with 2 'unknown option --frobnicate' zs_local plan --frobnicate; }
case_ "an unknown option" t_option
t_command() { fails_with 2 'unknown command' "$zs" frobnicate; }
case_ "an unknown command" t_command
t_not_root() {
    [ "$(id -u)" = 0 ] || { fails_with 7 'root' zs_local create mine/one "$work/x"; return; }
    fails_with 7 'root' setpriv --reuid 65534 --regid 65534 --clear-groups "$zs" create debian/bookworm /tmp/zs-never
}
case_ "create without root" t_not_root
t_dead_output() { "$zs" list >/dev/full 2>"$work/err"; [ $? = 7 ] && grep -q 'standard output' "$work/err"; }
case_ "standard output that is full" t_dead_output
t_pipe() { # no reader: ends as by SIGPIPE, without an error
    { { sleep 0.3; "$zs" list; echo $? >"$work/rc"; } | true; } 2>"$work/err"
    [ "$(cat "$work/rc")" = 141 ] && ! grep zonestrap "$work/err" || { cat "$work/rc" "$work/err"; return 1; }
}
case_ "standard output that nobody reads" t_pipe
t_target_mirror() {
    local m
    for m in mirror.example/debian "" "http://mirror.example/a b" $'http://mirror.example/\nTrusted: yes' http:; do
        fails_with 2 "--target-mirror: .*canonical" zs_local create --target-mirror "$m" mine/one "$work/x" || return 1
    done
}
case_ "a target mirror that is no URL" t_target_mirror
t_empty_root() { fails_with 2 'ROOT is empty' "$zs" run "" -- true && fails_with 2 'ROOT is empty' "$zs" second-stage ""; }
case_ "a root without a name" t_empty_root
t_recipes_dir() { fails_with 2 '--recipes /no/such: No such' zs_local plan --recipes /no/such mine/one && fails_with 2 '--recipes .*mine.asc: not a dir' zs_local plan --recipes "$key_asc" mine/one; }
case_ "--recipes that is no directory" t_recipes_dir
t_lacks_arch() { sed 's/aarch64=arm64/aarch64=arm64 s390x=s390x/' "$recipes/mine.distro" >"$recipes/big.distro"
    fails_with 2 'no Packages file for s390x.*amd64 arm64.*--suites release' "$zs" plan --recipes "$recipes" --cache-dir "$work/cache" --progress none -a s390x big/one; }
case_ "an architecture that a suite lacks" t_lacks_arch
# Malformed Packages: stored ones from real bug reports and some of our own; a verdict each, never a crash.
serve() { # FILE: a signed repository whose Packages is FILE
    local d=$work/mal/dists/one/main/binary-amd64
    rm -rf "$work/mal"; mkdir -p "$d"; cp "$1" "$d/Packages"; repo_byhash "$d"
    repo_release "$work/mal" one; repo_sign "$work/mal" one
    sed "s,file://$work/repo,file://$work/mal,; s/^packages .*/packages ${2:-alpha}/" "$recipes/mine.distro" >"$recipes/mal.distro"
}
t_stored() {
    local f n=0 rc
    for f in "$data"/evil/apt-packages/Packages* "$data"/evil/apt-packages/status*; do
        serve "$f" no-such-package-here
        zs_local plan --names mal/one >/dev/null 2>"$work/err"; rc=$?
        case $rc in 2|5|6) ;; *) echo "$f: exit status $rc"; cat "$work/err"; return 1 ;; esac
        [ "$(grep -c '^zonestrap: error' "$work/err")" = 1 ] || { echo "$f: no error line"; return 1; }
        n=$((n + 1))
    done
    [ $n -gt 20 ]
}
if [ -d "$data/evil/apt-packages" ]; then case_ "stored Packages from bug reports" t_stored; else skipped "stored Packages from bug reports" "no test data"; fi
mal() { printf "$1" >"$work/P"; serve "$work/P"; zs_local plan --names mal/one; }
digest=$(printf %064d 7)
good="Package: alpha\nVersion: 1\nArchitecture: all\nFilename: pool/a.deb\nSize: 100\nSHA256: $digest\n"
t_ok() { mal "$good\n"; }
case_ "a Packages written by hand" t_ok
t_garbage() { head -c 4000 "$zs" >"$work/P"; serve "$work/P"; fails_with 5 'Packages' zs_local plan --names mal/one; }
case_ "Packages that is a program" t_garbage
t_dotdot() { fails_with 5 'alpha.*pool/\.\.|pool/\.\..*' mal "${good/pool\/a.deb/pool/../../../etc/passwd}\n"; }
case_ "Filename that leaves the repository" t_dotdot
t_size() { fails_with 5 'alpha|Size' mal "${good/Size: 100/Size: 99999999999999999999999}\n"; }
case_ "an absurd Size" t_size
t_release_garbage() { serve "$work/P"; printf 'Suite: one\nSHA256:\n zz\n' >"$work/mal/dists/one/Release"; repo_sign "$work/mal" one; fails_with 5 'Release|SHA256|line' zs_local plan --names mal/one; }
case_ "a malformed Release" t_release_garbage
t_release_nodate() { printf "$good\n" >"$work/P"; serve "$work/P"; sed -i '/^Date/d' "$work/mal/dists/one/Release"; repo_sign "$work/mal" one; fails_with 5 'Date' zs_local plan --names mal/one; }
case_ "a Release without a Date" t_release_nodate
t_component() { fails_with 2 'contrib' zs_local plan --components contrib mine/one; }
case_ "a component that the repository lacks" t_component
done_
