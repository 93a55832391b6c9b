/* profile_path.h — where score profiles lie: a file that was named, else NAME.yaml in the usual folders. */
#pragma once

struct err;

#define PROFILE_PATH_SIZE 4352

/* profile_path_find — text with a slash or ending in .yaml is a path and returned as it is; otherwise NAME.yaml is
 * looked for in ./scorecards/profiles, then beside the program: ../share/chaosd/profiles (installed) and
 * ../../../scorecards/profiles (build tree). -ENOENT names the folders. */
int profile_path_find(const char *text, char ret[PROFILE_PATH_SIZE], struct err *e);
