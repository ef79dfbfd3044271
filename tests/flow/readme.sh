#!/bin/bash
# The README's first command, as a new user would run it: a fresh checkout, an empty directory, a real system.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped readme "needs root"; done_; }
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped readme "the host's apt configuration names no Debian mirror that answers"; done_; }
command=$(grep -m 1 '^    .*zonestrap create ' "$top/README.md" | sed 's/^ *//')
mkdir "$work/bin"; printf '#!/bin/sh\nexec "$@"\n' >"$work/bin/sudo"; chmod +x "$work/bin/sudo"
t_first() {
    git clone -q "$top" "$work/new" && cd "$work/new" && echo "$command" &&
    PATH=$work/bin:$PATH DEBIAN_FRONTEND=noninteractive sh -ec "$command" && ls root/bin/dpkg && [ -z "$(build/zonestrap run root -- dpkg --audit)" ]
}
case_ "the README's first command makes a system" t_first
t_install() { cd "$work/new" && make -s install DESTDIR="$work/dest" && "$work/dest/usr/local/sbin/zonestrap" --version && [ -s "$work/dest/usr/local/share/man/man8/zonestrap.8" ] &&
    make -s uninstall DESTDIR="$work/dest" && [ -z "$(find "$work/dest" -type f)" ]; }
case_ "make install and uninstall" t_install
t_dist() { cd "$work/new" && make -s dist && tar -tzf zonestrap-*.tar.gz | grep -q '/README.md$'; }
case_ "make dist" t_dist
done_
