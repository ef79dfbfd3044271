#!/bin/bash
# A room includes only its own headers and base/; cmd/ alone includes several. Headers are named from the top.
. "$(dirname "$0")/../flow/lib.sh"

# check DIR: prints FILE:LINE: what is wrong; fails when there is any.
check() {
    local dir=$1 room bad
    bad=$(cd "$dir" && for room in base mirrors pkgfmt distros fixups cmd; do
        find "$room" -name '*.[ch]' -exec grep -nHE '^[[:space:]]*#[[:space:]]*include' {} + |
            awk -v room="$room" -F: '{
                inc = $0; sub(/^[^:]*:[^:]*:[^"<]*/, "", inc)
                quoted = substr(inc, 1, 1) == "\""; inc = substr(inc, 2); sub(/[">].*/, "", inc)
                first = inc; sub(/\/.*/, "", first)
                ours = first ~ /^(base|mirrors|pkgfmt|distros|fixups|cmd|tests|\.\.?)$/
                if (!quoted && !ours) next
                if (ours && first !~ /^(tests|\.\.?)$/ && inc ~ /\// && inc !~ /\.\./ &&
                    (first == room || first == "base" || room == "cmd")) next
                print $1 ":" $2 ": " room "/ includes " inc }'
    done)
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

case_ "rooms include only their own headers and base" check "$top"
case_ "found: a room in base" planted base/err.c '#include "mirrors/cache.h"'
case_ "found: another room" planted pkgfmt/pkgfmt.h '#  include "distros/distro.h"'
case_ "found: cmd in a room" planted fixups/fixup.h '  # include "cmd/cmd.h"'
case_ "found: in angle brackets" planted distros/distro.h '#include <pkgfmt/plan.h>'
case_ "found: around the corner" planted mirrors/cache.h '#include "../cmd/options.h"'
case_ "found: without a room" planted cmd/main.c '#include "options.h"'
done_
