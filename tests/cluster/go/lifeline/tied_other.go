//go:build !linux

package lifeline

import "syscall"

func tied() *syscall.SysProcAttr {
	return nil
}
