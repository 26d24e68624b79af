// Weir for C and for whatever calls C: opaque handles, plain structs, numbers for results.
//
//   weir_setup *setup = weir_setup_new(NULL);
//   weir_setup_structs(setup, "ticks", sizeof(struct tick), fields, 3);      rows of `ticks` come as structs …
//   weir_setup_writers(setup, "ticks", NULL);                                … that a writer appends
//   weir_setup_reader(setup, "bars", 4);                                     a reader takes the rows of `bars`
//   weir_job *job = weir_job_new(setup, sql, NULL);
//   weir_writer *writer = weir_job_writer(job, "ticks", 0);
//   weir_job_start(job);
//   weir_writer_append(writer, ticks, count, &taken);  …  weir_writer_end(writer);
//   while (weir_reader_next(reader, -1, &array) == WEIR_OK) …                batches by Arrow's C data interface
//   weir_job_wait(job, -1);
//
// Results. A function that can fail gives WEIR_OK (0), one of the answers below it, which are no errors, or a negative
// number: minus the stable code of an error (4002: a name that SQL does not know). weir_last_error() says it in words.
// A function that makes a handle gives NULL where it failed.
//
// Versions. Every struct that a caller fills begins with `size`; the functions *_init set it and all defaults. A
// library newer than its caller reads what the caller has; an older one refuses a struct that is longer than its own
// where something behind its own end is set. weir_c_abi() rises only when something that was there has gone.
//
// Threads. A handle is used by one thread at a time, but for weir_job_drain, weir_job_stop and weir_job_progress: any.
// Handles may be freed in any order; what they stand on lives as long as they do. No function prints, exits, installs a
// signal handler or lets an exception out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_C_ABI 1

enum {
  WEIR_OK = 0,
  WEIR_FULL = 1,    /* no room now: nothing was taken, or less than was given */
  WEIR_CLOSED = 2,  /* the writer or the job has ended */
  WEIR_NOTHING = 3, /* nothing within the time */
  WEIR_END = 4      /* nothing follows */
};

typedef struct weir_setup weir_setup;
typedef struct weir_job weir_job;
typedef struct weir_writer weir_writer;
typedef struct weir_reader weir_reader;
struct ArrowSchema;
struct ArrowArray;
struct ArrowArrayStream;

/* WEIR_C_ABI of the library. */
uint32_t weir_c_abi(void);
/* "0.1.0". */
const char* weir_version(void);
/* What the calling thread's last failure was: its text, good until the thread's next failure, "" before the first; and
 * its code, 0 before the first. */
const char* weir_last_error(void);
uint32_t weir_last_error_code(void);

/* ---- How a job runs ------------------------------------------------------------------------------------------- */

enum {
  WEIR_MODE_THREADS = 0, /* a thread of Weir's own a shard */
  WEIR_MODE_POLL = 1,    /* the host's thread, in weir_job_poll and while it waits for a reader */
  WEIR_MODE_INLINE = 2   /* the host's thread, in weir_writer_append */
};
enum { WEIR_IDLE_BUSY_SPIN = 0, WEIR_IDLE_YIELD = 1, WEIR_IDLE_BACK_OFF = 2, WEIR_IDLE_PARK = 3 };

typedef struct weir_options {
  size_t size;
  uint32_t shards;     /* 1 … 64; default 1 */
  uint32_t mode;       /* WEIR_MODE_…; default threads */
  uint32_t idle;       /* WEIR_IDLE_…; default back off */
  uint32_t pin;        /* 1: pin threads to CPUs; default 0, as the host's threads are its own business */
  const int32_t* cpus; /* CPU of each shard; NULL: 0, 1, … */
  size_t cpu_count;
  uint32_t batch_rows;      /* 1 … 65536; default 1024 */
  uint32_t ring_batches;    /* credits of an exchange, 1 … 1024; default 16 */
  uint32_t groups_max;      /* keys of a slice on a shard; default 2^20 */
  uint32_t slices_max;      /* open slices of a shard; default 4096 */
  uint64_t state_bytes_max; /* aggregate state of a shard; default 1 GiB */
  uint64_t malformed_max;   /* malformed records before the job fails; default 0 */
  uint32_t fail_on_drop;    /* 1: a dropped row ends the job */
  uint32_t unused;
} weir_options;
/* Sets size and defaults of the caller's struct, as long as `size` says. */
void weir_options_init(weir_options* options, size_t size);

