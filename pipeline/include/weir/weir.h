// The one header that a program embedding Weir needs: jobs made of SQL or of plans, batches, results and errors. It
// costs little to compile and brings in neither an io library nor SIMD intrinsics.
#pragma once

#include "weir/core/batch.h"
#include "weir/core/clock.h"
#include "weir/core/result.h"
#include "weir/core/type.h"
#include "weir/io/connector.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/engine.h"
#include "weir/pipeline/function_catalogue.h"
#include "weir/pipeline/job.h"
#include "weir/pipeline/lookup.h"
#include "weir/pipeline/plan.h"
#include "weir/pipeline/query.h"
#include "weir/pipeline/reader.h"
#include "weir/pipeline/sql.h"
#include "weir/pipeline/struct_fields.h"
#include "weir/pipeline/user_function.h"
#include "weir/pipeline/writer.h"
