// A cuBLASLt for tests: it computes on the host, by plain loops, exactly what the descriptors say, and fails on any it does not understand or finds
// inconsistent. Device addresses are those of the emulated driver, which are the host's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { INVALID = 7, UNSUPPORTED = 15 };

typedef struct { int compute, scale, trans[2]; uint32_t epilogue; void *bias; } desc;
typedef struct { int type; uint64_t rows, cols; int64_t ld; } layout;
typedef struct { uint64_t workspace; uint32_t reductions, alignment[4]; } preference;
typedef struct { uint64_t data[8]; } algorithm;
typedef struct { algorithm algo; size_t workspace; int state; float waves; int reserved[4]; } heuristic;

static uint64_t chosen; // algorithms handed out: each carries its number, and works for the descriptors it was chosen for

int cublasLtCreate(void **h) { return *h = malloc(1), 0; }
int cublasLtDestroy(void *h) { return free(h), 0; }

int cublasLtMatmulDescCreate(void **d, int compute, int scale) {
	desc *x = calloc(1, sizeof *x);
	x->compute = compute, x->scale = scale, x->epilogue = 1;
	return *d = x, compute == 68 && scale == 0 ? 0 : UNSUPPORTED;
}
int cublasLtMatmulDescDestroy(void *d) { return free(d), 0; }

int cublasLtMatmulDescSetAttribute(void *d, int attribute, const void *value, size_t n) {
	desc *x = d;
	switch (attribute) {
	case 3: case 4: return n == 4 ? (memcpy(&x->trans[attribute - 3], value, 4), 0) : INVALID;
	case 7: return n == 4 ? (memcpy(&x->epilogue, value, 4), 0) : INVALID;
	case 8: return n == 8 ? (memcpy(&x->bias, value, 8), 0) : INVALID;
	}
	return UNSUPPORTED;
}

int cublasLtMatrixLayoutCreate(void **l, int type, uint64_t rows, uint64_t cols, int64_t ld) {
	layout *x = calloc(1, sizeof *x);
	x->type = type, x->rows = rows, x->cols = cols, x->ld = ld;
	return *l = x, (type == 0 || type == 14) && ld >= (int64_t)rows ? 0 : INVALID;
}
int cublasLtMatrixLayoutDestroy(void *l) { return free(l), 0; }

int cublasLtMatmulPreferenceCreate(void **p) { return *p = calloc(1, sizeof(preference)), ((preference *)*p)->reductions = 7, 0; }
int cublasLtMatmulPreferenceDestroy(void *p) { return free(p), 0; }

int cublasLtMatmulPreferenceSetAttribute(void *p, int attribute, const void *value, size_t n) {
	preference *x = p;
	if (attribute == 1) return n == 8 ? (memcpy(&x->workspace, value, 8), 0) : INVALID;
	if (attribute == 3) return n == 4 ? (memcpy(&x->reductions, value, 4), 0) : INVALID;
	if (attribute >= 5 && attribute <= 8) return n == 4 ? (memcpy(&x->alignment[attribute - 5], value, 4), 0) : INVALID;
	return UNSUPPORTED;
}

// Whether the shapes fit together: op(A) is m×k, op(B) k×n, C and D m×n.
static int fits(const desc *d, const layout *a, const layout *b, const layout *c, const layout *out) {
	uint64_t m = d->trans[0] ? a->cols : a->rows, k = d->trans[0] ? a->rows : a->cols;
	uint64_t kb = d->trans[1] ? b->cols : b->rows, n = d->trans[1] ? b->rows : b->cols;
	return k == kb && c->rows == m && c->cols == n && out->rows == m && out->cols == n && a->type == b->type && c->type == out->type;
}

int cublasLtMatmulAlgoGetHeuristic(void *h, void *d, void *a, void *b, void *c, void *out, void *p, int most, heuristic *results, int *found) {
	const preference *x = p;
	(void)h;
	if (most < 1 || !fits(d, a, b, c, out) || (x->reductions & ~2u) || !x->workspace) return INVALID; // no sums in place
	if ((((desc *)d)->epilogue & 4) && !((desc *)d)->bias) return INVALID;
	memset(results, 0, sizeof *results);
	results->algo.data[0] = ++chosen;
	results->algo.data[1] = (uint64_t)d;
	results->algo.data[2] = x->alignment[0];
	return *found = 1, 0;
}

static float get(const void *p, int type, uint64_t i) {
	if (type == 0) return ((const float *)p)[i];
	uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
	float f;
	return memcpy(&f, &bits, 4), f;
}

static void put(void *p, int type, uint64_t i, float f) {
	if (type == 0) {
		((float *)p)[i] = f;
		return;
	}
	uint32_t bits;
	memcpy(&bits, &f, 4);
	((uint16_t *)p)[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// A product in a stream: what the call said, as it was then.
typedef struct {
	desc d;
	layout a, b, c, out;
	float alpha, beta;
	const void *pa, *pb, *pc;
	void *to;
} product;

static void compute(void *of) {
	const product *p = of;
	const desc *d = &p->d;
	uint64_t k = d->trans[0] ? p->a.rows : p->a.cols;
	for (uint64_t j = 0; j < p->out.cols; j++)
		for (uint64_t i = 0; i < p->out.rows; i++) {
			double sum = 0;
			for (uint64_t l = 0; l < k; l++)
				sum += (double)get(p->pa, p->a.type, d->trans[0] ? i * (uint64_t)p->a.ld + l : l * (uint64_t)p->a.ld + i) *
					get(p->pb, p->b.type, d->trans[1] ? l * (uint64_t)p->b.ld + j : j * (uint64_t)p->b.ld + l);
			float r = p->alpha * (float)sum;
			if (p->beta) r += p->beta * get(p->pc, p->c.type, j * (uint64_t)p->c.ld + i);
			if (d->epilogue & 4) r += get(d->bias, p->out.type, i);
			put(p->to, p->out.type, j * (uint64_t)p->out.ld + i, r);
		}
}

// The product is done when its turn in the stream comes, as often as that is where the stream is being captured: so what it was
// told is never given back.
int cublasLtMatmul(void *h, void *dd, const void *alpha, const void *a, void *la, const void *b, void *lb, const void *beta, const void *c, void *lc,
	void *out, void *lo, const algorithm *algo, void *workspace, size_t bytes, void *stream) {
	(void)h;
	if (algo->data[1] != (uint64_t)dd || !workspace || !bytes || !fits(dd, la, lb, lc, lo)) return INVALID;
	if (((uint64_t)a | (uint64_t)b | (uint64_t)c | (uint64_t)out) % algo->data[2]) return INVALID; // less aligned than was said
	void *driver = dlopen(getenv("DMTRAIN_LIBCUDA"), RTLD_NOW | RTLD_NOLOAD);
	int (*launch)(void *, void (*)(void *), void *) = driver ? (int (*)(void *, void (*)(void *), void *))dlsym(driver, "cuLaunchHostFunc") : NULL;
	product *p = malloc(sizeof *p);
	*p = (product){*(desc *)dd, *(layout *)la, *(layout *)lb, *(layout *)lc, *(layout *)lo, *(const float *)alpha, *(const float *)beta, a, b, c, out};
	return launch && launch(stream, compute, p) == 0 ? 0 : 13;
}
