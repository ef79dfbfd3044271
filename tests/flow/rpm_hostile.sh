#!/bin/bash
# Bad input of rpm repositories: one clear line, the right exit status, nothing outside of the root, no target left.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped rpm_hostile "needs root"; done_; }
. "$here/rpm_repo.sh"
rpm_key
rpm_key other@example.org "$work/other.asc"
rpm_simple alpha 1.0 "Requires: beta"
rpm_simple beta 1.0
rpm_sign "$rpms"/*.rpm
mkdir -p "$work/repo"; cp "$rpms"/*.rpm "$work/repo"; rpm_index "$work/repo"
rpm_recipe "file://$work/repo"
place=$work/place
fresh() { rm -rf "$work/r" "$work/cache"; cp -a "$work/repo" "$work/r"; sed "s,file://$work/repo,file://$work/r," "$recipes/mine.distro" >"$recipes/bent.distro"; }
plan() { timeout 60 "$zs" plan --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --names "$@" bent/one; }
create() { timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --second-stage never "$@" bent/one "$place/root"; }
# refused STATUS PATTERN [create OPTION...]: and nothing is left, of a directory or a tarball.
refused() {
    local status=$1 pattern=$2; shift 2
    rm -rf "$place"; mkdir "$place"
    fails_with "$status" "$pattern" create "$@" || return 1
    [ -z "$(ls -A "$place")" ] || { echo "left behind:"; ls -A "$place"; return 1; }
    fails_with "$status" "$pattern" timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --second-stage never "$@" bent/one "$place/x.tar" || return 1
    [ -z "$(ls -A "$place")" ] || { echo "left behind:"; ls -A "$place"; return 1; }
}
# Both a digest (5) and a signature (4) are wrong: which is said first does not matter.
refused_any() { refused 4 "$1" >"$work/any" || refused 5 "$1" || { cat "$work/any"; return 1; }; }
bend() { printf X | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
reindex() { python3 "$here/rpm_reindex.py" "$work/r" "$@"; }
sign() { rpm_root_sign "$work/r" "$@"; }

# --- trust
t_good() { fresh; rm -rf "$place"; mkdir "$place"; create && [ -e "$place/root/usr/share/beta/data" ]; }
case_ "good" t_good
t_no_key() { fresh; sed -i '/^keys/d' "$recipes/bent.distro"; refused 4 'names no key'; }
case_ "no key" t_no_key
t_wrong_key() { fresh; refused 4 'main:.*(not signed by a trusted key|unknown)' --keyring "$work/other.asc"; }
case_ "the wrong key" t_wrong_key
t_unsigned() { fresh; rm "$work/r/repodata/repomd.xml.asc"; refused 4 'main:.*not signed'; }
case_ "an index without its signature" t_unsigned
t_bent() { fresh; sed -i 's/1700000000/1700000001/' "$work/r/repodata/repomd.xml"; refused 4 'main:.*(bad|wrong|BAD)'; }
case_ "a root index that was changed" t_bent
t_index_digest() { fresh; bend "$(ls "$work"/r/repodata/*primary*)" 30; refused 4 'primary.*(digest|expected)'; }
case_ "an index with another digest" t_index_digest
t_index_size() { fresh; echo more >>"$(ls "$work"/r/repodata/*primary*)"; refused 4 'primary.*(size|bytes|expected)'; }
case_ "an index with another size" t_index_size
t_package_digest() { fresh; bend "$work/r/alpha-1.0-1.noarch.rpm" 3000; refused 4 'alpha.*(digest|expected)'; }
case_ "a package with another digest" t_package_digest
# From here the index offers what the file is: the package's own signature decides.
offer() { cp "$1" "$work/r/alpha-1.0-1.noarch.rpm" && reindex refresh && sign; }
cp "$rpms/alpha-1.0-1.noarch.rpm" "$work/signed.rpm"
cp "$work/signed.rpm" "$work/unsigned.rpm"; rpmsign --delsign "$work/unsigned.rpm" >/dev/null 2>&1
cp "$work/unsigned.rpm" "$work/foreign.rpm"; rpm_signer=other@example.org rpm_sign "$work/foreign.rpm"
other_id=$(gpg --batch --quiet --with-colons --list-keys other@example.org 2>/dev/null | sed -n 's/^pub:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p' | tr A-F a-f)
t_unsigned_package() { fresh; offer "$work/unsigned.rpm"; refused 4 'alpha.*(no signature|not signed|unsigned)'; }
case_ "an unsigned package" t_unsigned_package
t_foreign_package() { fresh; offer "$work/foreign.rpm"; refused 4 "alpha.*($other_id|${other_id^^})"; }
case_ "a package signed by another key: the key is named" t_foreign_package
t_insecure() { fresh; offer "$work/unsigned.rpm"; rm -rf "$place"; mkdir "$place"; create --insecure && [ -e "$place/root/usr/share/alpha/data" ]; }
case_ "--insecure takes the unsigned" t_insecure
# in_header FILE: a place in the middle of the main header's store
in_header() { python3 -c '
import struct, sys
b = open(sys.argv[1], "rb").read()
at = b.index(b"\x8e\xad\xe8\x01", 100)
tags, size = struct.unpack(">II", b[at + 8:at + 16])
print(at + 16 + 16 * tags + size // 2)' "$1"; }
t_header() {
    fresh; cp "$work/signed.rpm" "$work/bent.rpm"; bend "$work/bent.rpm" "$(in_header "$work/bent.rpm")"; offer "$work/bent.rpm"
    refused_any 'alpha.*(header|signature).*'
}
t_payload() {
    fresh; cp "$work/signed.rpm" "$work/bent.rpm"; bend "$work/bent.rpm" $(($(stat -c %s "$work/bent.rpm") - 20)); offer "$work/bent.rpm"
    refused_any 'alpha.*(payload|signature|digest).*'
}
t_cut() { fresh; head -c $(($(stat -c %s "$work/signed.rpm") - 30)) "$work/signed.rpm" >"$work/cut.rpm"; offer "$work/cut.rpm"; refused_any 'alpha.*'; }
case_ "a header that was changed" t_header
case_ "a payload that was changed" t_payload
case_ "a package that is cut off" t_cut
t_header_insecure() { fresh; cp "$work/signed.rpm" "$work/bent.rpm"; bend "$work/bent.rpm" "$(in_header "$work/bent.rpm")"; offer "$work/bent.rpm"; refused 5 'alpha.*header' --insecure; }
case_ "--insecure: a header's digest is still looked at" t_header_insecure
t_payload_insecure() { fresh; cp "$work/signed.rpm" "$work/bent.rpm"; bend "$work/bent.rpm" $(($(stat -c %s "$work/bent.rpm") - 20)); offer "$work/bent.rpm"; refused 5 'alpha.*payload' --insecure; }
case_ "--insecure: a payload's digest is still looked at" t_payload_insecure
t_other_package() { fresh; cp "$work/r/beta-1.0-1.noarch.rpm" "$work/beta.rpm"; offer "$work/beta.rpm"; refused 4 'alpha.*beta'; }
case_ "another package under the name" t_other_package

# --- broken packages of the test data, offered by an index that believes them
broken() { # FILE NAME VERSION RELEASE ARCH STATUS
    fresh; cp "$data/evil/rpm-broken/$1" "$work/r/" && bent_entry "$@" >"$work/index" && reindex set primary "$work/index" && sign &&
    sed -i "s/^packages .*/packages $2/" "$recipes/bent.distro" || return 1
    if [ "$6" = 0 ]; then rm -rf "$place"; mkdir "$place"; create --insecure; else refused "$6" "$2" --insecure; fi
}
bent_entry() {
    local f=$data/evil/rpm-broken/$1
    cat <<X
<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="1">
<package type="rpm"><name>$2</name><arch>$5</arch><version epoch="0" ver="$3" rel="$4"/>
<checksum type="sha256" pkgid="YES">$(sha256sum <"$f" | cut -d' ' -f1)</checksum><summary/><description/><packager/><url/>
<time file="1" build="1"/><size package="$(stat -c %s "$f")" installed="100000" archive="100000"/><location href="$1"/>
<format><rpm:license>MIT</rpm:license><rpm:provides><rpm:entry name="$2" flags="EQ" epoch="0" ver="$3" rel="$4"/></rpm:provides></format></package></metadata>
X
}
if [ -d "$data/evil/rpm-broken" ]; then
    while read -r file row; do case_ "broken: $file" broken "$file" $row; done <<'T'
