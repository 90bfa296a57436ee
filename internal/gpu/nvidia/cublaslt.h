// The part of cuBLASLt that this program uses, looked for at run time: its soname changes with each CUDA, and a program linked to one
// would not start beside another. Names, values and layouts are those of cublasLt.h, which have stayed the same from CUDA 11 to 13.
#ifndef DMTRAIN_CUBLASLT_H
#define DMTRAIN_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

// A product as Product has it, of row-major matrices.
typedef struct {
	int m, n, k, trans_a, trans_b;
	int bf16, bf16_c; // A and B, C
	int bias, add;    // whether there are any
	int alignment;    // of all addresses: a power of two up to 256
} dm_shape;

typedef struct dm_plan dm_plan; // how products of a shape are computed

// Opens the library: 0, or -1 with the reason in why. found gets the name it went by.
int dm_lt_open(char *found, char *why, size_t n);
void *dm_lt_create(int *status); // a handle
void dm_lt_destroy(void *handle);

// Chooses how to compute a shape: NULL, and what failed with which status, when it can't be.
dm_plan *dm_lt_plan(void *handle, const dm_shape *s, uint64_t bias, size_t workspace, const char **failed, int *status);
void dm_lt_free(dm_plan *p);

// Computes: 0, or the status and what failed.
int dm_lt_matmul(void *handle, dm_plan *p, uint64_t a, uint64_t b, uint64_t c, uint64_t add, uint64_t bias, uint64_t workspace, size_t bytes, void *stream, const char **failed);

#endif
