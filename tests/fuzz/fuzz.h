/* fuzz.h - the one function of a fuzz target; replay.c calls it where there is no libFuzzer */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes; always 0. Aborts where what the parser says makes no sense. */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
