/* The packages' own signatures, by the keys of the repository that each is from. */
#include "cmd/create_stages.h"

struct trusting {
    const struct job *job;
    const struct create_plan *plan;
};

static int verify(void *ctx, unsigned repo, int fd, uint64_t off, uint64_t n, struct str sig, struct err *e)
{
    const struct trusting *t = ctx;
    const struct source *s = &t->plan->sources[repo];
    const struct openpgp_keyring *k = s->keyring != NULL ? s->keyring : t->plan->keyring;
    struct openpgp_report report = {0};
    int rc = openpgp_verify_range(k, fd, off, n, sig, t->job->now, &report, e);
    if (rc < 0 && e->class == ERR_TRUST) {
        if (e->hint[0] == '\0')
            err_hint(e, "if the keys are too old name newer ones with --keyring");
        rc = report.n > 0 && !openpgp_report_wrong(&report) ? 1 : -1;
    }
    openpgp_report_free(&report);
    return rc;
}

/* A lock of such a recipe was planned from an index that need not have been signed. */
static bool vouched(void *ctx, unsigned repo)
{
    const struct trusting *t = ctx;
    return !t->plan->locked && create_root_trust(t->plan, &t->plan->sources[repo]) != DISTRO_TRUST_PACKAGES;
}

const struct pkgfmt_trust *create_trust(struct job *j, const struct create_plan *p)
{
    if (p->keyring == NULL)
        return NULL;
    struct trusting *t = arena_alloc(&j->arena, sizeof *t);
    struct pkgfmt_trust *out = arena_alloc(&j->arena, sizeof *out);
    *t = (struct trusting){j, p};
    *out = (struct pkgfmt_trust){verify, vouched, t};
    return out;
}