/* `options` NULL: defaults. NULL where one of them cannot be. */
weir_setup* weir_setup_new(const weir_options* options);
void weir_setup_free(weir_setup* setup);

/* ---- Tables with connector 'host' ----------------------------------------------------------------------------- */

enum {
  WEIR_INT8 = 0,
  WEIR_INT16,
  WEIR_INT32,
  WEIR_INT64,
  WEIR_INT128,
  WEIR_UINT8,
  WEIR_UINT16,
  WEIR_UINT32,
  WEIR_UINT64,
  WEIR_BOOL, /* one byte */
  WEIR_FLOAT,
  WEIR_DOUBLE
};

/* A field of a row struct. */
typedef struct weir_field {
  const char* column;
  uint32_t offset; /* bytes from the start of the struct */
  uint32_t form;   /* WEIR_INT8 … */
  int64_t unit_ns; /* TIMESTAMP columns: nanoseconds of one unit; 0 elsewhere */
} weir_field;

/* What rows of a table look like as structs of `stride` bytes. */
int32_t weir_setup_structs(weir_setup* setup, const char* table, size_t stride, const weir_field* fields, size_t count);

typedef struct weir_feed {
  size_t size;
  uint32_t writers;  /* 1 … 1024, each one opened or the job does not end; default 1 */
  uint32_t shared;   /* 1: all writers are one input with one watermark; default 0: each is an input, deterministic */
  uint32_t rows_max; /* rows that a writer may be ahead; default 8192 */
  uint32_t unused;
} weir_feed;
void weir_feed_init(weir_feed* feed, size_t size);
/* Writers feed the table. `feed` NULL: defaults. */
int32_t weir_setup_writers(weir_setup* setup, const char* table, const weir_feed* feed);
/* An Arrow stream feeds the table; called again, one input more. The struct must stay until the job was made and
 * started; then its content has been taken over (its release is NULL). */
int32_t weir_setup_arrow(weir_setup* setup, const char* table, struct ArrowArrayStream* stream);
/* A reader takes the rows of a table that is written to, `batches` batches ahead at most (1 … 1024). */
int32_t weir_setup_reader(weir_setup* setup, const char* table, uint32_t batches);
/* Rows are given to a function on the shard's thread, as they come. `array` is valid in the call only (the function
 * does not release it); `schema` says its columns: row_kind (int8: 0 insert, 1 update before, 2 update after, 3
 * delete), then the table's. Not 0: the job fails. */
typedef int32_t (*weir_result_fn)(void* user, const struct ArrowSchema* schema, const struct ArrowArray* array);
int32_t weir_setup_callback(weir_setup* setup, const char* table, weir_result_fn function, void* user);

/* ---- Functions of the caller's ---------------------------------------------------------------------------------- */

/* SQL knows a setup's functions beside Weir's own, in the jobs that are made of it from then on, and nowhere else: two
 * setups may have different functions under one name. A name is an identifier, found in any case; one of Weir's own,
 * one that SQL has a syntax for, and one that the setup has already are refused.
 *
 * Types are letters: b BOOLEAN, i INT, l BIGINT, d DOUBLE, s STRING (UTF-8).
 *
 * Threads. A function is called on the threads of the job's shards, by several at once where there are several, or in
 * WEIR_MODE_POLL and WEIR_MODE_INLINE on the host's; and in weir_job_new, where all arguments are constants. What
 * `user` stands for has to allow that. The shard waits meanwhile: it does not block, and calls nothing of this header
 * but weir_call_fail, weir_job_stop and weir_job_progress. It throws no exception and does not jump out.
 *
 * Answers. It gives the same for the same, since it may be called for any row, in any order, any number of times. It
 * returns 0; anything else ends the job with an error of code 5007 that names the function and says what weir_call_fail
 * was given.
 *
 * Lifetime. What the caller's struct says is copied. `destroy` (may be NULL) is called once, with `user`, when nothing
 * can call the function any more: the setup and all jobs made of it are freed, and what stands on these jobs. Where
 * the function could not be added it is not called. */
typedef struct weir_value {
  uint32_t is_null;    /* 1: NULL, and the rest says nothing */
  uint32_t text_bytes; /* s: length of the text, which no zero ends */
  union {
    int64_t integer;  /* b (0, 1), i, l */
    double number;    /* d */
    const char* text; /* s. Of an argument: good in the call. Of a result: good until the thread calls again */
  } as;
} weir_value;

/* A call that runs. */
typedef struct weir_call weir_call;
/* Why the call fails: copied, UTF-8; NULL: no reason. Gives -1, for the function to return. */
int32_t weir_call_fail(weir_call* call, const char* message);

