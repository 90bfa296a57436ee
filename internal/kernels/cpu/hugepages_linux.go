package cpu

import "golang.org/x/sys/unix"

// preferHugePages asks for large pages behind b: fewer address translations where gigabytes are streamed. It is
// advice, so its failure is none.
func preferHugePages(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
