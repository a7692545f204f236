package wire

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timer is a timer of the kernel. Its expiry is read like a file, through the
// network poller: meanwhile no thread and no processor is held, and the kernel is
// exact to a few microseconds, with no slack added.
type timer struct {
	descriptor int
	file       *os.File
}

func newTimer() (timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return timer{}, fmt.Errorf("making a timer: %w", os.NewSyscallError("timerfd_create", err))
	}
	return timer{fd, os.NewFile(uintptr(fd), "timer")}, nil
}

// sleep waits for d, or, should the kernel refuse, as long as the runtime can.
func (t timer) sleep(d time.Duration) {
	if t.expire(d) != nil {
		time.Sleep(d)
	}
}

// expire sets the timer and waits for it.
func (t timer) expire(d time.Duration) error {
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(t.descriptor, 0, &once, nil); err != nil {
		return err
	}
	var expiries [8]byte
	_, err := t.file.Read(expiries[:])
	return err
}

func (t timer) close() error { return t.file.Close() }
