/* Functions and aggregates of the caller, from C11: scalars, states that meet and that leave sliding windows, results
 * that change, texts, failures, two setups side by side, and what is refused. Answers are counted again by hand. */
#include "c_case.h"

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

/* The same functions for many rows at once. `most_rows` is the greatest number that came together. */
static size_t most_rows;

static int rows_are_right(size_t rows, const weir_column* argument, int may_be_null) {
  if (rows > most_rows) most_rows = rows;
  return rows >= 1 && rows <= WEIR_ROWS_MAX && (may_be_null || argument->is_null == NULL);
}
static int32_t weighted_rows(void* user, weir_call* call, size_t rows, const weir_column* arguments,
                             const weir_results* results) {
  const struct weights* weights = user;
  const double* prices = arguments[0].values;
  const int32_t* symbols = arguments[1].values;
  double* out = results->values;
  if (!rows_are_right(rows, &arguments[0], 0)) return weir_call_fail(call, "wrong rows");
  for (size_t r = 0; r < rows; ++r) {
    if (weights->fails && prices[r] == 77) return weir_call_fail(call, "no price may be 77");
    if (out[r] != 0 || results->is_null[r] != 0) return weir_call_fail(call, "results are zeros");
    out[r] = prices[r] * ((double)symbols[r] + weights->factor);
  }
  return 0;
}
static int32_t name_of_rows(void* user, weir_call* call, size_t rows, const weir_column* arguments,
                            const weir_results* results) {
  static _Thread_local char texts[WEIR_ROWS_MAX][64];
  const int32_t* symbols = arguments[0].values;
  weir_text* out = results->values;
  (void)user, (void)call;
  for (size_t r = 0; r < rows; ++r) {
    results->is_null[r] = symbols[r] == 2;
    out[r].text = texts[r];
    out[r].bytes = (uint32_t)snprintf(texts[r], sizeof texts[r], "the symbol of number %d", (int)symbols[r]);
  }
  return 0;
}
static void* state_of(const weir_states* states, size_t row) {
  return (char*)states->first + states->of_row[row] * states->stride;
}
static int32_t lift_rows(void* user, weir_call* call, size_t rows, const weir_states* states,
                         const weir_column* arguments) {
  const int64_t* x = arguments[0].values;
  (void)user;
  if (!rows_are_right(rows, &arguments[0], 0)) return weir_call_fail(call, "wrong rows");
  for (size_t r = 0; r < rows; ++r) add_moments(state_of(states, r), 1, x[r], x[r] * x[r]);
  return 0;
}
static int32_t retract_rows(void* user, weir_call* call, size_t rows, const weir_states* states,
                            const weir_column* arguments) {
  const int64_t* x = arguments[0].values;
  (void)user;
  if (!rows_are_right(rows, &arguments[0], 0)) return weir_call_fail(call, "wrong rows");
  for (size_t r = 0; r < rows; ++r) add_moments(state_of(states, r), -1, -x[r], -x[r] * x[r]);
  return 0;
}
static int32_t lift_rows_fails(void* user, weir_call* call, size_t rows, const weir_states* states,
                               const weir_column* arguments) {
  (void)user, (void)rows, (void)states, (void)arguments;
  return weir_call_fail(call, "it takes no rows");
}
/* Puts functions of rows in place of those of one row; the others are not to be called any more. */
static void take_rows(weir_aggregate* aggregate) {
  aggregate->lift = lift_fails;
  aggregate->lift_rows = lift_rows;
  if (aggregate->retract == NULL) return;
  aggregate->retract = lift_fails;
  aggregate->retract_rows = retract_rows;
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
static void aggregates_of_the_caller(const struct tick* ticks, int by_rows) {
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
    if (by_rows) take_rows(&aggregate);
    CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
    aggregate = moments_as("spread2_text", 's');
    if (by_rows) take_rows(&aggregate);
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

/* NULLS_OF(x DOUBLE): rows whose argument is NULL, less than none before any: initialize, takes_nulls. */
static void start_below(void* user, void* state) {
  (void)user;
  *(int64_t*)state = -1000;
}
static int32_t lift_null(void* user, weir_call* call, void* state, const weir_value* arguments) {
  (void)user, (void)call;
  *(int64_t*)state += arguments[0].is_null;
  return 0;
}
static int32_t combine_nulls(void* user, weir_call* call, void* state, const void* from) {
  (void)user, (void)call;
  *(int64_t*)state += *(const int64_t*)from + 1000;
  return 0;
}
static int32_t lower_nulls(void* user, weir_call* call, const void* state, weir_value* result) {
  (void)user, (void)call;
  result->is_null = 0;
  result->as.integer = *(const int64_t*)state;
  return 0;
}
static int32_t lift_null_rows(void* user, weir_call* call, size_t rows, const weir_states* states,
                              const weir_column* arguments) {
  (void)user, (void)call;
  for (size_t r = 0; r < rows; ++r)
    *(int64_t*)state_of(states, r) += arguments[0].is_null != NULL && arguments[0].is_null[r];
  return 0;
}
/* TOTAL_OF(x DOUBLE), of whatever number it is given. */
static int32_t lift_number(void* user, weir_call* call, void* state, const weir_value* arguments) {
  (void)user, (void)call;
  *(double*)state += arguments[0].as.number;
  return 0;
}
static int32_t lift_number_rows(void* user, weir_call* call, size_t rows, const weir_states* states,
                                const weir_column* arguments) {
  (void)user;
  if (!rows_are_right(rows, &arguments[0], 0)) return weir_call_fail(call, "wrong rows");
  for (size_t r = 0; r < rows; ++r) *(double*)state_of(states, r) += ((const double*)arguments[0].values)[r];
  return 0;
}
static int32_t combine_numbers(void* user, weir_call* call, void* state, const void* from) {
  (void)user, (void)call;
  *(double*)state += *(const double*)from;
  return 0;
}
static int32_t lower_number(void* user, weir_call* call, const void* state, weir_value* result) {
  (void)user, (void)call;
  result->is_null = 0;
  result->as.number = *(const double*)state;
  return 0;
}

/* Keeps what holds of one row of integers or doubles that changes. */
struct last_row {
  int64_t integers[4];
  int64_t changes;
};

static int32_t keep_last(void* user, const struct ArrowSchema* schema, const struct ArrowArray* array) {
  struct last_row* last = user;
  const int8_t* kinds = array->children[0]->buffers[1];
  for (int64_t row = 0; row < array->length; ++row) {
    ++last->changes;
    if (kinds[row] == 1 || kinds[row] == 3) continue; /* taken back */
    for (int64_t c = 1; c < array->n_children; ++c) {
      const void* values = array->children[c]->buffers[1];
      const int is_double = schema->children[c]->format[0] == 'g';
      last->integers[c - 1] = is_double ? (int64_t)((const double*)values)[row] : ((const int64_t*)values)[row];
    }
  }
  return 0;
}

/* Runs the query over the ticks inline, with the aggregates of this file, and gives the last row of `o`. */
static int32_t run_inline(const struct tick* ticks, int by_rows, const char* columns, const char* query,
                          struct last_row* last) {
  weir_setup* setup = setup_of(WEIR_MODE_INLINE);
  weir_aggregate aggregate = moments_as("spread2", 'l');
  aggregate.retract = retract;
  aggregate.subtract = subtract;
  if (by_rows) take_rows(&aggregate);
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  aggregate.name = "nulls_of";
  aggregate.parameters = "d";
  aggregate.takes_nulls = 1;
  aggregate.state_bytes = 3 + sizeof(int64_t); /* no multiple of 8 */
  aggregate.initialize = start_below;
  aggregate.lift = by_rows ? NULL : lift_null;
  aggregate.lift_rows = by_rows ? lift_null_rows : NULL;
  aggregate.combine = combine_nulls;
  aggregate.lower = lower_nulls;
  aggregate.retract = NULL;
  aggregate.retract_rows = NULL;
  aggregate.subtract = NULL;
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  aggregate.name = "small_nulls_of";
  aggregate.result = 'i';
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  aggregate.name = "any_null_of";
  aggregate.result = 'b';
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  aggregate.name = "total_of";
  aggregate.result = 'd';
  aggregate.takes_nulls = 0;
  aggregate.initialize = NULL;
  aggregate.lift = by_rows ? NULL : lift_number;
  aggregate.lift_rows = by_rows ? lift_number_rows : NULL;
  aggregate.combine = combine_numbers;
  aggregate.lower = lower_number;
  CHECK(weir_setup_aggregate(setup, &aggregate) == WEIR_OK);
  memset(last, 0, sizeof *last);
  CHECK(weir_setup_callback(setup, "o", keep_last, last) == WEIR_OK);
  char text[1024];
  snprintf(text, sizeof text, "%.*sCREATE TABLE o (%s) WITH ('connector' = 'host');\n%s;",
           (int)(strstr(weighing, "CREATE TABLE o") - weighing), weighing, columns, query);
  weir_job* job = weir_job_new(setup, text, NULL);
  weir_setup_free(setup);
  if (job == NULL) return (int32_t)weir_last_error_code();
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  CHECK(writer != NULL);
  for (int row = 0; row < TICKS; ++row) {
    size_t taken = 0;
    if (weir_writer_append(writer, &ticks[row], 1, &taken) != WEIR_OK) break;
  }
  weir_writer_free(writer);
  const int32_t status = weir_job_wait(job, -1);
  weir_job_free(job);
  return status;
}

static void arguments_and_results_of_every_type(const struct tick* ticks, int by_rows) {
  int64_t ones = 0, total = 0, counts[SYMBOLS] = {0};
  for (int i = 0; i < TICKS; ++i) {
    ones += ticks[i].symbol == 1;
    total += (int64_t)ticks[i].price;
    ++counts[ticks[i].symbol];
  }
  struct last_row last;
  CHECK(run_inline(ticks, by_rows, "a BIGINT, b DOUBLE, c DOUBLE, d DOUBLE",
                   "INSERT INTO o SELECT NULLS_OF(NULLIF(symbol, 1)), TOTAL_OF(price), TOTAL_OF(CAST(price AS "
                   "DECIMAL(20, 3))), TOTAL_OF(CAST(price AS SMALLINT)) FROM ticks",
                   &last) == WEIR_OK);
  CHECK(last.integers[0] == ones - 1000);
  CHECK(last.integers[1] == total && last.integers[2] == total && last.integers[3] == total);
  /* Over results that change: each one that is taken back is taken out again. */
  CHECK(
      run_inline(ticks, by_rows, "a BIGINT",
                 "SET 'table.exec.emit.early-fire.enabled' = 'true';\nSET 'table.exec.emit.early-fire.delay' = '0 s';\n"
                 "INSERT INTO o SELECT SPREAD2(n) FROM (SELECT symbol, COUNT(*) AS n FROM ticks GROUP BY symbol)",
                 &last) == WEIR_OK);
  struct moments of_counts = {0, 0, 0};
  for (int symbol = 0; symbol < SYMBOLS; ++symbol)
    add_moments(&of_counts, 1, counts[symbol], counts[symbol] * counts[symbol]);
  CHECK(last.integers[0] == spread2(&of_counts));
  CHECK(last.changes > TICKS);
  /* Without an inverse that is refused. */
  CHECK(
      run_inline(ticks, by_rows, "a DOUBLE",
                 "SET 'table.exec.emit.early-fire.enabled' = 'true';\nSET 'table.exec.emit.early-fire.delay' = '0 s';\n"
                 "INSERT INTO o SELECT TOTAL_OF(n) FROM (SELECT symbol, COUNT(*) AS n FROM ticks GROUP BY symbol)",
                 &last) > 0);
  CHECK(strstr(weir_last_error(), "TOTAL_OF") != NULL && strstr(weir_last_error(), "over results that change") != NULL);
  /* A result that its column cannot hold. */
  CHECK(run_inline(ticks, by_rows, "a BOOLEAN", "INSERT INTO o SELECT ANY_NULL_OF(price) FROM ticks", &last) == -5007);
  CHECK(strstr(weir_last_error(), "ANY_NULL_OF: a BOOLEAN is 0 or 1") != NULL);
  CHECK(run_inline(ticks, by_rows, "a BIGINT", "INSERT INTO o SELECT CAST(SMALL_NULLS_OF(price) AS BIGINT) FROM ticks",
                   &last) == WEIR_OK);
  CHECK(last.integers[0] == -1000);
}

/* Two setups have different functions under one name; each is destroyed once, when its job and its setup are gone. */
static void functions_of_two_setups(const struct tick* ticks, int by_rows) {
  struct weights weights[2] = {{1.5, 0, 0}, {-3, 0, 0}};
  struct weighed weighed[2] = {{ticks, 1.5, 0}, {ticks, -3, 0}};
  weir_job* jobs[2];
  weir_writer* writers[2];
  for (int i = 0; i < 2; ++i) {
    weir_setup* setup = setup_of(WEIR_MODE_INLINE);
    CHECK(weir_setup_callback(setup, "o", check_weighed, &weighed[i]) == WEIR_OK);
    weir_function function = weighted_by(&weights[i]);
    if (by_rows) function.evaluate = NULL;
    if (by_rows) function.evaluate_rows = weighted_rows;
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    function.name = "name_of";
    function.parameters = "i";
    function.result = 's';
    function.evaluate = name_of;
    function.evaluate_rows = by_rows ? name_of_rows : NULL;
    function.destroy = NULL;
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    jobs[i] = weir_job_new(setup, weighing, NULL);
    weir_setup_free(setup);
    REQUIRE(jobs[i] != NULL);
    writers[i] = weir_job_writer(jobs[i], "ticks", 0);
    REQUIRE(writers[i] != NULL);
  }
  for (int row = 0; row < TICKS; row += 1000) {
    size_t taken = 0;
    for (int i = 0; i < 2; ++i)
      REQUIRE(weir_writer_append(writers[i], &ticks[row], 1000, &taken) == WEIR_OK && taken == 1000);
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

static void a_function_that_fails_ends_the_job_with_its_reason(const struct tick* ticks, int by_rows) {
  static const char* const selects[] = {"SELECT symbol, MIN(WEIGHTED(price, symbol)) FROM ticks GROUP BY symbol",
                                        "SELECT symbol, TAKES_NONE(symbol) FROM ticks GROUP BY symbol"};
  const char* const reasons[] = {"WEIGHTED: no price may be 77",
                                 by_rows ? "TAKES_NONE: it takes no rows" : "TAKES_NONE: it takes no row"};
  for (int i = 0; i < 2; ++i) {
    struct weights weights = {1, 1, 0};
    weir_setup* setup = setup_of(WEIR_MODE_THREADS);
    CHECK(weir_setup_reader(setup, "o", 2) == WEIR_OK);
    weir_function function = weighted_by(&weights);
    if (by_rows) function.evaluate_rows = weighted_rows;
    CHECK(weir_setup_function(setup, &function) == WEIR_OK);
    weir_aggregate aggregate = moments_as("takes_none", 'l');
    aggregate.lift = lift_fails;
    if (by_rows) aggregate.lift_rows = lift_rows_fails;
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

/* Structs of the first version end before evaluate_rows and lift_rows: what stands behind them is not looked at. */
static void structs_of_the_first_version_do_as_before(const struct tick* ticks) {
  struct weights weights = {1.5, 0, 0};
  struct weighed weighed = {ticks, 1.5, 0};
  weir_setup* setup = setup_of(WEIR_MODE_INLINE);
  CHECK(weir_setup_callback(setup, "o", check_weighed, &weighed) == WEIR_OK);
  weir_function function;
  memset(&function, 0xff, sizeof function);
  const size_t first_version = offsetof(weir_function, evaluate_rows);
  weir_function_init(&function, first_version);
  CHECK(function.size == first_version && function.evaluate == NULL && function.evaluate_rows != NULL);
  const weir_function all = weighted_by(&weights);
  memcpy((char*)&function + sizeof(size_t), (const char*)&all + sizeof(size_t), first_version - sizeof(size_t));
  CHECK(weir_setup_function(setup, &function) == WEIR_OK);
  function.name = "name_of";
  function.parameters = "i";
  function.result = 's';
  function.evaluate = name_of;
  function.destroy = NULL;
  CHECK(weir_setup_function(setup, &function) == WEIR_OK);
  weir_aggregate aggregate = moments_as("spread2", 'l');
  aggregate.size = offsetof(weir_aggregate, lift_rows);
  aggregate.lift = NULL;
  aggregate.lift_rows = lift_rows;
  CHECK(weir_setup_aggregate(setup, &aggregate) == -1001 && strstr(weir_last_error(), "no lift") != NULL);
  weir_job* job = weir_job_new(setup, weighing, NULL);
  weir_setup_free(setup);
  REQUIRE(job != NULL);
  weir_writer* writer = weir_job_writer(job, "ticks", 0);
  size_t taken = 0;
  REQUIRE(writer != NULL && weir_writer_append(writer, ticks, 100, &taken) == WEIR_OK && taken == 100);
  weir_writer_free(writer);
  CHECK(weir_job_wait(job, -1) == WEIR_OK && weighed.rows == 100);
  weir_job_free(job);
}

void test_functions(const struct tick* ticks) {
  for (int by_rows = 0; by_rows < 2; ++by_rows) {
    aggregates_of_the_caller(ticks, by_rows);
    arguments_and_results_of_every_type(ticks, by_rows);
    functions_of_two_setups(ticks, by_rows);
    a_function_that_fails_ends_the_job_with_its_reason(ticks, by_rows);
  }
  CHECK(most_rows == WEIR_ROWS_MAX);
  structs_of_the_first_version_do_as_before(ticks);
  functions_that_cannot_be_are_refused();
}
