#!/bin/bash
# A distribution is added in one file, without rebuilding: CONTRIBUTING's walk-through, with a repository of the test's own
# in place of the real one; and what `check' finds on the way.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped new "needs root"; done_; }
. "$here/repo.sh"
repo_key
doc=$work/doc dir=$work/dir
sed -n '/^## A distribution in one file/,/^## Conv/p' "$top/CONTRIBUTING.md" >"$doc"
distro=$(sed -n 's/^    zonestrap new \([a-z]*\) --like debian$/\1/p' "$doc")
release=$(sed -n 's/^    default *//p' "$doc")
repo_deb alpha 1 "Priority: required"; repo_deb apt 1; repo_deb beta 1
repo_index "$work/repo" "$release"
# The documents' commands, with what they leave to the machine: nothing of the user's, no second stage for packages without programs.
mkdir -p "$work/bin" "$dir"
cat >"$work/bin/zonestrap" <<W
#!/bin/sh
c=\$1; shift
case \$c in create) set -- --second-stage never "\$@" ;; esac
case \$c in create | plan) set -- --arch amd64 --cache-dir "$work/cache" "\$@" ;; esac
exec "$zs" "\$c" "\$@"
W
printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"; chmod +x "$work/bin"/*
PATH=$work/bin:$PATH
cd "$dir" || exit 1
recipe=$distro.distro
command_() { local c; c=$(sed -nE "s/^    ((sudo )?zonestrap $1.*)/\1/p" "$doc"); [ "$(wc -l <<<"$c")" = 1 ] && echo "\$ $c" && sh -ec "$c"; }
# A line of the scaffold is filled in, as with an editor: KEYWORD or [heading, what it becomes.
fill() { sed -i "s|^#\{0,1\}$1.*|$2|" "$recipe"; }
said() { sed -n '/^    \[distro\]/,/^$/s/^    //p' "$doc"; }
counts() { sed '/^#/d; /^$/d' "$1" | tr -s ' '; }

t_new() { command_ new >"$work/said" && grep -qx "$recipe: written, valid as it stands" "$work/said" && zonestrap check "$recipe" && grep -qx "like  *debian" "$recipe"; }
case_ "new --like: valid as it stands" t_new
t_inherits() { zonestrap list --recipes . "$distro" | grep -q 'releases .*trixie (13)'; }
case_ "and everything of the other one's" t_inherits
t_fill() {
    local line
    while read -r line; do
        case $line in
        \[release*) fill '\[release' "$line" ;;
        \[*) continue ;;
        arch*) sed -i "/^\[release/,/^\$/s|^#arch.*|$line|" "$recipe" ;;
        *) fill "${line%% *}" "$line" ;;
        esac
    done < <(said)
    counts "$recipe" >"$work/have"; said | tr -s ' ' | LC_ALL=C sort | diff - <(LC_ALL=C sort "$work/have")
}
case_ "filled in, it is what CONTRIBUTING shows" t_fill
t_no_key() { fails_with 2 "^zonestrap: error: $recipe:[0-9]+:[0-9]+: no key file matches .$distro.asc'" zonestrap check "$recipe"; }
case_ "check: the key file is missing" t_no_key
: >"$distro.asc"
t_empty_key() { fails_with 4 "^zonestrap: error: $recipe: $distro.asc: no OpenPGP public key" zonestrap check "$recipe"; }
case_ "check: a key file without a key" t_empty_key
cp "$key_asc" "$distro.asc"
case_ "check" command_ check
sed -i "s|^\(repo  *main  *\)[a-z]*://[^ ]*|\1file://$work/repo|" "$recipe"
case_ "check, with the repository here" command_ check
t_plan() { command_ plan >"$work/plan" && cat "$work/plan" && [ "$(zonestrap plan --names --recipes . "$distro" | tr '\n' ' ')" = "alpha apt " ] && grep -q "^$distro/$release amd64: 2 packages" "$work/plan"; }
case_ "plan" t_plan
t_create() { command_ create && cat root/usr/share/alpha/data root/usr/share/apt/data && [ ! -e root/usr/share/beta ]; }
case_ "create" t_create
t_list() { zonestrap list --recipes . "$distro" >"$work/list" && cat "$work/list" && grep -q "^$distro: $(sed -n 's/^title *//p' "$recipe") (deb)" "$work/list" && grep -qx "  releases  *$release" "$work/list"; }
case_ "list" t_list
t_foreign() {
    rm -rf "$work/cache"; gpg --batch --quiet --passphrase '' --quick-generate-key other@example.org ed25519 sign never 2>/dev/null
    gpg --batch --quiet --armor --export other@example.org >"$distro.asc"; fails_with 4 'sign|key' zonestrap plan --recipes . "$distro"; local rc=$?
    cp "$key_asc" "$distro.asc"; return $rc
}
case_ "the repository is believed on its own key alone" t_foreign

