/* The C interface from C11: rows in by a writer, a stream of Arrow or many writers; results out by a reader, structs, a
 * callback or a stream; functions and aggregates of the
 * caller; each mode; every error that a caller can make. Answers are counted again by hand. */
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

static int failures = 0;

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

struct bar {
  int64_t start_ms;
  int64_t count;
  double high;
  int32_t symbol;
  int32_t pad;
};

static const char sql[] =
    "CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price DOUBLE, WATERMARK FOR ts AS ts)\n"
    "WITH ('connector' = 'host');\n"
    "CREATE TABLE bars (start_at TIMESTAMP(3), symbol INT, n BIGINT, high DOUBLE) WITH ('connector' = 'host');\n"
    "INSERT INTO bars SELECT window_start, symbol, COUNT(*), MAX(price)\n"
    "FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, symbol;\n";

static const weir_field tick_fields[] = {{"ts", offsetof(struct tick, ms), WEIR_INT64, 1000000},
                                         {"symbol", offsetof(struct tick, symbol), WEIR_INT32, 0},
                                         {"price", offsetof(struct tick, price), WEIR_DOUBLE, 0}};
static const weir_field bar_fields[] = {{"start_at", offsetof(struct bar, start_ms), WEIR_INT64, 1000000},
                                        {"n", offsetof(struct bar, count), WEIR_INT64, 0},
                                        {"high", offsetof(struct bar, high), WEIR_DOUBLE, 0},
                                        {"symbol", offsetof(struct bar, symbol), WEIR_INT32, 0}};

enum { TICKS = 5000, SYMBOLS = 3, SECONDS = 5 };

static void make_ticks(struct tick* ticks) {
  for (int i = 0; i < TICKS; ++i) {
    memset(&ticks[i], 0, sizeof ticks[i]);
    ticks[i].ms = i;
    ticks[i].symbol = (i * 7) % SYMBOLS;
    ticks[i].price = (double)((i * 7919) % 1000);
  }
}

/* What the bars must be, by second and symbol. */
struct expected {
  int64_t count[SECONDS][SYMBOLS];
  double high[SECONDS][SYMBOLS];
  int seen;
};

static void expect_bars(const struct tick* ticks, struct expected* out) {
  memset(out, 0, sizeof *out);
  for (int i = 0; i < TICKS; ++i) {
    const int64_t second = ticks[i].ms / 1000;
    const int symbol = ticks[i].symbol;
    if (out->count[second][symbol]++ == 0 || ticks[i].price > out->high[second][symbol])
      out->high[second][symbol] = ticks[i].price;
  }
}

static void check_bar(struct expected* expected, int64_t second, int32_t symbol, int64_t count, double high) {
  REQUIRE(second >= 0 && second < SECONDS && symbol >= 0 && symbol < SYMBOLS);
  CHECK(count == expected->count[second][symbol]);
  CHECK(high == expected->high[second][symbol]);
  ++expected->seen;
}

/* Columns of an array of results: row_kind, start_at, symbol, n, high. */
static void check_array(struct expected* expected, const struct ArrowArray* array) {
  REQUIRE(array->n_children == 5);
  const int8_t* kinds = array->children[0]->buffers[1];
  const int64_t* starts = array->children[1]->buffers[1];
  const int32_t* symbols = array->children[2]->buffers[1];
  const int64_t* counts = array->children[3]->buffers[1];
  const double* highs = array->children[4]->buffers[1];
  for (int64_t row = 0; row < array->length; ++row) {
    CHECK(kinds[row] == 0);
    check_bar(expected, starts[row] / 1000000000, symbols[row], counts[row], highs[row]);
  }
}

static weir_setup* setup_of(uint32_t mode) {
  weir_options options;
  weir_options_init(&options, sizeof options);
  options.mode = mode;
  weir_setup* setup = weir_setup_new(&options);
  CHECK(setup != NULL);
  CHECK(weir_setup_structs(setup, "ticks", sizeof(struct tick), tick_fields, 3) == WEIR_OK);
  CHECK(weir_setup_writers(setup, "ticks", NULL) == WEIR_OK);
  return setup;
}

struct held {
  weir_job* job;
  weir_writer* writer;
  weir_reader* reader;
};

