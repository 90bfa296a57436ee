// An NVIDIA driver that runs the emulated device: the part of the CUDA driver API that dmtrain uses, as a shared library. A program built with
// -tags cuda loads it when DMTRAIN_LIBCUDA names it, and then its whole way to a device is tried where there is none: gorgonia.org/cu,
// contexts, modules, arguments, staging, events, graphs and faults. scripts/build-emulated-driver.sh builds it.
//
// It is as unhelpful as a driver may be. Work on the first stream is queued and done no earlier than somebody waits for it, so that host
// memory reused or read too early gives wrong numbers. Work on any other is done as late as that or at once, by the toss of a coin: streams
// that don't wait for each other where they must give wrong numbers too. What a driver refuses is refused with the driver's code, and the reason is
// printed. A kernel gets of each argument as many bytes as the PTX says that it takes. After a fault every call fails.
//
// DMTRAIN_EMULATE=no-device, old-driver, old-card or small-memory gives a machine on which dmtrain has to give up.

#include <cuda.h>

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "emu.h"

namespace {

using Work = std::function<CUresult()>;

struct Stream {
	std::deque<Work> queue;
	bool first;
};

struct Function {
	std::string name;
	std::vector<int> params; // bytes of each
	int kernel;
	unsigned shared = 48 << 10;
};

// A mark is one recording of an event, in the stream that it was recorded in.
struct Mark {
	Stream *in;
	bool passed = false;
	std::chrono::steady_clock::time_point when;
};

struct Event {
	std::shared_ptr<Mark> mark;
};

std::recursive_mutex lock;
std::vector<std::unique_ptr<Stream>> streams;
std::vector<Work> *capturing; // what is being captured, if anything is
Stream *captured;             // from which
unsigned coins = 1;
std::map<std::string, std::unique_ptr<Function>> functions;
CUresult broken = CUDA_SUCCESS; // what every call fails with after a fault
int context;                    // its address is the context
bool alive;
thread_local bool current;
size_t given, room; // bytes of memory
std::map<uintptr_t, size_t> allocations;

bool emulates(const char *what) {
	const char *e = getenv("DMTRAIN_EMULATE");
	return e && !strcmp(e, what);
}

CUresult refuse(CUresult code, const char *format, ...) {
	va_list args;
	va_start(args, format);
	fputs("emulated driver: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	return code;
}

// Whether a call may be made at all.
CUresult ready(const char *call) {
	if (broken) return broken;
	if (!alive || !current) return refuse(CUDA_ERROR_INVALID_CONTEXT, "%s: no context is current to this thread", call);
	return CUDA_SUCCESS;
}

// Does what is queued in a stream, until done says that it is enough.
CUresult flush(Stream *s, const std::function<bool()> &done) {
	while (!s->queue.empty() && !broken && !done()) {
		Work w = std::move(s->queue.front());
		s->queue.pop_front();
		if (CUresult e = w()) broken = e;
	}
	return broken;
}

CUresult flush(Stream *s) {
	return flush(s, [] { return false; });
}

CUresult flush_all() {
	for (auto &s : streams) flush(s.get());
	return broken;
}

bool toss() { return (coins = coins * 1664525u + 1013904223u) >> 31; }

// Work that the device does later; while its stream is captured, only when the graph is launched.
CUresult later(CUstream stream, Work w) {
	Stream *s = (Stream *)stream;
	if (capturing && s == captured) return capturing->push_back(std::move(w)), CUDA_SUCCESS;
	s->queue.push_back(std::move(w));
	return s->first || toss() ? CUDA_SUCCESS : flush(s);
}

CUresult waits(const char *call) {
	if (CUresult e = ready(call)) return e;
	if (capturing) return refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s while capturing", call);
	return CUDA_SUCCESS;
}

bool on_device(CUdeviceptr p, size_t n) { return emu_valid((uintptr_t)p, n); }

CUresult moves(const char *call, CUdeviceptr p, size_t n) {
	if (CUresult e = ready(call)) return e;
	if (!on_device(p, n)) return refuse(CUDA_ERROR_INVALID_VALUE, "%s: %zu bytes at %#llx are no live device memory", call, n, p);
	return CUDA_SUCCESS;
}

// Reads the entries of a module: their names and the sizes of their parameters.
void read_entries(const char *ptx) {
	for (const char *at = ptx; (at = strstr(at, ".entry "));) {
		at += 7;
		const char *open = strchr(at, '('), *close = strchr(at, ')');
		auto f = std::make_unique<Function>();
		f->name.assign(at, (size_t)(open - at));
		f->kernel = emu_kernel(f->name.c_str());
		for (const char *p = open; (p = strstr(p, ".param .")) && p < close; p += 8) {
			const char *bits = p + 9; // behind the type's letter: .u64, .f32, .b8
			f->params.push_back(atoi(bits) / 8);
		}
		functions[f->name] = std::move(f);
	}
}

} // namespace

extern "C" {

CUresult cuInit(unsigned) {
	if (emulates("no-device")) return CUDA_ERROR_NO_DEVICE;
	std::lock_guard<std::recursive_mutex> hold(lock);
	static bool open = emu_open((size_t)8 << 30) == 0;
	room = emulates("small-memory") ? (size_t)96 << 20 : (size_t)8 << 30;
	return open ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuDriverGetVersion(int *v) { return *v = emulates("old-driver") ? 11040 : 12040, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *n) { return *n = 1, CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *d, int ordinal) { return *d = 0, ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE; }
CUresult cuDeviceGetName(char *name, int n, CUdevice) { return snprintf(name, (size_t)n, "emulated driver"), CUDA_SUCCESS; }
CUresult cuDeviceTotalMem(size_t *n, CUdevice) { return *n = room, CUDA_SUCCESS; }

CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice) {
	switch (a) {
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *v = emulates("old-card") ? 7 : 8; break;
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *v = emulates("old-card") ? 5 : 0; break;
	case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *v = 1; break;
	default: return refuse(CUDA_ERROR_INVALID_VALUE, "attribute %d is not emulated", (int)a);
	}
	return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult code, const char **text) {
	switch (code) {
	case CUDA_SUCCESS: *text = "no error"; break;
	case CUDA_ERROR_INVALID_VALUE: *text = "invalid argument"; break;
	case CUDA_ERROR_OUT_OF_MEMORY: *text = "out of memory"; break;
	case CUDA_ERROR_NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
	case CUDA_ERROR_INVALID_CONTEXT: *text = "invalid device context"; break;
	case CUDA_ERROR_NOT_FOUND: *text = "named symbol not found"; break;
	case CUDA_ERROR_NOT_READY: *text = "device not ready"; break;
	case CUDA_ERROR_ILLEGAL_ADDRESS: *text = "an illegal memory access was encountered"; break;
	case CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: *text = "operation not permitted when stream is capturing"; break;
	default: *text = "an error"; break;
	}
	return CUDA_SUCCESS;
}

// Contexts: one, current to the threads that made it so.

CUresult cuCtxCreate(CUcontext *c, unsigned, CUdevice) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	functions.clear();
	capturing = nullptr;
	broken = CUDA_SUCCESS;
	*c = (CUcontext)&context;
	alive = current = true;
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext c) {
	if (c && c != (CUcontext)&context) return refuse(CUDA_ERROR_INVALID_CONTEXT, "cuCtxSetCurrent: no context of this driver");
	return current = c != nullptr, CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *c) { return *c = current ? (CUcontext)&context : nullptr, CUDA_SUCCESS; }

CUresult cuCtxDestroy(CUcontext) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	flush_all();
	streams.clear();
	for (auto &a : allocations) emu_free(a.first);
	allocations.clear();
	given = 0;
	alive = current = false;
	return CUDA_SUCCESS;
}

