/* Trust in a root index: signature, expiry, suite. */
#include <time.h>

#include "base/auto.h"
#include "cmd/create_plan.h"

enum { CLOCK_SLACK_SECONDS = 24 * 3600 };

static const char *date_text(int64_t t, char out[32])
{
    time_t when = (time_t)t;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
        return "an unknown date";
    return out;
}

static int check_dates(const struct job *j, const struct pkgfmt *fmt, const struct pkgfmt_root *r,
                       struct err *e)
{
    char a[32], b[32];
    if (r->date == 0 && !fmt->suite_is_path)
        return err_set(e, ERR_FORMAT, "the index has no Date: nothing says how old it is");
    if (r->date > j->now + CLOCK_SLACK_SECONDS) {
        err_set(e, ERR_TRUST, "the index is dated %s, and it is %s here", date_text(r->date, a),
                date_text(j->now, b));
        return err_hint(e, "set the clock right");
    }
    if (r->valid_until == 0 || j->now <= r->valid_until)
        return 0;
    if (j->opt.ignore_expiry) {
        log_warn(j->log, "the index expired on %s: accepted because of --ignore-expiry",
                 date_text(r->valid_until, a));
        return 0;
    }
    err_set(e, ERR_TRUST, "the index expired on %s (it is %s)", date_text(r->valid_until, a),
            date_text(j->now, b));
    return err_hint(e, "the mirror may have stopped syncing: choose another one with --mirror, or accept it "
                       "with --ignore-expiry");
}

/* A place without suites (sources.list(5): the suite is a path that ends with a slash) need not name one. */
static bool is_flat(struct str suite)
{
    return suite.n == 0 || str_is(suite, ".") || str_ends(suite, STR("/"));
}

/* A mirror may serve another suite's index, properly signed. */
static int check_suite(const struct pkgfmt *fmt, const struct source *s, struct err *e)
{
    const char *want = s->query.suite;
    const struct pkgfmt_root *r = &s->root;
    if (fmt->suite_is_path) /* its root index does not say where it belongs */
        return 0;
    if (is_flat(str_c(want)) || strcmp(want, r->suite) == 0 || strcmp(want, r->codename) == 0)
        return 0;
    err_set(e, ERR_TRUST, "the index is for suite `%s' (codename `%s'), not for `%s'", r->suite, r->codename,
            want);
    return err_hint(e, "the mirror serves something else in its place: choose another one with --mirror");
}

enum distro_trust create_root_trust(const struct create_plan *p, const struct source *s)
{
    enum distro_trust t = p->release.trust;
    return t == DISTRO_TRUST_METALINK && s->naccept == 0 ? DISTRO_TRUST_PACKAGES : t;
}

/* The keyring that the root must be signed with; NULL: none. */
static const struct openpgp_keyring *root_keyring(const struct create_plan *p, const struct source *s)
{
    const struct openpgp_keyring *k = s->keyring != NULL ? s->keyring : p->keyring;
    return create_root_trust(p, s) == DISTRO_TRUST_SIGNATURE ? k : NULL;
}

static int check_metalink(const struct source *s, struct str text, struct err *e)
{
    struct digest d;
    char hex[DIGEST_HEX_MAX];
    if (s->naccept == 0)
        return 0;
    if (digest_of(&d, s->accept[0].kind, text, e) < 0)
        return -1;
    for (size_t i = 0; i < s->naccept; i++)
        if (digest_eq(&d, &s->accept[i]))
            return 0;
    err_set(e, ERR_TRUST, "the index is not what the metalink says (%s %s)", digest_name(d.kind),
            digest_hex(&d, hex));
    return err_hint(e, "the mirrors may be in the middle of an update: try again later");
}

static int verify(struct job *j, const struct openpgp_keyring *k, struct str text, struct str sig,
                  struct buf *body, struct err *e)
{
    if (k == NULL && str_starts(text, STR("-----BEGIN PGP SIGNED MESSAGE-----")))
        return openpgp_clear_text(text, body, e);
    if (k == NULL) {
        buf_str(body, text);
        return 0;
    }
    if (sig.n == 0)
        return openpgp_verify_clear(k, text, j->now, body, NULL, e);
    buf_str(body, text);
    return openpgp_verify_detached(k, text, sig, j->now, NULL, e);
}

int create_root_accept(struct job *j, const struct create_plan *p, struct source *s, struct str text,
                       struct str sig, struct err *e)
{
    AUTO_BUF body = {0};
    if (create_root_trust(p, s) == DISTRO_TRUST_METALINK && check_metalink(s, text, e) < 0)
        return -1;
    if (verify(j, root_keyring(p, s), text, sig, &body, e) < 0) {
        if (e->hint[0] == '\0')
            err_hint(e, "if the keys are too old name newer ones with --keyring");
        return -1;
    }
    s->root_text = arena_copy(&j->arena, buf_view(&body));
    if (digest_of(&s->root_digest, DIGEST_SHA256, text, e) < 0 ||
        p->fmt->root_parse(s->root_text, &j->arena, &s->root, e) < 0 ||
        check_dates(j, p->fmt, &s->root, e) < 0 || check_suite(p->fmt, s, e) < 0)
        return -1;
    return 0;
}
