/* A root that finishes itself at its first boot, whatever its init and its package format: the place of init
   is taken by a script (pkgfmt/first_boot.sh) that runs the pending second stage and then puts the real one
   back. What it stands in for is kept beside it as NAME.zonestrap. */
#ifndef PKGFMT_FIRST_BOOT_H
#define PKGFMT_FIRST_BOOT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"

/* The script's text, borrowed, and the places that it knows of, absolute in the root; the first is made where
   no package ships it. Each of them, its NAME.zonestrap too, may be touched by first_boot_take(). */
int first_boot_places(struct arena *a, struct str *script, const char ***places, size_t *n, struct err *e);
/* After tree_settle(). *owned: the paths, absolute and in every spelling that a package may use, that the
   second stage's package manager must not write: the real init is put back as the first stage unpacked it. */
int first_boot_take(struct tree *t, struct arena *a, const char ***owned, size_t *n, struct err *e);

#endif
