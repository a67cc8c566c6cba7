// lifeline runs the program that its arguments name and ends it when standard input closes.
//
// The test fixture holds the other end of that pipe. However it ends (returns, panics, is interrupted or killed), the
// kernel closes the pipe, and no control plane outlives the tests. The programs themselves could listen for that only
// once their packages are initialized, which takes those of KubeVirt seven seconds of work.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "name a program")
		os.Exit(2)
	}
	err := run(exec.Command(os.Args[1], os.Args[2:]...))
	var ended *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &ended):
		os.Exit(max(ended.ExitCode(), 1))
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(program *exec.Cmd) error {
	// Where the kernel can tie the program to this process, it ties it to the thread that started it.
	runtime.LockOSThread()
	program.SysProcAttr = tied()
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = program.Process.Kill()
	}()
	return program.Wait()
}
