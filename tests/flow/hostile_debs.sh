#!/bin/bash
# Packages with right digests and wrong contents: one clear line, exit status 5, nothing outside the root, no target left.
# A tarball refuses what a directory does.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped hostile_debs "needs root"; done_; }
command -v python3 >/dev/null || { skipped hostile_debs "python3 is missing"; done_; }
. "$here/repo.sh"
repo_key
d=$work/repo/dists/one/main/binary-amd64
mkdir -p "$d"
python3 "$here/evil_deb.py" "$work/repo" && mv "$work/repo/Packages" "$d/Packages" && repo_byhash "$d"
repo_release "$work/repo" one; repo_sign "$work/repo" one
repo_recipe "file://$work/repo"
mkdir "$work/place" "$work/canary"; echo untouched >"$work/canary/victim"
before=$(cd "$work/canary" && ls -lR . | sha256sum)
# The root stands beside a canary: paths such as ../../canary reach it.
run_case() {
    local name=$1 verdict=$2 target=$3 rc
    sed "s/^packages .*/packages $name/" "$recipes/mine.distro" >"$recipes/evil.distro"
    mkdir -p "$work/place"
    timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch amd64 --progress none --second-stage never evil/one "$work/place/$target" >"$work/out" 2>"$work/err"; rc=$?
    [ "$(cd "$work/canary" && ls -lR . | sha256sum)" = "$before" ] || { echo "the canary changed"; return 1; }
    [ ! -e /canary-abs ] || { rm -f /canary-abs; echo "written to /"; return 1; }
    if [ "$verdict" = fine ]; then
        [ $rc = 0 ] || { cat "$work/err"; return 1; }
        if [ $target = root ]; then (cd "$work/place/root" && find . ! -path . | sort) >"$work/names.$name"
        else tar -tf "$work/place/$target" --quoting-style=literal | sed 's,/$,,' | grep -vx . | sort | diff "$work/names.$name" - || return 1; fi
        rm -rf "${work:?}/place/$target"
    else
        [ $rc = 5 ] || { echo "exit status $rc, expected 5"; cat "$work/err"; return 1; }
        [ "$(grep -c . "$work/err")" = 1 ] || { echo "not one line:"; cat "$work/err"; return 1; }
        grep -q "^zonestrap: error: .*$name" "$work/err" || { echo "the package is not named:"; cat "$work/err"; return 1; }
    fi
    [ -z "$(ls -A "$work/place")" ] || { echo "left behind:"; ls -A "$work/place"; return 1; }
}
while read -r name verdict; do
    case_ "$name ($verdict)" run_case "$name" "$verdict" root
    # The last of two entries counts, which a stream cannot hold to.
    [ "$name" != link-then-file ] || verdict=refused
    case_ "$name to a tarball ($verdict)" run_case "$name" "$verdict" x.tar
done <"$work/repo/cases"
done_
