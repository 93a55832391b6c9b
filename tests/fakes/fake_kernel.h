/* fake_kernel.h — the host as the contract test sees it: a list of named objects with a state in words.
 * tests/fakes/<mech>.c implements every function of faults/mech/<mech>.h on it, so that the kinds under test are
 * the very code that runs in production, and every kernel call can be made to fail.
 *
 * To add the fake of faults/mech/<mech>.h, write tests/fakes/<mech>.c:
 *   1. Each function that would enter the kernel begins with
 *              r = fake_step("mech_function", e);
 *              if (r < 0)
 *                      return r;
 *      A function that makes several kernel calls, and could fail between them, steps once before each.
 *      Functions that cannot fail (getters) do not step. A step that fails comes before any effect.
 *   2. The effect is fake_set("qdisc:up0", "clsact") … fake_del("qdisc:up0"): key "<type>:<name>", any text as state.
 *      Counters that run by themselves do not belong in the state, for the snapshot must not change with time.
 *   3. What the kernel releases with the process is made by fake_own(h, key, …) (children, links: gone with the
 *      holds) or by fake_fd(key, …) (a real descriptor, gone as soon as it is closed by anyone).
 *   4. Readings are plausible and above 0, so that verify() can say 1: packets = 42.
 * Objects that a target needs before inject (a process, a cgroup, an interface) are made by tests/fakes/targets.c.
 * The kind's parameters and target: tests/fakes/samples/<family>.<verb>.json. */
#pragma once

#include <stdbool.h>

struct err;
struct holds;

/* Forget all objects and failures. */
void fake_reset(void);

/* Every living object, one "key = state" a line, sorted by key. Heap; never NULL. */
char *fake_snapshot(void);

/* The n-th step from now on fails with -EIO, once; 0 = none. */
void fake_fail_at(unsigned n);

/* Steps taken since fake_fail_at() or fake_reset(), and the name of the one that failed ("" = none did). */
unsigned fake_steps(void);
const char *fake_failed(void);

/* fake_step — one kernel call is about to happen. 0, or -EIO with "name: injected failure" in e. */
int fake_step(const char *name, struct err *e);

/* Objects that stay until they are removed. fake_set() makes one or replaces its state. */
void fake_set(const char *key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *fake_get(const char *key); /* its state, valid until it changes, or NULL */
bool fake_del(const char *key);        /* false: there was none */

/* Keys are often made of parts: fake_key("file:%d:%s", …) returns one of eight static buffers in turn. */
const char *fake_key(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* fake_own — an object that vanishes when h is released. 0 or -ENOMEM (then it is gone already). */
int fake_own(struct holds *h, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* fake_fd — a real descriptor that stands for an object: the object vanishes when it is closed (a duplicate of
 * the number by another file does not count). Returns it, or -errno. fake_fd_key() is the way back, NULL if closed. */
int fake_fd(const char *key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *fake_fd_key(int fd);
