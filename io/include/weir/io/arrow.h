// Arrow C data interface: batches out to, and rows in from, whatever speaks Arrow (pyarrow, polars, DuckDB, …), in one
// process and without linking Arrow. Source: Apache Arrow, "The Arrow C data interface" and "The Arrow C stream
// interface", format 1.5; the three structs below are that ABI, letter for letter.
//
//   Weir type                      Arrow format        out           in
//   BOOLEAN                        b                   packed        unpacked
//   TINYINT … BIGINT, FLOAT,
//   DOUBLE, DATE                   c s i l f g tdD     no copy       no copy; also narrower integers, C S I, f → g
//   TIME(p)                        ttn                 no copy       tts ttm ttu ttn
//   TIMESTAMP(p), TIMESTAMP_LTZ(p) tsn:  tsn:UTC       no copy       tss tsm tsu tsn, with a zone for LTZ alone
//   DECIMAL(p, s)                  d:p,s               above 18      d:p,s of 32, 64, 128 bits, same scale
//                                                      digits none
//   STRING, BYTES                  u z                 copied        u U vu, z Z vz: bytes stay where they are
//   INTERVAL DAY, YEAR TO MONTH    tDn tiM             no copy       tDs tDm tDu tDn tiM
//
// "No copy" in asks for values at a 64-byte boundary, as Arrow's own allocators give them; others are copied.
#pragma once

#include <cstdint>

#include "weir/core/batch.h"
#include "weir/core/result.h"
#include "weir/core/type.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

}  // extern "C"
#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

extern "C" {

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

}  // extern "C"
#endif  // ARROW_C_STREAM_INTERFACE

namespace weir {

/// Who keeps the memory of an exported batch.
enum class ArrowMemory : std::uint8_t {
  kBorrowed,  ///< The batch, where no copy is needed: it must not change before the array is released.
  kCopied,    ///< The array.
};

/// The schema as a struct of its columns. `with_kinds`: in front of them an int8 column "row_kind" (RowKind's numbers).
/// Errors: kUnsupported (ROW, ARRAY, MAP). Allocates. Thread: any; so may the release.
Result<void> export_schema(const Schema& schema, bool with_kinds, ArrowSchema* out);

/// The selected rows as a struct array in the form of export_schema. A batch with a selection is packed, so its columns
/// are copied. Requires: the batch's columns are the schema's. Errors: kUnsupported; kLimitExceeded (a column's strings
/// come to 2 GiB). Allocates. Thread: the batch's owner; the release: any where the memory is copied.
Result<void> export_batch(const Batch& batch, const Schema& schema, bool with_kinds, ArrowMemory memory,
                          ArrowArray* out);

}  // namespace weir
