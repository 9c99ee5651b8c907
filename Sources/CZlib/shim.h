#pragma once
#include <zlib.h>

// inflateInit2 is a macro. 15 is the largest window; 16 more says that a gzip header and trailer are expected, whose
// CRC-32 and length zlib then checks.
static inline int sluice_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
