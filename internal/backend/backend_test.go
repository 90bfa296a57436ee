package backend

import (
	"errors"
	"strings"
	"testing"

	"dmtrain/internal/gpu"
)

func TestCPUIsAlwaysThere(t *testing.T) {
	be, err := Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	if got := be.Info().String(); !strings.HasPrefix(got, "cpu ") {
		t.Errorf("opened %s", got)
	}
}

// Auto is the CPU where there is no GPU or only an emulated one.
func TestAuto(t *testing.T) {
	be, err := Open("auto")
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	want := "cpu"
	if devices, err := gpu.Devices(); err == nil && !devices[0].Emulated {
		want = "cuda:0"
	}
	if got := be.Info().Name; got != want {
		t.Errorf("auto opened %s, want %s", got, want)
	}
}

// A GPU asked for by name is there or an error that names the setting and the way around.
func TestCUDA(t *testing.T) {
	be, err := Open("cuda")
	if devices, none := gpu.Devices(); none == nil && len(devices) > 0 {
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		if got := be.Info().Name; got != "cuda:0" {
			t.Errorf("opened %s", got)
		}
		if _, err = Open("cuda:999"); err == nil {
			t.Fatal("device 999 is there")
		}
	}
	if !errors.Is(err, gpu.ErrUnavailable) || !strings.HasPrefix(err.Error(), "device: cuda") ||
		!strings.HasSuffix(err.Error(), "device: cpu does without") {
		t.Errorf("the error is %v", err)
	}
}

func TestOrdinal(t *testing.T) {
	for device, want := range map[string]int{
		"cuda":    0,
		"cuda:0":  0,
		"cuda:12": 12,
		"":        -1,
		"gpu":     -1,
		"cuda:":   -1,
		"cuda:x":  -1,
		"cuda:-1": -1,
	} {
		n, err := ordinal(device)
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("%q is %d (%v), want %d", device, n, err, want)
		}
	}
}
