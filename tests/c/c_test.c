/* The C interface from C11: rows in by a writer, a stream of Arrow or many writers; results out by a reader, structs, a
 * callback or a stream; each mode; every error that a caller can make. Answers are counted again by hand. */
#include "c_case.h"

int failures = 0;

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

static const weir_field bar_fields[] = {{"start_at", offsetof(struct bar, start_ms), WEIR_INT64, 1000000},
                                        {"n", offsetof(struct bar, count), WEIR_INT64, 0},
                                        {"high", offsetof(struct bar, high), WEIR_DOUBLE, 0},
                                        {"symbol", offsetof(struct bar, symbol), WEIR_INT32, 0}};

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
  test_functions(ticks);
  free(ticks);
  if (failures == 0) puts("c_test: all good");
  return failures == 0 ? 0 : 1;
}
