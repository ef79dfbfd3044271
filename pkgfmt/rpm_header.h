/* The header structure of rpm packages: index entries and a store, for the signature header and the main one.
   Format: https://rpm-software-management.github.io/rpm/manual/format_header.html and rpmtag.h. */
#ifndef PKGFMT_RPM_HEADER_H
#define PKGFMT_RPM_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum rpm_type {
    RPM_NULL,
    RPM_CHAR,
    RPM_INT8,
    RPM_INT16,
    RPM_INT32,
    RPM_INT64,
    RPM_STRING,
    RPM_BIN,
    RPM_STRING_ARRAY,
    RPM_I18NSTRING
};

struct rpm_entry {
    uint32_t tag, type, count;
    const unsigned char *data; /* in the store, checked to hold count values */
    size_t n;                  /* bytes of them */
};

/* Entries sorted by tag; everything borrows from the bytes that were parsed. */
struct rpm_header {
    struct rpm_entry *entries; /* owned: rpm_header_free */
    size_t n;
    size_t size; /* bytes of the whole structure, its 8-byte magic and 8-byte counts included, padding not */
};

/* Bounds that are held to; rpm's are 65535 entries and 256 MiB. */
enum { RPM_HEADER_ENTRIES_MAX = 65535, RPM_HEADER_BYTES_MAX = 128 << 20 };

/* Size of the whole structure in bytes, by its first 16 (which may be lies), and the first entry's tag by its
   first 20 (0: not there). ERR_FORMAT: no header. */
int rpm_header_size(struct str bytes, uint64_t *size, uint32_t *first, struct err *e);
/* Parses the structure at the start of bytes, which begins with its magic 8e ad e8 01. region: the tag of the
   immutable region that must enclose it: 62 (signature), 63 (main), or 0 where none need be; what stands
   outside of the region (dribbles) is ERR_FORMAT in a main header. ERR_FORMAT: counts, types, offsets and
   alignments that do not fit the store, strings that do not end, a tag twice. */
int rpm_header_parse(struct rpm_header *h, struct str bytes, uint32_t region, struct err *e);
/* Of a main header: ERR_FORMAT when one of the tags below has another type than rpm gives it; strings, arrays
   of them and translated ones may stand for each other. */
int rpm_header_types(const struct rpm_header *h, struct err *e);
void rpm_header_free(struct rpm_header *h);

/* NULL when it is not there. */
const struct rpm_entry *rpm_header_find(const struct rpm_header *h, uint32_t tag);
/* The first string of RPM_STRING, RPM_STRING_ARRAY or RPM_I18NSTRING; empty (p NULL) when it is not there. */
struct str rpm_header_string(const struct rpm_header *h, uint32_t tag);
/* Number i of any integer type; false when there is no such. */
bool rpm_header_u64(const struct rpm_header *h, uint32_t tag, size_t i, uint64_t *out);
/* Walks a string array: *at starts with 0; false at the end. */
bool rpm_entry_string(const struct rpm_entry *en, size_t *at, struct str *out);

/* Tags that are read here (rpmtag.h). Main header: */
enum {
    RPM_TAG_NAME = 1000,
    RPM_TAG_VERSION = 1001,
    RPM_TAG_RELEASE = 1002,
    RPM_TAG_EPOCH = 1003,
    RPM_TAG_SIZE = 1009,
    RPM_TAG_LICENSE = 1014,
    RPM_TAG_OS = 1021,
    RPM_TAG_ARCH = 1022,
    RPM_TAG_OLDFILENAMES = 1027,
    RPM_TAG_FILESIZES = 1028,
    RPM_TAG_FILEMODES = 1030,
    RPM_TAG_FILERDEVS = 1033,
    RPM_TAG_FILEMTIMES = 1034,
    RPM_TAG_FILEDIGESTS = 1035,
    RPM_TAG_FILELINKTOS = 1036,
    RPM_TAG_FILEFLAGS = 1037,
    RPM_TAG_FILEUSERNAME = 1039,
    RPM_TAG_FILEGROUPNAME = 1040,
    RPM_TAG_SOURCERPM = 1044,
    RPM_TAG_PROVIDENAME = 1047,
    RPM_TAG_FILEDEVICES = 1095,
    RPM_TAG_FILEINODES = 1096,
    RPM_TAG_SOURCEPACKAGE = 1106,
    RPM_TAG_PROVIDEFLAGS = 1112,
    RPM_TAG_PROVIDEVERSION = 1113,
    RPM_TAG_DIRINDEXES = 1116,
    RPM_TAG_BASENAMES = 1117,
    RPM_TAG_DIRNAMES = 1118,
    RPM_TAG_PAYLOADFORMAT = 1124,
    RPM_TAG_PAYLOADCOMPRESSOR = 1125,
    RPM_TAG_LONGFILESIZES = 5008,
    RPM_TAG_LONGSIZE = 5009,
    RPM_TAG_FILECAPS = 5010,
    RPM_TAG_FILEDIGESTALGO = 5011,
    RPM_TAG_PAYLOADSHA256 = 5092,
    RPM_TAG_PAYLOADSHA256ALGO = 5093,
    RPM_TAG_PAYLOADSHA256ALT = 5097,
    RPM_TAG_RPMFORMAT = 5114,
    RPM_TAG_PAYLOADSHA512 = 5121,
    RPM_TAG_PAYLOADSHA512ALT = 5122,
    RPM_TAG_PAYLOADSHA3_256 = 5123,
    RPM_TAG_PAYLOADSHA3_256ALT = 5124
};

/* File flags, rpmfiles.h */
enum {
    RPM_FILE_CONFIG = 1 << 0,
    RPM_FILE_DOC = 1 << 1,
    RPM_FILE_MISSINGOK = 1 << 3,
    RPM_FILE_NOREPLACE = 1 << 4,
    RPM_FILE_GHOST = 1 << 6
};

#endif
