#!/bin/bash
# Mirrors that stall, lie about sizes, break off or are gone: the next one is asked, or one clear line says so.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || { skipped hostile_transfer "python3 is missing"; done_; }
. "$here/repo.sh"
repo_key
repo_deb alpha 1.0 "Depends: beta"
head -c 2000000 /dev/urandom >"$work/noise"; mkdir -p "$tree/beta/usr/share/beta"; cp "$work/noise" "$tree/beta/usr/share/beta/"
repo_deb beta 1
repo_index "$work/repo" one
python3 "$here/server.py" --root "$work/repo" >"$work/port" 2>"$work/server.log" &
server=$!
cleanup_hooks="$cleanup_hooks stop_server"
stop_server() { kill $server 2>/dev/null; }
for i in $(seq 50); do [ -s "$work/port" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(grep -o '[0-9]*' "$work/port" | tail -n 1)
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
mirrors() { printf '[mirrors]\n' >"$recipes/m.mirrors"; printf 'url %s\n' "$@" >>"$recipes/m.mirrors"; }
repo_recipe m
go() { rm -rf "$work/c" "$work/root"; cache=$work/c zs_local create --second-stage never mine/one "$work/root"; }
[ "$(id -u)" = 0 ] || { skipped hostile_transfer "needs root"; done_; }

t_http() { mirrors "$url" && go && cmp "$work/noise" "$work/root/usr/share/beta/noise"; }
case_ "over HTTP" t_http
t_dead() { mirrors http://127.0.0.1:9 "$url" && go; }
case_ "a dead mirror falls over to the next" t_dead
t_404() { mirrors "$url/404" "$url" && go; }
case_ "404 falls over to the next" t_404
t_404_all() { mirrors "$url/404" && fails_with 3 '404|not found' go && [ ! -e "$work/root" ]; }
case_ "404 everywhere" t_404_all
t_dead_all() { mirrors http://127.0.0.1:9 && fails_with 3 '127.0.0.1:9' go && [ ! -e "$work/root" ]; }
case_ "no mirror answers" t_dead_all
t_corrupt() { mirrors "$url/corrupt" && fails_with 4 '.' go && [ ! -e "$work/root" ]; }
case_ "a mirror that flips bytes" t_corrupt
t_endless() {
    mirrors "$url/endless"; go >/dev/null 2>"$work/err"; rc=$?
    [ $rc = 3 ] || [ $rc = 4 ] || { cat "$work/err"; return 1; }
    [ ! -e "$work/root" ] && [ "$(du -sk "$work/c" | cut -f1)" -lt 70000 ]
}
case_ "an endless transfer is cut off" t_endless
t_truncate() { mirrors "$url/truncate" "$url" && go; }
case_ "a truncating mirror falls over to the next" t_truncate
t_500() { mirrors "$url/500-then-ok/1" && go; }
case_ "a server that recovers" t_500
t_offline() { mirrors "$url" && go && rm -rf "$work/root" && kill $server && wait $server 2>/dev/null; cache=$work/c zs_local create --offline --second-stage never mine/one "$work/root"; }
case_ "--offline from the cache, the server gone" t_offline
t_offline_cold() { rm -rf "$work/c9"; cache=$work/c9 fails_with 3 'offline' zs_local create --offline --second-stage never mine/one "$work/root9"; }
case_ "--offline with an empty cache" t_offline_cold
done_
