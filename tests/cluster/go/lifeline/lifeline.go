// Package lifeline ends this process when standard input closes.
//
// The test fixture holds the other end of that pipe. However it ends (returns, panics, is interrupted or killed), the
// kernel closes the pipe, and no control plane outlives the tests.
package lifeline

import (
	"io"
	"os"
	"os/exec"
	"runtime"
)

// Hold starts watching standard input and returns at once.
func Hold() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// Run starts a program that has no lifeline of its own and ends it with this process.
func Run(program *exec.Cmd) error {
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
