//go:build cuda && !cudaemu

// libcuda.so.1 comes with the NVIDIA driver, and a program linked to it does not even start where there is none. So every
// function of it that this program uses is defined here, as a jump through a slot that dm_libcuda_open fills from the library once a
// device is asked for. Linked with -Wl,--as-needed, the program then needs no library of NVIDIA's to start.

#include "libcuda.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

// What gorgonia.org/cu and this package call, under the names that cuda.h's macros give them.
#define SYMBOLS \
	X(cuArray3DCreate_v2) X(cuArray3DGetDescriptor_v2) X(cuArrayCreate_v2) X(cuArrayDestroy) X(cuArrayGetDescriptor_v2) \
	X(cuCtxCreate_v2) X(cuCtxDestroy_v2) X(cuCtxDisablePeerAccess) X(cuCtxEnablePeerAccess) X(cuCtxGetApiVersion) \
	X(cuCtxGetCacheConfig) X(cuCtxGetCurrent) X(cuCtxGetDevice) X(cuCtxGetFlags) X(cuCtxGetLimit) X(cuCtxGetSharedMemConfig) \
	X(cuCtxGetStreamPriorityRange) X(cuCtxPopCurrent_v2) X(cuCtxPushCurrent_v2) X(cuCtxResetPersistingL2Cache) \
	X(cuCtxSetCacheConfig) X(cuCtxSetCurrent) X(cuCtxSetLimit) X(cuCtxSetSharedMemConfig) X(cuCtxSynchronize) \
	X(cuDeviceCanAccessPeer) X(cuDeviceGet) X(cuDeviceGetAttribute) X(cuDeviceGetCount) \
	X(cuDeviceGetName) X(cuDeviceGetP2PAttribute) X(cuDeviceGetUuid) X(cuDeviceGetUuid_v2) X(cuDevicePrimaryCtxGetState) \
	X(cuDevicePrimaryCtxRelease_v2) X(cuDevicePrimaryCtxReset_v2) X(cuDevicePrimaryCtxRetain) X(cuDevicePrimaryCtxSetFlags_v2) \
	X(cuDeviceTotalMem_v2) X(cuDriverGetVersion) X(cuEventCreate) X(cuEventDestroy_v2) X(cuEventElapsedTime) X(cuEventQuery) \
	X(cuEventRecord) X(cuEventSynchronize) X(cuFuncGetAttribute) X(cuFuncSetAttribute) X(cuFuncSetCacheConfig) \
	X(cuFuncSetSharedMemConfig) X(cuGetErrorName) X(cuGetErrorString) X(cuGraphAddChildGraphNode) X(cuGraphAddDependencies) \
	X(cuGraphAddEmptyNode) X(cuGraphAddHostNode) X(cuGraphAddKernelNode) X(cuGraphAddKernelNode_v2) X(cuGraphAddMemcpyNode) \
	X(cuGraphAddMemsetNode) X(cuGraphClone) X(cuGraphCreate) X(cuGraphDestroy) X(cuGraphDestroyNode) X(cuGraphExecDestroy) \
	X(cuGraphGetEdges) X(cuGraphInstantiateWithFlags) X(cuGraphLaunch) X(cuLaunchKernel) X(cuLinkAddData_v2) X(cuLinkAddFile_v2) \
	X(cuLinkComplete) X(cuLinkCreate_v2) X(cuLinkDestroy) X(cuMemAdvise) X(cuMemAllocManaged) X(cuMemAllocPitch_v2) \
	X(cuMemAlloc_v2) X(cuMemFreeHost) X(cuMemFree_v2) X(cuMemGetAddressRange_v2) X(cuMemGetInfo_v2) X(cuMemHostAlloc) \
	X(cuMemPrefetchAsync) X(cuMemcpy) X(cuMemcpy2DAsync_v2) X(cuMemcpy2DUnaligned_v2) X(cuMemcpy2D_v2) X(cuMemcpy3DAsync_v2) \
	X(cuMemcpy3DPeer) X(cuMemcpy3DPeerAsync) X(cuMemcpy3D_v2) X(cuMemcpyAsync) X(cuMemcpyAtoA_v2) X(cuMemcpyAtoD_v2) \
	X(cuMemcpyAtoHAsync_v2) X(cuMemcpyAtoH_v2) X(cuMemcpyDtoA_v2) X(cuMemcpyDtoDAsync_v2) X(cuMemcpyDtoD_v2) \
	X(cuMemcpyDtoHAsync_v2) X(cuMemcpyDtoH_v2) X(cuMemcpyHtoAAsync_v2) X(cuMemcpyHtoA_v2) X(cuMemcpyHtoDAsync_v2) \
	X(cuMemcpyHtoD_v2) X(cuMemcpyPeer) X(cuMemcpyPeerAsync) X(cuMemsetD16Async) X(cuMemsetD16_v2) X(cuMemsetD2D16Async) \
	X(cuMemsetD2D16_v2) X(cuMemsetD2D32Async) X(cuMemsetD2D32_v2) X(cuMemsetD2D8Async) X(cuMemsetD2D8_v2) X(cuMemsetD32Async) \
	X(cuMemsetD32_v2) X(cuMemsetD8Async) X(cuMemsetD8_v2) X(cuModuleGetFunction) X(cuModuleGetGlobal_v2) X(cuModuleGetSurfRef) \
	X(cuModuleGetTexRef) X(cuModuleLoad) X(cuModuleLoadData) X(cuModuleLoadDataEx) X(cuModuleLoadFatBinary) X(cuModuleUnload) \
	X(cuOccupancyMaxActiveBlocksPerMultiprocessor) X(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags) \
	X(cuPointerGetAttribute) X(cuPointerSetAttribute) X(cuStreamAttachMemAsync) X(cuStreamBeginCapture_v2) X(cuStreamCreate) \
	X(cuStreamCreateWithPriority) X(cuStreamDestroy_v2) X(cuStreamEndCapture) X(cuStreamGetFlags) X(cuStreamGetPriority) \
	X(cuStreamQuery) X(cuStreamSynchronize) X(cuStreamWaitEvent) X(cuStreamWaitValue32) X(cuStreamWaitValue32_v2) \
	X(cuStreamWriteValue32) X(cuStreamWriteValue32_v2) X(cuSurfRefGetArray) X(cuSurfRefSetArray) X(cuTexRefGetAddressMode) \
	X(cuTexRefGetAddress_v2) X(cuTexRefGetArray) X(cuTexRefGetBorderColor) X(cuTexRefGetFilterMode) X(cuTexRefGetFlags) \
	X(cuTexRefGetFormat) X(cuTexRefGetMaxAnisotropy) X(cuTexRefSetAddress2D_v3) X(cuTexRefSetAddressMode) \
	X(cuTexRefSetAddress_v2) X(cuTexRefSetArray) X(cuTexRefSetBorderColor) X(cuTexRefSetFilterMode) X(cuTexRefSetFlags) \
	X(cuTexRefSetFormat) X(cuTexRefSetMaxAnisotropy) X(cuTexRefSetMipmapFilterMode) X(cuTexRefSetMipmapLevelBias) \
	X(cuTexRefSetMipmapLevelClamp)

