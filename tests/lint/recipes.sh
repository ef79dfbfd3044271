#!/bin/bash
# `zonestrap check` passes on everything that is built in, and names file, line and column of what is wrong.
. "$(dirname "$0")/../flow/lib.sh"
cd "$top" || exit 1
export HOME=$work XDG_CONFIG_HOME=$work/none

# broken FILE LINE PATTERN: a copy with LINE in place of its last line is refused there. FILE's name stays.
broken() {
    local copy=$work/$(basename "$1") n
    sed '$d' "$1" >"$copy"; printf '%s\n' "$2" >>"$copy"
    n=$(wc -l <"$copy")
    fails_with 2 "^zonestrap: error: $copy:$n:[0-9]+: .*$3" "$zs" check --recipes "$top/distros" "$copy"
}

case_ "the built-in files" "$zs" check
case_ "it counts them" test "$("$zs" check)" = \
    "$(ls distros/*.distro fixups/*.fixup fixups/*.zone mirrors/*.mirrors | wc -l) files are fine"
for f in distros/*.distro fixups/*.fixup fixups/*.zone mirrors/*.mirrors; do case_ "$f" "$zs" check --recipes distros "$f"; done
for f in distros/debian.distro fixups/fstab.fixup fixups/lx.zone mirrors/debian.mirrors; do
    case_ "$f with an unknown keyword" broken "$f" "nonsense  x" nonsense
    case_ "$f with an unknown section" broken "$f" "[nonsense]" "(nonsense|section)"
    case_ "$f with an open heading" broken "$f" "[distro" "\`]'"
done
cp distros/debian.distro "$work/notes.txt"
case_ "no kind of file that is known" fails_with 2 "notes.txt: neither a recipe" "$zs" check "$work/notes.txt"
case_ "an absent file" fails_with 7 "absent.distro: " "$zs" check "$work/absent.distro"
# Two bad files: each is named, and the exit status is the last one's.
both() {
    printf '[distro]\nfoo x\n' >"$work/one.distro"; printf '[match]\nfoo x\n' >"$work/two.fixup"
    "$zs" check "$work/one.distro" "$work/two.fixup" 2>"$work/err"
    [ $? -eq 2 ] && grep -q 'one.distro:2:1: ' "$work/err" && grep -q 'two.fixup:2:1: ' "$work/err" || { cat "$work/err"; return 1; }
}
case_ "every bad file is named" both
# Keys are extended now and then, and ours must be, too: each file has a key that signs until this day, which a release moves on.
keys_until=2027-01-01
still_signs() {
    gpg --batch --show-keys --with-colons "$1" 2>/dev/null | awk -F: -v day="$2" '$1 == "pub" && ($7 == "" || $7 + 0 > day + 0) { n++ } END { exit !n }' ||
        { echo "no key in $1 is valid on $keys_until"; return 1; }
}
if command -v gpg >/dev/null; then
    export GNUPGHOME=$work/gpg; mkdir -m 700 "$GNUPGHOME"
    day=$(date -d "$keys_until" +%s)
    for f in distros/keys/*.asc; do case_ "$f" still_signs "$f" "$day"; done
    expired() { ! still_signs distros/keys/opensuse-2022.asc "$(date -d 2036-01-01 +%s)"; }
    case_ "an expired key is found" expired
else
    skipped "the keys' validity" "gpg is missing"
fi
done_
