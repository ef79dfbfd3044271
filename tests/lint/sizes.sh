#!/bin/bash
# tests/sizes passes, and finds functions of over 60 lines and files of over 600.
. "$(dirname "$0")/../flow/lib.sh"

# planted FILE STATUS PATTERN: exit status of tests/sizes over a tree of this one file.
planted() {
    mkdir -p "$work/t/tests" "$work/t/base" && rm -f "$work/t/base/"*
    cp "$top/tests/sizes" "$top/tests/sizes.allow" "$work/t/tests/"
    cp "$1" "$work/t/base/x.c"
    "$work/t/tests/sizes" >"$work/out"
    local rc=$?
    [ $rc -eq "$2" ] && grep -qE "$3" <<<"$(cat "$work/out")" || { echo "exit status $rc"; cat "$work/out"; return 1; }
}
function_of() { printf 'static int\tx;\n\nint %s(int a,\n        int b)\n{\n' "$1"; yes '    a++;' | head -n "$2"; printf '}\n'; }

function_of long_one 70 >"$work/70.c"
function_of fine 59 >"$work/59.c"; echo '/* none */' >>"$work/59.c"
{ for i in $(seq 62); do function_of "f$i" 5; done; } >"$work/file.c"
case_ "the sources" "$top/tests/sizes"
case_ "a function of 70 lines is found" planted "$work/70.c" 1 '^base/x.c: long_one: 7[01] lines$'
case_ "a function of 59 lines is fine" planted "$work/59.c" 0 '^$'
case_ "a file of over 600 lines is found" planted "$work/file.c" 1 '^base/x.c: [67][0-9][0-9] lines$'
allowed() { cp "$top/tests/sizes.allow" "$work/keep"; planted "$work/70.c" 1 . || return 1
    echo 'base/x.c: long_one' >"$work/t/tests/sizes.allow"; "$work/t/tests/sizes"; }
case_ "what tests/sizes.allow names passes" allowed
done_