/* Rows together. Where a call for each row costs more than what it does (an interpreter, a loop that vectorizes), a
 * function takes up to WEIR_ROWS_MAX rows at once: evaluate_rows, lift_rows, retract_rows. Threads, answers and
 * lifetime are as above: arrays and texts of arguments are good in the call, a text of a result until the thread calls
 * the function again, and a failure is that of the whole call, which ends the job. How many rows come together depends
 * on the data, the batches and the filters, from 1 on: what is computed for a row may not depend on it.
 *
 * Values of a column stand beside one another: b uint8_t (0, 1), i int32_t, l int64_t, d double, s weir_text. Where a
 * row is NULL its value says nothing. */
#define WEIR_ROWS_MAX 256
typedef struct weir_text {
  const char* text; /* no zero ends it */
  uint32_t bytes;
  uint32_t unused;
} weir_text;
typedef struct weir_column {
  const void* values;
  const uint8_t* is_null; /* a byte a row, 1: NULL. NULL: no row is NULL */
  const void* unused;
} weir_column;
typedef struct weir_results {
  void* values;     /* come as zeros */
  uint8_t* is_null; /* comes as 0 for every row */
  void* unused;
} weir_results;
/* The states of rows: that of row r is of_row[r] * stride bytes behind `first`. Rows of one group have one state. */
typedef struct weir_states {
  void* first;
  size_t stride;
  const uint32_t* of_row;
  const void* unused;
} weir_states;

/* A scalar function. A row with a NULL argument gives NULL and is not asked. */
typedef struct weir_function {
  size_t size;
  const char* name;
  const char* parameters; /* a letter each, at most 16 */
  const char* meaning;    /* one sentence, for the reference; may be NULL */
  uint32_t result;        /* a letter */
  uint32_t unused;
  /* `result` comes as NULL of no text: set is_null to 0 and the value. */
  int32_t (*evaluate)(void* user, weir_call* call, const weir_value* arguments, weir_value* result);
  void* user;
  void (*destroy)(void* user);
  /* In place of evaluate, which is not called then and may be NULL. No row of `arguments` is NULL. */
  int32_t (*evaluate_rows)(void* user, weir_call* call, size_t rows, const weir_column* arguments,
                           const weir_results* results);
} weir_function;
void weir_function_init(weir_function* function, size_t size);
int32_t weir_setup_function(weir_setup* setup, const weir_function* function);

/* An aggregate: what is known of the rows of a group is `state_bytes` bytes, aligned to 8, which may be moved and
 * copied as they are, so that they own nothing. The result may not depend on the order of rows and of combine. With
 * retract and subtract, after which a state has to stand as if the rows had never come, it may stand over results that
 * change, and sliding windows take out what leaves them. As arguments i takes INT and smaller, l all integers, d all
 * numbers (as the nearest double), b BOOLEAN, s CHAR, VARCHAR and STRING; for others there is CAST in SQL. */
typedef struct weir_aggregate {
  size_t size;
  const char* name;
  const char* parameters;                      /* a letter each, 1 to 16 */
  const char* meaning;                         /* may be NULL */
  uint32_t result;                             /* a letter */
  uint32_t takes_nulls;                        /* 1: rows with a NULL argument come too; default 0: they are left out */
  size_t state_bytes;                          /* 1 … 4096 */
  void (*initialize)(void* user, void* state); /* of zeros makes a state without rows; NULL: zeros are one */
  /* Adds a row. */
  int32_t (*lift)(void* user, weir_call* call, void* state, const weir_value* arguments);
  /* Adds what is in `from`, which stays as it is. */
  int32_t (*combine)(void* user, weir_call* call, void* state, const void* from);
  /* The result, as that of a scalar function. */
  int32_t (*lower)(void* user, weir_call* call, const void* state, weir_value* result);
  /* The inverse of lift (or retract_rows below) and that of combine: both or, NULL, neither. */
  int32_t (*retract)(void* user, weir_call* call, void* state, const weir_value* arguments);
  int32_t (*subtract)(void* user, weir_call* call, void* state, const void* what);
  void* user;
  void (*destroy)(void* user);
  /* In place of lift and retract, which are not called then and may be NULL. States meet, and give results, one by one:
   * that happens once a group, not once a row. */
  int32_t (*lift_rows)(void* user, weir_call* call, size_t rows, const weir_states* states,
                       const weir_column* arguments);
  int32_t (*retract_rows)(void* user, weir_call* call, size_t rows, const weir_states* states,
                          const weir_column* arguments);
} weir_aggregate;
void weir_aggregate_init(weir_aggregate* aggregate, size_t size);
int32_t weir_setup_aggregate(weir_setup* setup, const weir_aggregate* aggregate);

