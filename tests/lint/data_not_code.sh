#!/bin/bash
# What names a distribution, a release or a mirror is data in distros/, fixups/ and mirrors/, never C. Comments may give
# examples; the list below says what else may stand, and why.
. "$(dirname "$0")/../flow/lib.sh"

names='debian|ubuntu|devuan|kali|raspbian|mint|fedora|centos|rocky|almalinux|redhat|rhel|opensuse|suse|mageia|alpine'
names="$names|buster|bullseye|bookworm|trixie|forky|duke|\"sid\"|focal|jammy|noble|plucky|questing|resolute|daedalus|excalibur|ceres|freia"
names="$names|https?://[a-z0-9]"

# FILE and an extended expression for what may stand on the line. Reasons behind.
allowed() {
    cat <<'END'
cmd/help.c	zonestrap (create|plan) .*debian/	examples in --help
cmd/create_second.c	"DEBIAN_FRONTEND=|"DEBCONF_	debconf(7)'s own name; the second stage's clean environment
cmd/sbom_spdx.c	https://spdx\.org/spdxdocs/	SPDX 2.3, 6.5: where a document without a home of its own is named
pkgfmt/deb[a-z_]*.c	"debian-(binary|split)	deb(5) and deb-split(5): names of ar members
pkgfmt/deb[a-z_]*.c	[a-z] Debian package	the format's name in a message
END
}

# Prints C without comments, line by line as it was.
without_comments() {
    awk '{ out = ""; n = length($0)
        for (i = 1; i <= n; i++) {
            c = substr($0, i, 1); two = substr($0, i, 2)
            if (comment) { if (two == "*/") { comment = 0; i++ } continue }
            if (quote != "") { out = out c
                if (c == "\\") { i++; out = out substr($0, i, 1) } else if (c == quote) quote = ""
                continue }
            if (two == "/*") { comment = 1; i++; continue }
            if (two == "//") break
            if (c == "\"" || c == "\047") quote = c
            out = out c
        }
        quote = ""; print out }' "$1"
}

check() {
    local dir=$1 f bad=
    bad=$(cd "$dir" && for f in $(find base mirrors pkgfmt distros fixups cmd -name '*.[ch]' | sort); do
        without_comments "$f" | grep -niE "$names" | while IFS= read -r hit; do
            allowed | while IFS=$'\t' read -r file may why; do
                [[ $f =~ ^$file$ ]] && [[ $hit =~ $may ]] && echo yes
            done | grep -q yes || echo "$f:$hit"
        done
    done)
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

case_ "no distribution, release or mirror in C" check "$top"
case_ "found: a release's name" planted distros/distro.c 'const char *x = "bookworm"; /* x */'
case_ "found: a distribution's name" planted base/err.c 'if (str_is(s, "Fedora"))'
case_ "found: a mirror" planted mirrors/mirror.c 'x("http://mirror.example/");'
case_ "found: what is allowed elsewhere" planted base/err.c 'x("debian-binary");'
printf '%s\n' '/* bookworm' ' http://x/ */ int a; // "debian"' 'char *s = "/*"; char c = '"'\"'"'; /* sid */' >"$work/c.c"
case_ "comments are left out" test "$(without_comments "$work/c.c" | tr -d ' \n')" = 'inta;char*s="/*";charc='"'\"'"';'
done_
