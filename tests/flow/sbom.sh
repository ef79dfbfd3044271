#!/bin/bash
# --manifest and --sbom: from a repository of the test's own, and of a real bookworm.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped sbom "needs root"; done_; }
py=$(for p in python3 /usr/bin/python3; do $p -c 'import jsonschema, license_expression' 2>/dev/null && { echo $p; break; }; done)
[ -n "$py" ] || { skipped sbom "no python3 with jsonschema and license_expression"; done_; }
. "$here/repo.sh"
schema=${ZONESTRAP_SPDX_SCHEMA:-$data/spdx/spdx-schema.json}
[ -r "$schema" ] || schema=
checked() { "$py" "$here/sbom_check.py" "$1" $schema; }

repo_key
repo_packages="alpha lib++b gamma delta epsilon zeta eta theta iota kappa"
format="Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
copyright() { # NAME LINES...: the package's copyright file
    local dir=$tree/$1/usr/share/doc/$1; shift
    mkdir -p "$dir" && printf '%s\n' "$@" >"$dir/copyright"
}
copyright alpha "$format" "" "Files: *" "License: GPL-2+ or Artistic" "" "Files: b" "License: custom and Expat" "" "License: custom" " Do \"what\" you" " ." " like." "" \
    "Files: c" "License: GPL-3+ with Autoconf exception"
mkdir -p "$tree/lib++b/usr/share/doc"; ln -s alpha "$tree/lib++b/usr/share/doc/lib++b"
mkdir -p "$tree/gamma/usr/share/doc/gamma"; ln -s ../lib++b/copyright "$tree/gamma/usr/share/doc/gamma/copyright"
copyright delta "Free software, see the sources."
copyright epsilon "$format" "" "Files: *" "License: $(printf 'odd\xff\xc3') and ISC" "$(printf ' bad \xff bytes \x01 <>&')" "" "Files: b" "License: $(head -c 900000 /dev/zero | tr '\0' x)"
mkdir -p "$tree/zeta/usr/share/zeta"; echo zeta >"$tree/zeta/usr/share/zeta/data"
{ echo "$format"; echo; echo "Files: *"; echo "License: ISC"; head -c 1100000 /dev/zero | tr '\0' '\n'; } >"$work/large"
copyright eta; cp "$work/large" "$tree/eta/usr/share/doc/eta/copyright"
mkdir -p "$tree/theta/usr/share/doc"; ln -s theta "$tree/theta/usr/share/doc/theta"
copyright iota "$format" "License: ISC"; ln "$tree/iota/usr/share/doc/iota/copyright" "$tree/iota/usr/share/doc/iota/other"
rm "$tree/iota/usr/share/doc/iota/copyright"; ln "$tree/iota/usr/share/doc/iota/other" "$tree/iota/usr/share/doc/iota/copyright"
# Two packages ship this one: the plan's order says whose it is.
copyright kappa "$format" "License: X11"
mkdir -p "$tree/alpha/usr/share/doc/kappa"; printf '%s\n' "$format" "License: Zlib" >"$tree/alpha/usr/share/doc/kappa/copyright"
repo_deb alpha 1:2.0~rc1+b1-1 "Replaces: kappa"
for p in lib++b gamma delta epsilon zeta eta theta iota kappa; do repo_deb $p 1.0; done
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
stage1() { zs_local create --second-stage never "$@"; }

t_create() { stage1 --manifest "$work/m" --sbom "$work/s.json" mine/one "$work/root"; }
case_ "create --manifest --sbom" t_create
t_manifest() {
    diff - "$work/m" <<M || return 1
alpha	1:2.0~rc1+b1-1	all
delta	1.0	all
epsilon	1.0	all
eta	1.0	all
gamma	1.0	all
iota	1.0	all
kappa	1.0	all
lib++b	1.0	all
theta	1.0	all
zeta	1.0	all
M
    [ "$(stat -c %a "$work/m" "$work/s.json" | sort -u)" = 644 ]
}
case_ "the manifest: name, version, architecture, sorted" t_manifest
t_valid() { checked "$work/s.json" >"$work/rows"; }
case_ "the bill is valid: members, references, expressions, package URLs" t_valid
if [ -n "$schema" ]; then ok "the bill is valid against the schema of SPDX 2.3"; else
    skipped "the bill against SPDX's own schema" "the test data have no spdx/spdx-schema.json (spdx-spec v2.3, schemas/spdx-schema.json)"; fi
