//go:build cuda && !cudaemu

#include "cublaslt.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	R_32F = 0, R_16BF = 14, // cudaDataType
	COMPUTE_32F = 68,       // sums in float32, and no operand rounded to TF32
	OP_N = 0, OP_T = 1,
	DESC_TRANSA = 3, DESC_TRANSB = 4, DESC_EPILOGUE = 7, DESC_BIAS_POINTER = 8,
	EPILOGUE_BIAS = 4,
	REDUCTION_COMPUTE_TYPE = 2,
	PREF_MAX_WORKSPACE = 1, PREF_REDUCTION_MASK = 3, PREF_ALIGNMENT_A = 5, PREF_ALIGNMENT_D = 8,
};

typedef struct { uint64_t data[8]; } algorithm;

typedef struct {
	algorithm algo;
	size_t workspace;
	int state;
	float waves;
	int reserved[4];
} heuristic;

#define FUNCTIONS \
	X(Create, (void **handle)) \
	X(Destroy, (void *handle)) \
	X(MatmulDescCreate, (void **desc, int compute, int scale)) \
	X(MatmulDescDestroy, (void *desc)) \
	X(MatmulDescSetAttribute, (void *desc, int attribute, const void *value, size_t bytes)) \
	X(MatrixLayoutCreate, (void **layout, int type, uint64_t rows, uint64_t cols, int64_t ld)) \
	X(MatrixLayoutDestroy, (void *layout)) \
	X(MatmulPreferenceCreate, (void **pref)) \
	X(MatmulPreferenceDestroy, (void *pref)) \
	X(MatmulPreferenceSetAttribute, (void *pref, int attribute, const void *value, size_t bytes)) \
	X(MatmulAlgoGetHeuristic, (void *handle, void *desc, void *a, void *b, void *c, void *d, void *pref, int most, heuristic *results, int *found)) \
	X(Matmul, (void *handle, void *desc, const void *alpha, const void *a, void *la, const void *b, void *lb, const void *beta, const void *c, void *lc, \
		void *d, void *ld, const algorithm *algo, void *workspace, size_t bytes, void *stream))

#define X(name, args) static int(*lt##name) args;
FUNCTIONS
#undef X

static int bind(void *library, char *why, size_t n) {
#define X(name, args) \
	*(void **)&lt##name = dlsym(library, "cublasLt" #name); \
	if (!lt##name) { snprintf(why, n, "it has no cublasLt" #name); return -1; }
	FUNCTIONS
#undef X
	return 0;
}

int dm_lt_open(char *found, char *why, size_t n) {
	const char *named = getenv("DMTRAIN_CUBLASLT");
	const char *names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so"};
	size_t count = sizeof names / sizeof *names;
	if (named) names[0] = named, count = 1;
	for (size_t i = 0; i < count; i++) {
		void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!library) continue;
		snprintf(found, n, "%s", names[i]);
		return bind(library, why, n);
	}
	if (named) snprintf(why, n, "DMTRAIN_CUBLASLT: %s", dlerror());
	else snprintf(why, n, "libcublasLt.so.13, .12, .11 and libcublasLt.so were not found; DMTRAIN_CUBLASLT names another");
	return -1;
}

void *dm_lt_create(int *status) {
	void *handle = NULL;
	*status = ltCreate(&handle);
	return *status ? NULL : handle;
}

void dm_lt_destroy(void *handle) { ltDestroy(handle); }

// Row-major C = A·B is column-major Cᵀ = Bᵀ·Aᵀ, in the same memory: so the library's first matrix is our B and its second our A, each
// with its own transposition, and a bias along our rows is one down its columns.
struct dm_plan {
	void *desc, *b, *a, *c; // layouts of our B, A and C
	algorithm algo;
	int has_bias, has_add;
};

#define TRY(call) do { *status = (call); if (*status) { *failed = #call; goto fail; } } while (0)

static int layouts(dm_plan *p, const dm_shape *s, const char **failed, int *status) {
	int in = s->bf16 ? R_16BF : R_32F, out = s->bf16_c ? R_16BF : R_32F;
	uint64_t m = (uint64_t)s->m, n = (uint64_t)s->n, k = (uint64_t)s->k;
	TRY(ltMatrixLayoutCreate(&p->b, in, s->trans_b ? k : n, s->trans_b ? n : k, s->trans_b ? s->k : s->n));
	TRY(ltMatrixLayoutCreate(&p->a, in, s->trans_a ? m : k, s->trans_a ? k : m, s->trans_a ? s->m : s->k));
	TRY(ltMatrixLayoutCreate(&p->c, out, n, m, s->n));
	return 0;
fail:
	return -1;
}

