package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tierceldb/tiercel/bench/report"
	"github.com/tierceldb/tiercel/bench/stress"
	"github.com/tierceldb/tiercel/txnmgr"
)

// offline is a command that looks at a store that nobody has open.
type offline struct {
	common
	title string
	look  func(ctx context.Context, dir string, progress func(done, all int64)) (txnmgr.VerifyReport, error)
}

func (b *bench) newVerify() *cobra.Command {
	o := offline{title: "verify", look: txnmgr.Verify}
	cmd := b.newOffline(&o)
	cmd.Use, cmd.Short = "verify DIR", "Check a store on the disk that nobody has open"
	cmd.Long = `Verify reads all of the store in a folder: every checksum in the commit log and in
the object store, and every record of the log. Timestamps must be in order, log and
object store must be of one store and leave no gap between them, and the object
store must have exactly what the log says, as far as that goes back. Nothing is
changed. What is wrong is named with its place, and the exit status is 1. A write
at the end of the log that a crash has cut off is not wrong.`
	cmd.Example = `  go run ./bench verify /tmp/crashed
  go run ./bench verify /tmp/crashed --json verify.json`
	return cmd
}

func (b *bench) newStats() *cobra.Command {
	o := offline{title: "stats", look: func(ctx context.Context, dir string, _ func(done, all int64)) (txnmgr.VerifyReport, error) {
		return txnmgr.Inspect(ctx, dir)
	}}
	cmd := b.newOffline(&o)
	cmd.Use, cmd.Short = "stats DIR", "Show the figures of a store on the disk that nobody has open"
	cmd.Long = `Stats shows how large the store in a folder is, how far its log and its object
store go, and what is prepared. It reads the log, but not the tables of the object
store, whose keys it therefore counts too often if they were written again lately.
Nothing is changed.`
	cmd.Example = `  go run ./bench stats /tmp/crashed
  go run ./bench stats /tmp/crashed --json - | jq .commits_to_replay`
	return cmd
}

func (b *bench) newOffline(o *offline) *cobra.Command {
	cmd := &cobra.Command{Args: oneFolder}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := o.prepare(cmd, nil)
		if err != nil {
			return err
		}
		defer s.abandon()
		s.seed = 0 // there is nothing random in it
		return b.offline(cmd.Context(), s, o, args[0])
	}
	o.registerJSON(cmd.Flags())
	return cmd
}

func oneFolder(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usageError{fmt.Errorf("give the folder of a store: go run ./%s", cmd.UseLine())}
	}
	return nil
}

// offline looks at the store and shows what is there.
func (b *bench) offline(ctx context.Context, s *session, o *offline, dir string) error {
	fmt.Fprintf(b.out, "%s: %s\n", o.title, dir)
	begun := time.Now()
	res, err := o.look(ctx, dir, func(done, all int64) {
		b.progress.Show("%s: %s of %s MB", o.title, report.Count(done>>20), report.Count(all>>20))
	})
	b.progress.Clear()
	switch {
	case err != nil && ctx.Err() != nil:
		return runError{fmt.Errorf("%s: interrupted before the end; nothing is known of it", dir)}
	case errors.Is(err, txnmgr.ErrNoStore):
		return runError{fmt.Errorf("%s: there is no store in it", dir)}
	case errors.Is(err, txnmgr.ErrInUse):
		return runError{fmt.Errorf("%s: a process has the store open; close it first", dir)}
	case err != nil:
		return runError{err}
	}
	elapsed := time.Since(begun)
	b.showStore(res)
	violations := problems(res)
	out := struct {
		header
		storeResult
	}{s.header(judge(violations), false), newStoreResult(dir, res, elapsed)}
	if err := s.finish(out, report.Chart{}); err != nil {
		return err
	}
	return b.concludeStore(violations, fmt.Sprintf("%s in the log, %s, %s",
		counted(res.Log.Commits, "commit"), inObjects(res), report.Short(elapsed)))
}

// inObjects says what is in the object store: keys, and not yet all commits.
func inObjects(res txnmgr.VerifyReport) string {
	if isUnread(res.Objects) {
		return "the object store cannot be read"
	}
	text := keysIn(res.Objects) + " keys in the object store"
	if res.Replay > 0 {
		text += fmt.Sprintf(", which %s of the commits have yet to reach", report.Count(res.Replay))
	}
	return text
}

// isUnread reports whether nothing is known of the object store.
func isUnread(o txnmgr.ObjectsReport) bool { return o.Cut && o.Tables == 0 }

// keysIn is how many keys the object store has, as far as that is known.
func keysIn(o txnmgr.ObjectsReport) string {
	switch {
	case o.Cut && o.Keys == 0:
		return "unknown"
	case o.Cut:
		return report.Count(o.Keys) + " or more"
	}
	return report.Count(o.Keys)
}

// counted writes a number of things.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return report.Count(n) + " " + one + "s"
}

