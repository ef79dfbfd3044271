#!/bin/bash
# Mirror lists and metalinks: what they name is tried first, what they say of the index is held to, and what cannot be had
# or read falls back to the mirrors that are known.
. "$(dirname "$0")/lib.sh"
for tool in python3 openssl; do command -v $tool >/dev/null || { skipped mirror_lists "$tool is missing"; done_; }; done
. "$here/repo.sh"
repo_key
repo_deb alpha 1.0
repo_index "$work/www/r" one
rm "$work/www/r/dists/one/InRelease"
mkdir "$work/www/lists"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat "$work/key.pem" "$work/cert.pem" >"$work/tls.pem"
export SSL_CERT_FILE=$work/cert.pem
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
serve() { # NAME ARGS...: prints the port
    local name=$1; shift
    python3 "$here/server.py" --root "$work/www" --log "$work/$name.log" "$@" >"$work/$name.port" 2>/dev/null &
    servers="$servers $!"
    for i in $(seq 50); do [ -s "$work/$name.port" ] && break; sleep 0.1; done
}
servers=
cleanup_hooks="$cleanup_hooks stop_servers"
stop_servers() { kill $servers 2>/dev/null; }
serve http; serve https --tls "$work/tls.pem"
http=http://127.0.0.1:$(grep -o '[0-9]*' "$work/http.port"); https=https://127.0.0.1:$(grep -o '[0-9]*' "$work/https.port")
dead=http://127.0.0.1:9

# recipe MIRROR [LINES...]: more lines of [distro]
recipe() { local m=$1; shift; repo_recipe "$m"; sed -i "/^repo /r /dev/stdin" "$recipes/mine.distro" < <(printf '%s\n' "$@"); }
list() { printf '%s\n' "$@" >"$work/www/lists/list"; }
# metalink SHA256 [ALTERNATE|-] URL...
metalink() {
    local now=$1 old=$2 n=99 u; shift 2
    { echo '<?xml version="1.0" encoding="utf-8"?>'
      echo '<metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager"><files>'
      echo "<file name=\"Release\"><verification><hash type=\"md5\">00</hash><hash type=\"sha256\">$now</hash></verification>"
      [ "$old" = - ] || echo "<mm0:alternates><mm0:alternate><verification><hash type=\"sha256\">$old</hash></verification></mm0:alternate></mm0:alternates>"
      echo '<resources maxconnections="1">'
      for u; do echo "<url protocol=\"http\" preference=\"$((n--))\">$u/dists/one/Release</url>"; done
      echo '</resources></file></files></metalink>'; } >"$work/www/lists/meta"
}
fresh() { rm -rf "$work/c"; : >"$work/http.log"; : >"$work/https.log"; }
go() { cache=$work/c zs_local plan -v --names mine/one "$@" >"$work/names" 2>"$work/said"; }
plans() { go "$@" && [ "$(cat "$work/names")" = alpha ] || { cat "$work/said"; return 1; }; }
says() { grep -Eq -- "$1" "$work/said" || { echo "not said: $1"; cat "$work/said"; return 1; }; }
asked() { grep -q -- "$2" "$work/$1.log" || { echo "not asked: $2"; cat "$work/$1.log"; return 1; }; }
release=$(sha256sum "$work/www/r/dists/one/Release" | cut -d' ' -f1)
other=$(echo other | sha256sum | cut -d' ' -f1)

t_list() {
    list "# comment" "$http/404/r" "ftp://127.0.0.1/r" "$http/r/"
    recipe $dead "mirrorlist main $http/lists/list?repo=main-{release}&arch={arch}"
    fresh; plans && asked http 'GET /lists/list?repo=main-one&arch=amd64 - 200' && asked http 'GET /404/r/'
}
case_ "a mirror list names the mirrors" t_list
t_offline() { kill -STOP $servers; plans --offline; local rc=$?; kill -CONT $servers; return $rc; }
case_ "--offline: the index and its signature come from the cache" t_offline
t_override() { fresh; plans --mirror "$http/r" && ! grep -q lists "$work/http.log"; }
case_ "--mirror: no list is asked for" t_override
t_error_reply() {
    list "# repo = main-one arch = amd64 error: invalid repo"; recipe "$http/r" "mirrorlist main $http/lists/list"
    fresh; plans && says 'warning: main: .*the list names no mirror.*invalid repo.*going on with the mirrors that are known'
}
case_ "an error in place of a list" t_error_reply
t_no_list() { recipe "$http/r" "mirrorlist main $http/404/lists/list"; fresh; plans && says 'warning: main: .*HTTP status 404; going on'; }
case_ "no list" t_no_list
t_endless() { recipe "$http/r" "mirrorlist main $http/endless/lists/list"; fresh; plans && says 'more than the allowed 1048576 bytes; going on'; }
case_ "an endless list" t_endless
t_all_dead() { list "$dead/x"; recipe $dead "mirrorlist main $http/lists/list"; fresh; fails_with 3 '127.0.0.1:9' zs_local plan mine/one; }
case_ "a list of dead mirrors" t_all_dead