hello-2.0-1.x86_64-corrupted.rpm  hello           2.0  1            x86_64  5
hello-2.0-1.x86_64-badima.rpm     hello           2.0  1            x86_64  0
signed.rpm                        kio-stash-lang  1.0  lp151.2.5    noarch  0
signed_broken.rpm                 kio-stash-lang  1.0  lp151.2.5    noarch  5
signed_broken_header.rpm          kio-stash-lang  1.0  lp151.2.5    noarch  5
unsigned.rpm                      pkg-test42      0    0            noarch  0
unsigned_broken.rpm               pkg-test42      0    0            noarch  5
unsigned_broken_header.rpm        pXg-test42      0    0            noarch  5
T
else
    skipped "broken packages" "no test data"
fi

# --- indexes, all with good signatures and digests
root_is() { cat >"$work/r/repodata/repomd.xml"; sign; }
t_root_none() { fresh; : | root_is; refused 5 'main:.*repomd'; }
case_ "repomd.xml: empty" t_root_none
t_root_text() { fresh; echo "no XML at all" | root_is; refused 5 'main:.*repomd'; }
case_ "repomd.xml: no XML" t_root_text
t_root_cut() { fresh; head -c 700 "$work/repo/repodata/repomd.xml" | root_is; refused 5 'main:.*repomd'; }
case_ "repomd.xml: cut off" t_root_cut
t_root_other() { fresh; echo '<html><body>moved</body></html>' | root_is; refused 5 'main:.*repomd'; }
case_ "repomd.xml: another document" t_root_other
t_root_empty() { fresh; echo '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision></repomd>' | root_is; refused 5 'main:.*primary'; }
case_ "repomd.xml: no primary" t_root_empty
t_root_outside() { fresh; sed 's,href="repodata/,href="../../../../etc/,' "$work/repo/repodata/repomd.xml" | root_is; refused 5 'main:.*\.\./'; }
case_ "repomd.xml: an index outside of the repository" t_root_outside
t_root_weak() { fresh; sed 's/type="sha256"/type="md5"/; s/\(type="md5">.\{32\}\)[0-9a-f]*/\1/' "$work/repo/repodata/repomd.xml" | root_is; refused_any 'main:.*(md5|digest|checksum)'; }
case_ "repomd.xml: digests that are MD5 alone" t_root_weak
bomb() { # ROOT-ELEMENT NAMESPACE: a billion laughs
    echo '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">'
    local prev=a e
    for e in b c d e f g h i; do echo "<!ENTITY $e \"&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;&$prev;\">"; prev=$e; done
    echo "]><$1 xmlns=\"$2\"><name>&i;</name></$1>"
}
t_root_bomb() { fresh; bomb repomd http://linux.duke.edu/metadata/repo | root_is; refused 5 'main:.*repomd.*(entit|DOCTYPE|document type)'; }
case_ "repomd.xml: an entity bomb" t_root_bomb
index_is() { cat >"$work/index"; reindex set "$1" "$work/index" && sign; }
t_primary_bomb() { fresh; bomb metadata http://linux.duke.edu/metadata/common | index_is primary; refused 5 'main.*primary'; }
case_ "primary: an entity bomb" t_primary_bomb
t_primary_text() { fresh; echo "no XML" | index_is primary; refused 5 'main.*primary'; }
case_ "primary: no XML" t_primary_text
t_primary_cut() { fresh; reindex cat primary | head -c 1500 | index_is primary; refused 5 'main.*primary'; }
case_ "primary: cut off" t_primary_cut
bent_primary() { fresh; reindex cat primary | sed -E "$1" | index_is primary; }
t_no_digest() { bent_primary 's/<checksum [^>]*>[^<]*<.checksum>//'; refused 5 'main.*primary.*(checksum|digest)'; }
case_ "primary: a package without a digest" t_no_digest
t_no_size() { bent_primary 's/<size package="[0-9]*"/<size package="-5"/'; refused 5 'main.*primary.*size'; }
case_ "primary: a package with a senseless size" t_no_size
t_href() { bent_primary 's,<location href="alpha,<location href="../../../etc/alpha,'; refused 5 'alpha.*leaves the repository.*\.\./'; }
case_ "primary: a package outside of the repository" t_href
t_name() { bent_primary 's,<name>beta,<name>../beta,'; refused 6 'alpha Requires: beta'; }
case_ "primary: a name that is no name" t_name
t_gz_cut() { fresh; head -c 300 "$(ls "$work"/r/repodata/*primary*)" >"$work/cut.gz"; f=$(ls "$work"/r/repodata/*primary*); old=$(stat -c %s "$f")
    new=$(sha256sum <"$work/cut.gz" | cut -d' ' -f1); was=$(sha256sum <"$f" | cut -d' ' -f1); cp "$work/cut.gz" "$f"
    sed "s/$was<\/checksum/$new<\/checksum/; s/<size>$old</<size>300</" "$work/repo/repodata/repomd.xml" | root_is; refused 5 'main.*primary'; }
case_ "primary: compressed and cut off" t_gz_cut
t_bomb_gz() { fresh; { reindex cat primary | sed 's,</metadata>,,'; head -c 300000000 /dev/zero | tr '\0' ' '; echo '</metadata>'; } >"$work/big"
    reindex set primary "$work/big"; sed -i "s/<open-size>$(stat -c %s "$work/big")</<open-size>5000</" "$work/r/repodata/repomd.xml"; sign; rm "$work/big"; refused 5 'main.*primary.*(larger|5000|size|more)'; }
case_ "primary: more than its open-size" t_bomb_gz
t_comps() {
    fresh; sed -i 's/^packages .*/packages @core alpha/' "$recipes/bent.distro"; echo '<comps><group><id>core' | index_is group; refused 5 'main.*(group|comps)' || return 1
    fresh; sed -i 's/^packages .*/packages @core alpha/' "$recipes/bent.distro"; bomb comps '' | index_is group; refused 5 'main.*(group|comps)'
}
case_ "comps: cut off; an entity bomb" t_comps
t_no_group() { fresh; sed -i 's/^packages .*/packages @core alpha/' "$recipes/bent.distro"; refused 2 'no group .@core'; }
case_ "a group that nothing defines" t_no_group
t_modules() { fresh; printf -- '---\ndocument: modulemd\nversion: 2\ndata: [\n' | index_is modules; refused 5 'main.*modules'; }
case_ "modules: malformed" t_modules
module() { # STREAM ARTIFACT
    printf -- '---\ndocument: modulemd\nversion: 2\ndata:\n  name: m\n  stream: "%s"\n  version: 1\n  context: c\n  arch: noarch\n  summary: x\n  description: x\n  license:\n    module: [MIT]\n  artifacts:\n    rpms:\n    - %s\n' "$1" "$2"
}
t_hidden() { fresh; module 2 beta-0:1.0-1.noarch | index_is modules; refused 6 'beta'; }
case_ "modules: what is needed stands in a stream that is no default" t_hidden
t_defaults() {
    fresh; { for s in 1 2; do printf -- '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: m\n  stream: "%s"\n' $s; done; module 1 beta-0:1.0-1.noarch; } | index_is modules
    plan >"$work/out" 2>"$work/err"; rc=$?; [ $rc -le 6 ] && [ "$(grep -c . "$work/err")" -le 1 ]
}
case_ "modules: two defaults of one module" t_defaults
t_laughs() { # libxml2's own bombs, as each kind of index: an end, and one line at most
    local f kind rc
    for f in "$data"/evil/xml-libxml2/*.xml "$data"/evil/repomd-malformed/*-primary.xml; do
        for kind in primary group updateinfo; do
            case $f in *-primary.xml) [ $kind = primary ] || continue;; esac
            fresh; cp "$f" "$work/index"; reindex set $kind "$work/index"; sign
            (case $zs in *asan*) ;; *) ulimit -v 4000000;; esac; timeout 20 "$zs" plan --security --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --names bent/one) >"$work/out" 2>"$work/err"; rc=$?
            case $rc in 0 | 2 | 5 | 6) ;; *) echo "${f##*/} as $kind: exit status $rc"; head -n 5 "$work/err"; return 1;; esac
            [ "$(grep -c '^zonestrap: error' "$work/err")" -le 1 ] || { echo "${f##*/}"; cat "$work/err"; return 1; }
        done
    done
}
if [ -d "$data/evil/xml-libxml2" ]; then case_ "malformed XML of others: always an end" t_laughs; else skipped "malformed XML of others" "no test data"; fi

# --- no solution
unsolved() { # NAME PREAMBLE...: alpha 2 beside what there is
    fresh; rm -f "$rpms"/gamma*; rpm_simple gamma 1.0 "$@" >/dev/null && rpm_sign "$rpms/gamma-1.0-1.noarch.rpm" && cp "$rpms/gamma-1.0-1.noarch.rpm" "$work/r" && rpm_index "$work/r" &&
    sed -i 's/^packages .*/packages alpha gamma/' "$recipes/bent.distro"
}
t_missing() { unsolved "Requires: no-such-thing >= 3"; refused 6 'gamma.*no-such-thing >= 3'; }
case_ "a dependency that nothing provides" t_missing
t_conflict() { unsolved "Conflicts: beta"; refused 6 'gamma.*(beta|conflict)'; }
case_ "a conflict" t_conflict
t_version() { unsolved "Requires: beta > 1.0-1"; refused 6 'gamma.*beta'; }
case_ "a version that is not there" t_version
t_rich() { unsolved "Requires: (nothing if alpha)"; refused 6 'gamma.*nothing'; }
case_ "a conditional dependency that nothing provides" t_rich
t_unknown() { fresh; refused 2 'no package .no-such-package' --include no-such-package; }
case_ "a package that nobody knows" t_unknown
t_excluded() { fresh; refused 6 'beta' --exclude beta; }
case_ "a dependency that is excluded" t_excluded

# --- metalinks and mirrorlists
metalink_is() { # the recipe asks a metalink, which may come from a file only in a test like this
    fresh; cat >"$work/metalink"; sed -i "s,^repo .*,&\nmetalink main file://$work/metalink," "$recipes/bent.distro"
}
t_metalink() { # malformed ones are said, and the repository's own place serves: its signature decides
    local text
    for text in '' 'no XML' '<metalink version="3.0"><files><file name="repomd.xml">' "$(bomb metalink http://www.metalinker.org/)"; do
        printf '%s\n' "$text" | metalink_is
        plan >"$work/out" 2>"$work/err"; local rc=$?
        [ $rc = 0 ] || { [ $rc -le 5 ] && [ "$(grep -c '^zonestrap: error' "$work/err")" = 1 ]; } || { echo "exit status $rc for: $text" | head -n 1; cat "$work/err"; return 1; }
    done
}
case_ "a malformed metalink" t_metalink

# --- what is in a package
python3 "$here/evil_rpm.py" "$work/evil"
createrepo_c --quiet --no-database --includepkg fine-1-1.noarch.rpm "$work/evil" >/dev/null 2>&1
python3 "$here/rpm_reindex.py" "$work/evil" set primary "$work/evil/primary.xml" && rpm_root_sign "$work/evil"
sed "s,file://$work/repo,file://$work/evil," "$recipes/mine.distro" >"$recipes/evil.distro"
mkdir -p "$work/canary"; echo untouched >"$work/canary/victim"
before=$(cd "$work/canary" && ls -lR . | sha256sum)
evil() { # NAME VERDICT TARGET: the root stands beside a canary, which ../../canary reaches
    local name=$1 verdict=$2 target=$3 rc
    rm -rf "$place"; mkdir "$place"; sed -i "s/^packages .*/packages $name/" "$recipes/evil.distro"
    timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --insecure --second-stage never evil/one "$place/$target" >"$work/out" 2>"$work/err"; rc=$?
    [ "$(cd "$work/canary" && ls -lR . | sha256sum)" = "$before" ] || { echo "the canary changed"; return 1; }
    [ ! -e /canary-abs ] || { rm -f /canary-abs; echo "written to /"; return 1; }
    if [ "$verdict" = fine ]; then
        [ $rc = 0 ] || { cat "$work/err"; return 1; }
    else
        local want=5; [ "$verdict" = bad ] || want=4
        [ $rc = $want ] || { echo "exit status $rc, expected $want"; cat "$work/err"; return 1; }
        [ "$(grep -c '^zonestrap: error' "$work/err")" = 1 ] || { echo "not one line:"; cat "$work/err"; return 1; }
        grep -q "^zonestrap: error: .*$name" "$work/err" || { echo "the package is not named:"; cat "$work/err"; return 1; }
        [ -z "$(ls -A "$place")" ] || { echo "left behind:"; ls -A "$place"; return 1; }
    fi
}
while read -r name verdict; do
    case_ "$name ($verdict)" evil "$name" "$verdict" root
    case_ "$name to a tarball ($verdict)" evil "$name" "$verdict" x.tar
done <"$work/evil/cases"
t_many() { # more packages come than there are descriptors, while the first one's users are read
    python3 "$here/evil_rpm.py" "$work/many" 640 && createrepo_c --quiet --no-database --includepkg many-1-1-1.noarch.rpm "$work/many" >/dev/null 2>&1
    python3 "$here/rpm_reindex.py" "$work/many" set primary "$work/many/primary.xml" && rpm_root_sign "$work/many" || return 1
    sed "s,file://$work/repo,file://$work/many,; s/^packages .*/packages slow $(echo many-{1..640})/" "$recipes/mine.distro" >"$recipes/many.distro"
    printf '[layout]\nfirst slow\n' >>"$recipes/many.distro"
    rm -rf "$place"; mkdir "$place"
    (ulimit -n 600 && timeout 60 "$zs" create --recipes "$recipes" --cache-dir "$work/cache" --arch x86_64 --progress none --insecure --second-stage never many/one "$place/root")
}
case_ "more packages than descriptors" t_many
done_
