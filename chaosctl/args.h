/* args.h — option tables: one row per option parses it, documents it and completes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct option_row {
        const char *name;    /* without dashes: "no-color" */
        char letter;         /* short form, or 0 */
        const char *value;   /* what it takes, for help ("DURATION"); NULL = it takes none */
        const char *help;    /* one line */
        bool optional_value; /* "--follow" and "--follow=false" are both fine */
};

/* One table and who wants to know. on_option gets the row's index and the value (NULL when none was given). */
struct option_set {
        const struct option_row *rows; /* ends with name NULL */
        int (*on_option)(void *arg, unsigned row, const char *value, struct err *e);
        void *arg;
};

/* args_scan — go through argv[0..argc): options to the first set that knows them ("--name value", "--name=value",
 * "-n value", "-qx"), the rest to on_operand; everything after "--" is an operand. stop_at_operand ends the scan
 * there. Returns how many arguments were used up; -EINVAL with the nearest known option in e, or what a callback
 * returned. */
int args_scan(int argc, char **argv, const struct option_set *sets, size_t n_sets, bool stop_at_operand,
              int (*on_operand)(void *arg, const char *text, struct err *e), void *operand_arg, struct err *e);

/* The usual case: one value per option, operands in a list. */
#define ARGS_OPTIONS_MAX 24
struct args {
        const struct option_row *rows;
        const char *value[ARGS_OPTIONS_MAX]; /* NULL = not given; "" = given, takes no value */
        const char **operands;               /* n of them, heap array of borrowed texts */
        size_t n_operands;
};
int args_on_option(void *args, unsigned row, const char *value, struct err *e);
int args_on_operand(void *args, const char *text, struct err *e);
void args_done(struct args *args);

#define ARGS_HAS(args, row) ((args)->value[row] != NULL)
