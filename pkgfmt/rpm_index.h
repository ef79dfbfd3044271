/* The index files of rpm repositories, and what they say beside what libsolv's pool holds. */
#ifndef PKGFMT_RPM_INDEX_H
#define PKGFMT_RPM_INDEX_H

#include "base/xml.h"
#include "pkgfmt/index_decode.h"
#include "pkgfmt/index_solv.h"
#include "pkgfmt/rpm.h"

/* A loaded primary, for the files that add to it. */
struct rpm_index_repo {
    unsigned index; /* the repository's number */
    struct s_Repo *repo;
    struct index_solv cache;
    struct rpm_index_repo *next;
};

struct rpm_module;
struct rpm_advised;

/* One for each struct solve; lives as long. */
struct rpm_index {
    struct rpm_index_repo *repos;
    struct rpm_module *modules;  /* rpm_modules.c */
    struct rpm_advised *advised; /* rpm_updateinfo.c */
    bool module_rule, update_rule;
};

struct rpm_index *rpm_index_of(struct solve *s);

/* An index file being read. */
struct rpm_index_file {
    struct index_decode decode;
    struct xml xml;
};

/* The root element; ERR_FORMAT when it has another name. */
int rpm_index_file_root(struct rpm_index_file *f, const char *name, struct err *e);

#endif