// Modules and kernels.

CUresult cuModuleLoadData(CUmodule *m, const void *image) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuModuleLoadData")) return e;
	read_entries((const char *)image);
	return *m = (CUmodule)image, CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule, const char *name) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuModuleGetFunction")) return e;
	auto found = functions.find(name);
	if (found == functions.end()) return CUDA_ERROR_NOT_FOUND;
	if (found->second->kernel < 0) return refuse(CUDA_ERROR_NOT_FOUND, "%s is in the PTX, but not among the emulated kernels", name);
	return *f = (CUfunction)found->second.get(), CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int value) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuFuncSetAttribute")) return e;
	if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > 163 << 10)
		return refuse(CUDA_ERROR_INVALID_VALUE, "attribute %d of a kernel can't be %d", (int)a, value);
	((Function *)f)->shared = (unsigned)value;
	return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params, void **) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuLaunchKernel")) return e;
	Function *f = (Function *)function;
	if (!gx || !gy || !gz || gx > 0x7fffffff || gy > 65535 || gz > 65535) return refuse(CUDA_ERROR_INVALID_VALUE, "%s: no grid has (%u, %u, %u) blocks", f->name.c_str(), gx, gy, gz);
	if (!bx || bx * by * bz > 1024) return refuse(CUDA_ERROR_INVALID_VALUE, "%s: no block has %u × %u × %u threads", f->name.c_str(), bx, by, bz);
	if (shared > f->shared) return refuse(CUDA_ERROR_INVALID_VALUE, "%s: %u bytes of shared memory, allowed are %u", f->name.c_str(), shared, f->shared);
	std::vector<uint64_t> args;
	for (size_t i = 0; i < f->params.size(); i++) {
		uint64_t v = 0;
		memcpy(&v, params[i], (size_t)f->params[i]);
		args.push_back(v);
	}
	return later(stream, [=] {
		if (emu_launch(f->kernel, {gx, gy, gz}, {bx, by, bz}, shared, args.data(), (int)args.size()) == 0) return CUDA_SUCCESS;
		return refuse(CUDA_ERROR_ILLEGAL_ADDRESS, "%s", emu_fault_text());
	});
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn f, void *of) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuLaunchHostFunc")) return e;
	return later(stream, [=] { return f(of), CUDA_SUCCESS; });
}

