// The exchange of the engine, compiled once.
#include "weir/core/exchange.h"

namespace weir {

template class BasicExchange<ParkingAtomics>;

}  // namespace weir
