#!/bin/bash
# Every C file is as .clang-format has it.
. "$(dirname "$0")/../flow/lib.sh"
cd "$top" || exit 1
command -v clang-format >/dev/null || { skipped format "clang-format is not installed"; exit 0; }
# Versions differ in what they find right; this one is Debian 12's.
clang-format --version | grep -q 'version 14\.' || { skipped format "clang-format here is not version 14"; exit 0; }

formatted() {
    clang-format --style=file --dry-run -Werror "$@" >"$work/format" 2>&1 && return
    echo "run clang-format -i on:"
    sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: error.*/\1/p' "$work/format" | sort -u
    return 1
}
mapfile -t files < <(find base mirrors pkgfmt distros fixups cmd tests -name '*.[ch]' | sort)
case_ "clang-format finds nothing to change" formatted "${files[@]}"
cp .clang-format "$work/" && printf 'int  x( void ){return 1;}\n' >"$work/x.c"
found() { ! formatted "$work/x.c"; }
case_ "a planted line is found" found
done_
