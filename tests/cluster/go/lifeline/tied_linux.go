package main

import "syscall"

// tied kills a program with its parent, even if that is killed.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