// describe sets a bias as well, any one: the choice of an algorithm asks for it.
static int describe(dm_plan *p, const dm_shape *s, uint64_t bias, const char **failed, int *status) {
	int32_t first = s->trans_b ? OP_T : OP_N, second = s->trans_a ? OP_T : OP_N;
	uint32_t epilogue = EPILOGUE_BIAS;
	TRY(ltMatmulDescCreate(&p->desc, COMPUTE_32F, R_32F));
	TRY(ltMatmulDescSetAttribute(p->desc, DESC_TRANSA, &first, sizeof first));
	TRY(ltMatmulDescSetAttribute(p->desc, DESC_TRANSB, &second, sizeof second));
	if (s->bias) {
		TRY(ltMatmulDescSetAttribute(p->desc, DESC_EPILOGUE, &epilogue, sizeof epilogue));
		TRY(ltMatmulDescSetAttribute(p->desc, DESC_BIAS_POINTER, &bias, sizeof bias));
	}
	return 0;
fail:
	return -1;
}

// Only algorithms that sum a product's terms in a fixed order: the same bits every time. A long sum may be cut into parts, which lie beside
// each other in the workspace, in float32, until a second kernel adds them up; it may not be gathered in place.
static int choose(void *handle, dm_plan *p, const dm_shape *s, size_t workspace, const char **failed, int *status) {
	void *pref = NULL;
	uint32_t reductions = REDUCTION_COMPUTE_TYPE, alignment = (uint32_t)s->alignment;
	uint64_t bytes = workspace;
	heuristic best;
	int found = 0;
	TRY(ltMatmulPreferenceCreate(&pref));
	TRY(ltMatmulPreferenceSetAttribute(pref, PREF_MAX_WORKSPACE, &bytes, sizeof bytes));
	TRY(ltMatmulPreferenceSetAttribute(pref, PREF_REDUCTION_MASK, &reductions, sizeof reductions));
	for (int operand = PREF_ALIGNMENT_A; operand <= PREF_ALIGNMENT_D; operand++)
		TRY(ltMatmulPreferenceSetAttribute(pref, operand, &alignment, sizeof alignment));
	TRY(ltMatmulAlgoGetHeuristic(handle, p->desc, p->b, p->a, p->c, p->c, pref, 1, &best, &found));
	if (!found || best.state) {
		*status = found ? best.state : 15; // CUBLAS_STATUS_NOT_SUPPORTED
		*failed = "cublasLtMatmulAlgoGetHeuristic, which knows no algorithm";
		goto fail;
	}
	p->algo = best.algo;
	ltMatmulPreferenceDestroy(pref);
	return 0;
fail:
	if (pref) ltMatmulPreferenceDestroy(pref);
	return -1;
}

dm_plan *dm_lt_plan(void *handle, const dm_shape *s, uint64_t bias, size_t workspace, const char **failed, int *status) {
	dm_plan *p = calloc(1, sizeof *p);
	if (!p) return NULL;
	p->has_bias = s->bias;
	p->has_add = s->add;
	if (layouts(p, s, failed, status) || describe(p, s, bias, failed, status) || choose(handle, p, s, workspace, failed, status)) {
		dm_lt_free(p);
		return NULL;
	}
	return p;
}

void dm_lt_free(dm_plan *p) {
	if (p->desc) ltMatmulDescDestroy(p->desc);
	if (p->a) ltMatrixLayoutDestroy(p->a);
	if (p->b) ltMatrixLayoutDestroy(p->b);
	if (p->c) ltMatrixLayoutDestroy(p->c);
	free(p);
}

int dm_lt_matmul(void *handle, dm_plan *p, uint64_t a, uint64_t b, uint64_t c, uint64_t add, uint64_t bias, uint64_t workspace, size_t bytes, void *stream, const char **failed) {
	float alpha = 1, beta = p->has_add ? 1 : 0;
	int code, *status = &code;
	if (p->has_bias) TRY(ltMatmulDescSetAttribute(p->desc, DESC_BIAS_POINTER, &bias, sizeof bias));
	TRY(ltMatmul(handle, p->desc, &alpha, (void *)b, p->b, (void *)a, p->a, &beta, (void *)(p->has_add ? add : c), p->c,
		(void *)c, p->c, &p->algo, (void *)workspace, bytes, stream));
	return 0;
fail:
	return code;
}