/* Bars by threads of Weir's own, not started: written by the first writer and read. */
static struct held bars_to_read(void) {
  struct held held = {NULL, NULL, NULL};
  weir_setup* setup = setup_of(WEIR_MODE_THREADS);
  CHECK(weir_setup_reader(setup, "bars", 4) == WEIR_OK);
  held.job = weir_job_new(setup, sql, NULL);
  weir_setup_free(setup);
  if (held.job == NULL) return held;
  held.writer = weir_job_writer(held.job, "ticks", 0);
  held.reader = weir_job_reader(held.job, "bars");
  return held;
}

/* Threads of Weir's own: append, then read as arrays. */
static void threads_and_arrays(const struct tick* ticks) {
  struct expected expected;
  expect_bars(ticks, &expected);
  struct held held = bars_to_read();
  weir_job* job = held.job;
  weir_writer* writer = held.writer;
  weir_reader* reader = held.reader;
  REQUIRE(job != NULL && writer != NULL && reader != NULL);
  struct ArrowArray array;
  CHECK(weir_reader_next(reader, 0, &array) < 0); /* not started */
  REQUIRE(weir_job_start(job) == WEIR_OK);
  CHECK(weir_reader_next(reader, 0, &array) == WEIR_NOTHING);
  CHECK(weir_job_ledger(job) == NULL); /* it runs */
  size_t taken = 0;
  CHECK(weir_writer_append_wait(writer, ticks, TICKS, -1, &taken) == WEIR_OK);
  CHECK(taken == TICKS);
  CHECK(weir_writer_end(writer) == WEIR_OK);
  CHECK(weir_writer_append(writer, ticks, 1, &taken) == WEIR_CLOSED);
  struct ArrowSchema schema;
  REQUIRE(weir_reader_schema(reader, &schema) == WEIR_OK);
  CHECK(schema.n_children == 5 && strcmp(schema.children[1]->name, "start_at") == 0);
  schema.release(&schema);
  int32_t status;
  while ((status = weir_reader_next(reader, -1, &array)) == WEIR_OK) {
    check_array(&expected, &array);
    array.release(&array);
  }
  CHECK(status == WEIR_END);
  CHECK(expected.seen == SECONDS * SYMBOLS);
  CHECK(weir_job_wait(job, -1) == WEIR_OK);
  weir_progress progress = {0};
  progress.size = sizeof progress;
  CHECK(weir_job_progress(job, &progress) == WEIR_OK);
  CHECK(progress.rows_in == TICKS && progress.rows_out == SECONDS * SYMBOLS && progress.finished == 1);
  const char* ledger = weir_job_ledger(job);
  CHECK(ledger != NULL && ledger[0] == '{');
  weir_job_free(job); /* in any order */
  weir_reader_free(reader);
  weir_writer_free(writer);
}

/* The host's own thread turns the job; results as structs. */
static void poll_and_structs(const struct tick* ticks) {
  struct expected expected;
  expect_bars(ticks, &expected);
  weir_setup* setup = setup_of(WEIR_MODE_POLL);
  CHECK(weir_setup_reader(setup, "bars", 4) == WEIR_OK);
  weir_job* job = weir_job_new(setup, sql, "bars.sql");
  weir_setup_free(setup);
  REQUIRE(job != NULL);
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  weir_reader* reader = weir_job_reader(job, "bars");
  REQUIRE(writer != NULL && reader != NULL);
  REQUIRE(weir_reader_structs(reader, sizeof(struct bar), bar_fields, 4) == WEIR_OK);
  size_t next = 0;
  int ended = 0;
  for (int turn = 0; turn < 1000000 && !ended; ++turn) {
    size_t taken = 0;
    if (next < TICKS) {
      CHECK(weir_writer_append(writer, ticks + next, TICKS - next, &taken) >= WEIR_OK);
      next += taken;
      if (next == TICKS) weir_writer_end(writer);
    }
    uint64_t work = 0;
    const int32_t status = weir_job_poll(job, 4, &work);
    REQUIRE(status >= WEIR_OK);
    struct bar bars[7];
    size_t rows = 0;
    do {
      CHECK(weir_reader_read(reader, bars, 7, &rows) == WEIR_OK);
      for (size_t i = 0; i < rows; ++i)
        check_bar(&expected, bars[i].start_ms / 1000, bars[i].symbol, bars[i].count, bars[i].high);
    } while (rows != 0);
    ended = status == WEIR_END;
  }
  CHECK(ended);
  CHECK(expected.seen == SECONDS * SYMBOLS);
  weir_writer_free(writer);
  weir_reader_free(reader);
  weir_job_free(job);
}