/* ---- Jobs ----------------------------------------------------------------------------------------------------- */

/* Plans the SQL text and takes all memory. `name` stands in messages; NULL: "job.sql". The setup may be freed or
 * changed afterwards. The error is the text of all that is wrong with the SQL, with lines and carets. */
weir_job* weir_job_new(const weir_setup* setup, const char* sql, const char* name);
/* Stops it where it runs. */
void weir_job_free(weir_job* job);
/* Starts the shards' threads; in the other modes nothing has to be started, and this says WEIR_OK. */
int32_t weir_job_start(weir_job* job);
/* Ends every input as if it ended here; windows give their results. */
int32_t weir_job_drain(weir_job* job);
/* Ends now. */
int32_t weir_job_stop(weir_job* job);
/* WEIR_MODE_POLL: up to `turns` turns of every shard, none waiting. `work` (may be NULL): what was done. WEIR_END once
 * the job has ended. */
int32_t weir_job_poll(weir_job* job, uint32_t turns, uint64_t* work);
/* Until the end, at most `timeout_ns` (negative: without bound), or WEIR_NOTHING. The error is what the job failed
 * with. In WEIR_MODE_POLL the calling thread runs it. */
int32_t weir_job_wait(weir_job* job, int64_t timeout_ns);

typedef struct weir_progress {
  size_t size;
  uint64_t rows_in, bytes_in, rows_out, late, malformed, dropped;
  int64_t watermark; /* nanoseconds; the least int64 before the first, the greatest after the last */
  uint32_t finished;
  uint32_t unused;
} weir_progress;
int32_t weir_job_progress(weir_job* job, weir_progress* progress);
/* All counts of a run, as JSON; good until the next call or weir_job_free. NULL before the end. */
const char* weir_job_ledger(weir_job* job);

/* ---- Writers -------------------------------------------------------------------------------------------------- */

/* Writer `number` of a table that writers feed; each number once. */
weir_writer* weir_job_writer(weir_job* job, const char* table, uint32_t number);
/* Ends its input. */
void weir_writer_free(weir_writer* writer);
/* Appends structs from the front; `taken` says how many. Seen by the job when it returns; in WEIR_MODE_INLINE answered.
 * WEIR_FULL, WEIR_CLOSED, or an error where a value does not fit its column: the struct behind the last one taken. */
int32_t weir_writer_append(weir_writer* writer, const void* structs, size_t count, size_t* taken);
/* The same, waiting for room for at most `timeout_ns`. Not in WEIR_MODE_POLL from the thread that polls. */
int32_t weir_writer_append_wait(weir_writer* writer, const void* structs, size_t count, int64_t timeout_ns,
                                size_t* taken);
/* No row with event time <= watermark (nanoseconds) follows that is not late. */
int32_t weir_writer_heartbeat(weir_writer* writer, int64_t watermark);
int32_t weir_writer_end(weir_writer* writer);

/* ---- Readers -------------------------------------------------------------------------------------------------- */

weir_reader* weir_job_reader(weir_job* job, const char* table);
void weir_reader_free(weir_reader* reader);
/* The columns of its batches: row_kind, then the table's. The caller releases it. */
int32_t weir_reader_schema(weir_reader* reader, struct ArrowSchema* schema);
/* The next batch, which is the caller's to release, waiting at most `timeout_ns` (negative: without bound).
 * WEIR_NOTHING, WEIR_END, or what the job failed with. In WEIR_MODE_POLL the calling thread runs the job meanwhile. */
int32_t weir_reader_next(weir_reader* reader, int64_t timeout_ns, struct ArrowArray* array);
/* Up to `room` rows as structs; `rows` says how many, 0 where there are none now. */
int32_t weir_reader_structs(weir_reader* reader, size_t stride, const weir_field* fields, size_t count);
int32_t weir_reader_read(weir_reader* reader, void* structs, size_t room, size_t* rows);
/* All batches as an Arrow stream, in place of weir_reader_next. The stream keeps what it needs: the reader may be
 * freed. */
int32_t weir_reader_stream(weir_reader* reader, struct ArrowArrayStream* stream);

#ifdef __cplusplus
}
#endif