licence() { awk -F'\t' -v n="$1" '$1 == n { print $3 }' "$work/rows"; }
t_licences() {
    local of_alpha custom
    custom=LicenseRef-custom-$(printf 'Do "what" you\n\nlike.' | sha256sum | cut -c1-12)
    of_alpha="(Artistic-1.0-Perl OR GPL-2.0-or-later) AND GPL-3.0-or-later WITH Autoconf-exception-3.0 AND $custom AND MIT"
    [ "$(licence alpha)" = "$of_alpha" ] && [ "$(licence lib++b)" = "$of_alpha" ] && [ "$(licence gamma)" = "$of_alpha" ] &&
    [ "$(licence delta)" = NOASSERTION ] && [ "$(licence zeta)" = NOASSERTION ] && [ "$(licence eta)" = NOASSERTION ] && [ "$(licence theta)" = NOASSERTION ] &&
    [ "$(licence iota)" = ISC ] && [ "$(licence kappa)" = Zlib ] && licence epsilon | grep -qxE 'ISC AND LicenseRef-odd-[0-9a-f]+ AND LicenseRef-x{64}-[0-9a-f]+' ||
        { cut -c1-300 "$work/rows"; return 1; }
}
case_ "licences: alternatives, exceptions, own texts, over links, hostile ones, none" t_licences
t_members() { "$py" - "$work/s.json" "$work/repo" <<'P'
import glob, hashlib, json, sys
d = json.load(open(sys.argv[1]))
p = {x["name"]: x for x in d["packages"]}
root, alpha, lib = p["mine-one-amd64"], p["alpha"], p["lib++b"]
assert alpha["externalRefs"][0]["referenceLocator"] == "pkg:deb/t/alpha@1:2.0~rc1%2Bb1-1?arch=all&distro=one", alpha
assert lib["externalRefs"][0]["referenceLocator"] == "pkg:deb/t/lib%2B%2Bb@1.0?arch=all&distro=one", lib
assert lib["SPDXID"] == "SPDXRef-Package-libX2BX2Bb-all" and lib["supplier"] == "Organization: T"
assert lib["checksums"] == [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(open(glob.glob(sys.argv[2] + "/pool/lib*")[0], "rb").read()).hexdigest()}]
assert lib["downloadLocation"] == "NOASSERTION" and sys.argv[2] not in open(sys.argv[1]).read(), "a directory of this host"
assert "checksums" not in root and root["primaryPackagePurpose"] == "OPERATING_SYSTEM" and "set base; signed indexes: main sha256:" in root["sourceInfo"], root
texts = {x["name"]: x["extractedText"] for x in d["hasExtractedLicensingInfos"]}
assert texts["custom"] == 'Do "what" you\n\nlike.' and texts["odd\ufffd\ufffd"] == "bad \ufffd bytes \x01 <>&", texts
P
}
case_ "checksums, suppliers, package URLs, texts; no path of the host" t_members
t_created() { [ "$("$py" -c 'import json,sys; print(json.load(open(sys.argv[1]))["creationInfo"]["created"])' "$work/s.json")" = \
    "$(date -u -d "$(sed -n 's/^Date: //p' "$work/repo/dists/one/Release")" +%Y-%m-%dT%H:%M:%SZ)" ]; }
