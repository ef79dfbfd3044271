#include "pkgfmt/rpm_comps.h"

#include "base/auto.h"
#include "pkgfmt/rpm_relation.h"

/* Fedora has 158 groups with 4,400 packages in them. */
enum { GROUPS_MAX = 5000, MEMBERS_MAX = 50000, ID_MAX = 256 };

struct comps {
    struct solve *s;
    struct xml *x;
    unsigned groups, members;
};

static int read_id(struct comps *c, struct buf *id, struct err *e)
{
    struct str text;
    if (xml_text(c->x, &text, e) < 0)
        return -1;
    text = str_trim(text);
    if (text.n == 0 || text.n > ID_MAX)
        return xml_error(c->x, e, "a group with no usable id");
    buf_clear(id);
    buf_str(id, text);
    return 0;
}

static int count(struct comps *c, struct err *e)
{
    return ++c->members > MEMBERS_MAX ? xml_error(c->x, e, "more than %d packages in groups", MEMBERS_MAX)
                                      : 0;
}

/* <packagereq type="mandatory">NAME</packagereq> */
static int read_member(struct comps *c, const char *id, struct err *e)
{
    AUTO_BUF requires = {0};
    struct str type = xml_attr(c->x, "type"), text;
    bool conditional = str_is(type, "conditional");
    bool wanted = conditional || type.n == 0 || str_is(type, "mandatory") || str_is(type, "default");
    buf_str(&requires, xml_attr(c->x, "requires"));
    if (xml_text(c->x, &text, e) < 0)
        return -1;
    text = str_trim(text);
    if (!wanted || !rpm_relation_name_ok(text) || (conditional && !rpm_relation_name_ok(buf_view(&requires))))
        return 0;
    solve_group_add(c->s, id, text, conditional ? buf_view(&requires) : (struct str){NULL, 0}, false);
    return count(c, e);
}

static int read_packages(struct comps *c, const char *id, struct err *e)
{
    int rc = 0;
    while (rc == 0 && (rc = xml_next(c->x, e)) == XML_OPEN)
        rc = str_is(xml_local(c->x->name), "packagereq") ? read_member(c, id, e) : xml_skip(c->x, e);
    return rc == XML_TEXT ? xml_error(c->x, e, "text where <packagereq> was expected") : rc < 0 ? -1 : 0;
}

static int read_groups(struct comps *c, const char *id, struct err *e)
{
    struct str text;
    int rc = 0;
    while (rc == 0 && (rc = xml_next(c->x, e)) == XML_OPEN) {
        bool group = str_is(xml_local(c->x->name), "groupid");
        rc = group ? xml_text(c->x, &text, e) : xml_skip(c->x, e);
        text = group && rc == 0 ? str_trim(text) : (struct str){NULL, 0};
        if (text.n > 0 && text.n <= ID_MAX) {
            solve_group_add(c->s, id, text, (struct str){NULL, 0}, true);
            rc = count(c, e);
        }
    }
    return rc == XML_TEXT ? xml_error(c->x, e, "text where <groupid> was expected") : rc < 0 ? -1 : 0;
}

/* <group> or <environment>, whose id stands before its lists; an environment's is "^ID". */
static int read_group(struct comps *c, bool environment, struct err *e)
{
    AUTO_BUF id = {0};
    AUTO_BUF key = {0};
    int rc = 0;
    if (++c->groups > GROUPS_MAX)
        return xml_error(c->x, e, "more than %d groups", GROUPS_MAX);
    while (rc == 0 && (rc = xml_next(c->x, e)) == XML_OPEN) {
        struct str name = xml_local(c->x->name);
        bool list = str_is(name, environment ? "grouplist" : "packagelist");
        if (str_is(name, "id")) {
            rc = read_id(c, &id, e);
            buf_clear(&key);
            buf_printf(&key, "%s%s", environment ? "^" : "", buf_c(&id));
            if (rc == 0)
                solve_group_add(c->s, buf_c(&key), (struct str){NULL, 0}, (struct str){NULL, 0}, false);
        } else if (list && key.n == 0)
            rc = xml_error(c->x, e, "a group whose list stands before its id");
        else if (list)
            rc = environment ? read_groups(c, buf_c(&key), e) : read_packages(c, buf_c(&key), e);
        else
            rc = xml_skip(c->x, e);
    }
    return rc == XML_TEXT ? xml_error(c->x, e, "text where an element was expected") : rc < 0 ? -1 : 0;
}

int rpm_comps_parse(struct solve *s, struct rpm_index_file *f, struct err *e)
{
    struct comps c = {.s = s, .x = &f->xml};
    f->xml.doctype_ok = true;
    int rc = rpm_index_file_root(f, "comps", e);
    while (rc == 0 && (rc = xml_next(c.x, e)) == XML_OPEN) {
        struct str name = xml_local(c.x->name);
        bool environment = str_is(name, "environment");
        rc = environment || str_is(name, "group") ? read_group(&c, environment, e) : xml_skip(c.x, e);
    }
    if (rc == XML_TEXT)
        return xml_error(c.x, e, "text where an element was expected");
    return rc < 0 || xml_next(c.x, e) < 0 ? -1 : 0;
}
