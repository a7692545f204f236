package txnmgr_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// Open a store, write to it and read from it.
func Example() {
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	err = m.Update(ctx, func(tx *txnmgr.Txn) error {
		return tx.Put([]byte("greeting"), []byte("hello"))
	})
	if err != nil {
		log.Fatal(err)
	}
	err = m.View(ctx, func(tx txnmgr.ReadTxn) error {
		value, err := tx.Get([]byte("greeting"))
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", value)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

// stock opens a store with some keys, for the examples below.
func stock() *txnmgr.Manager {
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = m.Update(ctx, func(tx *txnmgr.Txn) error {
		for _, fruit := range []string{"apple", "cherry", "plum"} {
			if err := tx.Put([]byte("fruit/"+fruit), []byte("10")); err != nil {
				return err
			}
		}
		return tx.Put([]byte("nut/hazel"), []byte("50"))
	})
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// Options hold for the whole manager; the zero value of each is a good default.
func ExampleOpen() {
	m, err := txnmgr.Open(context.Background(), txnmgr.Options{
		Isolation: txnmgr.Snapshot, // unless a transaction says otherwise
		MaxAge:    time.Hour,       // ends transactions that were forgotten
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Stats().Objects)
	if err := m.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: 0
}

// View is for reading: it takes no lock, and never fails because of others.
func ExampleManager_View() {
	m := stock()
	defer m.Close()
	err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		value, err := tx.Get([]byte("nut/hazel"))
		fmt.Printf("%s %v\n", value, err)
		_, err = tx.Get([]byte("nut/wal"))
		fmt.Println(errors.Is(err, txnmgr.ErrNotFound))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 50 <nil>
	// true
}

// Update commits what its function did if that returns nil, and does it all over
// again if somebody else has changed what was read.
func ExampleManager_Update() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	move := func(tx *txnmgr.Txn) error {
		value, err := tx.Get([]byte("fruit/plum"))
		if err != nil {
			return err
		}
		if err := tx.Delete([]byte("fruit/plum")); err != nil {
			return err
		}
		return tx.Put([]byte("fruit/prune"), value)
	}
	fmt.Println(m.Update(ctx, move))
	fmt.Println(errors.Is(m.Update(ctx, move), txnmgr.ErrNotFound)) // and rolls back
	// Output:
	// <nil>
	// true
}

// PrefixEnd makes a range of all keys that begin alike.
func ExamplePrefixEnd() {
	m := stock()
	defer m.Close()
	err := m.View(context.Background(), func(tx txnmgr.ReadTxn) error {
		prefix := []byte("fruit/")
		for key, value := range tx.Scan(prefix, txnmgr.PrefixEnd(prefix)) {
			fmt.Printf("%s=%s\n", key, value)
		}
		return tx.Err() // a scan that could not go on to its end says so here
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// fruit/apple=10
	// fruit/cherry=10
	// fruit/plum=10
}

// A scan sees the transaction's own writes, and may be left at any point.
func ExampleTxn_ScanDescending() {
	m := stock()
	defer m.Close()
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		if err := tx.Delete([]byte("nut/hazel")); err != nil {
			return err
		}
		for key := range tx.ScanDescending(nil, nil) {
			fmt.Printf("the last key is now %s\n", key)
			break
		}
		return tx.Err()
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: the last key is now fruit/plum
}

// A transaction may also be begun and ended by hand. Rollback after Commit does
// nothing, so it can be deferred.
func ExampleManager_Begin() {
	m := stock()
	defer m.Close()
	tx, err := m.Begin(context.Background(), txnmgr.WithLabel("delivery"))
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()

	if err := tx.Put([]byte("fruit/apple"), []byte("25")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(tx.Commit())
	fmt.Println(errors.Is(tx.Commit(), txnmgr.ErrTxnDone))
	// Output:
	// <nil>
	// true
}

// Insert refuses to replace a value.
func ExampleTxn_Insert() {
	m := stock()
	defer m.Close()
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		err := tx.Insert([]byte("fruit/apple"), []byte("1"))
		fmt.Println(errors.Is(err, txnmgr.ErrExists))
		return tx.Insert([]byte("fruit/quince"), []byte("1"))
	})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// A savepoint takes back a part of a transaction.
func ExampleTxn_Savepoint() {
	m := stock()
	defer m.Close()
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		if err := tx.Put([]byte("fruit/apple"), []byte("9")); err != nil {
			return err
		}
		before := tx.Savepoint()
		if err := tx.Delete([]byte("nut/hazel")); err != nil {
			return err
		}
		if err := tx.RollbackTo(before); err != nil {
			return err
		}
		apples, _ := tx.Get([]byte("fruit/apple"))
		nuts, _ := tx.Get([]byte("nut/hazel"))
		fmt.Printf("%s apples, %s hazelnuts\n", apples, nuts)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 9 apples, 50 hazelnuts
}

// A ConflictError says what stood in the way of a commit, and who.
func ExampleConflictError() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	tx, err := m.Begin(ctx, txnmgr.WithLabel("count"))
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Put([]byte("nut/hazel"), []byte("49")); err != nil {
		log.Fatal(err)
	}
	err = m.Update(ctx, func(tx *txnmgr.Txn) error {
		return tx.Put([]byte("nut/hazel"), []byte("30"))
	}, txnmgr.WithLabel("sale"))
	if err != nil {
		log.Fatal(err)
	}

	var conflict *txnmgr.ConflictError
	if err := tx.Commit(); errors.As(err, &conflict) {
		fmt.Printf("%s: %v\n", conflict.Key, conflict.Kind)
		fmt.Printf("it was %s, %s wants %s, %s has made it %s\n",
			conflict.Base, conflict.Label, conflict.Mine, conflict.OtherLabel, conflict.Theirs)
		fmt.Println("worth another try:", txnmgr.IsRetryable(err))
	}
	// Output:
	// nut/hazel: write-write
	// it was 50, count wants 49, sale has made it 30
	// worth another try: true
}

// A read-only transaction sees the store as it was when it began, for as long as
// it is open, whatever others commit.
func ExampleManager_BeginRead() {
	m := stock()
	defer m.Close()
	ctx := context.Background()
	before, err := m.BeginRead(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer before.Close()
	err = m.Update(ctx, func(tx *txnmgr.Txn) error {
		return tx.Put([]byte("fruit/apple"), []byte("none left"))
	})
	if err != nil {
		log.Fatal(err)
	}
	after, err := m.BeginRead(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer after.Close()
	for _, tx := range []txnmgr.Reader{before, after} {
		value, err := tx.Get([]byte("fruit/apple"))
		fmt.Printf("%s %v\n", value, err)
	}
	// Output:
	// 10 <nil>
	// none left <nil>
}

// A timeout bounds a whole transaction: the first call after it ends it.
func ExampleWithTimeout() {
	m := stock()
	defer m.Close()
	tx, err := m.Begin(context.Background(), txnmgr.WithTimeout(time.Nanosecond))
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	<-time.After(time.Millisecond)
	err = tx.Put([]byte("fruit/apple"), []byte("too late"))
	fmt.Println(errors.Is(err, txnmgr.ErrTimeout), errors.Is(err, txnmgr.ErrTxnDone))
	fmt.Println(errors.Is(tx.Commit(), txnmgr.ErrTimeout))
	// Output:
	// true true
	// true
}

// A context that is cancelled ends its transactions.
func ExampleManager_Update_cancelled() {
	m := stock()
	defer m.Close()
	ctx, cancel := context.WithCancel(context.Background())
	err := m.Update(ctx, func(tx *txnmgr.Txn) error {
		cancel()
		return tx.Put([]byte("fruit/apple"), []byte("0"))
	})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

// The function given to Update may run several times. What is to happen once, and
// only when the commit is certain, is for OnCommit.
func ExampleTxn_OnCommit() {
	m := stock()
	defer m.Close()
	err := m.Update(context.Background(), func(tx *txnmgr.Txn) error {
		tx.OnCommit(func(uint64) { fmt.Println("send the mail") })
		return tx.Put([]byte("fruit/apple"), []byte("5"))
	})
	fmt.Println(err)
	// Output:
	// send the mail
	// <nil>
}

// Stats shows what is in the store, and who has been at it the longest.
func ExampleManager_Stats() {
	m := stock()
	defer m.Close()
	tx, err := m.Begin(context.Background(), txnmgr.WithLabel("stock-taking"))
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback()
	s := m.Stats()
	fmt.Println("objects:", s.Objects)
	fmt.Println("commits:", s.Committed)
	fmt.Println("active:", s.Active)
	fmt.Println("oldest:", s.Oldest.Label)
	// Output:
	// objects: 4
	// commits: 1
	// active: 1
	// oldest: stock-taking
}
