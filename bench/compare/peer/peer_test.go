package peer

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func each(t *testing.T, run func(t *testing.T, c Contestant)) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) { run(t, c) })
	}
}

func open(t *testing.T, c Contestant, config Config) Store {
	t.Helper()
	config.LogBytes = 1 << 20
	s, err := c.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

const clients = 8

func key(client, i int) []byte { return fmt.Appendf(nil, "%02d-%04d", client, i) }

// write has clients write a few objects each at the same time, and change them.
func write(t *testing.T, s Store) {
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			value := []byte("value")
			for round := range 5 {
				value[0] = byte('0' + round) // the store has taken what it needs
				err := s.Update(func(tx Tx) error {
					for i := range 3 {
						if err := changed(tx, key(c, i), value); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("client %d: %v", c, err)
				}
			}
		})
	}
	all.Wait()
}

// changed puts a value where the one before it must be.
func changed(tx Tx, key, value []byte) error {
	old, err := tx.Get(key)
	switch {
	case errors.Is(err, ErrNoObjects):
	case value[0] == '0' && !errors.Is(err, ErrNotFound):
		return fmt.Errorf("an object that is new: %q, %w", old, err)
	case value[0] > '0' && (err != nil || old[0] != value[0]-1):
		return fmt.Errorf("before %q: %q, %w", value, old, err)
	}
	return tx.Put(key, value)
}

func TestWhatIsCommittedIsThereAfterwards(t *testing.T) {
	each(t, func(t *testing.T, c Contestant) {
		config := Config{Dir: t.TempDir(), Clients: clients}
		s := open(t, c, config)
		write(t, s)
		closed(t, s)
		s = open(t, c, config)
		defer closed(t, s)
		for client := range clients {
			err := s.Select(key(client, 2), func(value []byte) {
				if !bytes.Equal(value, []byte("4alue")) {
					t.Errorf("%q", value)
				}
			})
			if err != nil && c.Name != Limit || c.Name == Limit && !errors.Is(err, ErrNoObjects) {
				t.Error(err)
			}
		}
	})
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, c Contestant) {
		s := open(t, c, Config{Dir: t.TempDir(), Clients: 1, CacheBytes: 8 << 20})
		defer closed(t, s)
		reason := errors.New("no")
		err := s.Update(func(tx Tx) error {
			return errors.Join(tx.Put([]byte("key"), []byte("value")), reason)
		})
		if !errors.Is(err, reason) {
			t.Errorf("the error is %v", err)
		}
		if err := s.Select([]byte("key"), func([]byte) { t.Error("it is there") }); err == nil {
			t.Error("no error")
		}
	})
}

func TestAFolderThatIsAFile(t *testing.T) {
	each(t, func(t *testing.T, c Contestant) {
		if s, err := c.Open(Config{Dir: "peer_test.go", Clients: 1}); err == nil {
			closed(t, s)
			t.Error("it opened")
		}
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, c Contestant) {
		if got, found := Named(c.Name); !found || got.Name != c.Name {
			t.Errorf("found %v, %v", got.Name, found)
		}
	})
	if _, found := Named("nobody"); found {
		t.Error("somebody is called nobody")
	}
}

// TestTheLimitBeginsAgain writes more than the bare log is long.
func TestTheLimitBeginsAgain(t *testing.T) {
	s := open(t, Contestant{Limit, openLimit}, Config{Dir: t.TempDir(), Clients: 1})
	defer closed(t, s)
	value := make([]byte, 300<<10)
	for range 8 {
		if err := s.Update(func(tx Tx) error { return tx.Put([]byte("key"), value) }); err != nil {
			t.Fatal(err)
		}
	}
	if at := s.(*limit).at; at > 1<<20 {
		t.Errorf("it is at %d", at)
	}
}
