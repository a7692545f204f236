package recovery

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/atomic"

	"github.com/tierceldb/tiercel/bench/compare/commits"
	"github.com/tierceldb/tiercel/bench/compare/object"
	"github.com/tierceldb/tiercel/bench/crew"
	"github.com/tierceldb/tiercel/bench/workload"
	"github.com/tierceldb/tiercel/txnmgr"
)

const (
	clients = 64
	seed    = 1 // of the fillers of objects; the parent has to know them
)

// recordBytes is what a transaction takes in the log at least: its keys and values.
// What comes on top is less than a hundredth of that.
const recordBytes = commits.ObjectsPerTxn * (workload.KeySize + commits.ObjectSize)

// options leave room in the log for more than is committed.
func options(dir string, bytes int64) txnmgr.Options {
	return txnmgr.Options{Dir: dir, LogBytes: 2*bytes + 64<<20}
}

// Fill is the child process: it commits so many bytes, writes the number of its
// transactions to out, and waits for ctx to end, or to be killed.
func Fill(ctx context.Context, dir string, bytes int64, out io.Writer) error {
	m, err := txnmgr.Open(ctx, options(dir, bytes))
	if err != nil {
		return err
	}
	f := &filler{m: m, maker: object.NewMaker(commits.ObjectSize, seed), transactions: bytes / recordBytes}
	var errs [clients]error
	crew.Run(ctx, crew.Plan{Goroutines: clients}, func(id int, stop *crew.Stop) { errs[id] = f.run(ctx, stop) })
	if err := errors.Join(errs[:]...); err != nil {
		return errors.Join(err, m.Close())
	}
	fmt.Fprintln(out, f.transactions)
	<-ctx.Done()
	return m.Close()
}

// filler commits transactions that are numbered.
type filler struct {
	m            *txnmgr.Manager
	maker        *object.Maker
	transactions int64
	begun        atomic.Int64
}

func (f *filler) run(ctx context.Context, stop *crew.Stop) error {
	var key object.Key
	value := make([]byte, commits.ObjectSize)
	for !stop.Requested() {
		n := f.begun.Inc() - 1
		if n >= f.transactions {
			return nil
		}
		err := f.m.Update(ctx, func(tx *txnmgr.Txn) error {
			for i := range uint64(commits.ObjectsPerTxn) {
				f.maker.Fill(&key, value, uint64(n)*commits.ObjectsPerTxn+i, 0)
				if err := tx.Put(key[:], value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			stop.Request()
			return err
		}
	}
	return nil
}
