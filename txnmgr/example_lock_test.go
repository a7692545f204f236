package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Who locks a key before it reads has nothing to fear of others.
func ExampleTxn_GetForUpdate() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		apples, err := tx.GetForUpdate(ctx, []byte("fruit/apple"))
		if err != nil {
			return err
		}
		fmt.Printf("%s apples, all for me\n", apples)
		return tx.Delete([]byte("fruit/apple"))
	})
	fmt.Println(err)
	// Output:
	// 10 apples, all for me
	// <nil>
}

// Workers that take what nobody else is at, and do not wait for each other.
func ExampleTxn_Lock() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	take := func() *txnmgr.Txn {
		tx, err := m.Begin(ctx)
		if err != nil {
			log.Fatal(err)
		}
		for key := range tx.Scan([]byte("fruit/"), txnmgr.PrefixEnd([]byte("fruit/"))) {
			err := tx.Lock(ctx, key, txnmgr.ForUpdate, txnmgr.SkipLocked)
			if errors.Is(err, txnmgr.ErrLocked) {
				continue
			}
			fmt.Printf("%s %v\n", key, err)
			break
		}
		return tx
	}
	first, second := take(), take()
	defer first.Rollback()
	defer second.Rollback()
	for _, lock := range m.Locks() {
		fmt.Printf("%s: %v\n", lock.Key, lock.Holders)
	}
	// Output:
	// fruit/apple <nil>
	// fruit/cherry <nil>
	// fruit/apple: [transaction for update]
	// fruit/cherry: [transaction for update]
}

// The first phase may fail, the second cannot. In between, readers see nothing, and
// nobody else may change what is going to be written.
func ExampleTxn_Prepare() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	tx, err := m.Begin(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Put([]byte("fruit/apple"), []byte("9")); err != nil {
		log.Fatal(err)
	}
	if err := tx.Prepare(ctx, "order 17"); err != nil {
		log.Fatal(err)
	}
	show := func() {
		err := m.View(ctx, func(tx txnmgr.ReadTxn) error {
			apples, err := tx.Get([]byte("fruit/apple"))
			fmt.Printf("%s apples, %d prepared\n", apples, m.Stats().Prepared)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	show()
	// The other participants have voted too; whoever coordinates them decides.
	if err := m.CommitPrepared(ctx, "order 17"); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// 10 apples, 1 prepared
	// 9 apples, 0 prepared
}
