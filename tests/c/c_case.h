// What the parts of weir_c_test share: checks, Arrow's structs, and ticks to feed.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/c.h"

/* Arrow's C data interface, as a program of its own has it. */
struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, n_children;
  struct ArrowSchema **children, *dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void** buffers;
  struct ArrowArray **children, *dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema*);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray*);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

extern int failures;

#define CHECK(condition)                                                                                 \
  do {                                                                                                   \
    if (!(condition)) {                                                                                  \
      fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition, weir_last_error()); \
      ++failures;                                                                                        \
    }                                                                                                    \
  } while (0)

#define REQUIRE(condition)          \
  do {                              \
    const int before = failures;    \
    CHECK(condition);               \
    if (failures != before) return; \
  } while (0)

struct tick {
  int64_t ms;
  int32_t symbol;
  float pad;
  double price;
};

static const weir_field tick_fields[] = {{"ts", offsetof(struct tick, ms), WEIR_INT64, 1000000},
                                         {"symbol", offsetof(struct tick, symbol), WEIR_INT32, 0},
                                         {"price", offsetof(struct tick, price), WEIR_DOUBLE, 0}};
enum { TICKS = 5000, SYMBOLS = 3, SECONDS = 5 };

/* Threads of Weir's own, polled or inline; structs of ticks from one writer. */
static inline weir_setup* setup_of(uint32_t mode) {
  weir_options options;
  weir_options_init(&options, sizeof options);
  options.mode = mode;
  weir_setup* setup = weir_setup_new(&options);
  CHECK(setup != NULL);
  CHECK(weir_setup_structs(setup, "ticks", sizeof(struct tick), tick_fields, 3) == WEIR_OK);
  CHECK(weir_setup_writers(setup, "ticks", NULL) == WEIR_OK);
  return setup;
}

/* functions_test.c */
void test_functions(const struct tick* ticks);