static int32_t take_results(void* user, const struct ArrowSchema* schema, const struct ArrowArray* array) {
  CHECK(schema->n_children == array->n_children);
  check_array(user, array);
  return 0;
}

/* The answer is there when append returns. */
static void inline_and_callback(const struct tick* ticks) {
  struct expected expected;
  expect_bars(ticks, &expected);
  weir_setup* setup = setup_of(WEIR_MODE_INLINE);
  CHECK(weir_setup_callback(setup, "bars", take_results, &expected) == WEIR_OK);
  weir_job* job = weir_job_new(setup, sql, NULL);
  weir_setup_free(setup);
  REQUIRE(job != NULL);
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  REQUIRE(writer != NULL);
  size_t taken = 0;
  for (int i = 0; i < TICKS; ++i) {
    REQUIRE(weir_writer_append(writer, &ticks[i], 1, &taken) == WEIR_OK && taken == 1);
    /* A window of a second is complete with the tick in its last millisecond. */
    CHECK(expected.seen == (i + 1) / 1000 * SYMBOLS);
  }
  weir_writer_end(writer);
  CHECK(weir_job_wait(job, -1) == WEIR_OK);
  CHECK(expected.seen == SECONDS * SYMBOLS);
  weir_writer_free(writer);
  weir_job_free(job);
}

static int32_t refuse_results(void* user, const struct ArrowSchema* schema, const struct ArrowArray* array) {
  (void)schema, (void)array;
  ++*(int*)user;
  return 77;
}

static void a_callback_that_fails_ends_the_job(const struct tick* ticks) {
  int calls = 0;
  weir_setup* setup = setup_of(WEIR_MODE_THREADS);
  CHECK(weir_setup_callback(setup, "bars", refuse_results, &calls) == WEIR_OK);
  weir_job* job = weir_job_new(setup, sql, NULL);
  weir_setup_free(setup);
  REQUIRE(job != NULL);
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  REQUIRE(writer != NULL);
  REQUIRE(weir_job_start(job) == WEIR_OK);
  size_t taken = 0;
  CHECK(weir_writer_append_wait(writer, ticks, TICKS, -1, &taken) >= WEIR_OK);
  weir_writer_end(writer);
  CHECK(weir_job_wait(job, -1) == -5007);
  CHECK(weir_last_error_code() == 5007 && strstr(weir_last_error(), "77") != NULL);
  CHECK(calls == 1);
  weir_writer_free(writer);
  weir_job_free(job);
}

/* A stream of results of one job is the input of the next. */
static void streams_out_and_in(const struct tick* ticks) {
  static const char again[] =
      "CREATE TABLE bars (start_at TIMESTAMP(9), symbol INT, n BIGINT) WITH ('connector' = 'host');\n"
      "CREATE TABLE total (n BIGINT) WITH ('connector' = 'host');\n"
      "INSERT INTO total SELECT SUM(n) FROM bars;\n";
  struct held held = bars_to_read();
  weir_job* first = held.job;
  weir_writer* writer = held.writer;
  REQUIRE(first != NULL && writer != NULL && held.reader != NULL);
  struct ArrowArrayStream stream;
  REQUIRE(weir_reader_stream(held.reader, &stream) == WEIR_OK);
  weir_reader_free(held.reader); /* the stream keeps it */
  REQUIRE(weir_job_start(first) == WEIR_OK);
  size_t taken = 0;
  CHECK(weir_writer_append_wait(writer, ticks, TICKS, -1, &taken) == WEIR_OK);
  weir_writer_free(writer);

  weir_setup* setup = weir_setup_new(NULL);
  CHECK(weir_setup_arrow(setup, "bars", &stream) == WEIR_OK);
  CHECK(weir_setup_reader(setup, "total", 1) == WEIR_OK);
  weir_job* second = weir_job_new(setup, again, NULL);
  weir_setup_free(setup);
  REQUIRE(second != NULL);
  weir_reader* total = weir_job_reader(second, "total");
  REQUIRE(total != NULL && weir_job_start(second) == WEIR_OK);
  struct ArrowArray array;
  REQUIRE(weir_reader_next(total, -1, &array) == WEIR_OK);
  CHECK(array.length == 1 && ((const int64_t*)array.children[1]->buffers[1])[0] == TICKS);
  array.release(&array);
  CHECK(weir_reader_next(total, -1, &array) == WEIR_END);
  CHECK(weir_job_wait(second, -1) == WEIR_OK);
  CHECK(stream.release == NULL); /* taken over */
  CHECK(weir_job_wait(first, -1) == WEIR_OK);
  weir_reader_free(total);
  weir_job_free(second);
  weir_job_free(first);
}