case_ "created when the index was" t_created
t_same() {
    local n
    for n in 1 8; do
        rm -rf "$work/elsewhere"; mkdir "$work/elsewhere"
        (umask 077; export TZ=Asia/Kathmandu LC_ALL=C.UTF-8; cd "$work/elsewhere" && stage1 --jobs $n --manifest m --sbom s mine/one root) || return 1
        cmp "$work/m" "$work/elsewhere/m" && cmp "$work/s.json" "$work/elsewhere/s" || return 1
    done
}
case_ "the same bytes at any --jobs, umask, locale, time zone and directory" t_same
t_plan() {
    zs_local plan --names --manifest "$work/m.plan" --sbom "$work/s.plan" mine/one | diff - <(cut -f1 "$work/m") && cmp "$work/m" "$work/m.plan" &&
    checked "$work/s.plan" >"$work/rows.plan" && [ "$(cut -f3 "$work/rows.plan" | sort -u)" = NOASSERTION ] && diff <(cut -f1,2,4 "$work/rows") <(cut -f1,2,4 "$work/rows.plan") &&
    ! cmp -s <(grep documentNamespace "$work/s.plan") <(grep documentNamespace "$work/s.json")
}
case_ "plan writes both, without licences; another document has another namespace" t_plan
# Of a tarball the digest before compression, and the same of the packages.
t_tar() {
    stage1 --sbom "$work/s.tar" mine/one "$work/x.tar" && stage1 --sbom "$work/s.gz" mine/one "$work/x.tar.gz" && checked "$work/s.tar" | diff "$work/rows" - &&
    cmp "$work/s.tar" "$work/s.gz" && grep -q "\"checksumValue\":\"$(sha256sum <"$work/x.tar" | cut -d' ' -f1)\"" "$work/s.tar" &&
    stage1 --sbom "$work/s.out" mine/one - >"$work/x.out" && cmp "$work/x.out" "$work/x.tar" && cmp "$work/s.out" "$work/s.tar"
}
case_ "a tarball: its digest, the same licences" t_tar
# A lock knows no Origin; all else is as it was.
t_locked() {
    zs_local plan --lock "$work/lock" mine/one && stage1 --locked "$work/lock" --manifest "$work/m.lock" --sbom "$work/s.lock" mine/one "$work/root-l" &&
    cmp "$work/m" "$work/m.lock" && checked "$work/s.lock" >"$work/rows.lock" && diff <(cut -f1-3 "$work/rows") <(cut -f1-3 "$work/rows.lock") &&
    diff <(grep created "$work/s.json") <(grep created "$work/s.lock")
}
case_ "of what a lock names" t_locked
# An address with a password in it, of a repository that the distribution says is another's.
t_public() {
    python3 "$here/server.py" --root "$work/repo" >"$work/port" 2>"$work/server.log" & local server=$!
    for _ in $(seq 50); do [ -s "$work/port" ] && break; sleep 0.1; done
    local url=127.0.0.1:$(cat "$work/port")
    sed "s,file://[^ ]*,http://user:secret@$url," "$recipes/mine.distro" >"$recipes/t.distro"
    (unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy; zs_local plan --sbom "$work/s.public" t/one >/dev/null)
    local rc=$?
    kill $server
    [ $rc = 0 ] && checked "$work/s.public" >"$work/rows.public" && ! grep -q secret "$work/s.public" &&
    grep -q "\"downloadLocation\":\"http://$url/pool/lib++b_1.0.deb\"" "$work/s.public" && grep -q 'pkg:deb/t/zeta@' "$work/rows.public"
}
case_ "addresses without user name and password" t_public

