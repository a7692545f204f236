package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"time"
)

// process is a child as its parent sees it.
type process struct {
	cmd    *exec.Cmd
	errs   bytes.Buffer // its standard error
	opened chan struct{}
	dead   chan struct{} // closed when the pipe is at its end

	// Known when it is dead.
	events []*event
	err    error // of the pipe
}

// start starts a child.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, opened: make(chan struct{}), dead: make(chan struct{})}
	cmd.Stderr = &p.errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.dead)
		p.err = listen(pipe, func(e *event) {
			if p.events = append(p.events, e); e.What == opened {
				close(p.opened)
			}
		})
	}()
	return p, nil
}

// delay is when to kill a child.
type delay struct {
	from origin
	wait time.Duration
}

// origin is where a delay counts from.
type origin int

const (
	fromOpened origin = iota
	fromStart
)

// drawDelay draws when to kill, given how long starting and opening take, about.
func drawDelay(rng *rand.Rand, opening, life time.Duration) delay {
	if rng.IntN(4) == 0 {
		return delay{fromStart, time.Duration(rng.Int64N(int64(2*opening) + 1))}
	}
	return delay{fromOpened, time.Duration(rng.Int64N(int64(life) + 1))}
}

// patience is how long a child may take to open the store, or to close it.
const patience = 60 * time.Second

// kill kills the child at its time, and returns when it is dead.
func (p *process) kill(ctx context.Context, d delay) error {
	if d.from == fromOpened {
		select {
		case <-p.opened:
		case <-p.dead:
		case <-ctx.Done():
		case <-time.After(patience):
			return p.stuck("has not opened the store")
		}
	}
	select {
	case <-p.dead:
		return p.died()
	case <-ctx.Done():
	case <-time.After(d.wait):
	}
	p.cmd.Process.Kill()
	<-p.dead
	p.cmd.Wait() // says that it was killed
	return p.err
}

// finish returns when the child has ended by itself.
func (p *process) finish(ctx context.Context) error {
	select {
	case <-p.dead:
	case <-ctx.Done():
		p.cmd.Process.Kill()
		<-p.dead
		p.cmd.Wait()
		return p.err
	case <-time.After(patience):
		return p.stuck("has not closed the store")
	}
	if n := len(p.events); n == 0 || p.events[n-1].What != closed {
		return p.died()
	}
	return errors.Join(p.err, p.cmd.Wait())
}

// deathError says that a child could not go on: an error of the store, a panic, or
// somebody who waits for ever.
type deathError struct{ error }

// died says that the child ended although it should not have.
func (p *process) died() error {
	err := p.cmd.Wait()
	return deathError{fmt.Errorf("the child ended by itself: %v\n%s", err, bytes.TrimSpace(p.errs.Bytes()))}
}

// stuck kills the child, after it has said what its goroutines do, where it can.
func (p *process) stuck(why string) error {
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.dead:
	case <-time.After(time.Second):
		p.cmd.Process.Kill()
		<-p.dead
	}
	p.cmd.Wait()
	return deathError{fmt.Errorf("the child %s for %v\n%s", why, patience, bytes.TrimSpace(p.errs.Bytes()))}
}