static void what_cannot_be_is_said(void) {
  CHECK(weir_c_abi() == WEIR_C_ABI);
  CHECK(strlen(weir_version()) >= 5);
  weir_options options;
  weir_options_init(&options, sizeof options);
  CHECK(options.size == sizeof options && options.shards == 1 && options.batch_rows == 1024);
  options.mode = 3;
  CHECK(weir_setup_new(&options) == NULL && weir_last_error_code() == 1001);
  weir_options_init(&options, sizeof options);
  options.idle = 99;
  CHECK(weir_setup_new(&options) == NULL);
  options.size = 1;
  CHECK(weir_setup_new(&options) == NULL);
  /* A caller that is newer than the library: what it says more must be nothing. */
  struct {
    weir_options now;
    uint64_t later;
  } newer;
  weir_options_init(&newer.now, sizeof newer);
  CHECK(newer.now.size == sizeof newer && newer.later == 0);
  weir_setup* setup = weir_setup_new(&newer.now);
  CHECK(setup != NULL);
  newer.later = 1;
  CHECK(weir_setup_new(&newer.now) == NULL && strstr(weir_last_error(), "does not know") != NULL);

  CHECK(weir_setup_structs(NULL, "t", 8, tick_fields, 1) == -1001);
  CHECK(weir_setup_structs(setup, "t", 0, tick_fields, 1) == -1001);
  const weir_field wrong = {"x", 0, 99, 0};
  CHECK(weir_setup_structs(setup, "t", 8, &wrong, 1) == -1001);
  CHECK(weir_setup_reader(setup, "t", 0) == -1001);
  CHECK(weir_setup_reader(setup, "t", 1025) == -1001);
  CHECK(weir_setup_callback(setup, "t", NULL, NULL) == -1001);
  CHECK(weir_job_new(setup, "SELECT nonsense FROM nowhere;", "mine.sql") == NULL);
  CHECK(strstr(weir_last_error(), "mine.sql:1:") != NULL);
  CHECK(weir_job_new(setup, NULL, NULL) == NULL);
  CHECK(weir_job_wait(NULL, 0) == -1001);
  CHECK(weir_writer_append(NULL, NULL, 0, NULL) == -1001);
  weir_setup_free(setup);
  weir_setup_free(NULL);
  weir_job_free(NULL);
  weir_writer_free(NULL);
  weir_reader_free(NULL);

  setup = setup_of(WEIR_MODE_THREADS);
  CHECK(weir_job_new(setup, sql, NULL) == NULL); /* nobody takes the bars */
  CHECK(weir_setup_reader(setup, "bars", 2) == WEIR_OK);
  weir_job* job = weir_job_new(setup, sql, NULL);
  REQUIRE(job != NULL);
  CHECK(weir_job_writer(job, "nothing", 0) == NULL && weir_last_error_code() == 2001);
  CHECK(weir_job_writer(job, "ticks", 1) == NULL && weir_last_error_code() == 1001);
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  CHECK(writer != NULL);
  CHECK(weir_job_writer(job, "ticks", 0) == NULL && weir_last_error_code() == 1001);
  CHECK(weir_job_reader(job, "ticks") == NULL);
  CHECK(weir_job_wait(job, 0) == -1001); /* not started */
  CHECK(weir_job_poll(job, 1, NULL) == -1001);
  /* A time beyond the range of times is refused, and what stood before it is kept. */
  const struct tick ticks[2] = {{1, 0, 0, 1.0}, {INT64_MAX, 0, 0, 1.0}};
  size_t taken = 9;
  CHECK(weir_writer_append(writer, ticks, 2, &taken) == -3006);
  CHECK(taken == 1);
  weir_job_free(job); /* never started */
  weir_writer_free(writer);
  weir_setup_free(setup);
}

/* ---- Functions ---- */

/* price * (symbol + factor); a price of 77 fails where `fails` is set. */
struct weights {
  double factor;
  int fails, destroyed;
};

