#pragma once
#include <errno.h>

#define RETRY(call)                   \
  ({                                  \
    __typeof__(call) r_;              \
    do r_ = (call);                   \
    while (r_ < 0 && errno == EINTR); \
    r_ < 0 ? -errno : r_;             \
  })
