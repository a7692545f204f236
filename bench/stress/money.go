package stress

import (
	"github.com/tierceldb/tiercel/txnmgr"
)

// balance returns what is in an account; one that is empty does not exist.
func balance(r txnmgr.Reader, account []byte) (int64, error) {
	value, err := getOrNil(r, account)
	if value == nil || err != nil {
		return 0, err
	}
	return number(value), nil
}

// setBalance stores a balance, or deletes an account that is empty.
func (w *worker) setBalance(tx *txnmgr.Txn, account []byte, amount int64) error {
	if amount == 0 {
		return tx.Delete(account)
	}
	return tx.Put(account, w.value(amount))
}

// transfer moves money between two accounts.
func (w *worker) transfer() outcome {
	return w.update(w.move, w.eitherWay(), txnmgr.WithLabel("transfer"))
}

func (w *worker) move(tx *txnmgr.Txn) error {
	i := w.rng.IntN(len(w.accounts))
	j := (i + 1 + w.rng.IntN(len(w.accounts)-1)) % len(w.accounts)
	from, to := w.accounts[i], w.accounts[j]
	have, err := balance(tx, from)
	if err != nil {
		return err
	}
	w.pause()
	other, err := balance(tx, to)
	if err != nil {
		return err
	}
	if have == 0 { // then the other way round
		from, to, have, other = to, from, other, have
	}
	if have == 0 {
		return errIdle
	}
	amount := 1 + w.rng.Int64N(have)
	if err := w.setBalance(tx, from, have-amount); err != nil {
		return err
	}
	return w.setBalance(tx, to, other+amount)
}

// audit is a transfer that counts the money before it commits: its scan must
// merge its own writes with its snapshot.
func (w *worker) audit() outcome {
	return w.update(func(tx *txnmgr.Txn) error {
		if err := w.move(tx); err != nil {
			return err
		}
		return w.countMoney(tx)
	}, txnmgr.WithLabel("audit"))
}

// scanAccounts counts the money in a read-only transaction.
func (w *worker) scanAccounts() outcome {
	return w.view(func(tx txnmgr.ReadTxn) error { return w.countMoney(tx) })
}

// countMoney scans all accounts both ways, and a part of them.
func (w *worker) countMoney(r txnmgr.Reader) error {
	all := prefixed(accountPrefix)
	w.scanBothWays(r, all)
	if err := r.Err(); err != nil {
		return err
	}
	if got := sum(w.up); got != w.total() {
		w.log.Add(ConstantTotal, "goroutine %d: %d accounts hold %d at snapshot %d, want %d",
			w.id, len(w.up), got, r.Snapshot(), w.total())
	}
	w.scanPart(r)
	return r.Err()
}

// scanBothWays leaves the range in w.up and w.down.
func (w *worker) scanBothWays(r txnmgr.Reader, s span) {
	w.up = gather(w.up[:0], r.Scan(s.lo, s.hi))
	w.pause()
	w.down = gather(w.down[:0], r.ScanDescending(s.lo, s.hi))
	if r.Err() != nil { // then both may have stopped half-way
		return
	}
	if err := ascending(w.up); err != nil {
		w.log.Add(ScanOrder, "goroutine %d: scan of [%s, %s): %v", w.id, s.lo, s.hi, err)
	}
	if err := mirrored(w.up, w.down); err != nil {
		w.log.Add(ScanOrder, "goroutine %d: scans of [%s, %s) at snapshot %d: %v", w.id, s.lo, s.hi, r.Snapshot(), err)
	}
}

// scanPart scans a range within the accounts, perhaps not to its end, and
// compares it with the whole in w.up.
func (w *worker) scanPart(r txnmgr.Reader) {
	lo := w.accounts[w.rng.IntN(len(w.accounts))]
	hi := w.accounts[w.rng.IntN(len(w.accounts))]
	want := between(w.up, lo, hi)
	if w.rng.IntN(2) == 0 {
		want = want[:min(2, len(want))]
		w.down = gatherSome(w.down[:0], r.Scan(lo, hi), len(want))
	} else {
		w.down = gather(w.down[:0], r.Scan(lo, hi))
	}
	if err := same(w.down, want); err != nil && r.Err() == nil {
		w.log.Add(ScanOrder, "goroutine %d: scan of [%s, %s) at snapshot %d: %v", w.id, lo, hi, r.Snapshot(), err)
	}
}