static int32_t weighted(void* user, weir_call* call, const weir_value* arguments, weir_value* result) {
  const struct weights* weights = user;
  if (weights->fails && arguments[0].as.number == 77) return weir_call_fail(call, "no price may be 77");
  result->is_null = 0;
  result->as.number = arguments[0].as.number * ((double)arguments[1].as.integer + weights->factor);
  return 0;
}

/* Symbol 2 has no name; the text is long and stands in memory of the thread's own. */
static int32_t name_of(void* user, weir_call* call, const weir_value* arguments, weir_value* result) {
  static _Thread_local char text[64];
  (void)user, (void)call;
  if (arguments[0].as.integer == 2) return 0;
  result->is_null = 0;
  result->text_bytes = (uint32_t)snprintf(text, sizeof text, "the symbol of number %d", (int)arguments[0].as.integer);
  result->as.text = text;
  return 0;
}

/* SPREAD2(x BIGINT): n * sum of squares - square of the sum, exact in integers, with an inverse. */
struct moments {
  int64_t count, sum, squares;
};

static void add_moments(struct moments* to, int64_t count, int64_t sum, int64_t squares) {
  to->count += count;
  to->sum += sum;
  to->squares += squares;
}
static int32_t lift(void* user, weir_call* call, void* state, const weir_value* arguments) {
  const int64_t x = arguments[0].as.integer;
  (void)user, (void)call;
  add_moments(state, 1, x, x * x);
  return 0;
}
static int32_t retract(void* user, weir_call* call, void* state, const weir_value* arguments) {
  const int64_t x = arguments[0].as.integer;
  (void)user, (void)call;
  add_moments(state, -1, -x, -x * x);
  return 0;
}
static int32_t combine(void* user, weir_call* call, void* state, const void* from) {
  const struct moments* more = from;
  (void)user, (void)call;
  add_moments(state, more->count, more->sum, more->squares);
  return 0;
}
static int32_t subtract(void* user, weir_call* call, void* state, const void* what) {
  const struct moments* less = what;
  (void)user, (void)call;
  add_moments(state, -less->count, -less->sum, -less->squares);
  return 0;
}
static int64_t spread2(const struct moments* moments) {
  return moments->count * moments->squares - moments->sum * moments->sum;
}
static int32_t lower(void* user, weir_call* call, const void* state, weir_value* result) {
  (void)user, (void)call;
  result->is_null = ((const struct moments*)state)->count == 0;
  result->as.integer = spread2(state);
  return 0;
}
/* The same as a text that is longer than what stands in a column itself. */
static int32_t lower_text(void* user, weir_call* call, const void* state, weir_value* result) {
  static _Thread_local char text[64];
  (void)user, (void)call;
  result->is_null = 0;
  result->text_bytes = (uint32_t)snprintf(text, sizeof text, "a spread of %lld in squares", (long long)spread2(state));
  result->as.text = text;
  return 0;
}
static int32_t lift_fails(void* user, weir_call* call, void* state, const weir_value* arguments) {
  (void)user, (void)state, (void)arguments;
  return weir_call_fail(call, "it takes no row");
}

static void count_destroyed(void* user) {
  ++((struct weights*)user)->destroyed;
}

static weir_aggregate moments_as(const char* name, char result) {
  weir_aggregate aggregate;
  weir_aggregate_init(&aggregate, sizeof aggregate);
  aggregate.name = name;
  aggregate.parameters = "l";
  aggregate.result = (uint32_t)result;
  aggregate.state_bytes = sizeof(struct moments);
  aggregate.lift = lift;
  aggregate.combine = combine;
  aggregate.lower = result == 's' ? lower_text : lower;
  return aggregate;
}

static weir_function weighted_by(struct weights* weights) {
  weir_function function;
  weir_function_init(&function, sizeof function);
  function.name = "weighted";
  function.parameters = "di";
  function.evaluate = weighted;
  function.user = weights;
  function.destroy = count_destroyed;
  return function;
}

enum { SLIDES = SECONDS + 2 };

/* Sliding windows of 3 s by 1 s; window w starts at second w - 2. */
static void expect_spreads(const struct tick* ticks, struct moments out[SLIDES][SYMBOLS]) {
  memset(out, 0, SLIDES * SYMBOLS * sizeof(struct moments));
  for (int i = 0; i < TICKS; ++i) {
    const int64_t x = (int64_t)ticks[i].price;
    for (int64_t w = ticks[i].ms / 1000; w < ticks[i].ms / 1000 + 3; ++w)
      add_moments(&out[w][ticks[i].symbol], 1, x, x * x);
  }
}

