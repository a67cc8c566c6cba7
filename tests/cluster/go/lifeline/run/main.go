// run starts the program that its arguments name and ends it when standard input closes.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"wukong.test/lifeline"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "name a program")
		os.Exit(2)
	}
	err := lifeline.Run(exec.Command(os.Args[1], os.Args[2:]...))
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
