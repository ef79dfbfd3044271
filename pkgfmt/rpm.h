/* The rpm format: what stands behind the row "rpm" of the format table. Each function is described at
 * struct pkgfmt. */
#ifndef PKGFMT_RPM_H
#define PKGFMT_RPM_H

#include "pkgfmt/pkgfmt.h"

extern const struct pkgfmt rpm;

/* rpm_repomd.c */
const char *rpm_root_path(const struct pkgfmt_query *q, int which, struct arena *a);
int rpm_root_parse(struct str text, struct arena *a, struct pkgfmt_root *out, struct err *e);
int rpm_index_list(struct str root, const struct pkgfmt_query *q, struct arena *a, struct pkgfmt_index **out,
                   size_t *n, struct err *e);
/* rpm_index.c */
int rpm_index_load(struct solve *s, int fd, const struct pkgfmt_index *ix, const struct pkgfmt_repo *repo,
                   const char *solv_dir, struct err *e);
bool rpm_index_wanted(struct solve *s, const struct solve_request *r, const struct pkgfmt_index *ix);
/* rpm_owners.c */
struct pkgfmt_owners *rpm_owners_new(struct str passwd, struct str group, const struct log *log);
int rpm_owners_read(const struct pkgfmt_package *p, struct err *e);
void rpm_owners_free(struct pkgfmt_owners *o);
/* rpm_unpack.c */
int rpm_unpack(const struct pkgfmt_package *p, struct tree_writer *w, struct pkgfmt_second *second,
               struct err *e);
/* rpm_second.c */
int rpm_second_begin(struct pkgfmt_second **out, struct tree *t, const struct plan *p, unsigned how,
                     struct err *e);
int rpm_second_settle(struct pkgfmt_second *s, struct err *e);
int rpm_second_finish(struct pkgfmt_second *s, const struct pkgfmt_second_opts *o, struct err *e);
void rpm_second_free(struct pkgfmt_second *s);
/* rpm_licence.c */
int rpm_licence_text(const struct pkgfmt_package *p, struct arena *a, struct str *text, struct err *e);
void rpm_licence_read(struct str text, struct arena *a, struct pkgfmt_licence *out);
/* rpm_sources.c */
void rpm_sources(const struct pkgfmt_source *v, size_t n, struct buf *out);

#endif