/* Columns: row_kind, start_at, symbol, spread, spread_text. */
static int check_spreads(struct moments expected[SLIDES][SYMBOLS], const struct ArrowArray* array) {
  const int64_t* starts = array->children[1]->buffers[1];
  const int32_t* symbols = array->children[2]->buffers[1];
  const int64_t* spreads = array->children[3]->buffers[1];
  const int32_t* offsets = array->children[4]->buffers[1];
  const char* texts = array->children[4]->buffers[2];
  for (int64_t row = 0; row < array->length; ++row) {
    const struct moments* of = &expected[starts[row] / 1000000000 + 2][symbols[row]];
    char text[64];
    snprintf(text, sizeof text, "a spread of %lld in squares", (long long)spread2(of));
    CHECK(spreads[row] == spread2(of));
    CHECK((size_t)(offsets[row + 1] - offsets[row]) == strlen(text) &&
          memcmp(texts + offsets[row], text, strlen(text)) == 0);
  }
  return (int)array->length;
}

/* Two writers on two shards, so that states meet; windows that slide, so that slices leave them. */
static void aggregates_of_the_caller(const struct tick* ticks) {
  static const char sliding[] =
      "CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price DOUBLE, WATERMARK FOR ts AS ts)\n"
      "WITH ('connector' = 'host');\n"
      "CREATE TABLE o (start_at TIMESTAMP(9), symbol INT, spread BIGINT, spread_text STRING) WITH ('connector' = "
      "'host');\n"
      "INSERT INTO o SELECT window_start, symbol, SPREAD2(CAST(price AS INT)), SPREAD2_TEXT(CAST(price AS BIGINT))\n"
      "FROM TABLE(HOP(TABLE ticks, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '3' SECOND))\n"
      "GROUP BY window_start, window_end, symbol;\n";
  static struct moments expected[SLIDES][SYMBOLS];
  expect_spreads(ticks, expected);
  for (uint32_t shards = 1; shards <= 2; ++shards) {
    weir_options options;
    weir_options_init(&options, sizeof options);
    options.shards = shards;
    weir_setup* setup = weir_setup_new(&options);
    CHECK(weir_setup_structs(setup, "ticks", sizeof(struct tick), tick_fields, 3) == WEIR_OK);
    weir_feed feed;
    weir_feed_init(&feed, sizeof feed);
    feed.writers = 2;
    CHECK(weir_setup_writers(setup, "ticks", &feed) == WEIR_OK);
    CHECK(weir_setup_reader(setup, "o", 4) == WEIR_OK);
    weir_aggregate aggregate = moments_as("spread2", 'l');
    aggregate.retract = retract;
    aggregate.subtract = subtract;
    CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
    aggregate = moments_as("spread2_text", 's');
    CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
    weir_job* job = weir_job_new(setup, sliding, NULL);
    weir_setup_free(setup);
    REQUIRE(job != NULL);
    weir_reader* reader = weir_job_reader(job, "o");
    weir_writer* writers[2] = {weir_job_writer(job, "ticks", 0), weir_job_writer(job, "ticks", 1)};
    REQUIRE(reader != NULL && writers[0] != NULL && writers[1] != NULL && weir_job_start(job) == WEIR_OK);
    for (int i = 0; i < TICKS; ++i) {
      size_t taken = 0;
      REQUIRE(weir_writer_append_wait(writers[i % 2], &ticks[i], 1, -1, &taken) == WEIR_OK && taken == 1);
    }
    weir_writer_free(writers[0]);
    weir_writer_free(writers[1]);
    struct ArrowArray array;
    int seen = 0;
    int32_t status;
    while ((status = weir_reader_next(reader, -1, &array)) == WEIR_OK) {
      seen += check_spreads(expected, &array);
      array.release(&array);
    }
    CHECK(status == WEIR_END && seen == SLIDES * SYMBOLS);
    CHECK(weir_job_wait(job, -1) == WEIR_OK);
    weir_reader_free(reader);
    weir_job_free(job);
  }
}

static const char weighing[] =
    "CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price DOUBLE, WATERMARK FOR ts AS ts)\n"
    "WITH ('connector' = 'host');\n"
    "CREATE TABLE o (symbol INT, w DOUBLE, name STRING) WITH ('connector' = 'host');\n"
    "INSERT INTO o SELECT symbol, WEIGHTED(price, symbol), NAME_OF(symbol) FROM ticks;\n";