enum { NOT_INITIALIZED = 3 }; // CUDA_ERROR_NOT_INITIALIZED

static int missing(void) { return NOT_INITIALIZED; }

#if defined(__x86_64__)
#define JUMP(name) "	jmp *slot_" #name "(%rip)\n"
#elif defined(__aarch64__)
#define JUMP(name) "	adrp x16, slot_" #name "\n	ldr x16, [x16, #:lo12:slot_" #name "]\n	br x16\n"
#else
#error "no way known to jump through a slot on this processor"
#endif

#define X(name) \
	static void *slot_##name __attribute__((used)) = (void *)missing; \
	__asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n" JUMP(name) ".size " #name ", .-" #name "\n");
SYMBOLS
#undef X

static struct {
	const char *name;
	void **slot;
} slots[] = {
#define X(name) {#name, &slot_##name},
	SYMBOLS
#undef X
};

// gorgonia.org/cu calls this when the program starts, and ends the program if it fails. Whether there is a driver and a
// device is not asked before one is wanted.
int cuInit(unsigned flags) { return (void)flags, 0; }

static void *library;

int dm_libcuda_open(char *why, size_t n) {
	if (library) return 0;
	const char *name = getenv("DMTRAIN_LIBCUDA");
	library = dlopen(name ? name : "libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		snprintf(why, n, "%s", dlerror());
		return -1;
	}
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
		void *f = dlsym(library, slots[i].name);
		if (f) *slots[i].slot = f;
	}
	return 0;
}

int dm_cuda_init(void) {
	int (*init)(unsigned) = (int (*)(unsigned))(uintptr_t)dlsym(library, "cuInit");
	return init ? init(0) : NOT_INITIALIZED;
}
