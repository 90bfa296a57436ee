// Kernels with one planted fault each, by which the emulated device's tests show that it finds them, and where.

namespace faulty {

KERNEL(64, faulty_none, float *out) {
	SHARED(float, s, 64);
	int i = threadIdx.x;
	s[i] = (float)i;
	__syncthreads();
	out[blockIdx.x * 64 + i] = s[63 - i];
}

KERNEL(64, faulty_no_barrier, float *out) {
	SHARED(float, s, 64);
	int i = threadIdx.x;
	s[i] = (float)i;
	out[i] = s[63 - i];
}

// A warp's own lanes need a __syncwarp too.
KERNEL(32, faulty_no_syncwarp, float *out) {
	SHARED(float, s, 32);
	int i = threadIdx.x;
	s[i] = (float)i;
	out[i] = s[i ^ 1];
}

// The barrier after reading, before the next round overwrites.
KERNEL(64, faulty_overwrite, float *out) {
	SHARED(float, s, 64);
	int i = threadIdx.x;
	float sum = 0;
	for (int round = 0; round < 2; round++) {
		s[i] = (float)(i + round);
		__syncthreads();
		sum += s[63 - i];
	}
	out[i] = sum;
}

KERNEL(64, faulty_write_past_end, float *out, int n) {
	int i = blockIdx.x * 64 + threadIdx.x;
	if (i <= n) out[i] = 1;
}

KERNEL(64, faulty_read_past_end, float *out, const float *in, int n) {
	int i = threadIdx.x;
	if (i <= n) out[i] = in[i];
}

KERNEL(64, faulty_uninitialised, float *out) {
	SHARED(float, s, 64);
	int i = threadIdx.x;
	if (i != 17) s[i] = 1;
	__syncthreads();
	out[i] = s[i];
}

KERNEL(64, faulty_shared_past_end, float *out) {
	SHARED_DYNAMIC(float, s);
	int i = threadIdx.x;
	s[i + 1] = 1;
	__syncthreads();
	out[i] = s[i + 1];
}

KERNEL(64, faulty_divergent_barrier, float *out) {
	int i = threadIdx.x;
	if (i < 32) __syncthreads();
	out[i] = 1;
}

KERNEL(64, faulty_lost_lane, float *out) {
	int i = threadIdx.x;
	if (i == 40) return;
	out[i] = __shfl_xor_sync(0xffffffffu, (float)i, 1);
}

KERNEL(64, faulty_between_blocks, float *out) {
	int i = threadIdx.x;
	out[i] = (float)blockIdx.x;
}

KERNEL(32, faulty_misaligned, float *out) {
	float *p = out + 1;
	emu_check_aligned(p, 16);
	*p = 1;
}

KERNEL(32, faulty_no_wait, float *out, const float *in) {
	SHARED(float, s, 32 * 4);
	int i = threadIdx.x;
	emu_cp_async16(s + 4 * i, in + 4 * i, 16);
	emu_cp_async_commit();
	__syncwarp();
	out[i] = s[4 * i];
}

KERNEL(32, faulty_null, float *out) { out[threadIdx.x] = 1; }

} // namespace faulty
