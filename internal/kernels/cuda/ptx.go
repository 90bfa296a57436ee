//go:build cuda && !cudaemu

package cuda

import (
	"embed"
	"strings"

	"dmtrain/internal/gpu"
)

//go:embed ptx/*.ptx
var ptx embed.FS

// modules are the kernels as PTX.
func modules() []gpu.Module {
	files, err := ptx.ReadDir("ptx")
	if err != nil {
		panic("cuda: no embedded PTX")
	}
	var out []gpu.Module
	for _, f := range files {
		text, err := ptx.ReadFile("ptx/" + f.Name())
		if err != nil {
			panic("cuda: unreadable embedded PTX")
		}
		out = append(out, gpu.Module{Name: strings.TrimSuffix(f.Name(), ".ptx"), PTX: string(text)})
	}
	return out
}
