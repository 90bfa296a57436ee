// Package checkpoint keeps what a training run knows: tensors in safetensors files, one directory a
// checkpoint, one directory a run.
//
// # Tensors
//
// A safetensors file is the header's length (uint64), a JSON header (names, types, shapes, offsets,
// string metadata) and the data, all little-endian
// (https://huggingface.co/docs/safetensors). WriteTensors writes one; OpenTensors reads its header and
// then each tensor on demand:
//
//	t, err := checkpoint.OpenTensors("model.safetensors")
//	defer t.Close()
//	wte, err := t.Float32s("wte.weight")                 // F32, F16 or BF16
//	err = t.ReadFloat32s(dst, "wte.weight", shape)       // the same, of a known shape
//	ids, err := t.Int32s("ids")
//	hidden, err := t.Uint8s("hidden")
//	t.Metadata()["case"]; t.Infos(); t.Info("ids")
//
// A file is untrusted: whatever the format forbids is an error that names the file and the tensor, and
// no allocation exceeds the file's own size by more than a small factor.
package checkpoint
