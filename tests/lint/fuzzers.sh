#!/bin/bash
# The fuzzers are run by hand: that they still compile, after what they call has changed, is seen here.
. "$(dirname "$0")/../flow/lib.sh"
command -v clang >/dev/null || { skipped fuzzers "clang is missing (make deps-test)"; done_; }
cd "$top" || exit 1
compile() {
    clang -std=c17 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -I. -fsyntax-only "$1"
}
for f in tests/fuzz/*_fuzz.c; do case_ "$f compiles" compile "$f"; done
planted() { sed 's/LLVMFuzzerTestOneInput(const uint8_t \*p/LLVMFuzzerTestOneInput(const char *p/' tests/fuzz/kw_fuzz.c >"$work/kw_fuzz.c"; ! compile "$work/kw_fuzz.c"; }
case_ "one that does not is found" planted
done_