# wrong SED PATTERN: the recipe with one mistake.
wrong() {
    sed "$1" "$recipe" >wrong.distro; cmp -s "$recipe" wrong.distro && { echo "the mistake was not made"; return 1; }
    cp "$distro.asc" wrong.asc; fails_with 2 "^zonestrap: error: ./?wrong.distro:?$2" zonestrap check ./wrong.distro
}
at="[0-9]+:[0-9]+:"
case_ "check: an unknown mirror list" wrong 's|file://[^ ]*|debain|' "$at there is no mirror list debain; known lists: .*debian,"
case_ "check: an address that is none" wrong 's|file://|gopher://|' "$at .*gopher"
case_ "check: no repository" wrong '/^like/s/.*/format deb\narch x86_64=amd64 aarch64=arm64/; /^repo/d; $a [set base]\npackages x' " no .repo' for wrong/$release on amd64; a line"
case_ "check: a keyword's typo" wrong 's/^title/titel/' "$at unknown keyword .titel'"
case_ "check: a keyword's typo in a comment line made one" wrong 's/^#packages/package/' "$at unknown keyword .package'"
case_ "check: like a recipe that is none" wrong 's/^like.*/like debain/' "$at no recipe for the distribution .debain'"
case_ "check: like itself" wrong 's/^like.*/like wrong/' "$at .like' goes in a circle"
case_ "check: an architecture that [distro] has not" wrong '/^\[release/,$s/^arch.*/arch amd64 amr64/' "$at .amr64' is no architecture of \[distro\]"
case_ "check: no architecture" wrong '/^like/s/.*/format deb/' " \[distro\] has no .arch'; a line like"
case_ "check: a default that is no release" wrong 's/^default.*/default kail/' " the distribution wrong has no release .kail'; releases: $release"
case_ "check: a section for a release that is none" wrong '$a [set base release=kail]\npackages x' "$at .kail' is no release"
case_ "check: a format that is none" wrong '/^like/s/.*/format dbe\narch x86_64=amd64 aarch64=arm64/; $a [set base]\npackages x' " there is no package format .dbe'"
rm -f wrong.*

t_scratch() {
    zonestrap new --recipes "$recipes" --format deb own >"$work/said" && cat "$work/said" && grep -q "^$recipes/own.distro: written; to be filled in: $recipes/own.distro: no .repo' for own/one on amd64" "$work/said" &&
    fails_with 2 "no .repo' for own/one" zonestrap check "$recipes/own.distro" && repo_index "$work/repo" one && recipe=$recipes/own.distro &&
    fill keys "keys mine.asc" && fill 'repo  *main' "repo main $work/repo {release} main" && zonestrap check "$recipe" && [ "$(zonestrap plan --names --recipes "$recipes" own | tr '\n' ' ')" = "alpha apt " ]
}
case_ "new --format deb: check says what is left, then it serves" t_scratch
t_no_keys() { recipe=$recipes/own.distro; sed -i '/^keys/d' "$recipe"; zonestrap check "$recipe" 2>"$work/err" && grep -q "own/one has no .keys'" "$work/err"; }
case_ "check: a recipe without keys is a warning" t_no_keys
t_again() { local f=$distro.distro before; before=$(sha256sum "$f"); fails_with 2 "$f: is there already" zonestrap new "$distro" --like debian && [ "$(sha256sum "$f")" = "$before" ]; }
case_ "a file that is there stays" t_again
t_taken() { fails_with 2 "a recipe for .debian' already: distros/debian.distro; --force" zonestrap new debian --like ubuntu && [ ! -e debian.distro ]; }
case_ "a name that is taken" t_taken
t_known() { mkdir -p k && fails_with 2 "a recipe for .own' already: $recipes/own.distro" zonestrap new --recipes k --recipes "$recipes" own --like debian && [ ! -e k/own.distro ]; }
case_ "a name that is taken by one's own" t_known
t_link() { ln -s nowhere link.distro; fails_with 2 "link.distro: is there already" zonestrap new link --like debian && [ ! -e nowhere ]; }
case_ "a link that leads nowhere is not followed" t_link
t_template() { mkdir -p t && printf '[distro]\nlike @LIKE@\ntitle @NAME@ @NAMES@ @\n' >t/new.like.deb.template && zonestrap new -q --recipes t two --like debian && printf '[distro]\nlike debian\ntitle two @NAMES@ @\n' | cmp - t/two.distro; }
case_ "a template of one's own" t_template
t_force() { mkdir -p f && zonestrap new --recipes f --force devuan --like debian && zonestrap list --recipes f devuan | grep -q '^devuan: devuan (deb)'; }
case_ "--force" t_force
for bad in ../x a/b '' 'a b' -- .x 'ä' "$(printf '%065d' 0)"; do
    [ "$bad" = -- ] && continue
    case_ "no name: ${bad:0:9}" fails_with 2 "is no name for a recipe" zonestrap new "$bad" --like debian
done
case_ "no NAME" fails_with 2 'takes one NAME' zonestrap new --like debian
case_ "neither --like nor --format" fails_with 2 'needs --like DISTRO, or --format' zonestrap new a
case_ "both" fails_with 2 'does not go with' zonestrap new a --like debian --format deb
case_ "--like nothing known" fails_with 2 'no recipe for the distribution .nope.; known: .*debian' zonestrap new a --like nope
case_ "--like itself" fails_with 2 'cannot be like itself' zonestrap new debian --like debian --force
case_ "--format nothing known" fails_with 2 'format .tgz.; --format is deb or rpm' zonestrap new a --format tgz
case_ "--format that is a template's name, but no format" fails_with 2 'format .like.deb.; ' zonestrap new a --format like.deb
case_ "--format with a path" fails_with 2 'format .\.\./x.; ' zonestrap new a --format ../x
case_ "--recipes that is no directory" fails_with 2 'nowhere: ' zonestrap new a --format deb --recipes nowhere
t_full() {
    mkdir full && mount -t tmpfs -o size=4k none full 2>/dev/null || { skipped "a full disk" "no tmpfs"; return 0; }
    head -c 100000 /dev/zero >full/fill 2>/dev/null; fails_with 7 'a.distro: .*No space left' zonestrap new a --format deb --recipes full; local rc=$?
    [ ! -e full/a.distro ] || rc=1
    umount full; return $rc
}
case_ "a full disk leaves no half a file" t_full
t_none() { [ -z "$(ls -d a.distro ../x.distro 2>/dev/null)" ]; }
case_ "nothing was written by what failed" t_none
done_
