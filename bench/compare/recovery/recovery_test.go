package recovery

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/tierceldb/tiercel/bench/compare/disk"
)

// TestMain is the child process if it is told so.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "fill" {
		bytes, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err == nil {
			err = Fill(context.Background(), os.Args[2], bytes, os.Stdout)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestAKilledStoreIsRecovered(t *testing.T) {
	folder, err := disk.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const bytes = 1 << 20
	r, err := Run(t.Context(), Options{
		Bytes: bytes, Rounds: 2, Folder: folder,
		Child: func(dir string) []string { return []string{os.Args[0], "fill", dir, strconv.Itoa(bytes)} },
	}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	s, ran := r.Median()
	if !ran || s.Took <= 0 || s.Transactions <= 0 || s.Transactions > bytes/recordBytes || s.Reports == 0 {
		t.Errorf("%+v", s)
	}
	if len(r.Goals()) != 1 {
		t.Errorf("goals %v", r.Goals())
	}
}

func TestAChildThatFailsIsNoticed(t *testing.T) {
	folder, err := disk.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), Options{Bytes: 1, Rounds: 1, Folder: folder, Child: func(string) []string { return []string{"go", "version"} }}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "invalid syntax") {
		t.Errorf("error %v", err)
	}
}
