package txnmgr_test

import (
	"testing"
	"testing/synctest"
)

// call is a call that may have to wait, on a goroutine of its own. It is for tests in
// a synctest bubble.
type call struct {
	what string
	done chan struct{} // closed when it has returned
	err  error         // read it behind done
}

func start(what string, f func() error) *call {
	c := &call{what: what, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = f()
	}()
	synctest.Wait()
	return c
}

// waits checks that the call has not returned, and will not by itself.
func (c *call) waits(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-c.done:
		t.Errorf("%s returned %v, and should wait", c.what, c.err)
	default:
	}
}

// mayReturn checks that the call has returned, and no error but one that matches all
// targets. Who waits when the manager is closed may still be served.
func (c *call) mayReturn(t *testing.T, targets ...error) {
	t.Helper()
	synctest.Wait()
	select {
	case <-c.done:
		if c.err != nil {
			wantErr(t, c.what, c.err, targets...)
		}
	default:
		t.Fatalf("%s waits, and should not", c.what)
	}
}

// returns checks that the call has returned an error that matches every target, or
// none.
func (c *call) returns(t *testing.T, targets ...error) {
	t.Helper()
	synctest.Wait()
	select {
	case <-c.done:
		wantErr(t, c.what, c.err, targets...)
	default:
		t.Fatalf("%s waits, and should not", c.what)
	}
}
