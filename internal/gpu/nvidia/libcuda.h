// The driver's library, looked for at run time.
#ifndef DMTRAIN_LIBCUDA_H
#define DMTRAIN_LIBCUDA_H

#include <stddef.h>

int dm_libcuda_open(char *why, size_t n); // 0, or -1 with the loader's words in why
int dm_cuda_init(void);                   // the real cuInit

#endif
