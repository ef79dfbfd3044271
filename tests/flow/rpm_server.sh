# Sourced after rpm_repo.sh: serves $www over HTTP for as long as the test runs; $url is its place, $work/log what was asked for,
# $control what tests/flow/server.py reads misbehaviours from.
www=$work/www control=$work/control
mkdir -p "$www"
python3 "$here/server.py" --root "$www" --log "$work/log" --control "$control" >"$work/port" 2>"$work/server.log" &
server=$!
cleanup_hooks="$cleanup_hooks rpm_stop_server"
rpm_stop_server() { kill $server 2>/dev/null; }
for i in $(seq 50); do [ -s "$work/port" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$work/port")
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
