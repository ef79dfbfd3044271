# Sourced by the flow tests (bash). Each prints `ok - NAME`, `not ok - NAME` or `skipped - NAME: why` per case.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
zs=${ZONESTRAP:-$top/build/zonestrap}
data=${ZONESTRAP_TEST_DATA:-$top/../shared/data}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/zs-flow.XXXXXX")
cleanup_hooks=
cleanup() { local h; for h in $cleanup_hooks; do $h; done; rm -rf --one-file-system "$work"; }
trap cleanup EXIT
trap 'exit 143' TERM INT
fails=0
ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; fails=$((fails + 1)); }
skipped() { echo "skipped - $1: $2"; }
# case_ NAME COMMAND...: one case, its output shown when it fails.
case_() {
    local name=$1; shift
    if "$@" >"$work/case.out" 2>&1; then ok "$name"; else sed 's/^/# /' "$work/case.out"; not_ok "$name"; fi
}
# fails_with STATUS PATTERN COMMAND...: exact exit status, and exactly one line of error that matches (ERE).
fails_with() {
    local status=$1 pattern=$2; shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null
    local rc=$?
    [ $rc -eq "$status" ] || { echo "exit status $rc, expected $status"; cat "$work/err"; return 1; }
    grep -Eq -- "$pattern" "$work/err" || { echo "no line matches: $pattern"; cat "$work/err"; return 1; }
    [ "$(grep -c '^zonestrap: error' "$work/err")" -eq 1 ] || { echo "not exactly one error line:"; cat "$work/err"; return 1; }
}
# planted FILE LINE: the test's `check DIR` finds LINE at the end of FILE in a copy of the rooms, by file and line, and no more.
planted() {
    local file=$1 line=$2 copy=$work/copy
    rm -rf "$copy" && mkdir "$copy"
    (cd "$top" && find base mirrors pkgfmt distros fixups cmd -name '*.[ch]' -exec cp --parents -t "$copy" {} +)
    printf '%s\n' "$line" >>"$copy/$file"
    check "$copy" >"$work/found" && { echo "not found"; return 1; }
    grep -q "^$file:$(wc -l <"$copy/$file"):" "$work/found" || { cat "$work/found"; return 1; }
    [ "$(wc -l <"$work/found")" -eq 1 ] || { cat "$work/found"; return 1; }
}
done_() { [ $fails -eq 0 ]; exit; }
