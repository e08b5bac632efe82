#pragma once

#include "controller/ports/store.h"

namespace zoe {

// Everything that the store holds, as it was at one revision: also while others write, and though a
// listing may show later versions of some objects than of others. Bounded: kUnavailable StoreBusy
// if within 30 s there is no moment at which what was read fits together; else the store's errors.
Expected<Listing> TakeCut(Store& store);

}  // namespace zoe
