package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const program = "./cmd/dmtrain"

// settings is the environment of the go command for a system, without settings of this machine that could change the
// program. The zero system is this machine's.
func settings(s system) []string {
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOFIPS140=off",
		"GOAMD64=v1", "GOARM64=v8.0")
	if s != (system{}) {
		env = append(env, "GOOS="+s.os, "GOARCH="+s.arch)
	}
	return env
}

// build builds the program for a system, without symbols and paths of this machine.
func build(s system, to string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", to, program)
	cmd.Env = settings(s)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// output runs a program and returns its output.
func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return out, nil
}

// identify asks a program which commit it was built from.
func identify(program string) (identity, error) {
	text, err := output(program, "version", "--json")
	if err != nil {
		return identity{}, err
	}
	var v struct {
		Version string
		Time    time.Time
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return identity{}, fmt.Errorf("%s version --json: %w", program, err)
	}
	id := identity{version: strings.Trim(v.Version, "()"), time: v.Time}
	if seconds := os.Getenv("SOURCE_DATE_EPOCH"); seconds != "" {
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return id, errors.New("SOURCE_DATE_EPOCH: not a number of seconds")
		}
		id.time = time.Unix(n, 0)
	}
	if id.time.Year() < 1980 { // zip files can't hold earlier years
		id.time = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	id.time = id.time.UTC()
	return id, nil
}
