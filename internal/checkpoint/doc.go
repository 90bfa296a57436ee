// Package checkpoint stores training runs: tensors in safetensors files, one directory a checkpoint, one directory
// a run.
//
// # Tensors
//
// A safetensors file is the header's length (uint64), a JSON header (names, types, shapes, offsets,
// string metadata) and the data, all little-endian (https://huggingface.co/docs/safetensors).
// WriteTensors writes one; OpenTensors reads its header and then each tensor on demand:
//
//	t, err := checkpoint.OpenTensors("model.safetensors")
//	defer t.Close()
//	wte, err := t.Float32s("transformer.wte.weight")          // F32, F16 or BF16
//	err = t.ReadFloat32s(dst, "transformer.wte.weight", shape) // the same, of a known shape
//	ids, err := t.Int32s("in.ids")
//	hidden, err := t.Uint8s("mask.input")
//	t.Metadata()["case"]; t.Infos(); t.Info("in.ids")
//
// A file is untrusted: whatever the format forbids is an error that names the file and the tensor, and
// no allocation exceeds the file's own size by more than a small factor.
//
// # Checkpoints
//
// A checkpoint is a directory that any reader of Hugging Face's GPT-2 can load:
//
//	config.json            the model's shape
//	model.safetensors      parameters, named as GPT2LMHeadModel names them
//	tokenizer.json …       whatever the tokenizer saves
//	optimizer.safetensors  the optimiser's moments
//	state.json             all other state (State)
//	checksums.json         size and SHA-256 of every file above
//
// It is written under another name, synced file by file, and renamed: under its own name it is always whole. Load
// verifies every checksum; LoadModel leaves the optimizer out and also opens models published by others. A failed
// verification is a *DamagedError.
//
// # Runs
//
//	runs/x/config.yaml             the resolved configuration
//	runs/x/metrics.jsonl           package metrics
//	runs/x/checkpoints/step-000100 one checkpoint
//	runs/x/best, runs/x/last       links to two of them, for people; on Windows files that name them
//	runs/x/.lock                   held by the process that trains
//
// The last checkpoint is that of the greatest step; the State of the last one names the best. A trainer owns the
// run, everyone else views it:
//
//	run, err := checkpoint.ClaimRun(dir, overwrite)   // ErrRunExists, ErrRunBusy
//	run, err := checkpoint.ResumeRun(dir)             // ErrNoRun, ErrRunBusy
//	defer run.Close()
//	err = run.WriteFile(checkpoint.ConfigFile, text)
//	saved, err := run.Load("last")                    // ErrNoCheckpoint, *DamagedError
//	for _, p := range params {
//		err = saved.Params.ReadFloat32s(host, p.Name, p.Shape)
//		err = saved.Optimizer.ReadFloat32s(host, "exp_avg."+p.Name, p.Shape)
//	}
//	saved.Close()
//	dir, err := run.Save(&checkpoint.Checkpoint{State: …, Config: checkpoint.ModelFile(…), Model: …, …})
//	err = run.Prune(keep)                             // never the last or the best
//
//	run, err := checkpoint.ViewRun(dir)
//	saved, err := run.LoadModel("best")               // or "last", or "100"
//	m, err := saved.Model(be, false)
//
// A kill at any instant leaves a run that ResumeRun opens: it finds the last complete checkpoint and deletes the
// rest. To resume from an earlier one (because others are damaged), Load it and Rewind to its step.
package checkpoint