# From here on nothing is signed.
mv "$work/www/r/dists/one/Release.gpg" "$work/signature"
t_unsigned() { recipe "$http/r"; fresh; fails_with 4 'the repository is not signed' zs_local plan mine/one; }
case_ "not signed" t_unsigned
trust() { recipe "${2:-$dead}" "metalink main $1/lists/meta" "trust metalink"; fresh; }
t_metalink() { metalink "$release" - "$http/r"; trust "$https"; plans && ! grep -q 'Release.gpg' "$work/http.log"; }
case_ "a metalink vouches for the index" t_metalink
t_metalink_offline() { kill -STOP $servers; plans --offline; local rc=$?; kill -CONT $servers; return $rc; }
case_ "--offline: the metalink comes from the cache, too" t_metalink_offline
t_stale() {
    metalink "$release" "$other" "$http/corrupt/r" "$http/404/r" "$http/r"; trust "$https"
    plans && says 'Release: .*/corrupt/r: sha256 .* is not the one expected' && asked http 'GET /corrupt/r/dists/one/Release'
}
case_ "a mirror with another index is passed over" t_stale
t_alternate() { metalink "$other" "$release" "$http/r"; trust "$https"; plans; }
case_ "an older index that the metalink knows" t_alternate
t_unknown() { metalink "$other" "$other" "$http/r" "$http/404/r"; trust "$https"; fails_with 4 'Release: .*is not the one expected' zs_local plan mine/one; }
case_ "an index that the metalink does not know" t_unknown
t_plain() { metalink "$release" - "$http/r"; trust "$http"; fails_with 4 'nothing vouches for the index: packages of the format deb are not signed' zs_local plan mine/one; }
case_ "a metalink that came without TLS vouches for nothing" t_plain
t_downgrade() { metalink "$release" - "$http/r"; trust "$https/redirect-http/${http##*:}"; fails_with 4 'nothing vouches' zs_local plan mine/one; }
case_ "nor one that was redirected to http" t_downgrade
t_no_metalink() { trust "$https/404" "$http/r"; fails_with 4 'nothing vouches' zs_local plan mine/one; }
case_ "no metalink, and packages that are not signed" t_no_metalink
t_packages() { recipe "$http/r" "trust packages"; fresh; fails_with 4 'nothing vouches' zs_local plan mine/one; }
case_ "trust in packages that are not signed" t_packages
t_insecure() { fresh; plans --insecure; }
case_ "--insecure takes it all the same" t_insecure

mv "$work/signature" "$work/www/r/dists/one/Release.gpg"
t_then_list() {
    metalink "$other" - "$http/r"; sed -i 's,</files>,,' "$work/www/lists/meta"; list "$http/r"
    recipe $dead "metalink main $https/lists/meta" "mirrorlist main $http/lists/list"; fresh
    plans && says 'warning: main: .*lists/meta:[0-9]+: .*going on with its mirror list' && asked http 'GET /lists/list'
}
case_ "a broken metalink gives way to the mirror list" t_then_list
t_other_file() { metalink "$release" - "$http/r"; sed -i 's/"Release"/"repomd.xml"/' "$work/www/lists/meta"; recipe "$http/r" "metalink main $https/lists/meta"; fresh; plans && says 'has no entry for dists/one/Release'; }
case_ "a metalink for something else" t_other_file
t_no_password() {
    recipe "$http/r" "mirrorlist main http://me:secret@127.0.0.1:9/list"; fresh; plans -v && says 'going on' && ! grep -q secret "$work/said"
}
case_ "a password in a list's address is not shown" t_no_password
done_
