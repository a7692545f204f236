//go:build !linux

package thread

import "time"

// CPU returns 0: the platform does not tell.
func CPU() time.Duration { return 0 }
