#!/bin/bash
# compare_roots.sh A B ALLOW: compares two Debian roots as mmdebstrap's own test does (facts: what varies from run to run is
# dropped or sorted first). Works on copies in place: both roots are changed. Prints what differs; ALLOW is a file of EREs,
# one a line with a reason behind ` # `, that a difference may match. Exit status 1 when something else differs.
set -u
a=$1 b=$2 allow=$3
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
level() { # ROOT: what may vary is removed or sorted
    cd "$1" || exit 1
    rm -f var/cache/apt/archives/*.deb var/cache/ldconfig/aux-cache var/log/dpkg.log var/log/bootstrap.log var/log/alternatives.log \
        var/log/apt/* var/log/zonestrap.log var/cache/debconf/*-old var/lib/dpkg/status-old var/lib/dpkg/diversions-old var/lib/dpkg/statoverride-old \
        var/lib/dpkg/available var/lib/dpkg/available-old var/lib/dpkg/cmethopt var/lib/dpkg/arch var/lib/dpkg/lock* var/lib/dpkg/triggers/Lock \
        var/lib/dpkg/triggers/Unincorp var/lib/apt/extended_states etc/apt/apt.conf.d/01autoremove-kernels etc/machine-id \
        var/lib/systemd/catalog/database var/lib/dbus/machine-id etc/.pwd.lock etc/passwd- etc/shadow- etc/group- etc/gshadow- etc/subuid- etc/subgid-
    rm -rf var/lib/apt/lists var/cache/apt/*.bin run/*
    local f
    for f in var/lib/dpkg/triggers/File etc/shells etc/group etc/gshadow etc/shadow; do [ -f $f ] && sort -o $f $f; done
    sed -i '/^Priority:/d' var/lib/dpkg/status
    # The day of the last change of a password is that of the installation, or of the epoch: shadow(5).
    [ ! -f etc/shadow ] || sed -i 's/^\([^:]*:[^:]*\):[0-9]*:/\1::/' etc/shadow
    for f in var/log/faillog var/log/lastlog; do [ -f $f ] && [ -z "$(tr -d '\0' <$f | head -c 1)" ] && rm -f $f; done
    : # directory times vary; file times are compared
}
(level "$a"); (level "$b")
ls -lR --time-style=+ "$a/dev" | sed "s,$a,ROOT,; s/^total.*//" >"$tmp/dev.a"; ls -lR --time-style=+ "$b/dev" | sed "s,$b,ROOT,; s/^total.*//" >"$tmp/dev.b"
diff "$tmp/dev.a" "$tmp/dev.b" | grep '^[<>]' | sed 's/^/dev: /' >"$tmp/found"
rm -rf "$a/dev" "$b/dev"
# Every line of a file's difference names the file.
diff --no-dereference -r "$a" "$b" | sed "s,$a,A,g; s,$b,B,g" | awk '/^diff /{name = $NF; next} /^(Only in|Symbolic|Binary|File )/{print "content: " $0; next} {print "content: " name ": " $0}' >>"$tmp/found"
listing() { (cd "$1" && find . -mindepth 1 \( -type d -printf '%P %y %m %U:%G - -\n' \) -o -printf '%P %y %m %U:%G %s %l\n' | sort); }
listing "$a" >"$tmp/list.a"; listing "$b" >"$tmp/list.b"
diff "$tmp/list.a" "$tmp/list.b" | grep '^[<>]' | sed 's/^/listing: /' >>"$tmp/found"
sed 's/ # .*//' "$allow" | grep . >"$tmp/allow"
if [ -s "$tmp/allow" ]; then grep -vE -f "$tmp/allow" "$tmp/found" >"$tmp/rest"; else cp "$tmp/found" "$tmp/rest"; fi
cat "$tmp/rest" | head -n 80
[ ! -s "$tmp/rest" ]
