package deps_test

import (
	"testing"
	"testing/synctest"
)

// TestAcknowledge: the acknowledged commit becomes readable with its group. If others
// were acknowledged meanwhile, the list may be cut behind it.
func TestAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBase(t)
		x, y := b.begin().put("x", "a"), b.begin().put("y", "b")
		leave := b.HoldSection()
		go x.commit()
		synctest.Wait()
		go y.commit()
		synctest.Wait()
		leave()
		synctest.Wait()
		want(t, "end of the group", x.GroupEnd(), &y.Record)
		b.Acknowledge(&x.Record)
		b.Acknowledge(&y.Record)
		x.CutBehind()
		want(t, "end of a group that is cut", x.GroupEnd(), nil)
		b.Acknowledge(&x.Record)
	})
}
