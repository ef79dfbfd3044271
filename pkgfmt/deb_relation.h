/* Relationship fields of packages, deb-control(5) and deb-version(7), as libsolv's dependency ids. */
#ifndef PKGFMT_DEB_RELATION_H
#define PKGFMT_DEB_RELATION_H

#include <solv/pool.h>
#include <solv/queue.h>

#include "base/str.h"

enum deb_relation {
    DEB_DEPENDS,   /* Pre-Depends, Depends, Recommends: alternatives are allowed */
    DEB_CONFLICTS, /* Conflicts, Breaks, Replaces */
    DEB_PROVIDES   /* versions with `=` only; others are left out, as apt does */
};

enum { DEB_ALTERNATIVES_MAX = 1000 }; /* libsolv walks alternatives recursively */

/* Pushes an id for each relation of the field to q; what cannot be parsed gives -1 and what was pushed so far
   stays. Empty items ("a, , b") are passed over. arch: the native architecture; NAME:arch, NAME:native are
   NAME; NAME:any is an id of its own, which packages that are Multi-Arch: allowed provide; NAME:OTHER
   likewise, which nobody provides. */
int deb_relation_parse(Pool *pool, struct str field, enum deb_relation kind, const char *arch, Queue *q);
/* The id of NAME:any. */
Id deb_relation_any(Pool *pool, struct str name);
/* NAME as deb-control(5) has it, upper case and underscores let pass as apt does. */
bool deb_relation_name_ok(struct str name);
/* [epoch:]upstream-version[-revision], the characters of deb-version(7). */
bool deb_relation_version_ok(struct str version);

#endif
