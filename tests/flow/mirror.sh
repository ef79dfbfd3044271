# Sourced after lib.sh by tests that need a real Debian mirror: the one that the host's apt uses. $mirror is its URL.
host_mirror() {
    local uri
    for uri in $(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
                 grep -v '^ *#' | grep -oE '(https?|file)://[^ ]*/debian/?( |$)' | sed 's,/* *$,,' | sort -u); do
        curl_head "$uri/dists/bookworm/InRelease" && { echo "$uri"; return; }
    done
}
curl_head() { python3 - "$1" <<'P' 2>/dev/null
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="HEAD"), timeout=20)
P
}
mirror=$(host_mirror)
# One cache for all tests of a run: the mirror is asked once.
shared_cache=${ZONESTRAP_TEST_CACHE:-/var/cache/zonestrap-test}
