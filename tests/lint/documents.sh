#!/bin/bash
# The documents' commands are real: CI runs the README's, targets, options and files exist, its recipe passes `check`.
. "$(dirname "$0")/../flow/lib.sh"
cd "$top" || exit 1
docs="README.md CONTRIBUTING.md SECURITY.md"

second=$(grep -E '^    sudo .*make check$' README.md | sed 's/^ *//')
case_ "README has one test command" test "$(wc -l <<<"$second")" = 1 -a -n "$second"
case_ ".ci/run runs it" grep -qxF "    $second" .ci/run
targets() {
    local t
    for t in $(grep -hoE '(^|[^a-z/-])make [a-z][a-z_.-]*[a-z]' $docs | sed 's/.*make //' | sort -u); do
        case $t in and | anything | the) continue ;; esac
        grep -q "^$t:" Makefile || { echo "no target: $t"; return 1; }
    done
}
case_ "make's targets exist" targets
options() {
    local c o
    grep -hE '^    (sudo )?(build/)?zonestrap ' README.md | sed 's/#.*//; s/&&.*//' >"$work/lines"
    [ "$(wc -l <"$work/lines")" -ge 10 ] || { echo "too few commands found"; return 1; }
    while read -r line; do
        c=$(sed -E 's/.*zonestrap ([a-z-]+).*/\1/' <<<"$line")
        "$zs" "$c" --help >"$work/help" || return 1
        for o in $(sed 's/ -- .*//' <<<"$line" | grep -oE -- ' --?[a-z][a-z-]*'); do
            grep -qE -- "^ *(-[a-z], )?${o}[ ,]|^ *$o, |^ *(-[a-z], )?$o\$" "$work/help" || { echo "$c has no $o"; return 1; }
        done
    done <"$work/lines"
}
case_ "the README's commands and options exist" options
files() {
    local f
    for f in $(grep -hoE '(base|mirrors|pkgfmt|distros|fixups|cmd|tests)/[a-z_/]+(\.[a-z]+)?' CONTRIBUTING.md | sort -u); do
        case $f in */NAME* | */deb_index*) ;; esac
        [ -e "$f" ] || compgen -G "$f*" >/dev/null || { echo "no such file: $f"; return 1; }
    done
}
case_ "the files that CONTRIBUTING names exist" files
mkdir "$work/r"
sed -n '/^    # office.distro/,/^$/s/^    //p' README.md >"$work/r/office.distro"
case_ "the README's recipe passes check" "$zs" check --recipes "$work/r" "$work/r/office.distro"
case_ "and is listed" eval '"$zs" list --recipes "$work/r" office | grep -q "sets .* office"'
done_