struct weighed {
  const struct tick* ticks;
  double factor;
  int64_t rows;
};

static int32_t check_weighed(void* user, const struct ArrowSchema* schema, const struct ArrowArray* array) {
  struct weighed* weighed = user;
  const double* weights = array->children[2]->buffers[1];
  const uint8_t* valid = array->children[3]->buffers[0];
  const int32_t* offsets = array->children[3]->buffers[1];
  const char* names = array->children[3]->buffers[2];
  CHECK(schema->n_children == 4);
  for (int64_t row = 0; row < array->length; ++row, ++weighed->rows) {
    const struct tick* tick = &weighed->ticks[weighed->rows];
    CHECK(weights[row] == tick->price * (tick->symbol + weighed->factor));
    const int named = valid == NULL || (valid[row / 8] >> (row % 8) & 1) != 0;
    CHECK(named == (tick->symbol != 2));
    char text[64];
    const int length = snprintf(text, sizeof text, "the symbol of number %d", tick->symbol);
    if (named)
      CHECK(offsets[row + 1] - offsets[row] == length && memcmp(names + offsets[row], text, (size_t)length) == 0);
  }
  return 0;
}

/* Two setups have different functions under one name; each is destroyed once, when its job and its setup are gone. */
static void functions_of_two_setups(const struct tick* ticks) {
  struct weights weights[2] = {{1.5, 0, 0}, {-3, 0, 0}};
  struct weighed weighed[2] = {{ticks, 1.5, 0}, {ticks, -3, 0}};
  weir_job* jobs[2];
  weir_writer* writers[2];
  for (int i = 0; i < 2; ++i) {
    weir_setup* setup = setup_of(WEIR_MODE_INLINE);
    CHECK(weir_setup_callback(setup, "o", check_weighed, &weighed[i]) == WEIR_OK);
    weir_function function = weighted_by(&weights[i]);
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    function.name = "name_of";
    function.parameters = "i";
    function.result = 's';
    function.evaluate = name_of;
    function.destroy = NULL;
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    jobs[i] = weir_job_new(setup, weighing, NULL);
    weir_setup_free(setup);
    REQUIRE(jobs[i] != NULL);
    writers[i] = weir_job_writer(jobs[i], "ticks", 0);
    REQUIRE(writers[i] != NULL);
  }
  for (int row = 0; row < TICKS; ++row) {
    size_t taken = 0;
    for (int i = 0; i < 2; ++i) REQUIRE(weir_writer_append(writers[i], &ticks[row], 1, &taken) == WEIR_OK);
  }
  for (int i = 0; i < 2; ++i) {
    weir_writer_free(writers[i]);
    CHECK(weir_job_wait(jobs[i], -1) == WEIR_OK);
    CHECK(weighed[i].rows == TICKS);
    CHECK(weights[i].destroyed == 0);
    weir_job_free(jobs[i]);
    CHECK(weights[i].destroyed == 1);
  }
}

static void a_function_that_fails_ends_the_job_with_its_reason(const struct tick* ticks) {
  static const char* const selects[] = {"SELECT symbol, MIN(WEIGHTED(price, symbol)) FROM ticks GROUP BY symbol",
                                        "SELECT symbol, TAKES_NONE(symbol) FROM ticks GROUP BY symbol"};
  static const char* const reasons[] = {"WEIGHTED: no price may be 77", "TAKES_NONE: it takes no row"};
  for (int i = 0; i < 2; ++i) {
    struct weights weights = {1, 1, 0};
    weir_setup* setup = setup_of(WEIR_MODE_THREADS);
    CHECK(weir_setup_reader(setup, "o", 2) == WEIR_OK);
    const weir_function function = weighted_by(&weights);
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    weir_aggregate aggregate = moments_as("takes_none", 'l');
    aggregate.lift = lift_fails;
    CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
    char text[1024];
    snprintf(text, sizeof text,
             "%.*sCREATE TABLE o (symbol INT, x DOUBLE) WITH ('connector' = 'host');\nINSERT INTO o %s;",
             (int)(strstr(weighing, "CREATE TABLE o") - weighing), weighing, selects[i]);
    weir_job* job = weir_job_new(setup, text, NULL);
    weir_setup_free(setup);
    REQUIRE(job != NULL);
    weir_writer* writer = weir_job_writer(job, "ticks", 0);
    REQUIRE(writer != NULL && weir_job_start(job) == WEIR_OK);
    size_t taken = 0;
    CHECK(weir_writer_append_wait(writer, ticks, TICKS, -1, &taken) >= WEIR_OK);
    weir_writer_free(writer);
    CHECK(weir_job_wait(job, -1) == -5007);
    CHECK(weir_last_error_code() == 5007 && strstr(weir_last_error(), reasons[i]) != NULL);
    weir_job_free(job);
    CHECK(weights.destroyed == 1);
  }
}

