package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tierceldb/tiercel/txnmgr"
)

// asChild makes the test's own program a child.
const asChild = "TIERCEL_CRASH_CHILD"

var (
	seed    = flag.Uint64("seed", 0, "seed of the crash test; 0: a new one, which is printed")
	crashes = flag.Int("crashes", 3, "how often the crash test kills")
	keep    = flag.String("keep", "", "folder to copy the store to after each kill")
)

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(m.Run())
	}
	load, err := ParseLoad(os.Args[1])
	if err == nil {
		err = Child(context.Background(), load, txnmgr.Open, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func startChild(load string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], load)
	cmd.Env = append(os.Environ(), asChild+"=1")
	return cmd
}

func testOptions(t *testing.T) Options {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	opts := Options{
		Dir: filepath.Join(t.TempDir(), "store"), Crashes: *crashes, Goroutines: 8, Keys: 100, Seed: s,
		Life: 300 * time.Millisecond, Start: startChild,
	}
	if *keep != "" {
		deaths := 0
		opts.Verify = func(dir string) error {
			deaths++
			os.RemoveAll(filepath.Join(*keep, fmt.Sprint(deaths-4)))
			if _, err := os.Stat(dir); err != nil {
				return nil // killed before it was made
			}
			return os.CopyFS(filepath.Join(*keep, fmt.Sprint(deaths)), os.DirFS(dir))
		}
	}
	return opts
}

func TestKilledChildren(t *testing.T) {
	res, err := Run(t.Context(), testOptions(t), func(s Sample) { t.Logf("%+v", s) })
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range res.Violations {
		t.Errorf("%s %s, %d times:", v.Invariant, v.Name, v.Count)
		for _, d := range v.Details {
			t.Log(d)
		}
	}
	if res.Crashes != *crashes || res.Acknowledged == 0 {
		t.Errorf("too little happened")
	}
	res.Violations = nil
	t.Logf("%+v", res)
}
