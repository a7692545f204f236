//go:build unix

package disk

import "golang.org/x/sys/unix"

// flush has the system write what is in its memory.
func flush() { unix.Sync() }
