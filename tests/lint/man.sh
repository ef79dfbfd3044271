#!/bin/bash
# The manual pages are clean mdoc, and say the same about the options as --help.
. "$(dirname "$0")/../flow/lib.sh"
cd "$top" || exit 1
page=cmd/zonestrap.8
commands=$("$zs" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')

lint() { [ -z "$(mandoc -T lint -W warning "$1" 2>&1 | tee "$work/lint")" ] || { cat "$work/lint"; return 1; }; }

# Lines "OPTION: COMMANDS in alphabetical order".
from_help() {
    local c
    for c in $commands; do
        "$zs" "$c" --help | sed -nE "s/^  (-[a-z], |    )--([a-z-]+).*/\2 $c/p"
    done | LC_ALL=C sort | awk '{ w[$1] = w[$1] " " $2 } END { for (o in w) print o ":" w[o] }' | LC_ALL=C sort
}
# The page groups options under `.Ss Options of A, B and C` or `.Ss Options of every command`.
from_page() {
    awk -v all="$(echo $commands)" '/^\.S[hs]/ { of = "" }
        /^\.Ss Options of / { of = $0; sub(/^\.Ss Options of /, "", of); gsub(/,| and /, " ", of)
            if (of == "every command") of = all }
        of != "" && /^\.It / { for (i = 2; i < NF; i++) if ($i == "Fl" && $(i + 1) ~ /^-./) {
            n = split(of, c, " "); for (k = 1; k <= n; k++) print substr($(i + 1), 2), c[k] } }' "$1" |
        LC_ALL=C sort | awk '{ w[$1] = w[$1] " " $2 } END { for (o in w) print o ":" w[o] }' | LC_ALL=C sort
}
briefs_from_help() { for c in $commands; do "$zs" "$c" --help | sed -nE 's/^  -([a-z]), --([a-z-]+).*/\1 \2/p'; done | sort -u; }
briefs_from_page() { sed -nE 's/^\.It Fl ([a-z]) .*Fl -([a-z-]+).*/\1 \2/p' "$page" | sort -u; }

same() { diff "$1" "$2" >"$work/diff" || { echo "< --help, > $page"; cat "$work/diff"; return 1; }; }

if command -v mandoc >/dev/null; then
    pages=$(find . -path './build*' -prune -o \( -name '*.8' -o -name '*.5' \) -print | sed 's,^\./,,' | sort)
    for p in $pages; do case_ "mandoc: $p" lint "$p"; done
    printf '.Dd x\n.Dt X 8\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Bl -tag\n' >"$work/bad.8"
    found() { ! lint "$work/bad.8"; }
    case_ "mandoc: a planted error is found" found
else
    skipped mandoc "mandoc is not installed"
fi
[ -x "$zs" ] || { not_ok "$zs is not built"; done_; }
from_help >"$work/help"; from_page "$page" >"$work/page"
briefs_from_help >"$work/help.b"; briefs_from_page >"$work/page.b"
grep -v 'Fl -weak$' "$page" >"$work/page.8"
missed() { from_page "$work/page.8" >"$work/less"; ! same "$work/help" "$work/less" && [ "$(grep -c '^[<>]' "$work/diff")" -eq 1 ]; }
case_ "an option that the page lacks is found" missed
case_ "--help lists options" test "$(wc -l <"$work/help")" -ge 25
case_ "options and their commands are those of --help" same "$work/help" "$work/page"
case_ "short options are those of --help" same "$work/help.b" "$work/page.b"
for c in $commands; do
    case_ "synopsis and section: $c" eval "grep -qxE '\\.(Nm|Cm) $c.*|\\.Nm zonestrap $c.*|\\.It Cm $c.*' $page && grep -qE '^\\.Ss $c( |\$)' $page"
done
for s in 0 2 3 4 5 6 7 8 130; do case_ "exit status $s" grep -qx "\\.It $s" "$page"; done
done_
