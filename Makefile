# zonestrap: plain make (GNU). `make help` lists the targets.
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build
VERSION := $(shell sed -n 's/^\#\# \([0-9][^ ]*\).*/\1/p' NEWS.md 2>/dev/null | head -n 1)

PKGS   := libarchive libcurl libsolv libsolvext libcrypto
ROOMS  := base mirrors pkgfmt distros fixups cmd cmd/zone
STD    := -std=c17 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -D_FILE_OFFSET_BITS=64
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith
ALLCF   = $(STD) $(WARN) -I. $(shell pkg-config --cflags $(PKGS)) -DZONESTRAP_VERSION='"$(VERSION)"' $(CFLAGS) $(SAN)
LIBS    = $(shell pkg-config --libs $(PKGS)) -pthread

SRC   := $(filter-out base/data_gen.c,$(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
OBJ   := $(SRC:%.c=$(B)/%.o) $(B)/data.o
LIBOBJ = $(filter-out $(B)/cmd/main.o,$(OBJ))
DATA  := $(sort $(wildcard distros/*.distro distros/keys/* fixups/*.fixup fixups/*.zone mirrors/*.mirrors pkgfmt/*.sh))
UNIT  := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))

all: $(B)/zonestrap

$(B)/zonestrap: $(OBJ)
	$(CC) $(ALLCF) $(LDFLAGS) -o $@ $(OBJ) $(LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLCF) -MMD -MP -c -o $@ $<

# What POSIX does not have stands in files whose name says so.
$(B)/base/os_linux.o $(B)/cmd/zone/linux.o $(B)/cmd/zone/linux_%.o: STD += -D_GNU_SOURCE

$(B)/data_gen: base/data_gen.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -O1 -o $@ $<

$(B)/data.c: $(B)/data_gen $(DATA) Makefile
	$(B)/data_gen $(DATA) > $@.tmp && mv $@.tmp $@

$(B)/data.o: $(B)/data.c
	$(CC) $(ALLCF) -c -o $@ $<

$(B)/libzonestrap.a: $(LIBOBJ)
	rm -f $@ && ar rcs $@ $(LIBOBJ)

$(B)/unit/%: tests/unit/%.c tests/unit/test.h $(B)/libzonestrap.a
	@mkdir -p $(@D)
	$(CC) $(ALLCF) $(LDFLAGS) -o $@ $< $(B)/libzonestrap.a $(LIBS)

unit: $(UNIT)

-include $(OBJ:.o=.d)

.PHONY: all unit