// Memory.

CUresult cuMemAlloc(CUdeviceptr *p, size_t n) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuMemAlloc")) return e;
	if (given + n > room) return CUDA_ERROR_OUT_OF_MEMORY;
	uintptr_t at = emu_alloc(n);
	if (!at) return CUDA_ERROR_OUT_OF_MEMORY;
	given += allocations[at] = n;
	return *p = at, CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr p) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuMemFree")) return e;
	if (CUresult e = flush_all()) return e;
	auto at = allocations.find((uintptr_t)p);
	if (at == allocations.end()) return refuse(CUDA_ERROR_INVALID_VALUE, "cuMemFree: %#llx was not allocated", p);
	emu_free(at->first);
	given -= at->second;
	allocations.erase(at);
	return CUDA_SUCCESS;
}

CUresult cuMemGetInfo(size_t *free, size_t *total) {
	if (CUresult e = ready("cuMemGetInfo")) return e;
	return *free = room - given, *total = room, CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **p, size_t n, unsigned) {
	if (CUresult e = ready("cuMemHostAlloc")) return e;
	return *p = malloc(n), *p ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuMemFreeHost(void *p) { return free(p), CUDA_SUCCESS; }

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t n, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = moves("cuMemcpyHtoDAsync", to, n)) return e;
	return later(stream, [=] { return memcpy((void *)to, from, n), CUDA_SUCCESS; });
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t n, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = moves("cuMemcpyDtoHAsync", from, n)) return e;
	return later(stream, [=] { return memcpy(to, (const void *)from, n), CUDA_SUCCESS; });
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = moves("cuMemcpyDtoDAsync", to, n)) return e;
	if (CUresult e = moves("cuMemcpyDtoDAsync", from, n)) return e;
	return later(stream, [=] { return memcpy((void *)to, (const void *)from, n), CUDA_SUCCESS; });
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = moves("cuMemsetD8Async", to, n)) return e;
	return later(stream, [=] { return memset((void *)to, v, n), CUDA_SUCCESS; });
}

// Streams and events.

CUresult cuStreamCreate(CUstream *s, unsigned flags) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuStreamCreate")) return e;
	if (flags != CU_STREAM_NON_BLOCKING) return refuse(CUDA_ERROR_INVALID_VALUE, "only streams that don't block are emulated");
	streams.push_back(std::make_unique<Stream>());
	streams.back()->first = streams.size() == 1;
	return *s = (CUstream)streams.back().get(), CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream s) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = waits("cuStreamSynchronize")) return e;
	return flush((Stream *)s);
}

// As the event is now: what is recorded later is not waited for. One that was never recorded has passed.
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult r = ready("cuStreamWaitEvent")) return r;
	std::shared_ptr<Mark> mark = ((Event *)event)->mark;
	if (!mark) return CUDA_SUCCESS;
	return later(stream, [=] { return flush(mark->in, [=] { return mark->passed; }); });
}

CUresult cuEventCreate(CUevent *e, unsigned) {
	if (CUresult r = ready("cuEventCreate")) return r;
	return *e = (CUevent) new Event, CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult r = ready("cuEventRecord")) return r;
	auto mark = std::make_shared<Mark>();
	mark->in = (Stream *)stream;
	((Event *)event)->mark = mark;
	return later(stream, [=] { return mark->passed = true, mark->when = std::chrono::steady_clock::now(), CUDA_SUCCESS; });
}

CUresult cuEventSynchronize(CUevent event) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult r = waits("cuEventSynchronize")) return r;
	std::shared_ptr<Mark> mark = ((Event *)event)->mark;
	return mark ? flush(mark->in, [=] { return mark->passed; }) : CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	std::shared_ptr<Mark> a = ((Event *)from)->mark, b = ((Event *)to)->mark;
	if (!a || !b || !a->passed || !b->passed) return CUDA_ERROR_NOT_READY;
	*ms = std::chrono::duration<float, std::milli>(b->when - a->when).count();
	return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent e) { return delete (Event *)e, CUDA_SUCCESS; }

// Graphs.

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = waits("cuStreamBeginCapture")) return e;
	captured = (Stream *)stream;
	return capturing = new std::vector<Work>, CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream, CUgraph *g) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuStreamEndCapture")) return e;
	if (!capturing) return refuse(CUDA_ERROR_ILLEGAL_STATE, "nothing is being captured");
	*g = (CUgraph)capturing;
	return capturing = nullptr, CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long) {
	return *x = (CUgraphExec) new std::vector<Work>(*(std::vector<Work> *)g), CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec x, CUstream stream) {
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (CUresult e = ready("cuGraphLaunch")) return e;
	for (const Work &w : *(std::vector<Work> *)x) later(stream, w);
	return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph g) { return delete (std::vector<Work> *)g, CUDA_SUCCESS; }
CUresult cuGraphExecDestroy(CUgraphExec x) { return delete (std::vector<Work> *)x, CUDA_SUCCESS; }
}
