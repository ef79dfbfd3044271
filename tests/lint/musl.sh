#!/bin/bash
# What is not named after a system is POSIX: it compiles against musl's headers, too.
. "$(dirname "$0")/../flow/lib.sh"
command -v musl-gcc >/dev/null || { skipped musl "musl-gcc is missing (Debian: musl-tools)"; done_; }
cd "$top" || exit 1
# The libraries' own headers, without glibc's beside them.
inc=$work/include; mkdir "$inc"
for h in archive.h archive_entry.h solv openssl curl; do
    for d in /usr/include /usr/include/$(gcc -dumpmachine); do [ -e "$d/$h" ] && { mkdir -p "$inc/$h.d"; ln -sfn "$d/$h" "$inc/$h"; }; done
done
rmdir "$inc"/*.d 2>/dev/null
[ -e "/usr/include/$(gcc -dumpmachine)/openssl" ] && { rm "$inc/openssl"; mkdir "$inc/openssl"; ln -s /usr/include/openssl/* /usr/include/"$(gcc -dumpmachine)"/openssl/* "$inc/openssl/"; }
compile() {
    musl-gcc -std=c17 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Werror -I. -isystem "$inc" \
        -DZONESTRAP_VERSION='"x"' -fsyntax-only "$@"
}
for f in base/*.c mirrors/*.c pkgfmt/*.c distros/*.c fixups/*.c cmd/*.c cmd/zone/*.c; do
    case $f in *linux*) ;;
        base/os_unix.c) case_ "$f against musl" compile -D_DEFAULT_SOURCE "$f" ;; *) case_ "$f against musl" compile "$f" ;; esac
done
planted() { printf '#include <sched.h>\nint main(void){return unshare(0);}\n' >"$work/planted.c"; ! compile "$work/planted.c"; }
case_ "a call that only Linux has is found" planted
done_