// concludeStore is conclude for a command without a seed.
func (b *bench) concludeStore(violations []stress.Violation, summary string) error {
	if len(violations) == 0 {
		fmt.Fprintf(b.out, "\nverdict: OK: %s\n", summary)
		return nil
	}
	b.showViolations(violations)
	fmt.Fprintf(b.out, "\nverdict: FAILED: %s; %s\n", names(violations), summary)
	return errBroken
}

// problems makes violations of what is wrong with a store, one for each kind.
func problems(res txnmgr.VerifyReport) []stress.Violation {
	violations := []stress.Violation{}
	for _, kind := range []struct {
		err  error
		name string
	}{
		{txnmgr.ErrCorrupt, "store is damaged"},
		{txnmgr.ErrVersion, "written by another version"},
		{txnmgr.ErrOtherStore, "log and object store are of different stores"},
	} {
		v := stress.Violation{Name: kind.name}
		for _, problem := range res.Problems {
			if errors.Is(problem, kind.err) {
				v.Count++
				v.Details = append(v.Details, problem.Error())
			}
		}
		if v.Count > 0 {
			violations = append(violations, v)
		}
	}
	if res.Undescribed > 0 {
		violations[len(violations)-1].Count += uint64(res.Undescribed)
	}
	return violations
}

func (b *bench) showStore(res txnmgr.VerifyReport) {
	l := res.Log
	t := report.Table{}
	t.Add("store", res.StoreID)
	t.Add("log", megabytes(l.DiskBytes), fmt.Sprintf("%s, %s spare", counted(l.Segments, "segment"), report.Count(l.Spares)))
	t.Add("commits in it", report.Count(l.Commits), span(l.First, l.Last))
	t.Add("written together in groups", report.Count(l.Groups))
	t.Add("ends", ending(l))
	addObjects(&t, res)
	t.Add("prepared", report.Count(len(res.Prepared)))
	t.Write(b.out)
	for _, p := range res.Prepared {
		fmt.Fprintf(b.out, "    %q %s, since %s, %s\n", p.XID, p.Label, p.Since.Format(time.RFC3339), counted(len(p.Keys), "key"))
	}
}

// addObjects adds the rows about the object store, as far as something is known of it.
func addObjects(t *report.Table, res txnmgr.VerifyReport) {
	o := res.Objects
	if isUnread(o) {
		t.Add("object store", "cannot be read")
		return
	}
	t.Add("object store", megabytes(int64(o.DiskBytes)), counted(o.Tables, "table"))
	behind := ""
	if res.Replay > 0 {
		behind = counted(res.Replay, "commit") + " yet to reach it"
	}
	t.Add("keys in it", keysIn(o), behind)
	if o.Bytes > 0 {
		t.Add("keys and values", megabytes(int64(o.Bytes)))
	}
	t.Add("it has everything up to", report.Count(o.Applied))
	t.Add("commits to do again at the next start", report.Count(res.Replay))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

func span(first, last uint64) string {
	if last == 0 {
		return ""
	}
	return fmt.Sprintf("%s to %s", report.Count(first), report.Count(last))
}

// ending says how the log ends.
func ending(l txnmgr.LogReport) string {
	switch {
	case l.Segments == 0:
		return "there is none"
	case l.Closed:
		return "closed"
	case l.Torn != "":
		return "not closed, a write was cut off: " + l.Torn
	}
	return "not closed"
}

// storeResult is the JSON of verify and stats.
type storeResult struct {
	Dir         string               `json:"dir"`
	Seconds     float64              `json:"seconds"`
	StoreID     string               `json:"store_id"`
	Log         txnmgr.LogReport     `json:"log"`
	Objects     txnmgr.ObjectsReport `json:"objects"`
	Replay      int                  `json:"commits_to_replay"`
	Prepared    []preparedResult     `json:"prepared"`
	Problems    []string             `json:"problems"`
	Undescribed int                  `json:"more_problems"`
}

// preparedResult is a prepared transaction in JSON.
type preparedResult struct {
	XID   string        `json:"xid"`
	Label string        `json:"label"`
	Since time.Time     `json:"since"`
	Limit time.Duration `json:"limit_ns"`
	Keys  [][]byte      `json:"keys"` // in base 64
}

func newStoreResult(dir string, res txnmgr.VerifyReport, elapsed time.Duration) storeResult {
	out := storeResult{
		Dir: dir, Seconds: elapsed.Seconds(), StoreID: res.StoreID, Log: res.Log, Objects: res.Objects,
		Replay: res.Replay, Prepared: []preparedResult{}, Problems: []string{}, Undescribed: res.Undescribed,
	}
	for _, p := range res.Prepared {
		out.Prepared = append(out.Prepared, preparedResult(p))
	}
	for _, p := range res.Problems {
		out.Problems = append(out.Problems, p.Error())
	}
	return out
}
