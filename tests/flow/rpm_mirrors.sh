#!/bin/bash
# rpm repositories: the suite as a path, what makes an unsigned index believed, --offline, indexes on demand.
. "$(dirname "$0")/lib.sh"
for tool in python3 openssl gpg rpmbuild createrepo_c; do
    command -v $tool >/dev/null || { skipped rpm_mirrors "$tool is missing"; done_; }
done
[ -n "${ZONESTRAP:-}" ] || [ ! -x "$top/build-asan/zonestrap" ] || zs=$top/build-asan/zonestrap
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/xdg GNUPGHOME=$work/gpg SSL_CERT_FILE=$work/cert.pem
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
recipes=$work/recipes www=$work/www os=$work/www/r/os/x86_64
mkdir -p "$recipes" "$os" "$www/lists"
mkdir -m 700 "$work/gpg"
gpg --batch --quiet --passphrase '' --quick-generate-key mine@example.org ed25519 sign never 2>/dev/null
gpg --batch --quiet --armor --export mine@example.org >"$recipes/mine.asc"

package() { # NAME FILE [PREAMBLE-LINE...]
    local name=$1 file=$2; shift 2
    { printf 'Name: %s\nVersion: 1\nRelease: 1\nSummary: test\nLicense: MIT\nBuildArch: noarch\n' "$name"; printf '%s\n' "$@"
      printf '%%description\ntest\n%%install\nmkdir -p "%%{buildroot}%s"\necho %s >"%%{buildroot}%s"\n%%files\n%s\n' "${file%/*}" "$name" "$file" "$file"
    } >"$work/$name.spec"
    rpmbuild --quiet -bb --define "_topdir $work/rpmbuild" --define "_rpmdir $os" --define '_build_name_fmt %%{NAME}.rpm' "$work/$name.spec" \
        >"$work/rpmbuild.log" 2>&1 || { cat "$work/rpmbuild.log"; return 1; }
}
package alpha /usr/share/alpha && package beta /opt/beta/file && package gamma /usr/share/gamma "Requires: /opt/beta/file" ||
    { skipped rpm_mirrors "rpmbuild does not work here"; done_; }
createrepo_c --quiet "$os" >/dev/null
gpg --batch --quiet --armor --detach-sign -o "$os/repodata/repomd.xml.asc" "$os/repodata/repomd.xml"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat "$work/key.pem" "$work/cert.pem" >"$work/tls.pem"
serve() { # NAME ARGS...
    local name=$1; shift
    python3 "$here/server.py" --root "$www" --log "$work/$name.log" "$@" >"$work/$name.port" 2>/dev/null &
    servers="$servers $!"
    for i in $(seq 50); do [ -s "$work/$name.port" ] && break; sleep 0.1; done
}
servers=
cleanup_hooks="$cleanup_hooks stop_servers"
stop_servers() { kill $servers 2>/dev/null; gpgconf --kill all >/dev/null 2>&1; }
serve http; serve https --tls "$work/tls.pem"
http=http://127.0.0.1:$(grep -o '[0-9]*' "$work/http.port"); https=https://127.0.0.1:$(grep -o '[0-9]*' "$work/https.port")

recipe() { # MIRROR [LINES...]: more lines of [distro]
    { printf '[distro]\nformat rpm\narch x86_64=x86_64\nkeys mine.asc\nrepo os %s os/{arch}\n' "$1"; shift; printf '%s\n' "$@"
      printf '[release 1]\n[set base]\npackages %s\n' "${packages:-alpha}"; } >"$recipes/mine.distro"
}
metalink() { # SHA256 URL...
    local now=$1 n=99 u; shift
    { echo '<metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="repomd.xml">'
      echo "<verification><hash type=\"sha512\">$now</hash></verification><resources>"
      for u; do echo "<url preference=\"$((n--))\">$u/os/x86_64/repodata/repomd.xml</url>"; done
      echo '</resources></file></files></metalink>'; } >"$www/lists/meta"
}
fresh() { rm -rf "$work/c"; : >"$work/http.log"; : >"$work/https.log"; }
zs_plan() { "$zs" plan --recipes "$recipes" --cache-dir "$work/c" --arch x86_64 --progress none mine/1 "$@"; }
go() { zs_plan -v --names "$@" >"$work/names" 2>"$work/said"; }
plans() { local want=$1; shift; go "$@" && [ "$(tr '\n' ' ' <"$work/names")" = "$want " ] || { cat "$work/names" "$work/said"; return 1; }; }
says() { grep -Eq -- "$1" "$work/said" || { echo "not said: $1"; cat "$work/said"; return 1; }; }
asked() { grep -q -- "$2" "$work/$1.log" || { echo "not asked: $2"; cat "$work/$1.log"; return 1; }; }
offline() { kill -STOP $servers; "$@" --offline; local rc=$?; kill -CONT $servers; return $rc; }
now=$(sha512sum "$os/repodata/repomd.xml" | cut -d' ' -f1)
other=$(echo other | sha512sum | cut -d' ' -f1)

