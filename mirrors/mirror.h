/* Mirror lists: which base URLs a repository can be had from.

   mirrors/NAME.mirrors is data (base/kw.h):
       [mirrors]
       host-apt  /debian main                     # URIs of the host's apt configuration come first whose path
                                                  # ends so and whose entry has that component (optional)
       url       http://ftp.XX.example/debian     # tried in this order
       canonical http://...                       # for --target-mirror canonical; default: the first url
       snapshot  http://.../archive/{timestamp}   # past states, by YYYYMMDDTHHMMSSZ; last, for locks alone */
#ifndef MIRRORS_MIRROR_H
#define MIRRORS_MIRROR_H

#include "base/arena.h"
#include "base/data.h"
#include "base/err.h"
#include "base/log.h"

/* URLs without trailing slash, most wanted first; http, https or file. */
struct mirror_urls {
    const char **url;
    size_t n;
    size_t nsnapshots;      /* so many of url, the last ones, are asked when no other has a file */
    const char *canonical;  /* for the zone's own sources with --target-mirror canonical */
    bool overridden;        /* they are those of --mirror */
    const char *configured; /* the first one, for the zone's own sources by default; never a file: URL if
                               another exists (canonical serves then), and without user name and password */
};

struct mirror_opts {
    const struct data *data;
    const char *apt_dir; /* NULL: /etc/apt; tests set it (also: environment ZONESTRAP_APT_DIR read by cmd/) */
    const char *const *overrides; /* --mirror: "[ID=]URL|DIR", in order */
    size_t noverrides;
    const char *main_list; /* the list that an override without ID= is for: the distribution's main one */
    int64_t index_date; /* of the repository's index that a lock names: the list's snapshots of that time come
                           last; 0: none */
};

/* list: a mirror list's name, or itself a URL (file://, http://, https://) or an absolute directory.
   Overrides for this list come alone: they replace host-apt and the list's own URLs. Unknown list, bad line
   or bad URL: ERR_USAGE. */
int mirror_resolve(const char *list, const struct mirror_opts *o, struct arena *a, struct mirror_urls *out,
                   struct err *e);
/* url/path, the path escaped and without slashes at its ends; url itself for a path of "" or ".". */
const char *mirror_join(const char *url, const char *path, struct arena *a);
/* The same for all of them. */
void mirror_urls_join(struct mirror_urls *u, const char *path, struct arena *a);
/* Further URLs, before all others; what the zone's own sources name stays as it is. */
void mirror_urls_first(struct mirror_urls *u, const char *const *url, size_t n, struct arena *a);
/* Lints one list; file:line:col errors. */
int mirror_check(const char *name, struct str text, struct err *e);

/* A http or https URL that a server names as a mirror, without trailing slashes; NULL for anything else. */
const char *mirror_remote(struct str url, struct arena *a);
/* A URL without user name and password, for messages and for what others can read; lives in the arena. */
const char *mirror_public(const char *url, struct arena *a);
/* Appends path with everything percent-encoded that may not stand in a URL's path (RFC 3986 section 3.3). */
void mirror_escape(struct buf *out, struct str path);
/* Appends url/path, the path escaped; url itself for a path of "". Each `..` that path begins with leaves
   url's last directory: false where that would leave a http or https host, and always for a file: URL, whose
   index must not name what else this machine has. */
bool mirror_file_url(struct buf *out, const char *url, const char *path);

#endif
