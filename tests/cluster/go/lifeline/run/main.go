// run starts the program that its arguments name and ends it when standard input closes.
package main

import (
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
	fmt.Fprintf(os.Stderr, "%s ended: %v\n", os.Args[1], err)
	os.Exit(1)
}
