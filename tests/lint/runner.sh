#!/bin/bash
# tests/run counts what a program printed, and what it did not live to print.
. "$(dirname "$0")/../flow/lib.sh"

# counts STATUS WANT PROGRAM...: tests/run's exit status and last line.
counts() {
    local status=$1 want=$2; shift 2
    TEST_TIMEOUT=${limit:-60} "$top/tests/run" "$@" >"$work/said" 2>&1
    local rc=$?
    [ $rc -eq "$status" ] && [ "$(tail -n 1 "$work/said")" = "$want" ] || { echo "exit status $rc"; cat "$work/said"; return 1; }
}
# says WANT: a line that the last run printed.
says() { grep -qE -- "$1" "$work/said" || { echo "no line matches: $1"; cat "$work/said"; return 1; }; }
# program NAME LINE...: a test that does this.
program() { local name=$1; shift; { echo '#!/bin/sh'; printf '%s\n' "$@"; } >"$work/$name"; chmod +x "$work/$name"; }

program good 'echo "ok - a"; echo "ok - b"'
program bad 'echo "ok - a"; echo "x.c:1: CHECK(1 == 2)"; echo "not ok - b"; exit 1'
program lies 'echo "not ok - b"; exit 0'
program skips 'echo "skipped - a: no such thing here"'
program dies 'echo "ok - a"; kill -SEGV $$'
program leaves 'echo "ok - a"; exit 3'
program hangs 'echo "ok - a"; exec sleep 600'
program silent 'exit 0'
program chatters 'echo "all ok - or so"; echo " ok - indented"'
program bytes 'printf "ok - \377\376\000\n\377\n"; echo "ok - b"'
program reads 'cat; echo "ok - a"'
program errs 'echo "not ok - a" >&2; exit 1'

case_ "passed tests" counts 0 '2 passed, 0 failed, 0 skipped' "$work/good"
case_ "a failed test" counts 1 '1 passed, 1 failed, 0 skipped' "$work/bad"
case_ "what a failed test said is shown" says '^ *x\.c:1: CHECK\(1 == 2\)$'
case_ "a failed test whose program ends well" counts 1 '0 passed, 1 failed, 0 skipped' "$work/lies"
case_ "a failed test on standard error" counts 1 '0 passed, 1 failed, 0 skipped' "$work/errs"
case_ "a skipped test" counts 0 '0 passed, 0 failed, 1 skipped' "$work/skips"
case_ "why it was skipped is shown" says '^ *skipped - a: no such thing here$'
case_ "a crash after a passed test" counts 1 '1 passed, 1 failed, 0 skipped' "$work/dies"
case_ "a crash's exit status is shown" says 'dies: .*\(exit status 139\)'
case_ "a bad end without a failed test" counts 1 '1 passed, 1 failed, 0 skipped' "$work/leaves"
limit=1 case_ "a timeout" counts 1 '1 passed, 1 failed, 0 skipped' "$work/hangs"
case_ "a timeout's exit status is shown" says 'hangs: .*\(exit status 124\)'
case_ "no output" counts 1 '0 passed, 1 failed, 0 skipped' "$work/silent"
case_ "only output that is no result" counts 1 '0 passed, 1 failed, 0 skipped' "$work/chatters"
case_ "bytes that are no text" counts 0 '2 passed, 0 failed, 0 skipped' "$work/bytes"
fed() { yes | counts "$@"; }
case_ "standard input is empty" fed 0 '1 passed, 0 failed, 0 skipped' "$work/reads"
case_ "no such program" counts 1 '0 passed, 1 failed, 0 skipped' "$work/missing"
case_ "all of them" counts 1 '6 passed, 3 failed, 1 skipped' "$work/good" "$work/bad" "$work/skips" "$work/leaves" "$work/good" "$work/silent"
together() { counts 1 '8 passed, 3 failed, 1 skipped' -j 3 "$work/good" "$work/bad" "$work/skips" "$work/leaves" "$work/good" "$work/silent" "$work/good" && says '^ *x\.c:1: CHECK\(1 == 2\)$'; }
case_ "several at a time" together
program first 'touch first-began; i=0; until [ -e second-began ] || [ $i = 100 ]; do sleep 0.1; i=$((i + 1)); done; [ -e second-began ] && echo "ok - a"'
program second 'touch second-began; i=0; until [ -e first-began ] || [ $i = 100 ]; do sleep 0.1; i=$((i + 1)); done; [ -e first-began ] && echo "ok - b"'
beside() { cd "$work" && counts 0 '2 passed, 0 failed, 0 skipped' -j 2 "$work/first" "$work/second"; }
case_ "they run side by side" beside
program lonely '# tests/run: alone' '[ ! -e at-work ] && echo "ok - a"'
program busy 'touch at-work; sleep 1; rm at-work; echo "ok - b"'
apart() { cd "$work" && counts 0 '5 passed, 0 failed, 0 skipped' -j 4 "$work/busy" "$work/lonely" "$work/busy" "$work/lonely" "$work/lonely"; }
case_ "one that wants to be alone is" apart
done_
