#!/bin/bash
# No host of this machine's own package configuration stands in any tracked file: where a developer's packages come
# from is nobody's business. Prints files and lines, never the host.
. "$(dirname "$0")/../flow/lib.sh"
cd "$top" || exit 1

configured_hosts() {
    {
        find "${1:-/etc/apt}" -path '*sources.list*' -type f -exec cat {} + 2>/dev/null
        command -v npm >/dev/null && timeout 20 npm config get registry </dev/null 2>/dev/null
    } | grep -oiE 'https?://[^][/ ">]+' | sed -E 's,^[^/]*//,,; s,^.*@,,; s,:[0-9]*$,,' | grep -F . | sort -u
}

# Fails when one of the hosts (a file, one a line) stands in one of the files.
clean() {
    local hosts=$1 hits; shift
    hits=$(grep -aniFf "$hosts" -- /dev/null "$@" | cut -d: -f1,2)
    [ -z "$hits" ] || { echo "a host of this machine's package configuration stands in"; echo "$hits"; return 1; }
}

git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { skipped hosts "no git checkout"; exit 0; }
mapfile -d '' -t files < <(git ls-files -z -- ':!mirrors/*.mirrors')
mapfile -d '' -t lists < <(git ls-files -z -- 'mirrors/*.mirrors')

printf 'mirror.example\n' >"$work/planted"
mkdir -p "$work/etc/sources.list.d"
echo 'deb [arch=amd64] http://user:secret@mirror.example:8080/debian stable main' >"$work/etc/sources.list"
echo 'URIs: https://Other.example/debian' >"$work/etc/sources.list.d/x.sources"
case_ "hosts are read from both forms" diff <(printf 'Other.example\nmirror.example\n' | LC_ALL=C sort) \
    <(PATH=/usr/bin:/bin; npm() { return 1; }; configured_hosts "$work/etc" | grep -F example | LC_ALL=C sort)
printf 'fine\nhttp://deb.MIRROR.example/x\n' >"$work/leak"
not_clean() { ! clean "$work/planted" "$work/leak" && clean "$work/planted" "$work/planted2"; }
echo fine >"$work/planted2"
case_ "a planted host is found" not_clean

configured_hosts >"$work/hosts"
if [ ! -s "$work/hosts" ]; then
    skipped "no host of this machine" "no package configuration here"
    done_
fi
case_ "no host of this machine in any file" clean "$work/hosts" "${files[@]}"
# The mirror lists name public mirrors, which may well be those of a user who runs the tests; not so where CI runs.
if clean "$work/hosts" "${lists[@]}" >/dev/null || [ -n "${CI:-}" ]; then
    case_ "no host of this machine in the mirror lists" clean "$work/hosts" "${lists[@]}"
else
    skipped "no host of this machine in the mirror lists" "this machine uses a public mirror that a list names"
fi
done_
