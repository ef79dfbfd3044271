# zonestrap: plain GNU make. `make help` lists the targets.
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
VERSION := $(shell sed -n 's/^\#\# \([0-9][^ ]*\).*/\1/p' NEWS.md | head -n 1)

PKGS   := libarchive libcurl libsolv libcrypto
ROOMS  := base mirrors pkgfmt distros fixups cmd cmd/zone
STD    := -std=c17 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -D_FILE_OFFSET_BITS=64
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
SAN    :=
PKG_CF := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -pthread
ALLCF   = $(STD) $(WARN) -I. $(PKG_CF) -DZONESTRAP_VERSION='"$(VERSION)"' $(CFLAGS) $(SAN)

# What POSIX does not have stands in files whose name says so: for Linux, and for the other Unix systems.
HOST   ?= $(shell uname -s)
ifeq ($(HOST),Linux)
OTHERS := base/os_unix.c cmd/zone/unix.c
else
OTHERS := base/os_linux.c $(wildcard cmd/zone/linux*.c)
endif
SRC    := $(filter-out base/data_gen.c $(OTHERS),$(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
OBJ    := $(SRC:%.c=$(B)/%.o) $(B)/data.o
LIBOBJ  = $(filter-out $(B)/cmd/main.o,$(OBJ))
DATA   := $(sort $(wildcard distros/*.distro distros/*.template distros/keys/*.asc fixups/*.fixup fixups/*.zone mirrors/*.mirrors pkgfmt/*.sh pkgfmt/spdx.*))
UNITSRC := $(filter-out $(if $(filter Linux,$(HOST)),,tests/unit/%linux_test.c $(wildcard tests/unit/zone_linux_*_test.c)),$(wildcard tests/unit/*_test.c))
UNIT   := $(UNITSRC:tests/unit/%.c=$(B)/unit/%)
# The long ones come first, to have the short ones beside them. The others are sourced by them.
LONG   := $(addprefix tests/flow/,tarball_debian.sh boot_debian.sh readme.sh overlay.sh zone_illumos.sh rpm_hostile.sh clone.sh)
FLOW   := $(filter-out tests/flow/compare_roots.sh $(LONG),$(shell for f in tests/flow/*.sh; do head -n 1 $$f | grep -q '^\#!' && echo $$f; done))
SLOW   := $(wildcard tests/check_all/*.sh)
MAN8   := cmd/zonestrap.8
MAN5   := distros/zonestrap-recipe.5 fixups/zonestrap-fixup.5 fixups/zonestrap-zone.5

all: deps-check $(B)/zonestrap ## build the program
	@:

$(B)/zonestrap: $(OBJ)
	@echo "  ld $@"
	@$(CC) $(ALLCF) $(LDFLAGS) -o $@ $(OBJ) $(LIBS)

$(B)/%.o: %.c | $(B)/.deps-ok
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(ALLCF) -MMD -MP -c -o $@ $<

$(B)/base/os_linux.o $(B)/cmd/zone/linux.o $(B)/cmd/zone/linux_%.o: STD += -D_GNU_SOURCE
$(B)/base/os_unix.o: STD += -D__EXTENSIONS__ -D__BSD_VISIBLE=1 -D_DEFAULT_SOURCE

$(B)/data_gen: base/data_gen.c | $(B)/.deps-ok
	@mkdir -p $(@D)
	$(CC) -std=c17 -O1 -o $@ $<

$(B)/data.c: $(B)/data_gen $(DATA) Makefile
	@echo "  data $@"
	@$(B)/data_gen $(DATA) > $@.tmp && mv $@.tmp $@

$(B)/data.o: $(B)/data.c | $(B)/.deps-ok
	@$(CC) $(ALLCF) -c -o $@ $<

$(B)/libzonestrap.a: $(LIBOBJ)
	@rm -f $@ && ar rcs $@ $(LIBOBJ)

$(B)/unit/%: tests/unit/%.c tests/unit/test.h $(B)/libzonestrap.a
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(ALLCF) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(B)/libzonestrap.a $(LIBS)

-include $(OBJ:.o=.d) $(UNIT:=.d)

## --- dependencies
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT     = $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
BUILD_DEPS := gcc libc6-dev make pkg-config libarchive-dev libcurl4-openssl-dev libsolv-dev libssl-dev
CHECK_DEPS := $(BUILD_DEPS) clang libclang-rt-dev python3 gpgv gnupg strace mandoc debootstrap dpkg-dev xz-utils zstd bzip2 \
	busybox-static bash util-linux diffutils clang-format procps e2fsprogs musl-tools libarchive-tools podman runc crun skopeo umoci systemd-container \
	rpm rpm2cpio createrepo-c libcap2-bin openssl btrfs-progs xfsprogs attr uidmap mount python3-jsonschema python3-license-expression lxc iproute2 \
	$(if $(filter amd64 i386,$(shell dpkg --print-architecture 2>/dev/null)),user-mode-linux)
CHECK_ALL_DEPS := $(CHECK_DEPS) mmdebstrap dnf clang-tidy time qemu-user-static binfmt-support zfs-fuse

deps: ## install what the build needs (Debian)
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends $(BUILD_DEPS) >/dev/null

deps-check: $(B)/.deps-ok ## say which build dependencies are missing
	@:

$(B)/.deps-ok: tests/deps-check Makefile
	@mkdir -p $(@D)
	@CC="$(CC)" sh tests/deps-check $(PKGS) && touch $@

deps-test: ## install what the tests need, too
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends $(CHECK_DEPS) >/dev/null

deps-test-all: ## install what check-all and bench need, too
	$(APT) update -qq && $(APT) install -y -qq --no-install-recommends $(CHECK_ALL_DEPS) >/dev/null

## --- tests
TEST_JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
unit: $(UNIT) ## build the unit tests
check: all unit ## unit and flow tests, the latter with sanitizers where it matters
	$(MAKE) -s B=$(B)-asan CC=clang SAN='$(ASAN)' $(B)-asan/zonestrap unit
	tests/run -j $(TEST_JOBS) $(CHECK_ARGS) $(sort $(wildcard tests/lint/*.sh)) $(UNIT:$(B)/%=$(B)-asan/%) $(LONG) $(FLOW)

check-all: all unit ## everything, the slow comparisons with the peers included
	$(MAKE) -s B=$(B)-asan CC=clang SAN='$(ASAN)' $(B)-asan/zonestrap unit
	TEST_TIMEOUT=7200 tests/run $(CHECK_ARGS) $(sort $(wildcard tests/lint/*.sh)) $(UNIT) $(UNIT:$(B)/%=$(B)-asan/%) $(LONG) $(FLOW) $(SLOW)

ASAN  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan: ## the program and its unit tests with address and undefined-behaviour sanitizers, run
	$(MAKE) B=$(B)-asan CC=clang SAN='$(ASAN)' $(B)-asan/zonestrap unit
	tests/run $(UNIT:$(B)/%=$(B)-asan/%)

ubsan: ## the same with the undefined-behaviour sanitizer of gcc alone
	$(MAKE) B=$(B)-ubsan CC=gcc SAN='-fsanitize=undefined -fno-sanitize-recover=all -Wno-format-truncation' $(B)-ubsan/zonestrap unit
	tests/run $(UNIT:$(B)/%=$(B)-ubsan/%)

tidy: compile_commands.json ## clang-tidy over sources and unit tests
	@printf '%s\n' $(SRC) $(UNITSRC) | xargs -n 4 -P "$$(getconf _NPROCESSORS_ONLN)" clang-tidy -p . --quiet

# Each fuzzer runs for FUZZ_SECONDS from seeds in place; what it finds stays in the build directory for the next
# run. FUZZ=deb_unpack runs one.
FUZZ_SECONDS ?= 60
FUZZ   ?= $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
TEST_DATA ?= $(or $(ZONESTRAP_TEST_DATA),../shared/data)
SEEDS_deb_release := $(TEST_DATA)/openpgp/debian-release
SEEDS_deb_index   := $(TEST_DATA)/evil/apt-packages $(TEST_DATA)/evil/dpkg-control
SEEDS_deb_unpack  := $(TEST_DATA)/deb
SEEDS_deb_copyright := /usr/share/doc/perl-base /usr/share/doc/dpkg /usr/share/doc/apt
SEEDS_openpgp     := $(TEST_DATA)/openpgp distros/keys
SEEDS_overlay     := $(TEST_DATA)/evil/traversal/tar $(TEST_DATA)/evil/tar-rs
SEEDS_oci_tree    := $(SEEDS_overlay)
SEEDS_rpm_read    := $(TEST_DATA)/rpm $(TEST_DATA)/evil/rpm-broken
SEEDS_rpm_unpack  := $(TEST_DATA)/rpm/rpm-rs $(TEST_DATA)/rpm/conary $(TEST_DATA)/rpm/rpm-upstream $(TEST_DATA)/evil/rpm-broken
SEEDS_xml         := $(TEST_DATA)/evil/xml-libxml2 $(TEST_DATA)/evil/repomd-malformed
SEEDS_rpm_primary := $(TEST_DATA)/evil/repomd-malformed $(TEST_DATA)/repomd/bazeldnf-fc32-el8
SEEDS_rpm_index   := $(TEST_DATA)/evil/repomd-malformed $(TEST_DATA)/repomd/createrepo_c/comps_files \
	$(TEST_DATA)/repomd/createrepo_c/updateinfo_files $(TEST_DATA)/repomd/createrepo_c/modified_repo_files
SEEDS_kw          := distros fixups mirrors
SEEDS_apt_sources := mirrors
SEEDS_mirror_list := $(TEST_DATA)/repomd/librepo/test_data/metalinks $(TEST_DATA)/repomd/librepo/test_data/mirrorlists
FUZZ_ARGS ?= -max_len=30000 -timeout=20 -rss_limit_mb=2048 -verbosity=0
FUZZ_SAN  := -fsanitize=address,undefined -fno-sanitize-recover=all

fuzz: ## the fuzzers, FUZZ_SECONDS (60) each (clang)
	$(MAKE) -s B=$(B)-fuzz CC=clang SAN='$(FUZZ_SAN) -fsanitize=fuzzer-no-link' $(FUZZ:%=$(B)-fuzz/fuzz/%)
	@set -e; $(foreach f,$(FUZZ),echo "  fuzz $(f)"; mkdir -p $(B)-fuzz/corpus/$(f) $(B)-fuzz/tmp; TMPDIR=$(B)-fuzz/tmp \
	    $(B)-fuzz/fuzz/$(f) -max_total_time=$(FUZZ_SECONDS) $(FUZZ_ARGS) -artifact_prefix=$(B)-fuzz/$(f)- \
	    $(B)-fuzz/corpus/$(f) $(wildcard $(SEEDS_$(f))); rm -rf $(B)-fuzz/tmp;)

$(B)/fuzz/%: tests/fuzz/%_fuzz.c $(wildcard tests/fuzz/*.h) $(B)/libzonestrap.a
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(ALLCF) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(B)/libzonestrap.a $(LIBS)

sizes: ## functions of over 60 lines and files of over 600: new ones fail
	@tests/sizes

bench: all ## time ratios against debootstrap, mmdebstrap and dnf on the same repositories
	tests/bench/bench
	tests/bench/bench_rpm

golden: all unit ## write the golden files anew, to be read in review
	ZONESTRAP_GOLDEN=write tests/run $(UNIT)

compile_commands.json: Makefile $(SRC) $(UNITSRC) ## how each file is compiled, for editors and clang-tidy
	@{ echo '['; sep=; for f in $(SRC) $(UNITSRC); do std='$(STD)'; case $$f in tests/*) ;; *linux*) std="$$std -D_GNU_SOURCE";; esac; \
	printf '%b{"directory": "%s", "file": "%s", "command": "%s"}' "$$sep" '$(CURDIR)' "$$f" \
	    "cc $$std $(WARN) -I. $(PKG_CF) "'-DZONESTRAP_VERSION=\\\"x\\\"'" -c $$f"; sep=',\n'; done; echo; echo ']'; } > $@

## --- installation
install: all $(B)/zonestrap.bash ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(B)/zonestrap $(DESTDIR)$(PREFIX)/sbin/zonestrap
	install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(B)/zonestrap.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/zonestrap

$(B)/zonestrap.bash: $(B)/zonestrap
	$(B)/zonestrap completion bash > $@

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/zonestrap $(DESTDIR)$(PREFIX)/share/bash-completion/completions/zonestrap \
	    $(addprefix $(DESTDIR)$(PREFIX)/share/man/man8/,$(notdir $(MAN8))) $(addprefix $(DESTDIR)$(PREFIX)/share/man/man5/,$(notdir $(MAN5)))

dist: ## a source archive of the last commit
	git archive --prefix=zonestrap-$(VERSION)/ -o zonestrap-$(VERSION).tar.gz HEAD

clean: ## remove what was built
	rm -rf $(B) $(B)-asan $(B)-ubsan $(B)-fuzz compile_commands.json

help: ## this list
	@sed -n 's/^\([a-z_.-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 24

.PHONY: all deps deps-check deps-test deps-test-all unit check check-all asan ubsan tidy fuzz sizes bench golden install uninstall dist clean help
