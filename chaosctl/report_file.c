#include "chaosctl/report_file.h"

#include <errno.h>
#include <string.h>

bool report_file_end(struct cli *cli, const char *path, FILE *out) {
        bool ok = out && !ferror(out);

        if (out && fclose(out) != 0)
                ok = false;
        if (!ok)
                term_say(&cli->log, "%scannot write %s: %s%s", term_on(&cli->log, STYLE_BAD), path, strerror(errno),
                         term_off(&cli->log));
        else if (!cli->quiet)
                term_say(&cli->log, "Wrote %s", path);
        return ok;
}

bool report_file_write(struct cli *cli, const char *path, void (*render)(const json_t *, FILE *), const json_t *value) {
        FILE *out;

        if (!path)
                return true;
        out = fopen(path, "we");
        if (out)
                render(value, out);
        return report_file_end(cli, path, out);
}
