//go:build cudaemu

// Warp instructions of the emulated device: shuffles and votes (through emu_collective) and the tensor-core instructions, with
// the fragment layouts of the PTX ISA.

#include "internal.h"

#include <string.h>

static void release_warp(emu_warp *w, uint32_t first) {
	w->arrived = 0;
	for (uint32_t i = 0; i < EMU_WARP; i++) emu_threads[first + i].state = EMU_READY;
}

void emu_collective(const char *name, emu_exec exec, void *operands) {
	emu_thread *self = emu_now.self;
	emu_warp *w = &emu_now.warps[self->warp];
	if (!w->arrived) w->name = name;
	else if (strcmp(w->name, name)) emu_fault("%s, while other lanes of the warp are at %s", name, w->name);
	w->operands[self->place.lane] = operands;
	if (++w->arrived < EMU_WARP) {
		self->state = EMU_AT_WARP;
		self->waits_for = w->name;
		emu_yield();
		return;
	}
	if (exec) exec(w->operands);
	release_warp(w, self->warp * EMU_WARP);
}

static float bf16(uint32_t bits) {
	bits <<= 16;
	float f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static float half_of(uint32_t pair, int i) { return bf16(pair >> (16 * i) & 0xffff); }

// PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type": groupID = lane/4, t = lane%4;
// a[r] holds rows groupID + 8·(r&1), columns 2t + 8·(r>>1) and the next; b[r] holds rows 2t + 8r and the next, column groupID;
// c[r] row groupID + 8·(r>>1), column 2t + (r&1).
static void mma(void *const lanes[EMU_WARP]) {
	float a[16][16], b[16][8], c[16][8];
	for (int lane = 0; lane < EMU_WARP; lane++) {
		const emu_mma_operands *o = lanes[lane];
		int group = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++)
			for (int i = 0; i < 2; i++) a[group + 8 * (r & 1)][2 * t + 8 * (r >> 1) + i] = half_of(o->a[r], i);
		for (int r = 0; r < 2; r++)
			for (int i = 0; i < 2; i++) b[2 * t + 8 * r + i][group] = half_of(o->b[r], i);
		for (int r = 0; r < 4; r++) c[group + 8 * (r >> 1)][2 * t + (r & 1)] = o->c[r];
	}
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 16; k++)
			for (int j = 0; j < 8; j++) c[i][j] += a[i][k] * b[k][j];
	for (int lane = 0; lane < EMU_WARP; lane++) {
		emu_mma_operands *o = lanes[lane];
		int group = lane / 4, t = lane % 4;
		for (int r = 0; r < 4; r++) o->c[r] = c[group + 8 * (r >> 1)][2 * t + (r & 1)];
	}
}

void emu_mma_m16n8k16_bf16(emu_mma_operands *o) { emu_collective("mma.m16n8k16", mma, o); }

typedef struct {
	const void *row;
	uint32_t out[4];
	int count, transpose;
} ldmatrix_operands;

// PTX ISA, ldmatrix: lanes 8m … 8m+7 give the rows of matrix m; lane l receives row l/4, columns 2(l%4) and the next,
// or with .trans column l/4, rows 2(l%4) and the next.
static void ldmatrix(void *const lanes[EMU_WARP]) {
	const ldmatrix_operands *first = lanes[0];
	for (int m = 0; m < first->count; m++) {
		uint16_t rows[8][8];
		for (int r = 0; r < 8; r++) memcpy(rows[r], ((const ldmatrix_operands *)lanes[8 * m + r])->row, 16);
		for (int lane = 0; lane < EMU_WARP; lane++) {
			int i = lane / 4, j = 2 * (lane % 4);
			uint16_t lo = first->transpose ? rows[j][i] : rows[i][j];
			uint16_t hi = first->transpose ? rows[j + 1][i] : rows[i][j + 1];
			((ldmatrix_operands *)lanes[lane])->out[m] = lo | (uint32_t)hi << 16;
		}
	}
}

void emu_ldmatrix(uint32_t *out, int count, int transpose, const void *row) {
	ldmatrix_operands o = {.row = row, .count = count, .transpose = transpose};
	if ((int)emu_now.self->place.lane < 8 * count) {
		emu_check_aligned(row, 16);
		emu_on_warp_read((uintptr_t)row, 16);
	}
	emu_collective("ldmatrix", ldmatrix, &o);
	memcpy(out, o.out, sizeof *out * (size_t)count);
}