t_signed() { recipe "$http/r"; fresh; plans alpha && asked http 'GET /r/os/x86_64/repodata/repomd.xml.asc'; }
case_ "a signed repository" t_signed
t_urls() {
    zs_plan --json >"$work/json" && python3 - "$work/json" "$http/r/os/x86_64" <<'P'
import json, sys
p = json.load(open(sys.argv[1]))
assert p["repos"][0]["url"] == sys.argv[2], p["repos"]
assert p["packages"][0]["url"] == sys.argv[2] + "/alpha.rpm", p["packages"]
P
}
case_ "the suite is part of the mirror's URL" t_urls
case_ "--offline: the index and its signature come from the cache" offline plans alpha
t_mirror() { recipe http://127.0.0.1:9; fresh; plans alpha --mirror "$www/r"; }
case_ "--mirror names what the suite stands below" t_mirror
beside() { # a repository whose packages stand beside it, as Amazon Linux has them
    mkdir -p "$www/apart/os/x86_64" "$www/blobs" && cp "$os"/*.rpm "$www/blobs/" &&
        createrepo_c --quiet --location-prefix ../../../blobs -o "$www/apart/os/x86_64" "$os" >/dev/null &&
        gpg --batch --quiet --armor --detach-sign -o "$www/apart/os/x86_64/repodata/repomd.xml.asc" "$www/apart/os/x86_64/repodata/repomd.xml"
}
zs_create() { "$zs" create --recipes "$recipes" --cache-dir "$work/c" --arch x86_64 --progress none --second-stage never --insecure mine/1 "$@"; }
t_elsewhere() { fresh; fails_with 3 "repomd.xml: not found on any mirror, the first of which is file://$os/os/x86_64; --mirror names what .os/x86_64. stands below" zs_plan --mirror "$os"; }
case_ "--mirror names the repository itself" t_elsewhere
t_beside() {
    beside || return 1
    recipe "$http/apart"; fresh; zs_plan --names --lock "$work/lock" && zs_create "$work/beside.tar" && asked http 'GET /blobs/alpha.rpm' &&
        zs_plan --json | grep -q "\"$http/blobs/alpha.rpm\"" || return 1
    fresh; zs_create --locked "$work/lock" "$work/again.tar" && cmp "$work/beside.tar" "$work/again.tar"
}
case_ "packages beside the repository, not below it" t_beside
t_beside_local() { fresh; fails_with 5 "alpha.*: its path leaves the repository file://.*/apart/os/x86_64: ..\./\.\./\.\./blobs/alpha.rpm" zs_create --mirror "$www/apart" "$work/local.tar"; }
case_ "which an index of local files may not say" t_beside_local
t_no_later() { recipe "$http/r"; fresh; plans alpha && ! grep filelists "$work/http.log"; }
case_ "lists of files are not fetched" t_no_later
t_later() { packages=gamma recipe "$http/r"; fresh; plans 'beta gamma' && asked http filelists && offline plans 'beta gamma'; }
case_ "unless a dependency needs them" t_later
t_wrong() { cp "$os/repodata/repomd.xml" "$work/good"; echo ' ' >>"$os/repodata/repomd.xml"; recipe "$http/r"; fresh; fails_with 4 'os: ' zs_plan; local rc=$?; cp "$work/good" "$os/repodata/repomd.xml"; return $rc; }
case_ "a wrong signature" t_wrong

rm "$os/repodata/repomd.xml.asc"
t_unsigned() { recipe "$http/r"; fresh; fails_with 4 'the repository is not signed; if its packages are: .trust packages. in the recipe' zs_plan; }
case_ "not signed" t_unsigned
t_packages() { recipe "$http/r" "trust packages"; fresh; plans alpha && says "the packages' signatures alone decide" && ! grep repomd.xml.asc "$work/http.log"; }
case_ "trust packages" t_packages
case_ "trust packages, --offline" offline plans alpha
t_metalink() {
    metalink "$now" "$http/corrupt/r" "$http/r"; recipe http://127.0.0.1:9 "metalink os $https/lists/meta" "trust metalink"; fresh
    plans alpha && says '/corrupt/r/os/x86_64: sha512 .* is not the one expected' && ! grep -q 'signatures alone' "$work/said"
}
case_ "trust metalink: a mirror with another index is passed over" t_metalink
case_ "trust metalink, --offline" offline plans alpha
t_unknown() { metalink "$other" "$http/r"; fresh; fails_with 4 'is not the one expected' zs_plan; }
case_ "trust metalink: an unknown index" t_unknown
t_known_again() { metalink "$now" "$http/r"; fresh; plans alpha; }
case_ "trust metalink: a known one" t_known_again
t_tampered_cache() {
    local f; f=$(grep -rlF '<repomd' "$work/c" | head -n 1); [ -n "$f" ] || return 1
    sed -i 's/<revision>[0-9]*/<revision>1/' "$f"; offline fails_with 4 'the index is not what the metalink says' zs_plan
}
case_ "trust metalink, --offline: a cached index that was changed" t_tampered_cache
t_locked() {
    metalink "$now" "$http/r"; recipe http://127.0.0.1:9 "metalink os $https/lists/meta" "trust metalink"; fresh
    zs_plan --lock "$work/lock" >/dev/null && fresh && rm -f "$work/x.tar" || return 1
    create() { "$zs" create --recipes "$recipes" --cache-dir "$work/c" --arch x86_64 --progress none --second-stage never --locked "$work/lock" "$@" mine/1 "$work/x.tar"; }
    fails_with 4 'alpha: .*(signature|signed)' create && create --insecure && asked https 'GET /lists/meta' && asked http 'GET /r/os/x86_64/alpha.rpm' && ! grep -q repomd "$work/http.log"
}
case_ "trust metalink: a lock's mirrors are the metalink's, and it does not vouch for packages that are not signed" t_locked
t_fallback() {
    recipe "$http/r" "metalink os $https/404/lists/meta" "trust metalink"; fresh
    plans alpha && says 'warning: os: .*HTTP status 404; going on with the mirrors that are known' && says 'signatures alone decide'
}
case_ "trust metalink without a metalink: the packages' signatures decide" t_fallback
t_overridden() { recipe http://127.0.0.1:9 "metalink os $https/lists/meta" "trust metalink"; fresh; plans alpha --mirror "$http/r" && says 'signatures alone decide' && ! grep lists "$work/https.log"; }
case_ "nor with --mirror" t_overridden
done_
