/* A recipe as it was read: checked line by line, `like` followed, nothing chosen yet. */
#ifndef DISTROS_RECIPE_H
#define DISTROS_RECIPE_H

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"
#include "base/kw.h"
#include "distros/distro.h"

/* One keyword line, or (with an empty keyword) a heading. */
struct recipe_line {
    const struct kw_file *file; /* for messages: an inherited line names its own file */
    const struct kw_section *section;
    const struct kw_line *line;
};

/* All lines that count, those of the recipe that `like` names first. */
struct recipe {
    const char *name; /* "debian" */
    const char *file; /* for messages about the whole: "distros/debian.distro" */
    struct recipe_line *lines;
    size_t n;
};

/* What qualifiers and variables are looked up in; release and arch NULL: not chosen. */
struct recipe_choice {
    const char *distro, *release, *version, *arch;
};

/* Reads NAME.distro and what it is like. Unknown sections, keywords, qualifiers and variables are ERR_USAGE
   with file:line:col; so is a NAME that has no recipe, with the known ones as a hint. */
int recipe_read(const struct data *d, const char *name, struct arena *a, struct recipe *out, struct err *e);
/* The same from a text at hand. */
int recipe_parse(const struct data *d, const char *name, const char *file, struct str text, struct arena *a,
                 struct recipe *out, struct err *e);

/* Next line with this keyword below a section of this kind ("distro", "release", "set", "layout", "arch";
 *NULL: any), from i on, which moves behind it. NULL when there is none. */
const struct recipe_line *recipe_next(const struct recipe *r, const char *section, const char *key,
                                      size_t *i);
/* Whether the section's label (a release's or an architecture's; `*` is all of them) and qualifiers fit. */
bool recipe_fits(const struct recipe_line *l, const struct recipe_choice *c);
/* Whether a `{` in the text begins no known variable; where, and what stands there. */
bool recipe_unknown_variable(struct str text, size_t *at, struct str *name);
/* text with {release}, {arch} and {version} replaced, in the arena; the text has no other. */
const char *recipe_expand(struct str text, const struct recipe_choice *c, struct arena *a);
/* Chooses release (a name, a version, an alias; "" or NULL: the default), architecture and set. *alias: the
   release is a suite's name, so that out has no more than the repositories outside [release]; see
   distro_resolve(). recipe_choose.c. */
int recipe_choose(const struct recipe *r, const char *release, const struct distro_opts *o, struct arena *a,
                  struct release *out, bool *alias, struct err *e);
/* The repositories of a choice, in out->repos. alias: without those of [release]. recipe_repo.c. */
int recipe_choose_repos(const struct recipe *r, const struct recipe_choice *c, bool alias, struct arena *a,
                        struct release *out, struct err *e);
/* ERR_USAGE at the line's argument. */
int recipe_error(const struct recipe_line *l, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