early() { # STATUS PATTERN OPTIONS...: refused before anything is fetched
    local status=$1 pattern=$2; shift 2
    rm -rf "$work/c-early" "$work/root-e"
    cache=$work/c-early fails_with "$status" "$pattern" stage1 "$@" mine/one "$work/root-e" && [ ! -e "$work/c-early" ] && [ ! -e "$work/root-e" ] &&
    cache=$work/c-early fails_with "$status" "$pattern" zs_local plan "$@" mine/one && [ ! -e "$work/c-early" ]
}
case_ "refused at once: a directory that is not there" early 7 "--sbom $work/none/s.json: its directory: No such file" --sbom "$work/none/s.json"
case_ "refused at once: a file in place of the directory" early 7 "--manifest $work/m/x: (its directory: )?Not a directory" --manifest "$work/m/x"
case_ "refused at once: a directory in place of the file" early 7 'no regular file' --manifest "$work/repo"
case_ "refused at once: a device" early 7 'no regular file' --sbom /dev/null
case_ "refused at once: standard output" early 2 "takes a file's name" --sbom -
case_ "refused at once: no name" early 2 "takes a file's name" --manifest ""
case_ "refused at once: one file for both" early 2 'the same file' --sbom "$work/x" --manifest "$work/x"
case_ "refused at once: the target" fails_with 2 'this is the target' stage1 --sbom "$work/root-e" mine/one "$work/root-e"
t_kept() {
    echo old >"$work/old"; echo old >"$work/old.m"
    fails_with 7 'not empty' stage1 --sbom "$work/old" --manifest "$work/old.m" mine/one "$work/root" &&
    fails_with 2 'nothing-like-it' stage1 --sbom "$work/old" --manifest "$work/old.m" --include nothing-like-it mine/one "$work/root-e" &&
    [ "$(cat "$work/old" "$work/old.m")" = "old
old" ] && [ ! -e "$work/root-e" ] && ! ls "$work" | grep -E '^old.*\.[A-Za-z0-9]{6}$'
}
case_ "after a failed run the files are as they were" t_kept
t_full() {
    mkdir "$work/small" && mount -t tmpfs -o size=8k none "$work/small" || return 1
    echo old >"$work/small/s"
    fails_with 7 'sbom: .*/small/s: write: No space left' stage1 --sbom "$work/small/s" mine/one "$work/root-full"
    local rc=$?
    [ "$(ls "$work/small")" = s ] && [ "$(cat "$work/small/s")" = old ] && [ -e "$work/root-full/usr/share/doc/alpha/copyright" ] || rc=1
    umount "$work/small"
    return $rc
}
if unshare -m true 2>/dev/null; then case_ "a full disk: one line, the old file stays" t_full; else skipped "a full disk" "nothing can be mounted here"; fi

# The table of names against the list of SPDX.
t_table() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here "$py" - "$top/pkgfmt" <<'P'
import re, sys
from spdx_expression import check_expression
def table(name):
    text = open(f"{sys.argv[1]}/{name}.c").read()
    rows = re.findall(r'\{"([^"]+)", "([^"]+)", (true|false)\}', text)
    assert [r[0] for r in rows] == sorted({r[0] for r in rows}), "each name once, sorted"
    for name, spdx_id, versions in rows:
        for full in [spdx_id + "-only", spdx_id + "-or-later"] if versions == "true" else [spdx_id]:
            check_expression(full, set())
    return text, rows
text, families = table("licence")
exceptions = re.findall(r'\{"([^"]+)", "([^"]*)", "([^"]+)"\}', text)
assert len(families) > 10 and len(exceptions) > 5
for name, licence, spdx_id in exceptions:
    check_expression("GPL-2.0-only WITH " + spdx_id, set())
    assert licence in {"", "Apache-2.0"} | {f[1] for f in families}, licence
for name in ["deb_licence_table", "rpm_licence_table"]:
    assert len(table(name)[1]) > 50
P
}
case_ "every identifier of the tables is SPDX's" t_table

. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped "a real bookworm" "the host's apt configuration names no Debian mirror that answers"; done_; }
zs=${ZONESTRAP:-$top/build/zonestrap}
real() { "$zs" "$1" --cache-dir "$shared_cache" --progress none "${@:2}" debian/bookworm; }
t_real() {
    "$zs" create --cache-dir "$shared_cache" --progress none --second-stage never --manifest "$work/m1" --sbom "$work/s1" debian/bookworm "$work/real" &&
    checked "$work/s1" >"$work/rows" && diff <(real plan --names) <(cut -f1 "$work/rows") && diff <(cut -f1,2 "$work/rows") <(cut -f1,2 "$work/m1")
}
case_ "a real bookworm: valid, the packages of the plan" t_real
t_real_licences() {
    licence apt | grep -q 'GPL-2.0-or-later' && licence perl-base | grep -q '(Artistic-1.0-Perl OR GPL-1.0-or-later)' && [ "$(licence zlib1g)" = Zlib ] &&
    [ "$(grep -vc NOASSERTION "$work/rows")" -ge 60 ] || { cat "$work/rows"; return 1; }
}
case_ "its licences are what one expects" t_real_licences
t_real_members() {
    grep -q 'pkg:deb/debian/libstdc%2B%2B6@[^"]*?arch=amd64&distro=bookworm"' "$work/s1" && grep -q '"supplier":"Organization: Debian"' "$work/s1" &&
    local at; at=$(sed -n 's/^canonical *//p' "$top/mirrors/debian.mirrors" "$top/mirrors/debian-security.mirrors" | paste -sd '|')
    [ "$(grep -cE "\"downloadLocation\":\"($at)/pool/[^\"]*\.deb\"" "$work/s1")" -eq "$(wc -l <"$work/rows")" ]
}
case_ "its package URLs and the public addresses, whatever mirror served it" t_real_members
t_real_again() {
    (cd "$work" && "$zs" create --cache-dir "$shared_cache" --progress none --jobs 1 --second-stage never --manifest m2 --sbom s2 debian/bookworm real2) &&
    cmp "$work/m1" "$work/m2" && cmp "$work/s1" "$work/s2"
}
case_ "a second run gives the same bytes" t_real_again
done_
