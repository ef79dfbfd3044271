#include <regex.h>
#include <stdlib.h>

#include "base/auto.h"
#include "fixups/fixup_int.h"

/* Escapes of letters and digits are no POSIX ERE: what they mean differs from one regcomp() or sed to the
 * next. */
static bool portable(const char *ere)
{
    for (; *ere; ere++)
        if (*ere == '\\' && (ere[1] == '\0' || strchr(".[]\\()*+?{}|^$/-", ere[1]) == NULL || *++ere == '\0'))
            return false;
    return true;
}

static int compile(regex_t *re, const char *ere, const struct fixup_op *op, struct err *e)
{
    char why[200];
    int rc = regcomp(re, ere, REG_EXTENDED);
    if (rc == 0)
        return 0;
    regerror(rc, re, why, sizeof why);
    return fixup_error(op, e, "`%s' is no extended regular expression: %s", ere, why);
}

int fixup_edit_check(const char *ere, const struct fixup_op *op, struct err *e)
{
    regex_t re;
    if (*ere == '\0')
        return fixup_error(op, e, "empty regular expression");
    if (!portable(ere))
        return fixup_error(op, e, "`%s': a backslash may stand before punctuation only", ere);
    if (compile(&re, ere, op, e) < 0)
        return -1;
    regfree(&re);
    return 0;
}

static void edit_line(const struct fixup_op *op, const regex_t *re, const char *line, struct buf *out)
{
    regmatch_t m;
    const char *bare = line + strspn(line, "# \t");
    bool comment = line[0] == '#';
    switch (op->edit) {
    case EDIT_COMMENT:
        buf_puts(out, !comment && regexec(re, line, 0, NULL, 0) == 0 ? "#" : "");
        buf_puts(out, line);
        break;
    case EDIT_UNCOMMENT:
        buf_puts(out, comment && regexec(re, bare, 0, NULL, 0) == 0 ? bare : line);
        break;
    case EDIT_DELETE: /* the caller took out what matches */
        buf_puts(out, line);
        break;
    case EDIT_REPLACE:
        if (regexec(re, line, 1, &m, 0) == 0) {
            buf_add(out, line, (size_t)m.rm_so);
            buf_str(out, op->text);
            line += m.rm_eo;
        }
        buf_puts(out, line);
        break;
    }
}

/* A last line without its end stays so, as sed leaves it. */
int fixup_edit_text(const struct fixup_op *op, struct str text, struct buf *out, struct err *e)
{
    regex_t re;
    if (compile(&re, op->ere, op, e) < 0)
        return -1;
    while (text.n > 0) {
        size_t n = str_chr(text, '\n');
        AUTO_BUF line = {0};
        buf_add(&line, text.p, n);
        if (op->edit != EDIT_DELETE || regexec(&re, buf_c(&line), 0, NULL, 0) != 0) {
            edit_line(op, &re, buf_c(&line), out);
            buf_puts(out, n < text.n ? "\n" : "");
        }
        text = str_from(text, n + 1);
    }
    regfree(&re);
    return 0;
}