static void functions_that_cannot_be_are_refused(void) {
  struct weights weights = {1, 0, 0};
  weir_setup* setup = weir_setup_new(NULL);
  REQUIRE(setup != NULL);
  static const char* const names[] = {"upper", "SUM", "BOOL_AND", "TUMBLE", "cast", "1st", "", "a b"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    weir_function function = weighted_by(&weights);
    function.name = names[i];
    CHECK(weir_setup_function(setup, &function) == -1001);
    weir_aggregate aggregate = moments_as(names[i], 'l');
    CHECK(weir_setup_aggregate(setup, &aggregate) == -1001);
  }
  weir_function function = weighted_by(&weights);
  function.evaluate = NULL;
  CHECK(weir_setup_function(setup, &function) == -1001 && strstr(weir_last_error(), "no evaluate") != NULL);
  function = weighted_by(&weights);
  function.parameters = "dq";
  CHECK(weir_setup_function(setup, &function) == -1001 && strstr(weir_last_error(), "b, i, l, d, s") != NULL);
  function.parameters = "ddddddddddddddddd";
  CHECK(weir_setup_function(setup, &function) == -1001);
  function.parameters = NULL;
  CHECK(weir_setup_function(setup, &function) == -1001);
  CHECK(weir_setup_function(setup, NULL) == -1001);
  function = weighted_by(&weights);
  function.size = 3;
  CHECK(weir_setup_function(setup, &function) == -1001);
  CHECK(weights.destroyed == 0);

  weir_aggregate aggregate = moments_as("spread2", 'l');
  aggregate.retract = retract;
  CHECK(weir_setup_aggregate(setup, &aggregate) == -1001 && strstr(weir_last_error(), "an inverse is both") != NULL);
  aggregate = moments_as("spread2", 'l');
  aggregate.state_bytes = 4097;
  CHECK(weir_setup_aggregate(setup, &aggregate) == -1001 && strstr(weir_last_error(), "state_bytes") != NULL);
  aggregate = moments_as("spread2", 'l');
  aggregate.parameters = "";
  CHECK(weir_setup_aggregate(setup, &aggregate) == -1001);
  aggregate = moments_as("spread2", 'l');
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  CHECK(weir_setup_aggregate(setup, &aggregate) == -1001 && strstr(weir_last_error(), "already") != NULL);
  CHECK(weir_setup_structs(setup, "ticks", sizeof(struct tick), tick_fields, 3) == WEIR_OK);
  CHECK(weir_setup_writers(setup, "ticks", NULL) == WEIR_OK);
  CHECK(weir_job_new(setup,
                     "CREATE TABLE ticks (ts TIMESTAMP(3), symbol INT, price DOUBLE) WITH ('connector' = 'host');\n"
                     "CREATE TABLE o (x BIGINT) WITH ('connector' = 'print');\n"
                     "INSERT INTO o SELECT SPREAD2(price) FROM ticks;",
                     NULL) == NULL);
  CHECK(strstr(weir_last_error(), "SPREAD2 takes no DOUBLE as argument 1") != NULL);
  weir_setup_free(setup);
}

int main(void) {
  struct tick* ticks = malloc(TICKS * sizeof *ticks);
  if (ticks == NULL) return 1;
  make_ticks(ticks);
  threads_and_arrays(ticks);
  poll_and_structs(ticks);
  inline_and_callback(ticks);
  a_callback_that_fails_ends_the_job(ticks);
  streams_out_and_in(ticks);
  what_cannot_be_is_said();
  aggregates_of_the_caller(ticks);
  functions_of_two_setups(ticks);
  a_function_that_fails_ends_the_job_with_its_reason(ticks);
  functions_that_cannot_be_are_refused();
  free(ticks);
  if (failures == 0) puts("c_test: all good");
  return failures == 0 ? 0 : 1;
}
