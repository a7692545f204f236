//go:build !linux

package wire

import "time"

// timer is the one of the Go runtime, as precise as that is on this platform. What
// a round trip took is measured, and shown, in any case.
type timer struct{}

func newTimer() (timer, error) { return timer{}, nil }

func (timer) sleep(d time.Duration) { time.Sleep(d) }

func (timer) close() error { return nil }
