package txnmgr_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/tierceldb/tiercel/txnmgr"
)

// exampleDir returns the name of a new directory, and what removes it.
func exampleDir() (dir string, remove func()) {
	parent, err := os.MkdirTemp("", "tiercel-example-*")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(parent, "store"), func() { os.RemoveAll(parent) }
}

// A store in a directory is there again when it is opened again.
func ExampleOpen_onDisk() {
	dir, remove := exampleDir()
	defer remove()
	ctx := context.Background()
	for range 3 {
		m, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir})
		if err != nil {
			log.Fatal(err)
		}
		err = m.Update(ctx, func(tx *txnmgr.Txn) error {
			visits, _ := tx.Get([]byte("visits")) // nil if there are none
			return tx.Put([]byte("visits"), append(bytes.Clone(visits), '|'))
		})
		if err != nil {
			log.Fatal(err) // it is not on the disk, or, after ErrCommitUnknown, perhaps
		}
		err = m.View(ctx, func(tx txnmgr.ReadTxn) error {
			visits, err := tx.Get([]byte("visits"))
			fmt.Printf("%s\n", visits)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
		if err := m.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// |
	// ||
	// |||
}

// With CommitThen a client goes on while the disk has not got its commit yet.
func ExampleTxn_CommitThen() {
	dir, remove := exampleDir()
	defer remove()
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	durable := make(chan string, 3)
	for _, order := range []string{"first", "second", "third"} {
		tx, err := m.Begin(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if err := tx.Put([]byte(order), nil); err != nil {
			log.Fatal(err)
		}
		err = tx.CommitThen(func(err error) { durable <- fmt.Sprint(order, ": ", err) })
		if err != nil {
			log.Fatal(err) // it is not committed, and nobody will call
		}
	}
	for range 3 {
		fmt.Println(<-durable)
	}
	// Output:
	// first: <nil>
	// second: <nil>
	// third: <nil>
}

// Backup writes one state while others commit; Restore makes a new store of it.
func ExampleManager_Backup() {
	dir, remove := exampleDir()
	defer remove()
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	// Load is quicker than Put where there is nothing yet.
	err = m.Load(ctx, func(yield func(key, value []byte) bool) {
		for i := range 1000 {
			if !yield(fmt.Appendf(nil, "row %04d", i), []byte("value")) {
				return
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer // or an *os.File, which is synced and closed afterwards
	if err := m.Backup(ctx, &file); err != nil {
		log.Fatal(err)
	}
	if err := txnmgr.Restore(ctx, dir, &file); err != nil {
		log.Fatal(err)
	}
	report, err := txnmgr.Verify(ctx, dir, nil)
	fmt.Println(report.Objects.Keys, "keys,", err, report.Err())
	// Output: 1000 keys, <nil> <nil>
}

// What is prepared outlives the process, and is finished by its name.
func ExampleManager_CommitPrepared() {
	dir, remove := exampleDir()
	defer remove()
	ctx := context.Background()
	m, err := txnmgr.Open(ctx, txnmgr.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	tx, err := m.Begin(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Put([]byte("paid"), []byte("yes")); err != nil {
		log.Fatal(err)
	}
	if err := tx.Prepare(ctx, "order 17"); err != nil {
		log.Fatal(err)
	}
	if err := m.Close(); err != nil { // or a crash
		log.Fatal(err)
	}

	m, err = txnmgr.Open(ctx, txnmgr.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	for _, p := range m.Prepared() {
		fmt.Printf("%s writes %s: %v\n", p.XID, p.Keys[0], m.CommitPrepared(ctx, p.XID))
	}
	// Output: order 17 writes paid: <nil>
}
